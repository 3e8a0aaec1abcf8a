//! `kill -9` at the worst moments: nothing that was decided is lost, and a repeat says that it may be one.

use std::fs::File;

use crate::support::http::{Answer, HttpFake, Manner};
use crate::world::{World, slack, told, until};

#[test]
fn killed_while_sending_the_next_run_repeats_with_the_same_id() {
    let fake = HttpFake::start([Answer::new(200, "ok").manner(Manner::Silence), Answer::new(200, "ok")]);
    let world = World::with_queue(&slack(&fake));
    world.queue(50);
    let check = world.start_check();
    until("the post", || !fake.seen().is_empty());
    check.kill();

    assert_eq!(world.check().code, 1);
    assert_eq!(world.check().code, 1);
    let text = "[HIGH] QUEUE_LONG: 50 are waiting";
    assert_eq!(told(&fake), [format!("{text} | id 1-1"), format!("{text} | id 1-1 (possible repeat)")]);
    assert_eq!(world.status()["alerts"]["statistics"]["pendingDeliveries"], 0);
}

#[test]
fn killed_between_the_commit_and_the_send_the_next_run_sends_for_the_first_time() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let world = World::with_queue(&slack(&fake));
    assert_eq!(world.check().code, 0);
    // whoever holds this lock is delivering, so the check decides, commits, and waits
    let lock = File::create(format!("{}.deliver.lock", world.database().display())).unwrap();
    lock.try_lock().unwrap();
    world.queue(50);
    let check = world.start_check();
    until("the commit", || world.status()["alerts"]["statistics"]["pendingDeliveries"] == 1);
    check.kill();
    drop(lock);
    assert_eq!(told(&fake), [""; 0]);

    assert_eq!(world.check().code, 1);
    assert_eq!(world.check().code, 1);
    assert_eq!(told(&fake), ["[HIGH] QUEUE_LONG: 50 are waiting | id 1-1"]);
}

#[test]
fn killed_while_collecting_the_next_run_decides() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let backend = HttpFake::start([Answer::new(200, "{\"depth\": 50}").manner(Manner::Silence)]);
    let world = World::new(&format!("{}{}", crate::blind::backend_config(&backend), slack(&fake)));
    let check = world.start_check();
    until("the request", || !backend.seen().is_empty());
    check.kill();

    backend.now_answer([Answer::new(200, "{\"depth\": 50}")]);
    assert_eq!(world.check().code, 1);
    assert_eq!(told(&fake), ["[HIGH] BACKEND_LONG: depth 50 | id 1-1"]);
}
