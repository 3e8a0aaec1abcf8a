use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::model::message::Kind;
use crate::net::Net;
use crate::notify::kit::{self, Case, Fake, dead, later, ok, unsure};
use crate::support::skip::root_or_skipped;

fn shell(script: &str) -> String {
    format!("[channel.exec]\ncommand = [\"/bin/sh\", \"-c\", '''{script}''']\ntimeout = \"2s\"\n")
}

pub fn cases() -> Vec<Case> {
    let all = [
        ("cat > /dev/null", ok("exit code 0")),
        ("echo; echo sent to 3; echo noise >&2", ok("exit code 0: sent to 3")),
        ("exit 0", ok("exit code 0")),
        ("echo no duty; echo cannot >&2; exit 1", later("exit code 1: cannot", None)),
        ("echo no duty; exit 75", later("exit code 75: no duty", None)),
        ("exit 69", later("exit code 69", None)),
        ("exit 64", dead("exit code 64")),
        ("exit 65", dead("exit code 65")),
        ("exit 77", dead("exit code 77")),
        ("echo bad config >&2; exit 78", dead("exit code 78: bad config")),
        ("kill -9 $$", unsure("ended by signal 9")),
        ("echo begun; sleep 60", unsure("killed after 2 s: begun")),
        (r"printf 'x\033]0;evil\007'", ok(r"exit code 0: x\u{1b}]0;evil\u{7}")),
        ("yes | head -c 10000000", ok("exit code 0: y")),
    ];
    let folder = || Fake::Folder(tempfile::tempdir().unwrap());
    let mut cases: Vec<Case> = all
        .into_iter()
        .map(|(script, expected)| kit::case(script.to_owned(), &shell(script), expected, folder()))
        .collect();
    let dir = tempfile::tempdir().unwrap();
    let open = dir.path().join("open");
    std::fs::write(&open, "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o755)).unwrap();
    let toml = format!("[channel.exec]\ncommand = [\"{}\"]\n", open.display());
    let mut case = kit::case("it became open".to_owned(), &toml, ok(""), Fake::Folder(dir));
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o757)).unwrap();
    case.expected = dead(&format!("{} can be changed by others than its owner", open.display()));
    cases.push(case);
    cases
}

#[tokio::test]
async fn it_finds_the_message_on_its_input_and_nothing_of_ours_around_it() {
    let folder = tempfile::tempdir().unwrap();
    let (input, around) = (folder.path().join("in"), folder.path().join("env"));
    let script = format!("cat > {}; env | sort > {}", input.display(), around.display());
    let delivery = kit::delivery(Kind::Firing);
    let channel = kit::build(&shell(&script)).unwrap();
    assert_eq!(channel.send(&delivery, &Net::new(None, None), delivery.created).await, ok("exit code 0"));
    let document: Value = serde_json::from_slice(&std::fs::read(input).unwrap()).unwrap();
    assert_eq!((&document["id"], &document["summary"]), (&Value::from(7), &Value::from("Memory at 96.1 %")));
    let around = std::fs::read_to_string(around).unwrap();
    // the shell adds its own
    let names: Vec<_> = around.lines().map(|line| line.split('=').next().unwrap()).collect();
    let ours: Vec<_> = names.into_iter().filter(|name| !["PWD", "SHLVL", "_", "OLDPWD"].contains(name)).collect();
    assert_eq!(ours, ["LANG", "PATH", "SIPPAR_MON_CHANNEL"]);
    assert!(around.contains("SIPPAR_MON_CHANNEL=ops\n"));
}

#[test]
fn settings_are_checked_when_they_are_loaded() {
    let channel = kit::build("[channel.exec]\ncommand = [\"/bin/true\", \"--all\"]\n").unwrap();
    assert_eq!(channel.describe(), "program /bin/true");
    for (toml, expected) in [
        ("", "`command` is missing @ [channel.exec]"),
        ("command = []", "`command` does not begin with the absolute path of a program @ []"),
        ("command = [\"true\"]", "`command` does not begin with the absolute path of a program @ [\"true\"]"),
        ("command = [\"/bin/true\"]\ntimeout = \"10s\"", "`timeout` is not between 100ms and 9s @ \"10s\""),
        ("command = [\"/bin/true\"]\ntimeout = \"0s\"", "`timeout` is not between 100ms and 9s @ \"0s\""),
        (
            "command = [\"/nonexistent/tell\"]",
            "/nonexistent/tell cannot be run: No such file or directory (os error 2) @ [\"/nonexistent/tell\"]",
        ),
    ] {
        assert_eq!(kit::build(&format!("[channel.exec]\n{toml}\n")).unwrap_err(), [expected], "{toml}");
    }
}

#[tokio::test]
async fn the_program_of_another_user_is_not_run_and_the_message_waits_for_who_may() {
    if !root_or_skipped("give files away") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let tell = folder.path().join("tell");
    std::fs::write(&tell, format!("#!/bin/sh\ntouch {}/ran\n", folder.path().display())).unwrap();
    std::fs::set_permissions(&tell, std::fs::Permissions::from_mode(0o755)).unwrap();
    let delivery = kit::delivery(Kind::Firing);
    let channel = kit::build(&format!("[channel.exec]\ncommand = [\"{}\"]\n", tell.display())).unwrap();
    std::os::unix::fs::chown(&tell, Some(65534), None).unwrap();
    let why = format!("{} belongs to user 65534, who could change what root runs", tell.display());
    assert_eq!(channel.send(&delivery, &Net::new(None, None), delivery.created).await, later(&why, None));
    assert!(!folder.path().join("ran").exists());
}
