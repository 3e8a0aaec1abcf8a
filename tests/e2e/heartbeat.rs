//! The sign of life: it says whether the monitor does its work, and not merely that it runs.

use crate::support::http::{Answer, HttpFake, Manner};
use crate::world::{Ran, World, slack};

fn heartbeat(fake: &HttpFake) -> String {
    format!("[heartbeat]\nurl = \"{}\"\n", fake.url("/ping/secret-uuid"))
}

/// Signs of life, a line each.
fn signs(fake: &HttpFake) -> Vec<String> {
    let line = |seen: &crate::support::http::Seen| {
        format!("{} {} {}", seen.method, seen.path, String::from_utf8_lossy(&seen.body)).trim_end().to_owned()
    };
    fake.seen().iter().map(line).collect()
}

/// Lets the next minute begin.
fn next_minute(world: &World) {
    std::fs::remove_file(world.path("state.db.heartbeat")).unwrap();
}

const WELL: &str = "GET /ping/secret-uuid";

#[test]
fn it_is_sent_once_a_minute_and_says_what_is_wrong() {
    let (life, chat) = (HttpFake::start([Answer::new(200, "OK")]), HttpFake::start([Answer::new(200, "ok")]));
    let world = World::with_queue(&format!("{}{}", heartbeat(&life), slack(&chat)));
    assert_eq!(world.check(), Ran::silent(0));
    assert_eq!(signs(&life), [WELL]);
    next_minute(&world);

    world.queue(50);
    assert_eq!(world.check(), Ran::silent(1));
    assert_eq!(signs(&life), [WELL, WELL], "an alert that people know of is no failure of the monitor");
    next_minute(&world);

    chat.now_answer([Answer::new(503, "no service")]);
    world.write("queue.prom", "queue_depth{q=\"b\"} 50\n", 0o644);
    world.check();
    let untold = "POST /ping/secret-uuid/fail 1 alert could be delivered by no channel";
    assert_eq!(signs(&life)[2..], [untold]);
    next_minute(&world);

    std::fs::remove_file(world.path("queue.prom")).unwrap();
    let config = crate::world::QUEUE.replace("[probes.queue.exec]", "[probes.queue.exec]\nevery = \"1s\"");
    world.configure(&format!("{config}{}{}", heartbeat(&life), slack(&chat)));
    world.check();
    assert_eq!(signs(&life).len(), 4);
}

/// Each source has its own pace: a cycle in which none was due says nothing about them.
#[test]
fn what_was_not_due_in_this_cycle_counts_too() {
    let life = HttpFake::start([Answer::new(200, "OK")]);
    let alone = "[monitor]\ninterval = \"2s\"\n\n[sources.system]\nenabled = false\n\n\
                 [sources.backend]\nurl = \"http://127.0.0.1:1\"\nevery = \"1h\"\n\n";
    let world = World::new(&format!("{alone}{}", heartbeat(&life)));
    world.check();
    next_minute(&world);
    world.check();
    let blind = "POST /ping/secret-uuid/fail no source could be measured";
    assert_eq!(signs(&life), [blind, blind]);
}

#[test]
fn a_service_that_does_not_answer_delays_a_little_and_fails_nothing() {
    let life = HttpFake::start([Answer::new(200, "OK").manner(Manner::Silence)]);
    let world = World::with_queue(&heartbeat(&life));
    let ran = world.check();
    let err = "sippar-mon: the heartbeat was not sent: no answer within 5 s\n".to_owned();
    assert_eq!(ran, Ran { code: 0, out: String::new(), err });
    next_minute(&world);
    assert_eq!(world.check(), Ran::silent(0), "once an hour");
}
