//! A configuration for one machine, with the words that explain it: what `init` writes.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::collect::catalogue::{BACKEND, METRICS, SYSTEM};
use crate::model::time::Time;
use crate::rules::shipped;
use crate::text::safe;

/// What was found on the machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// Its name.
    pub host: String,
    /// When it was looked at.
    pub at: Time,
    /// Where the backend was looked for, and whether it answered there.
    pub backend: (String, bool),
    /// Disks, by where they are mounted.
    pub disks: Vec<String>,
    /// systemd units worth watching.
    pub services: Vec<String>,
    /// Kinds of channels that the environment has.
    pub channels: Vec<String>,
    /// The file with variables that the configuration names.
    pub env_file: Option<String>,
    /// Whether that file says where a sign of life goes.
    pub heartbeat: bool,
}

/// Kinds of metrics that need no table of their own.
const ALWAYS: [&str; 2] = [SYSTEM, "monitor"];

/// The configuration.
pub fn config(found: &Found) -> String {
    let mut out = head(found);
    out.push_str(&system(found));
    out.push_str(&backend(found));
    out.push_str(BRIDGE);
    out.push_str(PROBES);
    out.push_str(&channels(found));
    out.push_str(&heartbeat(found));
    out.push_str(&rules(found));
    out
}

fn head(found: &Found) -> String {
    let day = found.at.rfc3339();
    let day = day.split('T').next().unwrap_or_default();
    let env_file = match &found.env_file {
        Some(path) => {
            let name = toml_text(path);
            format!(
                "# NAME=value lines with the secrets, for whoever runs this: cron, a timer, people.\nenv_file = {name}\n"
            )
        }
        None => {
            "# NAME=value lines with the secrets (chmod 640): cron's environment is nearly empty.\n#env_file = \"\"\n"
                .to_owned()
        }
    };
    format!(
        "\
# sippar-mon on {host}, written by `sippar-mon init` on {day}. A line that begins with #key is a default.
# After a change:  sippar-mon rules check      what it all does:  sippar-mon check --dry-run
# Every key there is stands in config.toml.example.

[monitor]
# What notifications call the watched system, and which of its installations this is.
name = \"Sippar bridge\"
#environment = \"production\"
# Between two ticks. With \"15s\" a condition is told of within half a minute; the schedule needs no change.
#interval = \"60s\"
{env_file}
",
        host = safe::one_line(&found.host),
    )
}

fn system(found: &Found) -> String {
    let list = |words: &[String]| words.iter().map(|word| safe::one_line(word)).collect::<Vec<_>>().join(", ");
    let mut out = String::from("# ── This machine ──\n[sources.system]\n");
    if !found.disks.is_empty() {
        let _ = writeln!(out, "# These disks are watched without a word: {}", list(&found.disks));
    }
    out.push_str("#ignore_mounts = []\n# systemd units that must run: SERVICE_DOWN.\n");
    if found.services.is_empty() {
        out.push_str("# None was found that this program knows to be worth it.\n#services = []\n\n");
    } else {
        let services: Vec<String> = found.services.iter().map(|service| toml_text(service)).collect();
        let _ = writeln!(out, "services = [{}]\n", services.join(", "));
    }
    out
}

fn backend(found: &Found) -> String {
    let (url, answers) = &found.backend;
    let (words, mark) = if *answers {
        (format!("It answered at {url} when this was written."), "")
    } else {
        (format!("None answered at {url} when this was written. Without this table its rules say nothing."), "#")
    };
    format!("# ── The bridge's backend ──\n# {words}\n{mark}[sources.backend]\n{mark}url = {}\n\n", toml_text(url))
}

/// What cannot be found out from this machine alone.
const BRIDGE: &str = "\
# ── The chains ──
# Custody and supply are read from both chains by this program itself. examples/sippar.toml has the tables of the real
# bridge, every line explained: [sources.algorand], [sources.icp] and [sources.reserves].

";

const PROBES: &str = "\
# ── What users reach ──
#[probes.frontend.http]
#url = \"https://bridge.example.org/\"
#severity = \"HIGH\"

";

fn channels(found: &Found) -> String {
    let place = found.env_file.as_deref().unwrap_or("the environment");
    let have = if found.channels.is_empty() {
        format!(
            "# None is there yet: nobody is told of anything. Write SLACK_WEBHOOK_URL=… into {place}, or a table here.\n"
        )
    } else {
        format!("# Without a word here, from {place}: {}.\n", found.channels.join(", "))
    };
    format!(
        "\
# ── Who is told ──
{have}#[channels.chat.slack]
#webhook_url = \"env:SLACK_WEBHOOK_URL\"
#[channels.mail.email]
#host = \"smtp.example.org\"
#user = \"ops@example.org\"
#password = \"env:SMTP_PASS\"
#to = [\"ops@example.org\"]
# Then:  sippar-mon alert test

"
    )
}

