//! `alert mark` and `rules list --noise`: what people say of alerts, and what it says of rules.

use serde_json::json;

use crate::world::World;

#[test]
fn what_people_say_of_alerts_is_counted_by_rule() {
    let mut world = World::with_queue("");
    world.set("USER", "eva");
    for depth in [15, 0, 15, 0] {
        world.queue(depth);
        world.check();
    }
    assert_eq!(world.run(&["rules", "list", "--noise", "--json"]).json()[0]["false"], 0);
    for (number, worth, why, code) in [
        ("1", "false", "a backup ran", 0),
        ("2", "false", "too early", 0),
        ("2", "useful", "it was real after all", 0),
        ("9", "false", "there is none", 64),
        ("1", "true", "no such word", 64),
        ("1", "false", " ", 64),
    ] {
        assert_eq!(world.run(&["alert", "mark", number, worth, "-m", why]).code, code, "{number} {worth}");
    }
    assert_eq!(world.run(&["alert", "mark", "1", "false"]).code, 64, "it must be said why");
    let hinted = world.run(&["alert", "mark", "1", "false", "-m", "a backup ran", "--json"]).json();
    let hints = hinted["hints"].as_array().unwrap();
    let limit = hints.iter().find(|hint| hint["change"] == "limit").unwrap();
    let toml = "[[rule]]\nalert   = \"QUEUE_LONG\"\nabove   = { HIGH = 15 }\n";
    assert_eq!((limit["toml"].as_str(), limit["episodes"].as_i64()), (Some(toml), Some(2)), "{hinted}");
    assert_eq!((limit["vanish"].as_i64(), limit["vanish_useful"].as_i64()), (Some(2), Some(1)), "{hinted}");
    assert!(hints.iter().any(|hint| hint["change"] == "for"), "{hinted}");
    let page = world.run(&["alert", "mark", "1", "false", "-m", "a backup ran", "-v"]).out;
    assert!(
        page.starts_with("1 QUEUE_LONG{probe=\"queue\"} is marked false\n# any of these") && page.contains(toml),
        "{page}"
    );
    let noise = world.run(&["rules", "list", "--noise", "--json"]).json();
    let expected = json!([{
        "rule": "QUEUE_LONG", "episodes": 2, "false": 1, "useful": 1, "false_rate": 0.5, "over_goal": true,
        "short": 2, "flaps": 1,
    }]);
    assert_eq!(noise, expected);
    let page = world.run(&["rules", "list", "--noise"]).out;
    assert!(page.contains("50 %, above 1 %") || page.contains("50.0 %, above 1 %"), "{page}");
    let shown = world.run(&["alert", "show", "1"]).out;
    assert!(shown.contains("marked    false by eva, 2") && shown.contains(": a backup ran\n"), "{shown}");
    assert_eq!(world.run(&["alert", "show", "2", "--json"]).json()["mark"]["worth"], "useful");
    let listed = world.run(&["alert", "list", "--all"]).out;
    assert!(listed.lines().all(|line| line.ends_with("\tuseful\t") || line.ends_with("\tfalse\t")), "{listed}");
}
