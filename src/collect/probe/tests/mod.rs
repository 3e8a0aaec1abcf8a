//! Probes as they are written in a file, against services that misbehave.

mod exec;
mod http;
mod settings;
mod tcp;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::{Probe, Settings, collect};
use crate::collect::Report;
use crate::model::fault::{Place, Weight};
use crate::model::reading::{Reading, Value};
use crate::model::secret::Secret;
use crate::model::time::Time;
use crate::net::Net;
use crate::text::check::Check;

#[derive(Deserialize)]
struct File {
    probes: BTreeMap<String, Spanned<Settings>>,
}

/// The probes of `text`, or the faults: the marked text, what is wrong with it, and the way out.
fn build(text: &str) -> Result<Vec<Probe>, Vec<String>> {
    let file: File = toml::from_str(text).map_err(|error| vec![error.message().to_owned()])?;
    let resolve = |text: &str| match text.strip_prefix("env:") {
        None | Some("TOKEN") => Ok(Secret::new(text)),
        Some(name) => Err(format!("{name} is not set")),
    };
    let mut check = Check::new(Duration::from_mins(1), &resolve);
    let probes: Vec<_> = file
        .probes
        .iter()
        .filter_map(|(name, settings)| settings.get_ref().build(name, &settings.span(), &mut check))
        .collect();
    let refused = check.faults.iter().map(|located| &located.fault).any(|fault| fault.weight == Weight::Error);
    assert!(!refused || probes.is_empty(), "{probes:?} although {:?}", check.faults);
    let faults: Vec<_> = check
        .faults
        .iter()
        .map(|located| &located.fault)
        .map(|fault| {
            let Place::File(range) = &fault.place else { panic!("{fault:?} has no place") };
            format!("{} | {} | {}", &text[range.clone()], fault.what, fault.help.as_deref().unwrap_or_default())
        })
        .collect();
    if faults.is_empty() { Ok(probes) } else { Err(faults) }
}

/// The probe `p` of the kind and keys in `text`, with one attempt of 300 ms unless it says otherwise.
fn probe(kind: &str, keys: &str) -> Probe {
    let defaults = [("attempts", "1"), ("timeout", "'300ms'")]
        .map(|(key, value)| if keys.contains(key) { String::new() } else { format!("{key} = {value}\n") });
    let text = format!("[probes.p.{kind}]\n{}{keys}", defaults.concat());
    build(&text).unwrap_or_else(|faults| panic!("{faults:?}")).remove(0)
}

/// No root but those of the file `ca`.
fn net(ca: Option<PathBuf>) -> Net {
    Net::new(ca.clone(), ca)
}

/// One run at the epoch without memory.
async fn run(probe: &Probe) -> Report {
    collect(probe, None, &net(None), Time::from_millis(0)).await
}

/// The readings as people write them, `metric{labels} value`, without the duration, which is checked to be known.
fn shown(report: &Report) -> Vec<String> {
    let readings = report.readings.as_ref().unwrap();
    let (durations, others): (Vec<_>, Vec<_>) =
        readings.iter().partition(|reading| reading.series.metric.as_ref() == "probe_duration_seconds");
    assert!(
        matches!(durations.as_slice(), [Reading { value: Value::Known(seconds), .. }] if (0.0..10.0).contains(seconds)),
        "{durations:?}"
    );
    let line = |Reading { series, value }: &Reading| match value {
        Value::Known(value) => format!("{series} {value}"),
        Value::Unknown(reason) => format!("{series} - {reason}"),
    };
    others.into_iter().map(line).collect()
}

/// Why it failed, as the memory tells it.
fn why(report: &Report) -> Option<&str> {
    report.memory.as_ref()?.get("why")?.as_str()
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_believed_after_all_attempts_with_a_pause_between() {
    let mut absent = probe("exec", "command = ['/bin/sh']");
    let super::Kind::Exec(exec) = &mut absent.kind else { panic!("{absent:?}") };
    *exec = super::exec::Exec::of(&["/nonexistent/tool"]);
    absent.attempts = 3;
    let began = tokio::time::Instant::now();
    let report = run(&absent).await;
    assert_eq!(began.elapsed(), 2 * super::PAUSE);
    assert_eq!(shown(&report), [r#"probe_success{probe="p"} 0"#]);
    let reason = "/nonexistent/tool cannot be run: No such file or directory (os error 2)";
    assert_eq!(why(&report), Some(reason));
}
