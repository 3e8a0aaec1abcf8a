//! `rules test`: what passes, what a failure shows, what `--update` writes, and which rules are under test.

use std::fs;
use std::path::Path;

use crate::world::{Ran, World};

/// A rule file with two tests: one says what happens, one does not.
const FILE: &str = r#"# rules of the queue
[[rule]]
alert = "QUEUE_LONG"
expr = "queue_depth"
above = { HIGH = 10 }
for = "2m"
summary = "{{ value }} are waiting"

[[test]]
name = "a short peak tells nobody"    # nor should it
series = { queue_depth = "1 20x1 1" }
timeline = """
1m QUEUE_LONG pending 20 (> 10)
3m QUEUE_LONG fine    1
"""

[[test]]
name = "a long queue is told of"
series = { queue_depth = "1 20x2 ?(timeout) 1" }
timeline = """
1m  QUEUE_LONG  pending    20 (> 10)
2m  QUEUE_LONG  fired HIGH 20 (> 10)
    -> chat, mail: firing "20 are waiting"
"""
"#;

/// What happens in the second test.
const HAPPENS: &str = r#"1m  QUEUE_LONG  pending                  20 (> 10)
3m  QUEUE_LONG  fired HIGH               20 (> 10)
    -> chat, mail: firing "20 are waiting"
4m  QUEUE_LONG  not measured             timeout; stays HIGH
5m  QUEUE_LONG  resolved HIGH (cleared)  1
    -> chat, mail: resolved "1 are waiting"
"#;

fn world() -> World {
    let world = World::empty();
    world.write("queue.toml", FILE, 0o644);
    world
}

fn ran(code: i32, out: &str) -> Ran {
    Ran { code, out: out.to_owned(), err: String::new() }
}

#[test]
fn the_stories_of_the_shipped_rules_pass() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stories/rules");
    let paths: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path().display().to_string()).collect();
    let mut args = vec!["rules", "test", "--shipped"];
    args.extend(paths.iter().map(String::as_str));
    let world = World::empty();
    let all = world.run(&args);
    assert_eq!((all.code, all.err.as_str()), (0, ""), "{}", all.out);
    let count = all.out.lines().filter(|line| line.starts_with("  ok ")).count();
    assert_eq!(all.out.lines().last(), Some(format!("{count} passed, 0 failed").as_str()));
    assert!(count >= 30, "only {count} stories");
    args.push("-q");
    assert_eq!(world.run(&args), Ran::silent(0));
}

#[test]
fn a_failure_is_a_difference_of_timelines_and_update_writes_what_happens() {
    let world = world();
    let failed = "\
queue.toml
  ok       a short peak tells nobody
  FAILED   a long queue is told of
           @@ -1,3 +1,6 @@
            1m  QUEUE_LONG  pending                  20 (> 10)
           -2m  QUEUE_LONG  fired HIGH 20 (> 10)
           +3m  QUEUE_LONG  fired HIGH               20 (> 10)
                -> chat, mail: firing \"20 are waiting\"
           +4m  QUEUE_LONG  not measured             timeout; stays HIGH
           +5m  QUEUE_LONG  resolved HIGH (cleared)  1
           +    -> chat, mail: resolved \"1 are waiting\"
1 passed, 1 failed
";
    assert_eq!(world.run(&["rules", "test", "queue.toml"]), ran(1, failed));
    assert_eq!(fs::read_to_string(world.path("queue.toml")).unwrap(), FILE, "nothing is written unasked");
    let only = "queue.toml\n  ok       a short peak tells nobody\n1 passed, 0 failed\n";
    assert_eq!(world.run(&["rules", "test", "queue.toml", "--run", "short"]), ran(0, only));

    let written = "queue.toml\n  ok       a short peak tells nobody\n  written  a long queue is told of\n1 passed, 0 failed, 1 written\n";
    assert_eq!(world.run(&["rules", "test", "queue.toml", "--update"]), ran(0, written));
    let (before, _) = FILE.rsplit_once("\"\"\"\n1m  QUEUE_LONG").unwrap();
    assert_eq!(fs::read_to_string(world.path("queue.toml")).unwrap(), format!("{before}\"\"\"\n{HAPPENS}\"\"\"\n"));
    assert_eq!(world.run(&["rules", "test", "queue.toml"]).code, 0);
}

