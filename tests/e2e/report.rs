//! `report`: what happened, as one file that stands alone.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::support::http::{Answer, HttpFake};
use crate::world::{QUEUE, Ran, World, slack};

/// What a stranger may write into a value's label or a provider's answer.
const HOSTILE: &str = "<script>alert(1)</script>\\\"><img src=x onerror=alert(1)>\u{202e}\u{1b}[31m";

/// A queue that was too long and is not any more; one channel that is told and one that refuses.
fn incident() -> (World, HttpFake, HttpFake) {
    let chat = HttpFake::start([Answer::new(200, "ok")]);
    let broken = HttpFake::start([Answer::new(403, "<b>no</b>\u{202e}")]);
    let world = World::with_queue(&format!(
        "{}[channels.broken.slack]\nwebhook_url = \"{}\"\n",
        slack(&chat),
        broken.url("/services/T1/B1/key")
    ));
    for depth in [3, 12, 14, 2] {
        world.queue(depth);
        world.check();
    }
    (world, chat, broken)
}

fn file(world: &World) -> String {
    fs::read_to_string(world.path("incident.html")).unwrap()
}

#[test]
fn an_incident_is_one_file_with_all_that_happened() {
    let (world, _chat, _broken) = incident();
    assert_eq!(world.run(&["report", "-o", "incident.html", "--alert", "1"]), Ran::silent(0));
    let html = file(&world);
    for part in [
        "<title>▲ HIGH (1) · incident report, alert 1 · Sippar bridge</title>",
        "<strong>Incident report</strong>",
        ", about alert 1</p>",
        "Alert 1: QUEUE_LONG",
        "14 are waiting",
        "fired HIGH",
        "resolved: the value is good again",
        "aria-label=\"QUEUE_LONG{probe=&quot;queue&quot;}, ",
        "class=\"limit high\"",
        "class=\"breach high\"",
        "<strong>sent</strong>",
        "<strong>dead</strong>",
        "&lt;b&gt;no&lt;/b&gt;",
        "slack",
        "broken",
    ] {
        assert!(html.contains(part), "{part} is not in {html}");
    }
    // nothing is fetched, nothing runs, and nobody's secret is in it
    for bad in ["<script", "src=", "href=\"/", "<b>no", "hooks.slack", "/services/", "\u{202e}"] {
        assert!(!html.contains(bad), "{bad} is in {html}");
    }
}

#[test]
fn a_time_says_what_lay_in_it() {
    let (world, _chat, _broken) = incident();
    let ran = world.run(&["report", "-o", "incident.html", "--from", "1h", "--json"]);
    let document = ran.json();
    assert_eq!((ran.code, &document["alerts"], &document["file"]), (0, &json!([1]), &json!("incident.html")));
    assert!(file(&world).contains("1 alert in 1 h"));
    // a time before all of it
    let ran = world.run(&["report", "-o", "-", "--from", "48h", "--to", "24h"]);
    assert!(ran.code == 0 && ran.err.is_empty() && ran.out.contains("Nothing was checked in 1 d"), "{ran:?}");
    assert!(ran.out.contains("? UNKNOWN") && !ran.out.contains("● OK"), "nothing checked is not fine: {}", ran.out);
    assert!(ran.out.starts_with("<!DOCTYPE html><html lang=\"en\">") && ran.out.ends_with("</html>"), "{}", ran.out);
}

/// Checks so many seconds after 2026-11-23T09:00:00Z.
fn check_at(world: &mut World, second: i64) {
    world.set("SIPPAR_MON_CLOCK", &(1_795_424_400_000 + second * 1000).to_string());
    let ran = world.run(&["check"]);
    assert!(ran.err.is_empty(), "{ran:?}");
}

fn report_since(world: &World, from: &str) -> String {
    let ran = world.run(&["report", "-o", "-", "--from", from]);
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.out
}

