//! `alert test`: the real road, and what each provider answered.

use crate::support::http::{Answer, HttpFake};
use crate::world::{Ran, World, slack, told};

fn two_channels(good: &HttpFake, bad: &HttpFake) -> String {
    let channel =
        |name: &str, fake: &HttpFake| format!("[channels.{name}.slack]\nwebhook_url = \"{}\"\n", fake.url("/hook/x"));
    format!("{}{}[routes]\ncritical = [\"good\"]\nlow = []\n", channel("good", good), channel("bad", bad))
}

/// Times differ from run to run.
fn timeless(text: &str) -> String {
    text.lines()
        .map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let is_unit = |at: usize| words.get(at).is_some_and(|word| ["ms", "s", "µs", "us"].contains(word));
            let kept = words.iter().enumerate().map(|(at, word)| if is_unit(at + 1) { "N" } else { word });
            kept.collect::<Vec<_>>().join(" ") + "\n"
        })
        .collect()
}

#[test]
fn one_channel_that_refuses_makes_the_answer_no() {
    let (good, bad) = (HttpFake::start([Answer::new(200, "ok")]), HttpFake::start([Answer::new(403, "invalid_token")]));
    let world = World::with_queue(&two_channels(&good, &bad));
    let ran = world.run(&["alert", "test"]);
    let mut lines: Vec<String> = timeless(&ran.out).lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(
        lines,
        [
            "  ✓ ok good  webhook at localhost  200 ok in N ms",
            "  ✗ failed bad  webhook at localhost  403 invalid_token after N ms",
            "1 of 2 delivered. \"Accepted\" is not \"arrived\": look for id test-1, id test-2 in each place.",
        ]
    );
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
    assert_eq!(told(&good).len(), 1);

    let results = world.run(&["alert", "test", "--json"]);
    assert_eq!(results.code, 1);
    let mut rows: Vec<String> = results
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|row| format!("{} {} {} {}", row["channel"], row["to"], row["state"], row["answer"]))
        .collect();
    rows.sort();
    assert_eq!(
        rows,
        [
            "\"bad\" \"webhook at localhost\" \"dead\" \"403 invalid_token\"",
            "\"good\" \"webhook at localhost\" \"sent\" \"200 ok\"",
        ]
    );
}

#[test]
fn who_hears_can_be_chosen() {
    let (good, bad) = (HttpFake::start([Answer::new(200, "ok")]), HttpFake::start([Answer::new(403, "invalid_token")]));
    let world = World::with_queue(&two_channels(&good, &bad));
    assert_eq!(world.run(&["alert", "test", "--channel", "good"]), Ran::silent(0));
    assert_eq!(world.run(&["alert", "test", "--severity", "critical"]), Ran::silent(0));
    let test = "TEST: TEST_ALERT: This is a test of the alert channels. Nothing is wrong.";
    assert_eq!(told(&good), [format!("[MEDIUM] {test} | id test-1"), format!("[CRITICAL] {test} | id test-2")]);
    assert_eq!(told(&bad), [""; 0]);

    let refused = |args: &[&str], code: i32, err: &str| {
        assert_eq!(world.run(args), Ran { code, out: String::new(), err: err.to_owned() });
    };
    let unknown = "sippar-mon: there is no channel goood\n  help: did you mean good?\n";
    refused(&["alert", "test", "--channel", "goood"], 64, unknown);
    let nobody = "sippar-mon: no channel hears of LOW\n  help: see [routes]\n";
    refused(&["alert", "test", "--severity", "low"], 78, nobody);
    let odd = "sippar-mon: --severity huge: a severity is one of LOW, MEDIUM, HIGH, CRITICAL\n";
    refused(&["alert", "test", "--severity", "huge"], 64, odd);
    assert_eq!(told(&good).len(), 2);
}

