//! Every kind of channel at a service that behaves as the real one does.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::support::alertmanager::Alertmanager;
use crate::support::http::{Answer, HttpFake, Seen};
use crate::support::pagerduty::PagerDuty;
use crate::support::telegram::Telegram;
use crate::support::twilio::{Twilio, error};
use crate::world::{QUEUE, Ran, World, until};

/// The queue's rule with a second severity.
fn ladder() -> String {
    QUEUE.replace("above = { HIGH = 10 }", "above = { HIGH = 10, CRITICAL = 100 }")
}

fn world(channels: &str) -> World {
    let world = World::new(&format!("{}{channels}", ladder()));
    world.queue(0);
    world
}

/// Checks at a time that many minutes after a round one.
fn check_at(world: &mut World, minutes: i64) -> Ran {
    world.set("SIPPAR_MON_CLOCK", &(1_795_424_400_000 + minutes * 60_000).to_string());
    world.run(&["check"])
}

/// The notifications of alert 1 as `alert show` lists them, without times.
fn shown(world: &World) -> Vec<String> {
    let show = world.run(&["alert", "show", "1"]).out;
    let rows = show.lines().skip_while(|line| *line != "notifications").skip(1);
    let timeless = |row: &str| {
        let words: Vec<&str> = row.split_whitespace().collect();
        let is_unit = |word: Option<&&str>| word.is_some_and(|word| ["ms", "s", "ms:", "s:"].contains(word));
        let kept = words.iter().enumerate().filter(|(at, word)| {
            let is_time = word.starts_with("20") && word.ends_with('Z');
            !is_time && !is_unit(Some(word)) && !is_unit(words.get(at + 1))
        });
        kept.map(|(_, word)| *word).collect::<Vec<_>>().join(" ")
    };
    rows.map(timeless).collect()
}

/// A world in which every kind of channel has a service, and these.
struct Everybody {
    world: World,
    twilio: Twilio,
    pager: PagerDuty,
    telegram: Telegram,
    cluster: Alertmanager,
    hook: HttpFake,
}

impl Everybody {
    fn start() -> Self {
        let (twilio, pager, telegram, cluster) =
            (Twilio::start(), PagerDuty::start(), Telegram::start(), Alertmanager::start());
        let hook = HttpFake::start([Answer::new(204, "")]);
        let world = World::empty();
        let script = format!("#!/bin/sh\ncat >> {0}\necho >> {0}\n", world.path("told.jsonl").display());
        world.write("tell", &script, 0o755);
        world.configure(&format!(
            "{}{}{}{}{}[channels.hook.webhook]\nurl = \"{}\"\n[channels.script.exec]\ncommand = [\"@tell\"]\n",
            ladder(),
            twilio.channel("phones", &["+41791111111", "+41792222222"]),
            pager.channel("pager"),
            telegram.channel("room"),
            cluster.channel("cluster"),
            hook.url("/alerts"),
        ));
        Self { world, twilio, pager, telegram, cluster, hook }
    }

    fn check(&self, queue: u32, code: i32) {
        self.world.queue(queue);
        assert_eq!(self.world.check(), Ran::silent(code));
    }

    /// What Alertmanager takes for firing now, or a moment later.
    fn firing(&self) -> Vec<String> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() + 5;
        self.cluster.firing(&rfc3339(now))
    }
}

/// Seconds since the epoch in the form of RFC 3339.
fn rfc3339(seconds: u64) -> String {
    let date = std::process::Command::new("date")
        .args(["-u", "-d", &format!("@{seconds}"), "+%Y-%m-%dT%H:%M:%SZ"])
        .output()
        .unwrap();
    String::from_utf8(date.stdout).unwrap().trim().to_owned()
}

#[test]
fn every_kind_hears_of_an_alert_from_its_beginning_to_its_end() {
    let all = Everybody::start();
    all.check(50, 1);
    all.check(500, 2);
    all.check(500, 2);
    assert_eq!(all.firing(), ["alertname=QUEUE_LONG probe=queue severity=CRITICAL"]);
    all.check(3, 0);
    all.check(3, 0);
    assert_eq!(all.firing(), [""; 0]);

    let expected = [
        "[HIGH] QUEUE_LONG: 50 are waiting",
        "[CRITICAL] Raised: QUEUE_LONG: 500 are waiting",
        "[CRITICAL] Resolved: QUEUE_LONG: 3 are waiting",
    ];
    let texts = all.telegram.texts();
    assert_eq!(texts.iter().map(|text| text.lines().next().unwrap()).collect::<Vec<_>>(), expected);
    let headlines = |documents: Vec<Value>| -> Vec<String> {
        documents.iter().map(|document| document["headline"].as_str().unwrap().to_owned()).collect()
    };
    let posts = all.hook.seen();
    assert_eq!(headlines(posts.iter().map(Seen::json).collect()), expected);
    for post in &posts {
        assert_eq!(post.header("idempotency-key"), Some(post.json()["id"].to_string().as_str()));
    }
    let told = fs::read_to_string(all.world.path("told.jsonl")).unwrap();
    assert_eq!(headlines(told.lines().map(|line| serde_json::from_str(line).unwrap()).collect()), expected);

    let [(key, events)] = all.pager.incidents().try_into().unwrap();
    assert!(key.starts_with("sippar-mon/") && key.ends_with("/1/QUEUE_LONG"), "{key}");
    let triggers = [format!("trigger error: {}", expected[0]), format!("trigger critical: {}", expected[1])];
    assert_eq!(events, [&triggers[0], &triggers[1], "resolve"]);
}

