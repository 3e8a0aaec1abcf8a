//! `rules check`: doubtful configurations, each with the whole of what is said about it beside it, the exit codes, the
//! document, rule files by themselves, and what the data adds. `UPDATE=1 cargo test --test e2e` writes the words anew.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::world::{QUEUE, Ran, World};

/// With a channel, so that all alerts reach somebody.
fn world(config: &str) -> World {
    let mut world = World::new(config);
    world.set("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T0/B0/x");
    world
}

#[test]
fn every_doubtful_configuration_is_warned_of_at_its_place() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/doubtful");
    let mut files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    assert!(files.len() >= 7, "only {} files in {}", files.len(), folder.display());
    let mut wrong = Vec::new();
    for file in &files {
        let world = world(&fs::read_to_string(file).unwrap());
        let ran = world.run(&["rules", "check"]);
        assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{}: {}", file.display(), ran.err);
        assert_eq!(world.run(&["rules", "check", "--strict", "-qq"]).code, 78, "{}", file.display());
        let (said, expected) = (world.tidy(&ran.err), file.with_extension("stderr"));
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&expected, &said).unwrap();
        }
        let expected = fs::read_to_string(&expected).unwrap_or_default();
        if said != expected {
            wrong.push(format!("{}\n--- expected\n{expected}--- said\n{said}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn where_nothing_is_wrong_nothing_is_said() {
    let world = world("");
    for args in [&["rules", "check"][..], &["rules", "check", "--strict"]] {
        assert_eq!(world.run(args), Ran::silent(0), "{args:?}");
    }
    assert_eq!(world.run(&["rules", "check", "--json"]), Ran { out: "[]\n".to_owned(), ..Ran::silent(0) });
}

#[test]
fn errors_and_warnings_are_told_together_and_counted() {
    let world = world(
        "[[rule]]\nalert = \"A\"\nexpr = \"service_up == 2\"\nseverity = \"HIGH\"\n\n\
         [[rule]]\nalert = \"B\"\nexpr = '''\ntopk(1, system_load1)'''\nabove = { HIGH = 1 }\n",
    );
    let ran = world.run(&["rules", "check"]);
    let err = "\
error: this can never hold: the left side is between 0 and 1
 --> ./config.toml:3:20
  |
3 | expr = \"service_up == 2\"
  |                    ^^^^
  |
  = help: it is 1 for yes and 0 for no
warning: topk selects other series from one tick to the next: alerts would come and go
 --> ./config.toml:9:1
  |
9 | topk(1, system_load1)'''
  | ^^^^
  |
  = help: compare all of them with a limit, or use max, min or quantile
sippar-mon: 1 error, 1 warning
";
    assert_eq!((ran.code, ran.out.as_str(), world.tidy(&ran.err).as_str()), (78, "", err));
    let ran = world.run(&["rules", "check", "--json"]);
    let row = |severity: &str, line: u32, column: u32, rule: &str, message: &str, help: &str| json!({"severity": severity, "file": "./config.toml", "line": line, "column": column, "rule": rule, "message": message, "help": help});
    let rows: Vec<Value> = vec![
        row(
            "error",
            3,
            20,
            "A",
            "this can never hold: the left side is between 0 and 1",
            "it is 1 for yes and 0 for no",
        ),
        row(
            "warning",
            9,
            1,
            "B",
            "topk selects other series from one tick to the next: alerts would come and go",
            "compare all of them with a limit, or use max, min or quantile",
        ),
    ];
    assert_eq!((ran.code, ran.json()), (78, json!(rows)), "{}", ran.err);
}

#[test]
fn severities_that_reach_nobody_are_an_error_here_and_nowhere_else() {
    let world = World::new("[[rule]]\nalert = \"MINE\"\nexpr = \"service_up == 0\"\nseverity = \"MEDIUM\"\n");
    let ran = world.run(&["rules", "check"]);
    let err = "\
error: nobody is told of any alert: no channel is configured, or none is routed to
 |
 = help: add a channel, as in [channels.ops.slack] webhook_url = \"env:SLACK_WEBHOOK_URL\"
sippar-mon: 1 error
";
    assert_eq!(ran, Ran { code: 78, out: String::new(), err: err.to_owned() });
    assert_ne!(world.run(&["check"]).code, 78);
}

#[test]
fn rule_files_are_checked_by_themselves_beside_the_sources() {
    let world = World::new("[probes.wallet.tcp]\naddress = \"localhost:1\"\n[[rule]]\nalert = \"BAD\"\nexpr = \"(\"\n");
    let good = "[[rule]]\nalert = \"A\"\nexpr = 'probe_success{probe=\"wallet\"} == 0'\nseverity = \"HIGH\"\n";
    world.write("good.toml", good, 0o644);
    world.write("bad.toml", "[[rule]]\nalert = \"B\"\nexpr = 'prob_success == 0'\nseverity = \"HIGH\"\n", 0o644);
    assert_eq!(world.run(&["rules", "check"]).code, 78);
    assert_eq!(world.run(&["rules", "check", "good.toml"]), Ran::silent(0));
    let ran = world.run(&["rules", "check", "good.toml", "bad.toml", "nowhere.toml"]);
    let err = "\
error: cannot read nowhere.toml: No such file or directory (os error 2)
error: there is no metric `prob_success`
 --> bad.toml:3:9
  |
3 | expr = 'prob_success == 0'
  |         ^^^^^^^^^^^^
  |
  = help: did you mean `probe_success`?
sippar-mon: 2 errors
";
    assert_eq!(ran, Ran { code: 78, out: String::new(), err: err.to_owned() });
}

/// Ticks of a second, one program that yields three series, and rules on them.
#[test]
fn the_data_shows_what_no_text_can() {
    let world = world(&format!(
        "{QUEUE}
[[rule]]
alert = \"NAMED\"
expr = 'queue_depth{{name=\"paymnts\"}}'
above = {{ HIGH = 10 }}

[[rule]]
alert = \"NEVER_SEEN\"
expr = 'queue_width > 1'
severity = \"HIGH\"

[[rule]]
alert = \"JOINED\"
expr = 'queue_depth > 100 and queue_limit > 1'
severity = \"HIGH\"

[[rule]]
alert = \"SEVERAL\"
expr = 'queue_limit / ignoring (host) queue_depth'
above = {{ HIGH = 10 }}

[[rule]]
alert = \"FINE\"
expr = 'absent(queue_height) and on () queue_depth{{name=~\"pay.*\"}}'
severity = \"LOW\"
for = \"10s\"
"
    ));
    let refused = world.run(&["rules", "check", "--data"]);
    assert_eq!(refused.code, 69, "there is no database yet: {refused:?}");
    let text = "queue_depth{name=\"payments\"} 1\nqueue_depth{name=\"refunds\"} 2\nqueue_limit{name=\"payments\",host=\"a\"} 5\n\
                queue_limit{name=\"payments\",host=\"b\"} 5\n";
    world.write("queue.prom", text, 0o644);
    world.check();
    let ran = world.run(&["rules", "check", "--data", "--json"]);
    let rows: Vec<String> = ran.json().as_array().unwrap().iter().map(line).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).filter(|row| !row.contains("there is no metric")).collect();
    assert_eq!(
        rows,
        [
            "warning NAMED: this selects nothing: there are 2 series of queue_depth, and none fits; \
             did you mean name=\"payments\"?",
            "warning NEVER_SEEN: nothing of queue_width was measured in this time; \
             is its source configured, and up? `sippar-mon collect` shows what is measured now",
            "warning JOINED: this has no result now: 2 on the left and 2 on the right, no two of which match; \
             they are as queue_depth{name=\"payments\",probe=\"queue\"} and \
             queue_limit{host=\"a\",name=\"payments\",probe=\"queue\"}: \
             on (…) or ignoring (…) says which labels must agree",
            "error SEVERAL: SEVERAL cannot be evaluated: several elements on the left side match one on the right side \
             ({name=\"payments\",probe=\"queue\"}); if that is meant, write group_left; ",
        ],
        "{}",
        ran.err
    );
    assert_eq!(ran.code, 78);
    world.write("queue.prom", "not a number", 0o644);
    world.check();
    let ran = world.run(&["rules", "check", "--data", "-qq"]);
    assert_eq!(ran.code, 0, "what is not measured now is no error: {ran:?}");
    let unknown = world.run(&["rules", "check", "--data"]).err;
    assert!(unknown.contains("warning: QUEUE_LONG{"), "{unknown}");
    assert!(unknown.contains("is unknown now: "), "{unknown}");
}

fn line(row: &Value) -> String {
    let text = |key: &str| row[key].as_str().unwrap_or_default();
    format!("{} {}: {}; {}", text("severity"), text("rule"), text("message"), text("help"))
}