#[test]
fn a_timeline_that_is_missing_is_shown_and_written_under_the_series() {
    let world = World::empty();
    let text = "\u{feff}[[test]]\r\nname = 'n'\r\nseries = { source_up = '0 1' } # two\r\n\r\n[[test]]\r\nname = 'm'\r\nseries.source_up = '1'\r\n";
    world.write("t.toml", text, 0o640);
    let shown = "\
t.toml
  FAILED   n
           it has no timeline; --update writes what happens:
           0s  SOURCE_DOWN  pending  0 (== 0)
           1m  SOURCE_DOWN  fine     1
  FAILED   m
           it has no timeline; --update writes what happens:
           (nothing)
0 passed, 2 failed
";
    assert_eq!(world.run(&["rules", "test", "t.toml"]), ran(1, shown));
    assert_eq!(world.run(&["rules", "test", "t.toml", "--update"]).code, 0);
    let now = fs::read_to_string(world.path("t.toml")).unwrap();
    let first = "\ntimeline = \"\"\"\n0s  SOURCE_DOWN  pending  0 (== 0)\n1m  SOURCE_DOWN  fine     1\n\"\"\"";
    let wanted = text.replace("# two\r", &format!("# two\r{first}")).replace("= '1'\r", "= '1'\r\ntimeline = \"\"");
    assert_eq!(now, wanted);
    assert_eq!(world.run(&["rules", "test", "t.toml"]).code, 0);
    // a test within a list of inline tables has no line of its own
    world.write("t.toml", "test = [{ name = 'n', series = { source_up = '1' } }]\n", 0o644);
    let refused = world.run(&["rules", "test", "t.toml", "--update"]);
    let err = "sippar-mon: a timeline cannot be put into t.toml without harm to it\n  \
               help: write timeline = \"\" on a line of its own into each [[test]] that has none\n";
    assert_eq!(refused, Ran { code: 65, out: String::new(), err: err.to_owned() });
}

#[test]
fn the_rules_of_the_file_stand_over_those_of_the_configuration() {
    let world = World::empty();
    // a secret that is not there, and a channel that this version cannot build, are no concern of a test
    world.configure(
        "[monitor]\ninterval = \"30s\"\n[channels.chat.slack]\nwebhook_url = \"env:NOT_SET\"\n\
         [probes.queue.exec]\ncommand = [\"/bin/true\"]\nseverity = \"MEDIUM\"\n\
         [[rule]]\nalert = \"QUEUE_LONG\"\nexpr = \"queue_depth\"\nabove = { CRITICAL = 5 }\n",
    );
    fs::create_dir(world.path("rules.d")).unwrap();
    let test = |series: &str, timeline: &str| {
        format!("[[test]]\nname = \"t\"\nseries = {{ {series} }}\ntimeline = \"{timeline}\"\n")
    };
    let queue = "0s QUEUE_LONG fired CRITICAL 7 (> 5)\\n-> chat, mail, sms: firing \\\"QUEUE_LONG: 7 (limit > 5)\\\"";
    world.write("rules.d/a.toml", &test("queue_depth = '7'", queue), 0o644);
    let probe = "30s PROBE_FAILED{probe='queue'} fired MEDIUM 0 (== 0)\\n-> chat: firing \\\"Probe queue fails after repeated attempts\\\"";
    let probe = probe.replace('\'', "\\\"");
    world.write("rules.d/b.toml", &test("'probe_success{probe=\"queue\"}' = '1 0'", &probe), 0o644);
    let own = "[[rule]]\nalert = \"QUEUE_LONG\"\nexpr = \"queue_depth\"\nabove = { CRITICAL = 8 }\n";
    world.write("other.toml", &format!("{own}{}", test("queue_depth = '7'", "")), 0o644);

    // those of rules.d, then a file that is not in force, then one that is
    let passed = "./rules.d/a.toml\n  ok       t\n./rules.d/b.toml\n  ok       t\n2 passed, 0 failed\n";
    assert_eq!(world.run(&["rules", "test"]), ran(0, passed));
    assert_eq!(world.run(&["rules", "test", "other.toml"]), ran(0, "other.toml\n  ok       t\n1 passed, 0 failed\n"));
    assert_eq!(world.run(&["rules", "test", "rules.d/a.toml"]).code, 0);
    // without the configuration nobody reads the queue
    let bare = world.run(&["rules", "test", "--shipped", "rules.d/a.toml"]);
    assert_eq!((bare.code, bare.out.as_str()), (65, ""));
    assert!(bare.err.starts_with("error: no rule of this test reads `queue_depth`"), "{}", bare.err);
    // a rule under test in rules.d stands in place of itself, and a test does not keep `check` from its work
    world.write(
        "rules.d/own.toml",
        &format!("{}{}", own.replace("QUEUE_LONG", "QUEUE_FULL"), test("queue_depth = '7'", queue)),
        0o644,
    );
    assert_eq!(world.run(&["rules", "test"]).code, 0);
    world.configure("[sources.system]\nenabled = false\n");
    fs::remove_file(world.path("rules.d/own.toml")).unwrap();
    assert_eq!(world.run(&["check"]), Ran::silent(0));
}