#[test]
fn each_number_hears_only_of_what_is_critical_and_of_its_end() {
    let all = Everybody::start();
    all.check(50, 1);
    assert_eq!(all.twilio.texts(), [""; 0]);
    all.check(500, 2);
    all.check(3, 0);
    let texts = all.twilio.texts();
    assert_eq!(texts.len(), 4, "{texts:#?}");
    for number in ["+41791111111", "+41792222222"] {
        let mine: Vec<&String> = texts.iter().filter(|text| text.starts_with(number)).collect();
        let begins = format!("{number} CRITICAL QUEUE_LONG: 500 are waiting, Sippar bridge, ");
        assert!(mine[0].starts_with(&begins) && mine[0].contains(". Check the dashboard at once. id 1-"), "{mine:#?}");
        assert!(mine[1].starts_with(&format!("{number} CRITICAL Resolved: QUEUE_LONG: 3 are waiting")), "{mine:#?}");
        assert!(!mine[1].contains("dashboard"), "{mine:#?}");
    }
    assert!(all.twilio.messages().iter().all(|message| message.validity == 900 && message.body.len() <= 160));
}

#[test]
fn an_sms_that_may_have_been_taken_is_repeated_once_and_says_so() {
    for loss in [None, Some(error(500, 20500, "Internal Server Error")), Some(Answer::new(504, ""))] {
        let twilio = Twilio::start();
        let mut world = world(&twilio.channel("phones", &["+41791111111"]));
        for _ in 0..3 {
            match &loss {
                None => twilio.reset(),
                Some(answer) => twilio.lose(answer.clone()),
            }
        }
        world.queue(500);
        for minutes in 0..9 {
            assert_eq!(check_at(&mut world, minutes).code, 2);
            assert_eq!(twilio.texts().len(), if minutes == 0 { 1 } else { 2 });
        }
        assert_eq!(shown(&world)[0], "1 firing to phones +41791111111: uncertain");
        let texts = twilio.texts();
        assert!(texts[0].ends_with(" id 1-1") && texts[1].ends_with(" id 1-1 (possible repeat)"), "{texts:#?}");
    }
}

#[test]
fn a_number_that_is_refused_for_good_is_given_up_at_once_and_the_other_is_told() {
    let twilio = Twilio::start();
    twilio.refuse("+41791111111", 400, 21610, "Attempt to send to unsubscribed recipient");
    let world = world(&twilio.channel("phones", &["+41791111111", "+41792222222"]));
    world.queue(500);
    assert_eq!(world.check(), Ran::silent(2));
    let rows = shown(&world);
    assert_eq!(
        rows[..2],
        ["1 firing to phones +41791111111: dead", "dead in 400 21610 Attempt to send to unsubscribed recipient"]
    );
    assert_eq!(rows[2], "2 firing to phones +41792222222: sent");
    assert_eq!(world.check(), Ran::silent(2));
    assert_eq!(twilio.fake.seen().iter().filter(|seen| seen.method == "POST").count(), 2);
}

#[test]
fn too_many_requests_are_repeated_without_a_doubt() {
    let twilio = Twilio::start();
    let mut world = world(&twilio.channel("phones", &["+41791111111"]));
    twilio.fake.now_answer([error(429, 20429, "Too Many Requests").header("retry-after", "30")]);
    world.queue(500);
    for minutes in 0..4 {
        check_at(&mut world, minutes);
    }
    assert_eq!((twilio.fake.seen().len(), twilio.texts().len()), (4, 0));
    twilio.fake.now_serve();
    check_at(&mut world, 5);
    assert_eq!(twilio.texts().len(), 1);
    assert!(twilio.texts()[0].ends_with(" id 1-1"), "{:?}", twilio.texts());
}

