//! The command line itself: help, typos, and commands of later versions.

use crate::world::{Ran, World};

#[test]
fn help_and_version_are_answers() {
    let world = World::empty();
    let help = world.run(&["--help"]);
    assert_eq!((help.code, help.err.as_str()), (0, ""));
    for word in ["check", "status", "alert", "query", "collect", "Exit codes of check and status:"] {
        assert!(help.out.contains(word), "{word} in {}", help.out);
    }
    let version = format!("sippar-mon {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(world.run(&["--version"]), Ran { code: 0, out: version, err: String::new() });
}

#[test]
fn what_is_mistyped_is_a_mistake_of_usage() {
    let world = World::empty();
    for (args, hint) in [
        (&[][..], "Usage:"),
        (&["chekc"], "'check'"),
        (&["status", "--jsn"], "'--json'"),
        (&["alert", "lst"], "'list'"),
        (&["alert", "show", "one"], "one"),
        (&["alert", "show", "-1"], "-1"),
        (&["status", "--format", "xml"], "nagios"),
        (&["check", "--dry-run", "--repeat"], "--repeat"),
        (&["query"], "<EXPR>"),
    ] {
        let ran = world.run(args);
        assert_eq!((ran.code, ran.out.as_str()), (64, ""), "{args:?}: {ran:?}");
        assert!(ran.err.contains(hint), "{args:?}: {ran:?}");
    }
    world.run(&["check"]);
    let err = "sippar-mon: there is no alert 4711\n  help: `sippar-mon alert list --all` lists them\n".to_owned();
    assert_eq!(world.run(&["alert", "show", "4711"]), Ran { code: 64, out: String::new(), err });
}
