//! Two checks at once: cron does not wait, and neither may anybody be told twice.

use std::process::Stdio;

use crate::support::http::{Answer, HttpFake};
use crate::world::{QUEUE, Ran, Running, World, slack, told};

/// Runs so many pairs of checks, both at once, and returns how many losers there were.
fn pairs(world: &World, count: usize, code: i32) -> usize {
    let mut losers = 0;
    for _ in 0..count {
        let start = || world.command(&["check"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let pair = [start(), start()].map(|child| Running::from(child).wait());
        for ran in pair {
            let expected = if ran.code == 75 { 75 } else { code };
            assert_eq!(ran, Ran::silent(expected));
            losers += usize::from(ran.code == 75);
        }
    }
    losers
}

#[test]
fn of_many_pairs_one_message_comes_out_and_the_losers_are_silent() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    // slow enough that the two meet
    let slow = QUEUE.replace("\"/bin/cat\", \"@queue.prom\"", "\"/bin/sh\", \"@slow.sh\"");
    let world = World::new(&format!("{slow}{}", slack(&fake)));
    world.write("slow.sh", &format!("sleep 0.1\ncat {}\n", world.path("queue.prom").display()), 0o700);
    world.queue(50);
    let mut losers = pairs(&world, 10, 1);
    let fired = "[HIGH] QUEUE_LONG: 50 are waiting | id 1-1";
    assert_eq!(told(&fake), [fired]);

    world.ticked();
    world.queue(3);
    world.next_tick();
    losers += pairs(&world, 10, 0);
    assert_eq!(told(&fake), [fired, "[HIGH] Resolved: QUEUE_LONG: 3 are waiting | id 1-2"]);
    assert!(losers >= 10, "only {losers} of 20 pairs met");
}

#[test]
fn the_very_first_checks_may_come_at_once() {
    // often enough that a race of one in forty shows
    for _ in 0..60 {
        let world = World::with_queue("");
        let start = || world.command(&["check"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let crowd: Vec<Running> = (0..4).map(|_| start().into()).collect();
        for running in crowd {
            let ran = running.wait();
            assert!(ran == Ran::silent(0) || ran == Ran::silent(75), "{ran:?}");
        }
    }
}
