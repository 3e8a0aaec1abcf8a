//! What a probe remembers between two runs.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::certificate::Certificate;
use super::exec::MAX_SAMPLES;
use crate::model::labels::{Labels, SeriesKey};
use crate::model::reading::{Reading, Reason};

/// The memory of a probe; the store keeps it as JSON.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug, Default)]
#[serde(default)]
pub struct Memory {
    /// Why it failed, or what a person should know although it succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The certificate that was seen last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
    /// Series that an exec probe has reported.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub series: Vec<(String, Labels)>,
}

impl Memory {
    /// Reads what an earlier run wrote; what cannot be read (written by another version) is forgotten.
    pub fn read(json: Option<&Value>) -> Self {
        json.and_then(|json| Self::deserialize(json).ok()).unwrap_or_default()
    }

    /// The JSON to keep; nothing where there is nothing to remember.
    pub fn write(&self) -> Option<Value> {
        if *self == Self::default() { None } else { serde_json::to_value(self).ok() }
    }
}

/// Adds the series of `before` that are missing from `readings` as unknown for `reason`, if there is one: a program that
/// failed or was not understood has not said that they are gone. Returns what is to be remembered.
pub fn hold(
    before: &[(String, Labels)],
    readings: &mut Vec<Reading>,
    reason: Option<&Reason>,
) -> Vec<(String, Labels)> {
    let present: BTreeSet<SeriesKey> = readings.iter().map(|reading| reading.series.clone()).collect();
    if let Some(reason) = reason {
        let missing = before.iter().filter_map(|(metric, labels)| {
            let series = SeriesKey::new(metric.as_str(), labels.clone());
            (!present.contains(&series)).then(|| Reading::unknown(series.metric, series.labels, reason.clone()))
        });
        // without the cap, a program whose labels change while it fails would be remembered without end
        readings.extend(missing.take(MAX_SAMPLES.saturating_sub(present.len())));
    }
    readings.iter().map(|reading| (reading.series.metric.to_string(), reading.series.labels.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Time;

    #[test]
    fn survives_json_and_forgets_what_it_cannot_read() {
        let memory = Memory {
            why: Some("connection refused".into()),
            certificate: Some(Certificate {
                address: "a:443".into(),
                not_after: 1_800_000_000,
                measured: Time::from_millis(5),
            }),
            series: vec![("jobs".into(), Labels::new([("queue", "a\"b")]))],
        };
        assert_eq!(Memory::read(memory.write().as_ref()), memory);
        assert_eq!(Memory::default().write(), None);
        for other in [serde_json::json!([1]), serde_json::json!({"why": 3})] {
            assert_eq!(Memory::read(Some(&other)), Memory::default());
        }
    }

    #[test]
    fn a_series_is_gone_only_if_the_program_was_understood() {
        let series = |name: &str| (name.to_owned(), Labels::empty());
        let one = Reading::known("a", Labels::empty(), 1.0);
        let before = [series("a"), series("b")];

        let mut readings = vec![one.clone()];
        assert_eq!(hold(&before, &mut readings, None), [series("a")]);
        assert_eq!(readings, std::slice::from_ref(&one));

        let reason = Reason::new("exit code 3");
        assert_eq!(hold(&before, &mut readings, Some(&reason)), [series("a"), series("b")]);
        assert_eq!(readings, [one, Reading::unknown("b", Labels::empty(), reason.clone())]);

        let many: Vec<_> = (0..2000).map(|number| series(&format!("m{number}"))).collect();
        assert_eq!(hold(&many, &mut readings, Some(&reason)).len(), MAX_SAMPLES);
    }
}