#[test]
fn a_time_without_checks_has_its_reason_and_a_changed_interval_makes_none() {
    let every_minute = QUEUE.replace("interval = \"1s\"", "interval = \"60s\"");
    let mut world = World::new(&every_minute);
    world.queue(1);
    for minute in 0..3 {
        check_at(&mut world, minute * 60);
    }
    let first = report_since(&world, "1h");
    assert!(first.contains("<strong>3 of 3 passed</strong>") && !first.contains("missed</strong>"), "{first}");
    for minute in 200..205 {
        check_at(&mut world, minute * 60);
    }
    let gap = "; no data Nov 23 09:03 to Nov 23 12:20 UTC, nothing ran.";
    let within = report_since(&world, "1h");
    assert!(within.contains(", nothing ran.") && !within.contains("not measured yet"), "{within}");
    assert!(report_since(&world, "6h").contains(gap));
    // a minute each was as it should be, whatever the interval is now
    world.configure(&every_minute.replace("\"60s\"", "\"15s\""));
    for quarter in 0..4 {
        check_at(&mut world, 205 * 60 + quarter * 15);
    }
    let changed = report_since(&world, "6h");
    assert!(changed.contains(gap) && !changed.contains("more times"), "{changed}");
}

#[test]
fn what_is_measured_and_no_number_is_named() {
    let world = World::with_queue("");
    world.write("queue.prom", "queue_depth +Inf\n", 0o644);
    world.check();
    let html = report_since(&world, "1h");
    assert!(html.contains("measured as +Inf, which cannot be drawn"), "{html}");
    assert!(!html.contains("no data in this time"), "{html}");
}

#[test]
fn a_file_that_is_there_is_not_replaced_unless_that_is_meant() {
    let (world, _chat, _broken) = incident();
    world.write("incident.html", "mine", 0o644);
    let err = "sippar-mon: cannot write incident.html: File exists (os error 17)\n  help: --force replaces it\n";
    let refused = Ran { code: 73, out: String::new(), err: err.to_owned() };
    assert_eq!(world.run(&["report", "-o", "incident.html"]), refused);
    assert_eq!(file(&world), "mine");
    assert_eq!(world.run(&["report", "-o", "incident.html", "--force"]), Ran::silent(0));
    assert!(file(&world).contains("Incident report"));
    fs::set_permissions(world.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(world.run(&["report", "-o", "nowhere/incident.html"]).code, 73);
}

#[test]
fn what_makes_no_time_is_said() {
    let (world, _chat, _broken) = incident();
    for (args, code, words) in [
        (&["--alert", "9"][..], 64, "there is no alert 9"),
        (&["--from", "yesterday"], 64, "--from: `yesterday` is not a time"),
        (&["--from", "1h", "--to", "2h"], 64, "is no span: it ends first"),
        (&["--from", "1h", "--alert", "1"], 64, "cannot be used with"),
    ] {
        let ran = world.run(&[&["report", "-o", "incident.html"], args].concat());
        assert!(ran.code == code && ran.err.contains(words), "{args:?}: {ran:?}");
    }
    assert_eq!(world.run(&["report"]).code, 64);
    assert!(!world.path("incident.html").exists());
}

#[test]
fn hostile_texts_are_inert() {
    let chat = HttpFake::start([Answer::new(200, HOSTILE)]);
    let world = World::with_queue(&slack(&chat));
    let depth = format!("queue_depth{{who=\"{HOSTILE}\"}} 99\n");
    world.write("queue.prom", &depth, 0o644);
    for _ in 0..2 {
        world.check();
    }
    assert_eq!(world.run(&["alert", "ack", "1", "-m", HOSTILE, "--by", "<i>eva</i>"]).code, 0);
    assert_eq!(world.run(&["report", "-o", "incident.html", "--alert", "1"]), Ran::silent(0));
    let html = file(&world);
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{html}");
    assert!(html.contains("&lt;i&gt;eva&lt;/i&gt;"), "{html}");
    for bad in ["<script", "<img", "<i>", "\u{202e}", "\u{1b}"] {
        assert!(!html.contains(bad), "{bad:?} is in {html}");
    }
}

#[test]
fn a_database_that_nothing_was_checked_in_gives_a_report_that_says_so() {
    let world = World::empty();
    let ran = world.run(&["report", "-o", "-"]);
    assert!(ran.code != 0 && ran.err.contains("sippar-mon"), "{ran:?}");
    world.check();
    let ran = world.run(&["report", "-o", "-"]);
    assert!(ran.code == 0 && ran.out.contains("No alert in 1 d"), "{ran:?}");
    assert!(ran.out.contains("1 check was done."), "{}", ran.out);
}
