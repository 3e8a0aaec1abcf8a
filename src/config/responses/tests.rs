use std::sync::Arc;

use super::super::{Broken, Config, Flags, Texts, build};
use super::*;
use crate::model::fault::SourceText;
use crate::support::skip::root_or_skipped;
use crate::world::Env;

fn load(text: &str) -> Result<Config, Broken> {
    let main = SourceText { path: "config.toml".into(), text: text.to_owned() };
    let texts = Texts { main: Some(Arc::new(main)), rules: Vec::new() };
    let env = Env::from([("HOME", "/home/example")]);
    build(texts, Vec::new(), None, &Flags::default(), &env).map_err(Broken::Trouble)?.sound()
}

/// The words of every fault of `text`; none where it can be used.
fn faults(text: &str) -> Vec<String> {
    match load(text) {
        Ok(_) => Vec::new(),
        Err(Broken::Faults(faults, _)) => faults.into_iter().map(|located| located.fault.what).collect(),
        Err(Broken::Trouble(trouble)) => vec![trouble.what],
    }
}

fn good(text: &str) -> Config {
    load(text).unwrap_or_else(|_| panic!("{:#?}", faults(text)))
}

/// The faults of a response with these keys, which one rule names in this way.
fn found(keys: &str, respond: &str) -> Vec<String> {
    let rule = "[[rule]]\nalert = 'HIGH_MEMORY_USAGE'\nrespond";
    faults(&format!("[responses.restart]\n{keys}\n{rule} = {respond}\n"))
}

#[test]
fn what_is_left_out_has_a_sensible_value() {
    let config = good("[responses.restart]\ncommand = ['/bin/true', '-x']\n");
    let expected = Response {
        name: "restart".to_owned(),
        argv: vec!["/bin/true".to_owned(), "-x".to_owned()],
        limit: Duration::from_secs(30),
        max_runs: 3,
        per: Duration::from_hours(1),
        dry_run: false,
    };
    assert_eq!(config.responses, [expected]);
}

#[test]
fn what_nobody_should_run_is_refused() {
    assert_eq!(found("", "'restart'"), ["`command` is missing"]);
    let no_path = "`command` does not begin with the absolute path of a program";
    assert_eq!(found("command = ['reboot']", "'restart'"), [no_path]);
    assert_eq!(found("command = []", "'restart'"), [no_path]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("anybody");
    std::fs::write(&path, "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let open = format!("{} can be changed by others than its owner", path.display());
    assert_eq!(found(&format!("command = ['{}']", path.display()), "'restart'"), [open]);
    let limit = "`timeout` is not between 100ms and 5m";
    assert_eq!(found("command = ['/bin/true']\ntimeout = '6m'", "'restart'"), [limit]);
    let never = "with `max_runs = 0` it would never be started";
    assert_eq!(found("command = ['/bin/true']\nmax_runs = 0", "'restart'"), [never]);
}

#[test]
fn a_program_that_is_missing_is_a_remark() {
    let config = good("[responses.restart]\ncommand = ['/nonexistent/tool']\n");
    let said: Vec<_> = config.warnings.iter().map(|warning| warning.fault.what.as_str()).collect();
    assert_eq!(said, ["/nonexistent/tool cannot be run: No such file or directory (os error 2)"]);
}

#[test]
fn a_program_of_another_user_is_a_remark_with_the_way_out() {
    if !root_or_skipped("give files away") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("theirs");
    std::fs::write(&path, "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    std::os::unix::fs::chown(&path, Some(65534), None).unwrap();
    let shown = path.display();
    let config = good(&format!("[responses.restart]\ncommand = ['{shown}']\n"));
    let said: Vec<_> =
        config.warnings.iter().map(|warning| (warning.fault.what.as_str(), warning.fault.help.as_deref())).collect();
    let what = format!("{shown} belongs to user 65534, who could change what root runs");
    let help = format!("chown root {shown}; until then it is not run");
    assert_eq!(said, [(what.as_str(), Some(help.as_str()))]);
}

#[test]
fn a_rule_names_what_is_there_for_what_it_has() {
    let keys = "command = ['/bin/true']";
    assert_eq!(found(keys, "'restart'"), [""; 0]);
    assert_eq!(found(keys, "{ HIGH = 'restart', CRITICAL = 'restart' }"), [""; 0]);
    assert_eq!(found(keys, "'restrat'"), ["there is no response `restrat`"]);
    // a probe has a severity of its own
    let probe =
        "[probes.a.tcp]\naddress = '127.0.0.1:1'\nseverity = 'CRITICAL'\n[responses.restart]\ncommand = ['/bin/true']";
    let rule = "[[rule]]\nalert = 'PROBE_FAILED'\nrespond = { CRITICAL = 'restart' }";
    assert_eq!(faults(&format!("{probe}\n{rule}")), [""; 0]);
    let cpu = "[[rule]]\nalert = 'HIGH_CPU_USAGE'\nrespond = { CRITICAL = 'restart' }";
    let never = "no alert of HIGH_CPU_USAGE is ever CRITICAL or above";
    assert_eq!(faults(&format!("[responses.restart]\n{keys}\n{cpu}")), [never]);
}
