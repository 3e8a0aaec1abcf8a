//! Which configuration, what is wrong with it, and who may read and change it.

use super::Finding;
use super::facts::{Config, Facts, File, Works};
use crate::text::units;

const TOPIC: &str = "config";

/// Faults that are told one by one.
const MOST: usize = 10;

/// The configuration.
pub fn check(facts: &Facts) -> Vec<Finding> {
    let config = &facts.config;
    let mut found = Vec::new();
    if let Some(trouble) = &config.trouble {
        found.push(with(Finding::problem(TOPIC, &trouble.what), trouble.help.as_deref()));
    }
    for fault in config.faults.iter().take(MOST) {
        let finding = if fault.is_error { Finding::problem } else { Finding::warning };
        found.push(with(finding(TOPIC, &fault.what), fault.help.as_deref()));
    }
    if let Some(more) = config.faults.len().checked_sub(MOST).filter(|more| *more > 0) {
        let is_error = config.faults.iter().skip(MOST).any(|fault| fault.is_error);
        let finding = if is_error { Finding::problem } else { Finding::warning };
        found.push(finding(TOPIC, &format!("and {more} more faults")).fix("sippar-mon rules check"));
    }
    found.extend(config.file.iter().flat_map(|file| file_faults(file, config)));
    let is_broken = config.trouble.is_some() || config.faults.iter().any(|fault| fault.is_error);
    if !is_broken && let Some(works) = &config.works {
        found.insert(0, Finding::fine(TOPIC, summary(config, works)));
    }
    found
}

fn with(finding: Finding, help: Option<&str>) -> Finding {
    match help {
        Some(help) => finding.fix(help),
        None => finding,
    }
}

fn summary(config: &Config, works: &Works) -> String {
    let Works { rules, sources, channels, .. } = works;
    let counts = format!(
        "{}, {}, {}",
        units::counted(*rules, "rule"),
        units::counted(*sources, "source"),
        units::counted(*channels, "channel")
    );
    match (&config.path, &config.file) {
        (Some((path, origin)), Some(file)) => {
            format!("{} ({origin}): {counts}; mode {}", path.display(), access(file))
        }
        (Some((path, origin)), None) => format!("{} ({origin}): {counts}", path.display()),
        (None, _) => format!("no file, which is a working set-up: {counts}"),
    }
}

/// `0640 root:sippar-mon`.
pub fn access(file: &File) -> String {
    format!("{:04o} {}:{}", file.mode, file.owner, file.group)
}

/// Whoever can change it decides which programs run.
fn file_faults(file: &File, config: &Config) -> Vec<Finding> {
    let mut found = Vec::new();
    let path = file.path.display();
    if file.mode & 0o022 != 0 {
        let who = if file.mode & 0o002 != 0 { "everybody".to_owned() } else { format!("the group {}", file.group) };
        let what = format!("{path}: {who} can change it (mode {}), and it names programs to run", access(file));
        found.push(Finding::problem(TOPIC, what).fix(format!("chmod go-w {path}")));
    }
    if file.uid != config.root && file.uid != config.uid {
        let what = format!("{path} belongs to {}, who is neither root nor the user that runs this", file.owner);
        found.push(Finding::warning(TOPIC, what).fix(format!("chown root {path}")));
    }
    found
}
