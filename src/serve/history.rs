//! `/monitoring/history`: the last day as clients of the original read it, or any metric over any time.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::StatusCode;

use super::answer::{Answer, JSON, Refusal, body, envelope, json, tagged};
use super::api::unchanged;
use super::routes::Asked;
use super::site::Moment;
use crate::model::trouble::Trouble;
use crate::view::api::history::Past;
use crate::view::range::{Question, Range};

/// The media type of a table.
pub const CSV: &str = "text/csv; charset=utf-8";

/// With `metric` a metric over a time, else the last day.
pub async fn history(asked: Asked) -> Answer {
    let moment = asked.site.moment().await?;
    if let Some(answer) = unchanged(&asked, &moment) {
        return Ok(answer);
    }
    let data = match question(&asked)? {
        Some(question) => range(&asked, question, json).await?,
        None => asked.site.read(|reader, config, _| json(&Past::of(reader, config)?.document(config))).await?,
    };
    Ok(tagged(body(StatusCode::OK, JSON, envelope(&data, asked.site.age(&moment))), &moment.tag))
}

/// The same as a table.
pub async fn csv(asked: Asked) -> Answer {
    let moment: Arc<Moment> = asked.site.moment().await?;
    if let Some(answer) = unchanged(&asked, &moment) {
        return Ok(answer);
    }
    let Some(question) = question(&asked)? else {
        let refusal = Refusal::new(StatusCode::BAD_REQUEST, "no metric is named");
        return Err(refusal.details("write ?metric=NAME; `sippar-mon rules list --metrics` lists the metrics"));
    };
    let table = range(&asked, question, |range| Ok(Bytes::from(range.csv()))).await?;
    Ok(tagged(body(StatusCode::OK, CSV, table), &moment.tag))
}

/// The document is made where it is read, so that a long one holds up nobody else.
async fn range(
    asked: &Asked,
    question: Question,
    document: fn(&Range) -> Result<Bytes, Trouble>,
) -> Result<Bytes, Refusal> {
    let read =
        asked.site.read(move |reader, config, now| document(&Range::of(reader, &question, config.interval, now)?));
    Ok(read.await?)
}

/// What is asked for; none where no metric is named.
fn question(asked: &Asked) -> Result<Option<Question>, Refusal> {
    let mut question = Question::default();
    let mut metric = None;
    for (name, value) in &asked.query {
        let value = Some(value.clone());
        match name.as_str() {
            "metric" => metric = value,
            "from" => question.from = value,
            "to" => question.to = value,
            "step" => question.step = value,
            _ => {
                let refusal = Refusal::new(StatusCode::BAD_REQUEST, "there is a parameter that means nothing here");
                return Err(refusal.details("those that do are metric, from, to and step"));
            }
        }
    }
    if metric.is_none() && !asked.query.is_empty() {
        let refusal = Refusal::new(StatusCode::BAD_REQUEST, "from, to and step go with a metric");
        return Err(refusal.details("write ?metric=NAME&from=…"));
    }
    Ok(metric.map(|metric| Question { metric, ..question }))
}
