//! `check --repeat` and `--every`: one loop at a time, a cycle each tick.

use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::world::{Ran, Running, World, until};

/// Loops end with their minute; waits until enough of this one is left.
pub fn room_in_the_minute(seconds: u64) {
    let second = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() % 60;
    while (58 - seconds..58).contains(&second()) {
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn start(world: &World) -> Running {
    let mut command = world.command(&["check", "--every", "1s"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap().into()
}

fn cycles(world: &World) -> u32 {
    let ran = world.run(&["query", "count_over_time(queue_depth[1m])"]);
    ran.out.split('\t').nth(1).and_then(|count| count.parse().ok()).unwrap_or(0)
}

#[test]
fn a_loop_measures_each_tick_and_the_next_one_takes_over() {
    let world = World::with_queue("");
    room_in_the_minute(15);
    let first = start(&world);
    until("three cycles", || cycles(&world) >= 3);
    let second = start(&world);
    let plain = world.run(&["check"]);
    assert!(plain == Ran::silent(0) || plain == Ran::silent(75), "a plain check beside it does no harm: {plain:?}");
    first.kill();
    let before = cycles(&world);
    until("the other loop", || cycles(&world) >= before + 2);
    let status = world.status();
    let missed = world.run(&["query", "--json", "monitor_missed_cycles_total"]).json()[0]["value"].as_f64();
    assert_eq!(status["stale"], false);
    assert!([Some(0.0), Some(1.0)].contains(&missed), "{missed:?}");
    second.kill();
}

#[test]
fn an_interval_that_is_none_is_refused() {
    let world = World::with_queue("");
    let ran = world.run(&["check", "--every", "often"]);
    assert_eq!((ran.code, ran.out.as_str()), (64, ""), "{ran:?}");
    assert!(ran.err.starts_with("sippar-mon: --every: "), "{ran:?}");
    for odd in ["0s", "1ms", "2d"] {
        let ran = world.run(&["check", "--every", odd]);
        assert_eq!((ran.code, ran.out.as_str()), (64, ""), "{odd}: {ran:?}");
    }
}