#[test]
fn a_dry_run_sends_nothing() {
    let (good, bad) = (HttpFake::start([]), HttpFake::start([]));
    let world = World::with_queue(&two_channels(&good, &bad));
    let ran = world.run(&["alert", "test", "--dry-run"]);
    let out = "dry run: nothing is sent\n[MEDIUM] TEST: TEST_ALERT\n  bad  webhook at localhost \n  good  webhook at localhost \n";
    assert_eq!(ran, Ran { code: 0, out: out.to_owned(), err: String::new() });
    assert!(good.seen().is_empty() && bad.seen().is_empty());
    assert!(!world.database().exists(), "and leaves nothing behind");
}

#[test]
fn without_a_channel_there_is_nothing_to_test() {
    let world = World::with_queue("");
    let err = "sippar-mon: there is no channel to test\n  help: set SLACK_WEBHOOK_URL, or SMTP_HOST and \
               ALERT_EMAIL_RECIPIENTS, or add [channels.NAME.slack] to the configuration\n";
    assert_eq!(world.run(&["alert", "test"]), Ran { code: 78, out: String::new(), err: err.to_owned() });
}

#[test]
fn channels_come_from_the_environment_where_the_file_has_none() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let mut world = World::empty();
    world.set("SLACK_WEBHOOK_URL", &fake.url("/services/T0/B0/x"));
    world.set("SLACK_CHANNEL", "#ops");
    assert_eq!(world.run(&["alert", "test"]), Ran::silent(0));
    assert_eq!(fake.seen()[0].json()["channel"], "#ops");
}

/// An SMS channel with two numbers at a fake Twilio.
fn phones(fake: &HttpFake) -> String {
    format!(
        "[channels.phones.sms]\naccount_sid = \"AC0123456789abcdef0123456789abcdef\"\nauth_token = \"t\"\n\
         from = \"+41790000000\"\nto = [\"+41791111111\", \"+41792222222\"]\nbase_url = \"{}\"\nconfirm = false\n",
        fake.url("")
    )
}

fn queued() -> Answer {
    Answer::new(201, "{\"sid\":\"SM0123456789abcdef0123456789abcdef\",\"status\":\"queued\"}")
}

#[test]
fn sms_are_sent_only_on_request() {
    let (twilio, chat) = (HttpFake::start([queued()]), HttpFake::start([Answer::new(200, "ok")]));
    let world = World::with_queue(&format!("{}{}", phones(&twilio), slack(&chat)));
    let left_out = "phones: left out, since SMS cost money; add --yes, or name it: --channel phones\n";
    assert_eq!(world.run(&["alert", "test"]), Ran { err: left_out.to_owned(), ..Ran::silent(0) });
    assert_eq!((twilio.seen().len(), told(&chat).len()), (0, 1));

    assert_eq!(world.run(&["alert", "test", "--channel", "phones"]), Ran::silent(0));
    assert_eq!((twilio.seen().len(), told(&chat).len()), (2, 1), "one for each number");
    assert_eq!(world.run(&["alert", "test", "--yes"]), Ran::silent(0));
    assert_eq!((twilio.seen().len(), told(&chat).len()), (4, 2));
    assert_eq!(world.run(&["alert", "test", "--severity", "critical"]), Ran::silent(0));
    assert_eq!((twilio.seen().len(), told(&chat).len()), (6, 3), "the route of CRITICAL has them");
    assert_eq!(world.run(&["alert", "test", "--severity", "high"]), Ran::silent(0));
    assert_eq!((twilio.seen().len(), told(&chat).len()), (6, 4), "that of HIGH has not");

    let alone = World::with_queue(&phones(&twilio));
    let err = "sippar-mon: phones: SMS cost money and are only sent on request\n  help: add --yes, or name it: --channel phones\n";
    assert_eq!(alone.run(&["alert", "test"]), Ran { code: 64, out: String::new(), err: err.to_owned() });
    assert_eq!(twilio.seen().len(), 6);
}