#[test]
fn taken_is_not_arrived() {
    let twilio = Twilio::start();
    twilio.fate("+41791111111", "undelivered", Some(30003));
    let world = world(&twilio.channel("phones", &["+41791111111", "+41792222222"]));
    world.queue(500);
    assert_eq!(world.check(), Ran::silent(2));
    until("what became of the messages", || {
        world.check();
        shown(&world).iter().any(|row| row.contains("delivered"))
    });
    let sid = twilio.messages().into_iter().find(|message| message.to == "+41792222222").unwrap().sid;
    let rows = shown(&world);
    assert_eq!(
        rows,
        [
            "1 firing to phones +41791111111: dead".to_owned(),
            "undelivered in undelivered: 30003 the phone cannot be reached".to_owned(),
            "2 firing to phones +41792222222: sent".to_owned(),
            format!("sent in 201 queued {sid}; delivered"),
        ]
    );
}

#[test]
fn alertmanager_hears_of_what_fires_again_and_of_its_end() {
    let cluster = Alertmanager::start();
    let mut world = world(&cluster.channel("cluster"));
    world.queue(50);
    assert_eq!(check_at(&mut world, 0), Ran::silent(1));
    assert_eq!(cluster.firing("2026-11-23T09:55:00Z"), ["alertname=QUEUE_LONG probe=queue severity=HIGH"]);
    assert_eq!(cluster.firing("2026-11-23T10:30:00Z"), [""; 0]);

    assert_eq!(check_at(&mut world, 45), Ran::silent(1));
    assert_eq!(cluster.firing("2026-11-23T10:30:00Z").len(), 1, "it was told again");
    cluster.forget();
    assert_eq!(check_at(&mut world, 46), Ran::silent(1));
    assert_eq!(cluster.firing("2026-11-23T10:30:00Z").len(), 1, "also after it forgot");

    cluster.fake.now_answer([Answer::new(500, "\"closing\"")]);
    check_at(&mut world, 48);
    let works = world.run(&["query", "monitor_channel_up{channel=\"cluster\"}", "--json"]);
    check_at(&mut world, 49);
    let fails = world.run(&["query", "monitor_channel_up{channel=\"cluster\"}", "--json"]);
    assert_ne!(works.out, fails.out);
    cluster.fake.now_serve();
    world.queue(3);
    assert_eq!(check_at(&mut world, 51), Ran::silent(0));
    assert_eq!(cluster.firing("2026-11-23T09:51:05Z"), [""; 0]);
    let posts = cluster.fake.seen().len();
    check_at(&mut world, 53);
    check_at(&mut world, 55);
    assert_eq!(cluster.fake.seen().len(), posts, "nothing fires, nothing is said");
}

#[test]
fn a_program_that_others_can_change_is_never_run() {
    let world = World::empty();
    world.write("tell", "#!/bin/sh\ntouch @ran\n", 0o755);
    world.configure(&format!("{QUEUE}[channels.script.exec]\ncommand = [\"@tell\"]\n"));
    fs::set_permissions(world.path("tell"), fs::Permissions::from_mode(0o777)).unwrap();
    let ran = world.run(&["alert", "test"]);
    assert_eq!(ran.code, 78, "{ran:?}");
    assert!(ran.err.contains("can be changed by others than its owner"), "{}", ran.err);
    assert!(!world.path("ran").exists());
}

#[test]
fn the_budget_of_text_messages_holds_back_and_loses_nothing() {
    let twilio = Twilio::start();
    let budget = "[routes]\nsms_budget = { burst = 2, per_hour = 6 }\n";
    let rule = |(name, limit): (&str, u32)| {
        format!(
            "[[rule]]\nalert = \"{name}\"\nexpr = \"queue_depth > {limit}\"\nseverity = \"CRITICAL\"\n\
             summary = \"{name} fires\"\n"
        )
    };
    let rules: String = [("A", 10), ("B", 10), ("C", 10), ("D", 100)].map(rule).concat();
    let channel = twilio.channel("phones", &["+41791111111"]);
    let mut world = World::new(&format!("{QUEUE}{rules}{channel}{budget}"));
    world.queue(50);
    assert_eq!(check_at(&mut world, 0).code, 2);
    let texts = twilio.texts();
    assert_eq!(texts.len(), 2, "{texts:#?}");
    assert!(texts[0].contains("CRITICAL A: A fires"), "{texts:#?}");
    assert!(texts[1].contains("CRITICAL B: B fires") && texts[1].contains(", and 1 more."), "{texts:#?}");

    world.queue(500);
    assert_eq!(check_at(&mut world, 1).code, 2);
    assert_eq!(twilio.texts().len(), 2);
    let show = world.run(&["alert", "show", "5"]).out;
    let (held, why) = ("held back until 2026-11-23T09:1", ": the budget of text messages is spent");
    assert!(show.contains(held) && show.contains(why), "{show}");
    assert_eq!(check_at(&mut world, 9).code, 2);
    assert_eq!(twilio.texts().len(), 2, "the bucket is kept between processes");
    assert_eq!(check_at(&mut world, 12).code, 2);
    let texts = twilio.texts();
    assert_eq!(texts.len(), 3, "{texts:#?}");
    assert!(texts[2].contains("CRITICAL D: D fires"), "{texts:#?}");
}
