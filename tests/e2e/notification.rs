//! From a true rule to a person, and back.

use crate::support::ca::{Ca, Flaw};
use crate::support::http::{Answer, HttpFake};
use crate::support::smtp::{Behaviour, SmtpFake, Tls};
use crate::world::{Ran, World, slack, told};

#[test]
fn slack_is_told_once_when_it_begins_and_once_when_it_ends() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let world = World::with_queue(&slack(&fake));
    assert_eq!(world.check(), Ran::silent(0));
    assert_eq!(told(&fake), [""; 0]);

    world.queue(50);
    let fired = "[HIGH] QUEUE_LONG: 50 are waiting | id 1-1";
    assert_eq!(world.check(), Ran::silent(1));
    assert_eq!(told(&fake), [fired]);
    world.queue(60);
    assert_eq!(world.check(), Ran::silent(1));
    assert_eq!(world.check(), Ran::silent(1));
    assert_eq!(told(&fake), [fired], "who knows it is not told again");

    world.queue(3);
    assert_eq!(world.check(), Ran::silent(0));
    let resolved = "[HIGH] Resolved: QUEUE_LONG: 3 are waiting | id 1-2";
    assert_eq!(told(&fake), [fired, resolved]);
    assert_eq!(world.check(), Ran::silent(0));
    assert_eq!(told(&fake), [fired, resolved]);

    world.queue(99);
    assert_eq!(world.check(), Ran::silent(1));
    assert_eq!(told(&fake)[2..], ["[HIGH] QUEUE_LONG: 99 are waiting | id 2-3"], "a new episode is a new alert");
}

#[test]
fn the_message_says_what_to_know() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let world = World::with_queue(&format!("action = \"Drain it.\"\n{}", slack(&fake)));
    world.queue(50);
    world.check();
    let post = fake.seen()[0].json();
    let fields: Vec<&str> =
        post["blocks"][2]["fields"].as_array().unwrap().iter().map(|field| field["text"].as_str().unwrap()).collect();
    let names: Vec<&str> = fields.iter().map(|field| field.lines().next().unwrap()).collect();
    assert_eq!(
        names,
        ["Alert type", "Severity", "Value", "Limit", "Worst value", "Since", "Timestamp", "System", "probe"]
    );
    assert_eq!(
        fields[..5],
        ["Alert type\nQUEUE_LONG", "Severity\nHIGH", "Value\n50", "Limit\n&gt; 10", "Worst value\n50"]
    );
    assert_eq!(post["blocks"][3]["text"]["text"], "Action required: Drain it.");
}

#[test]
fn the_message_shows_how_the_value_came_there() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let world = World::with_queue(&slack(&fake));
    for depth in [0, 0, 50] {
        world.queue(depth);
        world.check();
        // two minutes apart, as a picture of an hour can tell
        world.change("UPDATE sample SET tick = tick - 120000; UPDATE latest SET tick = tick - 120000");
        world.change("UPDATE cycle SET tick = tick - 120000, started = started - 120000, finished = finished - 120000");
    }
    let post = fake.seen()[0].json()["blocks"][2].to_string();
    assert!(post.contains("Last hour\\n▁▁█"), "{post}");
}

#[test]
fn mail_goes_out_once_each_over_starttls_with_a_login() {
    let ca = Ca::new();
    let login = Some(("mon@example.org".to_owned(), "hush".to_owned()));
    let tls = Tls::Start(ca.server(Flaw::None));
    let fake = SmtpFake::start(Behaviour { tls, login, ..Behaviour::default() });
    let mail = format!(
        r#"
[channels.mail.email]
host = "localhost"
port = {}
user = "mon@example.org"
password = "hush"
to = ["ops@example.org"]
"#,
        fake.port()
    );
    let world = World::with_queue(&mail);
    ca.write(&world.path("ca.pem"));
    world.configure(&format!("{}{mail}", crate::world::QUEUE).replace("[monitor]", "[monitor]\nca_file = \"@ca.pem\""));

    world.queue(50);
    assert_eq!(world.check(), Ran::silent(1));
    assert_eq!(world.check(), Ran::silent(1));
    world.queue(3);
    assert_eq!(world.check(), Ran::silent(0));
    assert_eq!(world.check(), Ran::silent(0));

    let mails = fake.mails();
    let subjects: Vec<String> = mails.iter().filter_map(|mail| mail.header("Subject")).collect();
    assert_eq!(subjects, ["[HIGH] QUEUE_LONG: 50 are waiting", "[HIGH] Resolved: QUEUE_LONG: 3 are waiting"]);
    for mail in &mails {
        assert!(mail.encrypted);
        assert_eq!((mail.from.as_str(), &mail.to[..]), ("mon@example.org", &["ops@example.org".to_owned()][..]));
    }
    let id = mails[0].header("Message-ID").unwrap();
    assert_eq!(mails[1].header("In-Reply-To").as_deref(), mails[0].header("References").or(Some(id)).as_deref());
}
