//! What the channels' tests share: one delivery, and a way to build a channel from TOML.

use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::{Channel, Settings};
use crate::model::delivery::{Delivery, State};
use crate::model::message::{Destination, Kind, Message};
use crate::model::secret::Secret;
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::text::check::Check;

/// A secret that no answer, error, description or `Debug` output may hold.
pub const CANARY: &str = "canary-5e1d";

/// Outbox row 7 about alert 41, at 09:00, five minutes after the trouble began.
pub fn delivery(kind: Kind) -> Delivery {
    let at = Time::from_millis(1_795_424_400_000);
    let message = Message {
        kind,
        severity: Severity::Critical,
        alert: "HIGH_MEMORY_USAGE".to_owned(),
        number: Some(41),
        summary: "Memory at 96.1 %".to_owned(),
        value: Some("96.1 %".to_owned()),
        limit: Some("> 95 %".to_owned()),
        worst: Some("97 %".to_owned()),
        labels: vec![("mount".to_owned(), "/data".to_owned())],
        since: at - Duration::from_mins(5),
        at,
        system: "Sippar bridge".to_owned(),
        environment: "production".to_owned(),
        host: "node-1".to_owned(),
        action: Some("Find the process: ps aux --sort=-rss | head".to_owned()),
        runbook_url: Some("https://runbooks.example/HIGH_MEMORY_USAGE".to_owned()),
        note: None,
    };
    Delivery {
        id: 7,
        alert: Some(3),
        destination: Destination { channel: "ops".to_owned(), address: "ops@example.org".to_owned() },
        message,
        state: State::Sending,
        attempts: 1,
        maybe_repeat: false,
        created: at,
        due: at,
        last_answer: None,
    }
}

#[derive(Deserialize)]
struct File {
    channel: Spanned<Settings>,
}

/// The channel that `[channel]` in `toml` describes, or the faults with the text they point at.
pub fn build(toml: &str) -> Result<Channel, Vec<String>> {
    let file: File = toml::from_str(toml).map_err(|error| vec![error.message().to_owned()])?;
    let resolve = |text: &str| match text.strip_prefix("env:") {
        Some("CANARY") => Ok(Secret::new(CANARY)),
        Some(name) => Err(format!("the environment variable {name} is not set")),
        None => Ok(Secret::new(text)),
    };
    let mut check = Check::new(Duration::from_mins(1), &resolve);
    let built = file.channel.get_ref().build("ops", &file.channel.span(), &mut check);
    let faults: Vec<_> = check
        .faults
        .iter()
        .map(|located| &located.fault)
        .map(|fault| match &fault.place {
            crate::model::fault::Place::File(range) => {
                format!("{} @ {}", fault.what, toml.get(range.clone()).unwrap_or("?").trim())
            }
            _ => fault.what.clone(),
        })
        .collect();
    match built {
        Some(channel) if faults.is_empty() => Ok(channel),
        _ => Err(faults),
    }
}
