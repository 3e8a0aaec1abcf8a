use std::time::Duration;

use super::super::{Kind, Probe};
use super::build;
use crate::model::severity::Severity;

#[test]
fn a_probe_needs_little() {
    let text = "[probes.wallet.http]\nurl = 'https://wallet.example.org/health'\n\
                [probes.\"db-1.x_y\".tcp]\naddress = '[::1]:5432'\nevery = '5m'\nseverity = 'medium'\n\
                [probes.queue.exec]\ncommand = ['/bin/sh', '-c', 'true']\nattempts = 1\ntimeout = '30s'";
    let shown: Vec<_> = build(text)
        .unwrap()
        .into_iter()
        .map(|Probe { name, every, severity, attempts, timeout, kind }| {
            let kind = match kind {
                Kind::Http(_) => "http",
                Kind::Tcp(_) => "tcp",
                Kind::Exec(_) => "exec",
            };
            (name, every.as_secs(), severity, attempts, timeout, kind)
        })
        .collect();
    let seconds = Duration::from_secs;
    assert_eq!(
        shown,
        [
            ("db-1.x_y".into(), 300, Severity::Medium, 3, seconds(5), "tcp"),
            ("queue".into(), 60, Severity::High, 1, seconds(30), "exec"),
            ("wallet".into(), 60, Severity::High, 3, seconds(5), "http"),
        ]
    );
}

#[test]
fn every_key_of_http_is_read() {
    let text = "[probes.p.http]\nurl = 'http://127.0.0.1/'\nmethod = 'post'\nstatus = [200, 404]\nbody_matches = 'a+'\n\
                body_not_matches = 'b'\njson = ''\njson_equals = 'x'\nheaders = { Authorization = 'env:TOKEN' }\n\
                max_body = '16MiB'";
    assert!(build(text).is_ok(), "{:?}", build(text));
    let far = "[probes.p.http]\nurl = 'http://10.0.0.1/'\ndanger_allow_plaintext = true";
    assert!(build(far).is_ok(), "{:?}", build(far));
}

#[test]
fn one_kind_per_name_and_a_name_that_fits() {
    let two = "[probes.p]\nhttp.url = 'https://a.example'\ntcp.address = 'a:1'";
    let help = "write `[probes.NAME.http]` with a `url`, or give a second kind a name of its own";
    for text in [two, "[probes.p]"] {
        let faults = build(text).unwrap_err();
        assert_eq!(faults.len(), 1);
        let want = format!(" | the probe `p` needs exactly one of the tables http, tcp and exec | {help}");
        assert!(faults[0].ends_with(&want.replace("NAME", "p")), "{faults:?}");
    }
    let faults = build("[probes.'a b'.tcp]\naddress = 'a:1'").unwrap_err();
    let want = " | `a b` cannot be the name of a probe | use 1 to 64 letters, digits, `_`, `.` or `-`";
    assert!(faults.len() == 1 && faults[0].ends_with(want), "{faults:?}");
    assert_eq!(
        build("[probes.p.icmp]\nhost = 'a'").unwrap_err(),
        ["unknown field `icmp`, expected one of `http`, `tcp`, `exec`"]
    );
}

#[test]
fn all_faults_of_a_probe_are_told_at_once_with_their_places() {
    let text = "[probes.p.http]\nurl = 'https://a.example'\nmethod = 'DELETE'\nstatus = [20]\nbody_matches = 'a('\n\
                json = 'data'\nheaders = { X = 'env:NONE' }\nmax_body = '1GiB'\nevery = '1s'\nseverity = 'bad'";
    assert_eq!(
        build(text).unwrap_err(),
        [
            "'1s' | `every = \"1s\"` is shorter than the interval of 1m | leave it out, or lower `[monitor] interval` to 1s",
            "'bad' | a severity is one of LOW, MEDIUM, HIGH, CRITICAL | ",
            "'DELETE' | `DELETE` is not a method that a probe uses | use GET, HEAD, OPTIONS or POST",
            "'env:NONE' | NONE is not set | ",
            "'1GiB' | `1GiB` is not a size between 1B and 16MiB | write it like 64KiB or 1MiB",
            "[20] | `status` is a list of codes between 100 and 599 | write it like [200, 204]",
            "'a(' | not a regular expression: unclosed group | https://docs.rs/regex/#syntax",
            "'data' | `data` is not a JSON pointer | write it like /data/status (RFC 6901)",
        ]
    );
}

#[test]
fn single_faults_are_told_with_the_way_out() {
    let plain = "plain http to another machine can be read and changed on the way";
    let https = "use https, or set `danger_allow_plaintext = true` for this probe";
    let header = "send them as a header: headers = { Authorization = \"env:NAME\" }";
    let argv = "write the program and its arguments: command = [\"/usr/local/bin/check-queue\", \"--all\"]";
    let relative = "`command` does not begin with the absolute path of a program";
    for (kind, keys, want) in [
        ("http", "url = 'http://a.example/'", format!("'http://a.example/' | {plain} | {https}")),
        ("http", "url = 'http://localhost.example/'", format!("'http://localhost.example/' | {plain} | {https}")),
        ("http", "url = 'https://u:p@a.example/'", format!("'https://u:p@a.example/' | `url` holds a name or password | {header}")),
        (
            "http",
            "url = 'ftp://a.example/'",
            "'ftp://a.example/' | `url` is not an address that begins with http:// or https:// | ".into(),
        ),
        (
            "http",
            "url = 'https://a.example/'\njson_equals = 'ok'",
            "'ok' | `json_equals` without `json` | say which value is meant: json = \"/data/status\"".into(),
        ),
        (
            "http",
            "url = 'https://a.example/'\njson = '/a~2'",
            "'/a~2' | `/a~2` is not a JSON pointer | write it like /data/status (RFC 6901)".into(),
        ),
        (
            "http",
            "url = 'https://a.example/'\nheaders = { 'X Y' = 'z' }",
            "'z' | `X Y` is not a header that can be sent | a name is letters, digits and `-`; a value is one line".into(),
        ),
        ("tcp", "address = 'a'", "'a' | `a` is not an address; write it like db.example.org:5432 or [::1]:5432 | ".into()),
        ("tcp", "address = 'a:1'\nexpect = '['", "'[' | not a regular expression: unclosed character class | https://docs.rs/regex/#syntax".into()),
        ("exec", "command = ['true']", format!("['true'] | {relative} | {argv}")),
        ("exec", "command = []", format!("[] | {relative} | {argv}")),
        (
            "exec",
            "command = ['/nonexistent/tool']",
            "['/nonexistent/tool'] | /nonexistent/tool cannot be run: No such file or directory (os error 2) | until then the probe fails".into(),
        ),
    ] {
        assert_eq!(build(&format!("[probes.p.{kind}]\n{keys}")).unwrap_err(), [want], "{keys}");
    }
}

#[test]
fn what_must_be_there_is_asked_for() {
    for (kind, key) in [("http", "url"), ("tcp", "address"), ("exec", "command")] {
        let faults = build(&format!("[probes.p.{kind}]")).unwrap_err();
        assert!(faults.len() == 1 && faults[0].contains(&format!("`{key}` is missing")), "{faults:?}");
    }
}
