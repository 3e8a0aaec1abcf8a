//! `alert deliveries`, `alert resend`, `alert drop`, and `alert test` for one rule.

use crate::support::http::{Answer, HttpFake};
use crate::world::{Ran, World, slack, told};

/// Id, state and answer of each delivery.
fn listed(world: &World, args: &[&str]) -> Vec<String> {
    let ran = world.run(&[&["alert", "deliveries"], args].concat());
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    let line = |line: &str| {
        let words: Vec<&str> = line.split('\t').collect();
        assert_eq!(words.len(), 12, "{line}");
        format!("{} {} {}", words[0], words[1], words[11])
    };
    ran.out.lines().map(line).collect()
}

#[test]
fn what_was_given_up_can_be_sent_again() {
    let fake = HttpFake::start([Answer::new(404, "no_service")]);
    let world = World::with_queue(&slack(&fake));
    world.queue(50);
    world.check();
    assert_eq!(listed(&world, &[]), ["1 dead 404 no_service"]);
    let ran = world.run(&["alert", "resend", "1"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("404 no_service") && ran.out.contains("0 of 1 delivered."), "{ran:?}");

    fake.now_answer([Answer::new(200, "ok")]);
    assert_eq!(world.run(&["alert", "resend", "1"]), Ran::silent(0));
    assert_eq!(listed(&world, &["--state", "sent"]), ["1 sent 200 ok"]);
    assert_eq!(listed(&world, &["--state", "dead"]), [""; 0]);
    let fired = "[HIGH] QUEUE_LONG: 50 are waiting | id 1-1";
    assert_eq!(told(&fake), [fired, fired, fired]);
    assert_eq!(world.run(&["alert", "resend", "1", "--json"]).json()[0]["state"], "sent");
    assert_eq!(told(&fake).last().unwrap(), "[HIGH] QUEUE_LONG: 50 are waiting | id 1-1 (possible repeat)");
}

#[test]
fn what_waits_can_be_given_up_with_a_reason() {
    let fake = HttpFake::start([Answer::new(503, "no service")]);
    let mut world = World::with_queue(&slack(&fake));
    world.set("USER", "nina");
    world.queue(50);
    world.check();
    assert_eq!(world.run(&["alert", "drop", "1", "-m", "we know"]), Ran::silent(0));
    assert_eq!(listed(&world, &["--channel", "slack"]), ["1 dead dropped by nina: we know"]);
    let show = world.run(&["alert", "show", "1"]).out;
    assert!(show.contains("     dropped by nina: we know\n"), "{show}");
    let json = world.run(&["alert", "show", "1", "--json"]).json();
    let one = &json["notifications"][0];
    assert_eq!((one["state"].as_str(), one["attempts"][0]["answer"].as_str()), (Some("dead"), Some("503 no service")));
    assert_eq!(json["history"][0]["what"], "fired");

    let refused = |args: &[&str], err: &str| {
        assert_eq!(world.run(args), Ran { code: 64, out: String::new(), err: err.to_owned() });
    };
    refused(
        &["alert", "drop", "1", "-m", "again"],
        "sippar-mon: delivery 1 is dead and cannot be dropped\n  help: only what still waits can be dropped\n",
    );
    refused(
        &["alert", "resend", "7"],
        "sippar-mon: there is no delivery 7\n  help: `sippar-mon alert deliveries` lists them\n",
    );
    refused(
        &["alert", "deliveries", "--state", "lost"],
        "sippar-mon: --state lost: there is no such state\n  \
         help: the states are: pending, sending, sent, dead, uncertain, superseded\n",
    );
    refused(&["alert", "drop", "1", "-m", " "], "sippar-mon: --message is empty\n  help: say in a few words why\n");
}

#[test]
fn the_message_of_a_rule_can_be_seen_and_sent() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let world = World::with_queue(&slack(&fake));
    world.queue(4);
    world.check();
    let ran = world.run(&["alert", "test", "--rule", "QUEUE_LONG", "--dry-run"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for line in [
        "dry run: nothing is sent",
        "[HIGH] TEST: QUEUE_LONG: 4 are waiting",
        "Value:       4",
        "Limit:       > 10",
        "Note:        This is a test of what the rule says. Nothing is wrong.",
    ] {
        assert!(ran.out.lines().any(|have| have == line), "{line}\nis missing in\n{}", ran.out);
    }
    assert_eq!(told(&fake), [""; 0]);
    assert_eq!(world.run(&["alert", "test", "--rule", "QUEUE_LONG"]), Ran::silent(0));
    assert_eq!(told(&fake), ["[HIGH] TEST: QUEUE_LONG: 4 are waiting | id test-1"]);
    let unknown = "sippar-mon: there is no rule QUEUE_LOG\n  help: did you mean QUEUE_LONG?\n";
    assert_eq!(
        world.run(&["alert", "test", "--rule", "QUEUE_LOG"]),
        Ran { code: 64, out: String::new(), err: unknown.to_owned() }
    );
    let never = "sippar-mon: QUEUE_LONG never has the severity CRITICAL\n  help: it has HIGH\n";
    assert_eq!(
        world.run(&["alert", "test", "--rule", "QUEUE_LONG", "--severity", "critical"]),
        Ran { code: 64, out: String::new(), err: never.to_owned() }
    );
}
