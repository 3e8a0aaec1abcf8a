//! The monitor about itself.

use crate::support::http::{Answer, HttpFake};
use crate::world::{QUEUE, Ran, World, slack, told};

#[test]
fn that_a_channel_is_broken_is_told_by_another_one() {
    let (broken, other) =
        (HttpFake::start([Answer::new(404, "no_service")]), HttpFake::start([Answer::new(200, "ok")]));
    let channel =
        |name: &str, fake: &HttpFake| format!("[channels.{name}.slack]\nwebhook_url = \"{}\"\n", fake.url("/hook/x"));
    let at_once = "[[rule]]\nalert = \"CHANNEL_BROKEN\"\nfor = \"0s\"\n";
    let world = World::with_queue(&format!("{at_once}{}{}", channel("broken", &broken), channel("other", &other)));
    world.queue(50);
    world.check();
    assert_eq!(world.check(), Ran::silent(1));
    assert_eq!(
        told(&other),
        [
            "[HIGH] QUEUE_LONG: 50 are waiting | id 1-2",
            "[HIGH] CHANNEL_BROKEN: Channel broken does not deliver | id 2-3"
        ]
    );
    let post = other.seen()[1].json().to_string();
    assert!(post.contains("Cause: 404 no_service."), "{post}");
    assert_eq!(broken.seen().len(), 1, "it is not told of itself");
    let channels = world.status()["monitor"]["channels"].clone();
    let row = |at: usize| {
        format!("{} {} {}", channels[at]["name"], channels[at]["works"], channels[at]["lastProven"].is_null())
    };
    assert_eq!([row(0), row(1)], ["\"broken\" false true", "\"other\" true false"]);

    broken.now_answer([Answer::new(200, "ok")]);
    assert_eq!(world.run(&["alert", "test", "--channel", "broken"]), Ran::silent(0));
    assert_eq!(world.check(), Ran::silent(1));
    let over = "[HIGH] Resolved: CHANNEL_BROKEN: No longer: Channel broken does not deliver | id 2-5";
    assert_eq!(told(&other).last().map(String::as_str), Some(over));
}

#[test]
fn a_rule_that_cannot_be_evaluated_is_told_with_the_reason() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let rule = "[[rule]]\nalert = \"SHARE\"\nexpr = \"queue_depth / on() queue_most\"\nabove = { LOW = 0.9 }\n";
    let world = World::with_queue(&format!("{rule}{}", slack(&fake)));
    let most = "queue_most 100\n";
    world.write("queue.prom", &format!("queue_depth 1\n{most}"), 0o644);
    assert_eq!(world.check(), Ran::silent(0));
    world.write("queue.prom", &format!("queue_depth{{q=\"a\"}} 1\nqueue_depth{{q=\"b\"}} 1\n{most}"), 0o644);
    let ran = world.check();
    assert!(ran.err.starts_with("sippar-mon: rule SHARE cannot be evaluated: "), "{ran:?}");
    let why = ran.err.trim().rsplit("evaluated: ").next().unwrap().to_owned();
    world.check();
    assert_eq!(
        told(&fake),
        ["[HIGH] RULE_FAILED: Rule SHARE cannot be evaluated: what it watches is not judged | id 1-1"]
    );
    let cause = fake.seen()[0].json()["blocks"].to_string();
    assert!(cause.contains("Cause: ") && cause.contains(&why[..20]), "{cause}\n{why}");

    world.write("queue.prom", &format!("queue_depth{{q=\"a\"}} 1\n{most}"), 0o644);
    world.check();
    world.check();
    assert_eq!(told(&fake).len(), 2);
    assert!(told(&fake)[1].starts_with("[HIGH] Resolved: RULE_FAILED: "), "{:?}", told(&fake));
}

#[test]
fn cycles_that_were_missed_are_told() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let world = World::new(&format!(
        "{}{}",
        QUEUE.replacen("enabled = false\n\n[[rule]]\nalert = \"QUEUE", "\n[[rule]]\nalert = \"QUEUE", 1),
        slack(&fake)
    ));
    world.queue(0);
    assert_eq!(world.check(), Ran::silent(0));
    world.change("UPDATE cycle SET tick = tick - 600000, started = started - 600000, finished = finished - 600000");
    assert_eq!(world.check(), Ran::silent(1));
    let posts = told(&fake);
    assert!(
        posts[0].starts_with("[HIGH] MISSED_CYCLES: Time without a check, found in the last 15 minutes: "),
        "{posts:?}"
    );
    assert_eq!(posts.len(), 1);
}

/// What a loop missed is told in its own intervals, also when somebody looks with another one in the same tick.
#[test]
fn missed_time_is_that_of_the_cycle_that_missed_it() {
    let mut world = World::with_queue("");
    let mut at = |second: i64, interval: &str, args: &[&str]| {
        world.set("SIPPAR_MON_CLOCK", &(1_795_424_400_000 + second * 1000).to_string());
        world.configure(&QUEUE.replace("\"1s\"", interval));
        world.run(args)
    };
    let gap = ["query", "--json", "monitor_gap_seconds"];
    let seconds = |ran: Ran| ran.json()[0]["value"].as_f64();
    assert_eq!(at(0, "\"15s\"", &["check"]), Ran::silent(0));
    assert_eq!(at(75, "\"15s\"", &["check"]), Ran::silent(0));
    assert_eq!(seconds(at(76, "\"15s\"", &gap)), Some(60.0));
    assert_eq!(at(77, "\"60s\"", &["check"]), Ran::silent(0));
    assert_eq!(seconds(at(78, "\"60s\"", &gap)), Some(60.0));
}

#[test]
fn a_critical_channel_that_delivers_nothing_for_a_month_is_told() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let world = World::with_queue(&slack(&fake));
    assert_eq!(world.check(), Ran::silent(0));
    world.change("UPDATE destination SET seen = seen - 31 * 86400000");
    assert_eq!(world.check(), Ran::silent(1));
    let text = "[MEDIUM] CHANNEL_UNPROVEN: Channel slack hears of everything critical, and delivered (or was first seen) 31 d ago";
    assert_eq!(told(&fake), [format!("{text} | id 1-1")]);
    assert_eq!(world.check(), Ran::silent(0), "that very message has proven it");
}
