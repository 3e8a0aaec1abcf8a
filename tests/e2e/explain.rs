//! `rules explain` and `alert explain`: whole screens, with times and ages masked.

use regex::Regex;

use crate::support::http::{Answer, HttpFake};
use crate::world::{Ran, World, slack};

const CONFIG: &str = r#"
[monitor]
interval = "1s"

[sources.system]
enabled = false

[probes.disks.exec]
command = ["/bin/cat", "@disks.prom"]
attempts = 1

[probes.lamp.exec]
command = ["/bin/cat", "@lamp.prom"]
attempts = 1

[[rule]]
alert = "PROBE_FAILED"
enabled = false

[[rule]]
alert = "DISK_FULL"
expr = "disk_used"
above = { HIGH = "90%", CRITICAL = "95%" }
clear = { HIGH = "85%" }
except = ['{mount="/boot"}']

[[rule]]
alert = "DISK_FILLING"
expr = "disk_used"
when = "sum(disk_size) > 1"
above = { MEDIUM = "80%" }
for = "1h"
summary = "fills"

[[rule]]
alert = "ROOM"
expr = "sum by (room) (lamp_on) + on (room) lamp_power"
above = { LOW = 5 }

[[rule]]
alert = "LAMP"
expr = "lamp_on"
below = { LOW = 1 }
no_data = "fire"

[[rule]]
alert = "KEPT"
expr = "disk_used{mount=\"/\"}"
above = { LOW = "90%" }
keep_firing_for = "1h"
"#;

/// A text without what differs from run to run.
fn masked(world: &World, text: &str) -> String {
    let mut text = world.tidy(text);
    for (what, mask) in [
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "<time>"),
        // with its day where that is another one: an hour before midnight `for` of an hour ends tomorrow
        (r"([A-Z][a-z]{2} \d{1,2} )?\d\d:\d\d:\d\d", "<clock>"),
        (r"\b\d+ (ms|s|min)( \d+ s)?\b", "<age>"),
    ] {
        text = Regex::new(what).unwrap().replace_all(&text, mask).into_owned();
    }
    text
}

fn disks(world: &World, root: f64) {
    let text = format!(
        "disk_used{{mount=\"/\"}} {root}\ndisk_used{{mount=\"/boot\"}} 0.99\ndisk_used{{mount=\"/var\"}} 0.4\n\
         disk_size{{mount=\"/\"}} 2\n"
    );
    world.write("disks.prom", &text, 0o644);
}

/// A world of which the first cycle found a full disk and a lamp.
fn full(fake: &HttpFake) -> World {
    let mut world = World::new(&format!("{CONFIG}{}", slack(fake)));
    world.set("COLUMNS", "80");
    disks(&world, 0.92);
    world.write("lamp.prom", "lamp_on{room=\"hall\"} 1\nlamp_power{floor=\"1\"} 60\n", 0o644);
    assert_eq!(world.check(), Ran::silent(1));
    world
}

/// The same world after a cycle in which nothing could be measured.
fn blind(fake: &HttpFake) -> World {
    let world = full(fake);
    for file in ["disks.prom", "lamp.prom"] {
        world.write(file, "no exposition\n", 0o644);
    }
    world.check();
    world
}

fn screen(world: &World, args: &[&str]) -> String {
    let ran = world.run(args);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{args:?}: {ran:?}");
    masked(world, &ran.out)
}

