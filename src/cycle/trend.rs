//! The last hour of a value as a row of blocks, looked up when a message leaves: a picture costs a look at the samples,
//! and no alert waits for it.

use std::time::Duration;

use crate::config::Config;
use crate::model::labels::Labels;
use crate::model::message::{Kind, Message};
use crate::store::Reader;
use crate::text::spark;

/// Characters, and the time they show.
const WIDTH: usize = 30;
const SPAN: Duration = Duration::from_hours(1);

/// The picture for a message about one alert; none where there is nothing to see.
pub fn of(reader: &Reader, config: &Config, message: &Message) -> Option<String> {
    if message.kind == Kind::Test || !message.list.is_empty() {
        return None;
    }
    let rule = config.rules.iter().find(|rule| *rule.name == *message.alert)?;
    let labels = Labels::new(message.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let series = rule.drawn(&labels, message.at)?;
    let to = message.at + config.interval;
    // what cannot be read is told where it matters; a picture is no reason to fail
    let history = reader.history(&series.metric, Some(&series.labels), to - SPAN, to).ok()?;
    let values = spark::buckets(&history.first()?.points, to - SPAN, to, WIDTH);
    let measured = values.iter().flatten().count();
    (measured > 1).then(|| spark::scaled(&values, false).trim_start().to_owned())
}