fn heartbeat(found: &Found) -> String {
    let mark = if found.heartbeat { "" } else { "#" };
    format!(
        "\
# A sign of life for a service that tells people when it stops (Healthchecks or a service like it): nobody else notices
# when this machine is gone.
{mark}[heartbeat]
{mark}url = \"env:HEARTBEAT_URL\"

"
    )
}

/// The shipped rules that can be judged here, as they are, each line a comment.
fn rules(found: &Found) -> String {
    let mut kinds: BTreeSet<&str> = ALWAYS.into();
    if found.backend.1 {
        kinds.insert(BACKEND);
    }
    let blocks = shipped::TEXT.split("\n[[rule]]\n").skip(1);
    let (here, elsewhere): (Vec<&str>, Vec<&str>) = blocks.partition(|block| needs(block).is_subset(&kinds));
    let mut out = String::from(
        "\
# ── Rules ──
# They come with the program and need no word. To change one, take the # from [[rule]], its name and the lines you change.
",
    );
    for block in &here {
        out.push_str("\n#[[rule]]\n");
        for line in block.lines().filter(|line| !line.trim().is_empty()) {
            let _ = writeln!(out, "#{line}");
        }
    }
    let names: Vec<&str> = elsewhere.iter().filter_map(|block| name(block)).collect();
    out.push_str("\n# These wait for tables that are not here yet:\n");
    for names in names.chunks(3) {
        let _ = writeln!(out, "#   {}", names.join(", "));
    }
    out
}

/// The name of the rule in a block.
fn name(block: &str) -> Option<&str> {
    block.lines().find_map(|line| line.strip_prefix("alert")?.split('"').nth(1))
}

/// The kinds of sources that a rule in a block needs.
fn needs(block: &str) -> BTreeSet<&str> {
    let expressions = || block.lines().filter(|line| line.starts_with("expr") || line.starts_with("when"));
    let words = || expressions().flat_map(|line| line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
    let metrics = METRICS.iter().filter(|metric| words().any(|word| word == metric.name));
    // what the monitor says of a source needs that source
    let named =
        expressions().flat_map(|line| line.split("source='").skip(1).filter_map(|rest| rest.split('\'').next()));
    metrics.map(|metric| metric.source).chain(named).collect()
}

/// A value as TOML writes it.
fn toml_text(text: &str) -> String {
    toml::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(answers: bool) -> Found {
        Found {
            host: "host\nname".to_owned(),
            at: Time::from_millis(1_795_424_400_000),
            backend: ("http://127.0.0.1:3004".to_owned(), answers),
            disks: vec!["/".to_owned(), "/data".to_owned()],
            services: vec!["nginx.service".to_owned()],
            channels: vec!["slack".to_owned()],
            env_file: None,
            heartbeat: false,
        }
    }

    #[test]
    fn what_can_be_judged_depends_on_what_is_there() {
        let (with, without) = (config(&found(true)), config(&found(false)));
        let waits = |text: &str| text.split("These wait").nth(1).unwrap().to_owned();
        for name in ["BACKEND_DOWN", "HIGH_MIGRATION_ERROR_RATE"] {
            assert!(waits(&without).contains(name) && !waits(&with).contains(name), "{name}");
            assert!(
                with.contains(&format!("#alert   = \"{name}\"")) || with.contains(&format!("#alert    = \"{name}\""))
            );
        }
        for name in ["HIGH_MEMORY_USAGE", "MISSED_CYCLES", "SERVICE_DOWN"] {
            assert!(!waits(&without).contains(name), "{name}");
        }
        assert!(waits(&with).contains("UNDER_COLLATERALIZED") && waits(&with).contains("PROBE_FAILED"));
    }

    #[test]
    fn a_sign_of_life_is_given_where_its_address_is_known() {
        assert!(config(&found(true)).contains("\n#[heartbeat]\n#url = \"env:HEARTBEAT_URL\"\n"));
        let known = config(&Found { heartbeat: true, ..found(true) });
        assert!(known.contains("\n[heartbeat]\nurl = \"env:HEARTBEAT_URL\"\n"), "{known}");
    }

    #[test]
    fn its_comments_can_be_taken_away() {
        let text = config(&found(false));
        let table: toml::Table = text.parse().unwrap();
        assert_eq!(table["sources"]["system"]["services"], toml::Value::from(vec!["nginx.service"]));
        // each line with # and no space after it is TOML once the # is gone
        let is_key = |line: &str| line.starts_with('#') && !line.starts_with("# ");
        let bare: Vec<&str> = text.lines().map(|line| if is_key(line) { &line[1..] } else { line }).collect();
        let bare = bare.join("\n");
        bare.parse::<toml::Table>().unwrap_or_else(|error| panic!("{error}\n{bare}"));
    }
}
