//! What the monitor is made of, for the bottom of a page.

use std::fmt::Write as _;
use std::time::Duration;

use ring::digest;

use crate::config::Config;
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::store::{Reader, Result};
use crate::text::safe;
use crate::view::snapshot::Snapshot;

/// The bottom of a page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Footer {
    /// The program's version.
    pub version: &'static str,
    /// The configuration's file.
    pub file: Option<String>,
    /// How many rules there are.
    pub rules: usize,
    /// What they come to, so that two pages can be compared.
    pub hash: String,
    /// Bytes of the database.
    pub bytes: u64,
    /// Bytes that it may have.
    pub most_bytes: u64,
    /// How long samples are kept.
    pub kept: Duration,
    /// The oldest sample.
    pub oldest: Option<Time>,
    /// Cycles done.
    pub done: u64,
    /// Cycles missed.
    pub missed: u64,
}

impl Footer {
    /// What it is made of.
    pub fn of(reader: &Reader, config: &Config, snapshot: &Snapshot) -> Result<Self> {
        Ok(Self {
            version: env!("CARGO_PKG_VERSION"),
            file: config.path.as_ref().map(|(path, _)| safe::one_line(&path.display().to_string())),
            rules: config.rules.len(),
            hash: hash(config),
            bytes: reader.size_bytes()?,
            most_bytes: config.limits.bytes,
            kept: config.limits.age,
            oldest: reader.sampled()?.map(|(oldest, _)| oldest),
            done: snapshot.counts.done,
            missed: snapshot.counts.missed,
        })
    }
}

/// The first digits of a hash over what the rules say.
fn hash(config: &Config) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for rule in &config.rules {
        let limits = Severity::ALL.map(|severity| rule.limit_text(severity)).join(" ");
        let guard = rule.guard.as_ref().map_or("", |guard| guard.text.as_str());
        context.update(format!("{}\n{}\n{guard}\n{limits}\n", rule.name, rule.text).as_bytes());
    }
    let hash = context.finish();
    let (digits, _) = hash.as_ref().split_at_checked(4).unwrap_or_default();
    digits.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
