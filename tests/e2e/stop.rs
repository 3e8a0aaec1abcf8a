//! SIGTERM: what is being sent is sent, what waits stays, and the next run goes on.

use std::time::Duration;

use crate::support::http::{Answer, HttpFake, Manner};
use crate::world::{Ran, World, slack, told, until};

#[test]
fn asked_to_stop_while_sending_it_ends_the_send_and_then_itself() {
    let slow = Answer::new(200, "ok").manner(Manner::After(Duration::from_secs(1)));
    let fake = HttpFake::start([slow]);
    let world = World::with_queue(&slack(&fake));
    world.write("queue.prom", "queue_depth{q=\"a\"} 50\nqueue_depth{q=\"b\"} 50\n", 0o644);
    let check = world.start_check();
    until("the post", || !fake.seen().is_empty());
    check.terminate();
    assert_eq!(check.wait(), Ran::silent(143));
    let text = "[HIGH] QUEUE_LONG: 50 are waiting";
    assert_eq!(told(&fake), [format!("{text} | id 1-1")]);
    assert_eq!(world.status()["alerts"]["statistics"]["pendingDeliveries"], 1);

    assert_eq!(world.check(), Ran::silent(1));
    assert_eq!(told(&fake), [format!("{text} | id 1-1"), format!("{text} | id 2-2")], "and none is a repeat");
}

#[test]
fn asked_to_stop_while_measuring_nothing_is_decided() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let slow = crate::world::QUEUE.replace("\"/bin/cat\", \"@queue.prom\"", "\"/bin/sh\", \"@slow.sh\"");
    let world = World::new(&format!("{slow}{}", slack(&fake)));
    world.write(
        "slow.sh",
        &format!("touch {}\nsleep 0.5\necho queue_depth 50\n", world.path("begun").display()),
        0o700,
    );
    let check = world.start_check();
    until("the probe", || world.path("begun").exists());
    check.terminate();
    assert_eq!(check.wait(), Ran::silent(143));
    assert_eq!(told(&fake), [""; 0]);
    assert_eq!(world.check(), Ran::silent(1));
    assert_eq!(told(&fake).len(), 1);
}

#[test]
fn a_loop_stops_too() {
    let world = World::with_queue("");
    crate::looping::room_in_the_minute(10);
    let mut command = world.command(&["check", "--every", "1s"]);
    let running: crate::world::Running =
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap().into();
    until("a cycle", || world.run(&["query", "queue_depth"]).out.contains('0'));
    running.terminate();
    assert_eq!(running.wait(), Ran::silent(143));
}
