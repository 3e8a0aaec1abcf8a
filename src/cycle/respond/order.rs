//! What a program is run with: its arguments, an environment of its own, the message on its standard input.

use serde::Serialize;

use crate::config::responses::Response;
use crate::model::delivery::{Delivery, State};
use crate::model::message::{Destination, Message};
use crate::model::response::Planned;
use crate::net::run::{Program, environment};
use crate::notify::document::Document;
use crate::text::safe;

/// Bytes of output that are kept.
const MAX_OUTPUT: usize = 4096;
/// The longest value in the environment, in characters.
const MAX_VALUE: usize = 1000;

/// What it finds on its standard input: the message as a webhook gets it, and what is run.
#[derive(Serialize)]
struct Order<'a> {
    response: &'a str,
    /// Who runs it by hand.
    by: Option<&'a str>,
    #[serde(flatten)]
    message: Document<'a>,
}

/// The program of run `id`, or in one line why there is none.
pub fn program(response: &Response, id: i64, plan: &Planned) -> Result<Program, String> {
    let mut env = environment();
    env.extend(values(response, id, plan));
    Ok(Program {
        argv: response.argv.clone(),
        env,
        folder: Some("/".into()),
        stdin: Some(stdin(id, plan)?),
        limit: response.limit,
        max_output: MAX_OUTPUT,
    })
}

fn stdin(id: i64, plan: &Planned) -> Result<Vec<u8>, String> {
    let delivery = Delivery {
        id,
        alert: plan.alert,
        destination: Destination { channel: plan.response.clone(), address: String::new() },
        message: plan.message.clone(),
        state: State::Sending,
        attempts: 1,
        maybe_repeat: false,
        created: plan.decided,
        due: plan.decided,
        last_answer: None,
        parcel: None,
    };
    let by = Some(plan.who.as_str()).filter(|who| !who.is_empty());
    let order = Order { response: &plan.response, by, message: Document::from(&delivery) };
    serde_json::to_vec(&order).map_err(|error| format!("the message cannot be written as JSON: {error}"))
}

/// `SIPPAR_…`; what is not known is not there.
fn values(response: &Response, id: i64, plan: &Planned) -> Vec<(String, String)> {
    let Message {
        kind, severity, alert, number, summary, value, limit, labels, since, system, environment, host, ..
    } = &plan.message;
    let known = [
        ("RESPONSE", Some(response.name.clone())),
        ("RUN", Some(id.to_string())),
        ("BY", Some(plan.who.clone())),
        ("ALERT", Some(alert.clone())),
        ("NUMBER", number.map(|number| number.to_string())),
        ("KIND", Some(kind.name().to_owned())),
        ("SEVERITY", Some(severity.name().to_owned())),
        ("SUMMARY", Some(summary.clone())),
        ("VALUE", value.clone()),
        ("LIMIT", limit.clone()),
        ("SINCE", Some(since.rfc3339())),
        ("SYSTEM", Some(system.clone())),
        ("ENVIRONMENT", Some(environment.clone())),
        ("HOST", Some(host.clone())),
    ];
    let named = known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let labels = labels.iter().map(|(name, value)| (format!("LABEL_{name}"), value.clone()));
    let fit =
        |(name, value): (String, String)| (format!("SIPPAR_{name}"), safe::clip(&safe::one_line(&value), MAX_VALUE));
    named.chain(labels).map(fit).filter(|(_, value)| !value.is_empty()).collect()
}