#[test]
fn faults_are_told_with_their_place() {
    let world = world();
    let text = "[[test]]\nname = \"n\"\nseries = { source_up = \"1 0x1F\" }\n[[test]]\nnmae = \"o\"\n";
    world.write("bad.toml", text, 0o644);
    let err = "\
error: `1F` is not a number of times
 --> bad.toml:3:27
  |
3 | series = { source_up = \"1 0x1F\" }
  |                           ^^^^
  |
  = help: there are no hexadecimal numbers here: 0x10 is 0 and ten more of it
error: `name` is missing
 --> bad.toml:4:1
  |
4 | [[test]]
  | ^^^^^^^^
  |
  = help: say what the test shows: name = \"…\"
error: `series` is missing
 --> bad.toml:4:1
  |
4 | [[test]]
  | ^^^^^^^^
  |
  = help: say what is measured: series = { system_memory_usage_ratio = \"0.5 0.9x10 0.5\" }
error: unknown key `nmae`
 --> bad.toml:5:1
  |
5 | nmae = \"o\"
  | ^^^^
  |
  = help: did you mean `name`?
sippar-mon: 4 errors in the files of tests
";
    assert_eq!(world.run(&["rules", "test", "bad.toml"]), Ran { code: 65, out: String::new(), err: err.to_owned() });
    let err = "error: cannot read none.toml: No such file or directory (os error 2)\nsippar-mon: 1 error in the files of tests\n";
    assert_eq!(world.run(&["rules", "test", "none.toml"]), Ran { code: 65, out: String::new(), err: err.to_owned() });
    world.write("empty.toml", "", 0o644);
    let err =
        "sippar-mon: no [[test]] in empty.toml\n  help: `sippar-mon rules test --help` shows how one is written\n";
    assert_eq!(world.run(&["rules", "test", "empty.toml"]), Ran { code: 1, out: String::new(), err: err.to_owned() });
    let err = "sippar-mon: there are no rules.d/*.toml beside the configuration\n  help: name a file with [[test]]\n";
    assert_eq!(world.run(&["rules", "test"]), Ran { code: 1, out: String::new(), err: err.to_owned() });
    world.configure("[[rule]]\nalert = \"A\"\n");
    let broken = world.run(&["rules", "test", "queue.toml"]);
    assert_eq!((broken.code, broken.out.as_str()), (78, ""));
    assert!(broken.err.starts_with("error: A has no `expr`"), "{}", broken.err);
    assert!(broken.err.ends_with(" in the configuration\n"), "{}", broken.err);
    assert_eq!(world.run(&["rules", "test", "--shipped"]).code, 64);
}

#[test]
fn json_has_every_test_with_its_timeline() {
    let world = world();
    let ran = world.run(&["rules", "test", "queue.toml", "--json"]);
    let json = ran.json();
    assert_eq!((ran.code, &json["passed"], &json["failed"]), (1, &1.into(), &1.into()));
    let second = &json["tests"][1];
    let wanted = serde_json::json!({
        "file": "queue.toml", "line": 18, "name": "a long queue is told of", "result": "failed", "timeline": HAPPENS,
        "difference": second["difference"],
    });
    assert_eq!(*second, wanted);
    assert!(second["difference"].as_str().unwrap().contains("\n-2m  QUEUE_LONG"));
    assert!(json["tests"][0]["difference"].is_null());
}