#[test]
fn a_rule_that_fires_is_explained() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let world = full(&fake);
    assert_eq!(
        screen(&world, &["rules", "explain", "disk_full"]),
        "\
DISK_FULL  ./config.toml:21
at <time>, <age> ago

disk_used  3 elements
  {mount=\"/\",probe=\"disks\"}      0.92  <age> old
  {mount=\"/boot\",probe=\"disks\"}  0.99  <age> old
  {mount=\"/var\",probe=\"disks\"}    0.4  <age> old

{mount=\"/\",probe=\"disks\"}  92 %  ▲ HIGH firing since <clock> (<age>), alert 1
  HIGH      > 90 %  fired at <clock>: 2 points above its limit
  CRITICAL  > 95 %  not true: 3 points below its limit
  told      slack: firing of <clock>, sent
{mount=\"/var\",probe=\"disks\"}  40 %  ● ok
{mount=\"/boot\",probe=\"disks\"}  99 %  left out by except {mount=\"/boot\"}

who is told
  HIGH      slack
  CRITICAL  slack
"
    );
}

#[test]
fn a_rule_that_is_pending_is_explained() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let world = full(&fake);
    assert_eq!(
        screen(&world, &["rules", "explain", "DISK_FILLING"]),
        "\
DISK_FILLING  ./config.toml:28
at <time>, <age> ago

disk_used  3 elements
  {mount=\"/\",probe=\"disks\"}      0.92  <age> old
  {mount=\"/boot\",probe=\"disks\"}  0.99  <age> old
  {mount=\"/var\",probe=\"disks\"}    0.4  <age> old

and only when
sum(disk_size) > 1  = 2
  sum(disk_size)    = 2
    disk_size       1 element
      {mount=\"/\",probe=\"disks\"}  2  <age> old

{mount=\"/\",probe=\"disks\"}  92 %  ○ pending since <clock> (<age>)
  MEDIUM    > 80 %  pending since <clock>: 12 points above its limit; fires at
                    <clock> if it stays so, `for` is 1h
{mount=\"/boot\",probe=\"disks\"}  99 %  ○ pending since <clock> (<age>)
  MEDIUM    > 80 %  pending since <clock>: 19 points above its limit; fires at
                    <clock> if it stays so, `for` is 1h
{mount=\"/var\",probe=\"disks\"}  40 %  ● ok

who is told
  MEDIUM    slack
"
    );
}

#[test]
fn a_join_that_finds_nothing_is_explained() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let world = full(&fake);
    assert_eq!(
        screen(&world, &["rules", "explain", "ROOM"]),
        "\
ROOM  ./config.toml:36
at <time>, <age> ago

sum by (room) (lamp_on) + on (room) lamp_power  nothing
  - left 1, right 1, result 0: the right side has no label room, which must
    agree
  sum by (room) (lamp_on)                       1 element
    lamp_on                                     1 element
      {probe=\"lamp\",room=\"hall\"}  1  <age> old
  lamp_power                                    1 element
    {floor=\"1\",probe=\"lamp\"}  60  <age> old

there is no result, so there is nothing that could fire

who is told
  LOW       nobody: no channel hears of LOW
"
    );
}

#[test]
fn what_is_not_measured_holds_and_says_so() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let world = blind(&fake);
    assert_eq!(
        screen(&world, &["rules", "explain", "DISK_FULL"]),
        "\
DISK_FULL  ./config.toml:21
at <time>, <age> ago

disk_used  3 elements, 3 unknown
  {mount=\"/\",probe=\"disks\"}      ?  not measured since <clock>: 1 line is not …
  {mount=\"/boot\",probe=\"disks\"}  ?  not measured since <clock>: 1 line is not …
  {mount=\"/var\",probe=\"disks\"}   ?  not measured since <clock>: 1 line is not …

{mount=\"/\",probe=\"disks\"}  no value  ▲ HIGH firing since <clock> (<age>), alert 1
  not measured since <clock>: 1 line is not used: line 1: the value is not a
    number
  HIGH      > 90 %  fired at <clock>, held: what is not measured ends nothing
  CRITICAL  > 95 %  nobody knows, and what is not measured fires nothing
  told      slack: firing of <clock>, sent
{mount=\"/var\",probe=\"disks\"}  no value  ? UNKNOWN cannot be judged
  not measured: 1 line is not used: line 1: the value is not a number
  HIGH      > 90 %  nobody knows, and what is not measured fires nothing
  CRITICAL  > 95 %  nobody knows, and what is not measured fires nothing
{mount=\"/boot\",probe=\"disks\"}  no value  left out by except {mount=\"/boot\"}

who is told
  HIGH      slack
  CRITICAL  slack
"
    );
}

#[test]
fn what_is_unknown_as_a_whole_says_where_that_begins() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let world = blind(&fake);
    assert_eq!(
        screen(&world, &["rules", "explain", "DISK_FILLING"]),
        "\
DISK_FILLING  ./config.toml:28
at <time>, <age> ago

disk_used  3 elements, 3 unknown
  {mount=\"/\",probe=\"disks\"}      ?  not measured since <clock>: 1 line is not …
  {mount=\"/boot\",probe=\"disks\"}  ?  not measured since <clock>: 1 line is not …
  {mount=\"/var\",probe=\"disks\"}   ?  not measured since <clock>: 1 line is not …

and only when
sum(disk_size) > 1  ? unknown
  sum(disk_size)    ? unknown
    - disk_size{mount=\"/\",probe=\"disks\"} is unknown, and this rests on all
      elements together
    disk_size       1 element, 1 unknown
      {mount=\"/\",probe=\"disks\"}  ?  not measured since <clock>: 1 line is not …

cannot be judged: 1 line is not used: line 1: the value is not a number;
`no_data` is hold: what fires goes on, nothing new fires

{mount=\"/\",probe=\"disks\"}  no result  ○ pending since <clock> (<age>)
  MEDIUM    > 80 %  pending, and what is not measured does not count: fires
                    after 1 h more of being true
{mount=\"/boot\",probe=\"disks\"}  no result  ○ pending since <clock> (<age>)
  MEDIUM    > 80 %  pending, and what is not measured does not count: fires
                    after 1 h more of being true

who is told
  MEDIUM    slack
"
    );
}

#[test]
fn what_fires_because_it_is_not_measured_says_so() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let world = blind(&fake);
    assert_eq!(
        screen(&world, &["rules", "explain", "LAMP"]),
        "\
LAMP  ./config.toml:41
at <time>, <age> ago

lamp_on  1 element, 1 unknown
  {probe=\"lamp\",room=\"hall\"}  ?  not measured since <clock>: 1 line is not use…

{probe=\"lamp\",room=\"hall\"}  no value  · LOW firing since <clock> (<age>), alert 3
  not measured since <clock>: 1 line is not used: line 1: the value is not a
    number; `no_data` is fire: that counts as bad
  LOW       < 1  fired at <clock>: not measured counts as bad
  told      nobody

who is told
  LOW       nobody: no channel hears of LOW
"
    );
}

#[test]
fn an_alert_is_explained_from_its_beginning_to_its_end() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let world = full(&fake);
    let rule = "rule ./config.toml:21\nat <time>, <age> ago\n";
    let audience = "\nwho is told\n  HIGH      slack\n  CRITICAL  slack\n";
    disks(&world, 0.87);
    assert_eq!(world.check(), Ran::silent(1));
    assert_eq!(
        screen(&world, &["alert", "explain", "1"]),
        format!(
            "\
alert 1: DISK_FULL{{mount=\"/\",probe=\"disks\"}}  firing for <age>
{rule}
disk_used  3 elements
  {{mount=\"/\",probe=\"disks\"}}  0.87  <age> old
  and 2 of other label sets

{{mount=\"/\",probe=\"disks\"}}  87 %  ▲ HIGH firing since <clock> (<age>), alert 1
  HIGH      > 90 %  fired at <clock>, not past its limit now: ends at `clear`
                    85 %
  CRITICAL  > 95 %  not true: 8 points below its limit
{audience}
history
  <time>  fired HIGH, value 92 %
    slack: firing, sent
"
        )
    );
    disks(&world, 0.2);
    assert_eq!(world.check(), Ran::silent(0));
    let over = format!(
        "\
alert 1: DISK_FULL{{mount=\"/\",probe=\"disks\"}}  resolved at <clock> after <age>
{rule}of the past, samples and what fired are kept, and pending starts are not

disk_used  3 elements
  {{mount=\"/\",probe=\"disks\"}}  0.92
  and 2 of other label sets

{{mount=\"/\",probe=\"disks\"}}  92 %  ▲ HIGH firing since <clock>, alert 1
  HIGH      > 90 %  fired: 2 points above its limit
  CRITICAL  > 95 %  not true: 3 points below its limit
{audience}
history
  <time>  fired HIGH, value 92 %
    slack: firing, sent
  <time>  resolved (HIGH): the value is good again, value 20 %
    slack: resolved, sent
"
    );
    assert_eq!(screen(&world, &["alert", "explain", "1"]), over);
}

#[test]
fn what_fires_on_says_until_when() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let world = full(&fake);
    disks(&world, 0.87);
    assert_eq!(world.check(), Ran::silent(1));
    assert_eq!(
        screen(&world, &["rules", "explain", "KEPT"]),
        "\
KEPT  ./config.toml:47
at <time>, <age> ago

disk_used{mount=\"/\"}  1 element
  {mount=\"/\",probe=\"disks\"}  0.87  <age> old

{mount=\"/\",probe=\"disks\"}  87 %  · LOW firing since <clock> (<age>), alert 2
  LOW       > 90 %  fires on until <clock>: not true since <clock>,
                    `keep_firing_for` is 1h
  told      nobody

who is told
  LOW       nobody: no channel hears of LOW
"
    );
}

#[test]
fn an_alert_that_is_over_is_explained_to_programs_and_without_its_rule() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let world = full(&fake);
    disks(&world, 0.2);
    assert_eq!(world.check(), Ran::silent(0));
    let document = world.run(&["alert", "explain", "1", "--json"]).json();
    assert_eq!(document["history"][1]["what"], "resolved");
    assert_eq!(document["deliveries"][0]["state"], "sent");
    let explanation = &document["explanation"];
    assert_eq!(explanation["past"], true);
    assert_eq!(explanation["results"][0]["severities"][0]["stand"], "true");
    let now = world.run(&["rules", "explain", "DISK_FULL", "--json"]).json();
    assert_eq!((&now["past"], &now["results"][0]["firing"]), (&false.into(), &().into()));

    world.configure(&CONFIG.replace("DISK_FULL", "DISK_PACKED"));
    let gone = screen(&world, &["alert", "explain", "1"]);
    assert_eq!(
        gone,
        "\
alert 1: DISK_FULL{mount=\"/\",probe=\"disks\"}  resolved at <clock> after <age>
its rule is no longer configured: what it found cannot be evaluated again

history
  <time>  fired HIGH, value 0.92
    slack: firing, sent
  <time>  resolved (HIGH): the value is good again, value 0.2
    slack: resolved, sent
"
    );
}

#[test]
fn the_past_knows_what_fired_then() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let world = full(&fake);
    disks(&world, 0.87);
    assert_eq!(world.check(), Ran::silent(1));
    let then = world.run(&["rules", "explain", "DISK_FULL", "--json"]).json()["at"].as_str().unwrap().to_owned();
    disks(&world, 0.2);
    assert_eq!(world.check(), Ran::silent(0));
    assert_eq!(
        screen(&world, &["rules", "explain", "DISK_FULL", "--at", &then]),
        "\
DISK_FULL  ./config.toml:21
at <time>, <age> ago
of the past, samples and what fired are kept, and pending starts are not

disk_used  3 elements
  {mount=\"/\",probe=\"disks\"}      0.87
  {mount=\"/boot\",probe=\"disks\"}  0.99
  {mount=\"/var\",probe=\"disks\"}    0.4

{mount=\"/\",probe=\"disks\"}  87 %  ▲ HIGH firing since <clock> (<age>), alert 1
  HIGH      > 90 %  fired: not past its limit, to end at `clear` 85 %
  CRITICAL  > 95 %  not true: 8 points below its limit
  told      slack: firing of <clock>, sent
{mount=\"/var\",probe=\"disks\"}  40 %  ● ok
{mount=\"/boot\",probe=\"disks\"}  99 %  left out by except {mount=\"/boot\"}

who is told
  HIGH      slack
  CRITICAL  slack
"
    );
}

#[test]
fn a_change_that_no_check_has_seen_is_named() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let world = full(&fake);
    world
        .configure(&CONFIG.replace("HIGH = \"90%\"", "HIGH = \"93%\"").replace("MEDIUM = \"80%\"", "MEDIUM = \"30%\""));
    let document = |name: &str| world.run(&["rules", "explain", name, "--json"]).json()["results"].clone();
    let full = document("DISK_FULL");
    assert_eq!((&full[0]["firing"], &full[0]["severities"][0]["stand"]), (&"HIGH".into(), &"not_clear".into()));
    let filling = document("DISK_FILLING");
    assert_eq!(filling[2]["labels"]["mount"], "/var");
    assert_eq!(filling[2]["severities"][0]["stand"], "begins");
    let shown = screen(&world, &["rules", "explain", "DISK_FILLING"]);
    assert!(
        shown.contains(
            "\
{mount=\"/var\",probe=\"disks\"}  40 %  true, not firing
  MEDIUM    > 30 %  true: 10 points above its limit; the next check begins to
                    count
"
        ),
        "{shown}"
    );
}

#[test]
fn a_storm_is_read_in_parts() {
    let world = World::with_queue("");
    let series = |n: u32| format!("queue_depth{{n=\"{n:02}\"}} {}\n", if n < 30 { 11 } else { 1 });
    world.write("queue.prom", &(0..40).map(series).collect::<String>(), 0o644);
    world.check();
    let shown = screen(&world, &["rules", "explain", "QUEUE_LONG"]);
    assert!(shown.contains("\n  {n=\"07\",probe=\"queue\"}  11  <age> old\n  and 32 more\n\n"), "{shown}");
    assert_eq!(shown.matches("▲ HIGH firing since").count(), 20, "{shown}");
    assert_eq!(shown.matches("● ok").count(), 8, "{shown}");
    assert!(shown.contains("\nand 10 more like these, show with -v\n{n=\"30\""), "{shown}");
    assert!(shown.contains("\nand 2 more like these, show with -v\n\nwho is told\n"), "{shown}");
    let all = world.run(&["rules", "explain", "QUEUE_LONG", "-v"]).out;
    assert_eq!((all.matches("▲ HIGH firing since").count(), all.matches("● ok").count()), (30, 10), "{all}");
}

#[test]
fn what_is_not_there_is_named() {
    let world = World::with_queue("");
    let err = |args: &[&str]| {
        let ran = world.run(args);
        assert_eq!(ran.out, "", "{args:?}");
        (ran.code, masked(&world, &ran.err))
    };
    assert_eq!(
        err(&["rules", "explain", "QUEUE_LNG"]),
        (64, "sippar-mon: there is no rule `QUEUE_LNG`\n  help: did you mean QUEUE_LONG?\n".to_owned())
    );
    world.check();
    assert_eq!(
        err(&["alert", "explain", "7"]),
        (64, "sippar-mon: there is no alert 7\n  help: `sippar-mon alert list --all` lists them\n".to_owned())
    );
    assert_eq!(
        err(&["rules", "explain", "QUEUE_LONG", "--at", "1h"]),
        (69, "sippar-mon: nothing had been checked at <time>\n  help: name a later time with --at\n".to_owned())
    );
    let (code, text) = err(&["rules", "explain", "QUEUE_LONG", "--at", "noon"]);
    assert!(code == 64 && text.starts_with("sippar-mon: --at: `noon` is not a time; "), "{text}");
}
