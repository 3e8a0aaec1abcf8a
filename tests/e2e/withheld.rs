//! Alerts that nobody is told of because something withholds them: every screen says what.

use crate::world::World;

/// 08:00 UTC.
const BEGIN: i64 = 1_795_420_800_000;

const CONFIG: &str = r#"
[channels.hook.webhook]
url = "http://127.0.0.1:9/"

[[maintenance]]
from = "08:00"
to = "09:00"
zone = "UTC"
what = "backup"
"#;

#[test]
fn what_withholds_is_the_reason_that_nobody_was_told() {
    let mut world = World::with_queue(CONFIG);
    let check = |world: &mut World, minute: i64, depth: u32| {
        world.set("SIPPAR_MON_CLOCK", &(BEGIN + minute * 60_000).to_string());
        world.queue(depth);
        world.run(&["check"]);
    };
    check(&mut world, 1, 50);
    let none = "notifications\n  none: withheld: maintenance until 2026-11-23T09:00:00Z: backup\n";
    let shown = world.run(&["alert", "show", "1"]).out;
    assert!(shown.ends_with(none), "{shown}");
    check(&mut world, 2, 0);
    let shown = world.run(&["alert", "show", "1"]).out;
    assert!(shown.contains("resolved") && shown.ends_with(none), "{shown}");
    let explained = world.run(&["alert", "explain", "1"]).out;
    let words = explained.split_whitespace().collect::<Vec<_>>().join(" ");
    let untold = "nobody was told: withheld: maintenance until 2026-11-23T09:00:00Z: backup";
    assert_eq!(words.matches(untold).count(), 2, "{explained}");
    assert!(words.contains("2026-11-23T08:01:00Z withheld: maintenance"), "{explained}");
}
