//! Other machines as their dashboards show them: one row each, and what they come to together.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::snapshot::State;
use crate::model::severity::Severity;
use crate::text::{safe, units};

/// One machine.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    /// The address that was asked.
    pub url: String,
    /// What it comes to there; unknown where that cannot be read.
    pub state: State,
    /// What it says, or why that cannot be read.
    pub said: Result<Said, String>,
}

/// What a dashboard says, as far as a row shows it. Foreign text is harmless already.
#[derive(Clone, PartialEq, Debug)]
pub struct Said {
    /// The watched system, with its environment.
    pub name: String,
    /// The machine.
    pub host: String,
    /// Custody by what must be backed.
    pub ratio: Option<f64>,
    /// How the backing is.
    pub backing: Option<String>,
    /// Alerts that fire.
    pub firing: usize,
    /// The first of them.
    pub first: Option<String>,
    /// Seconds since the last cycle.
    pub age: Option<f64>,
    /// Nothing was checked for longer than the rhythm explains.
    pub stale: bool,
    /// There was a cycle; one without an age lies in the future.
    pub has_checked: bool,
}

/// A row of `status --from --json`.
#[derive(Serialize)]
pub struct Document<'a> {
    url: &'a str,
    state: &'static str,
    name: Option<&'a str>,
    host: Option<&'a str>,
    reserve_ratio: Option<f64>,
    backing_health: Option<&'a str>,
    firing: Option<usize>,
    first: Option<&'a str>,
    stale: Option<bool>,
    age_seconds: Option<f64>,
    /// Why it cannot be read.
    error: Option<&'a str>,
}

impl<'a> Document<'a> {
    /// The document of a row.
    pub fn new(row: &'a Row) -> Self {
        let said = row.said.as_ref().ok();
        Self {
            url: &row.url,
            state: super::dashboard::state_word(row.state),
            name: said.map(|said| said.name.as_str()),
            host: said.map(|said| said.host.as_str()),
            reserve_ratio: said.and_then(|said| said.ratio),
            backing_health: said.and_then(|said| said.backing.as_deref()),
            firing: said.map(|said| said.firing),
            first: said.and_then(|said| said.first.as_deref()),
            stale: said.map(|said| said.stale),
            age_seconds: said.and_then(|said| said.age),
            error: row.said.as_ref().err().map(String::as_str),
        }
    }
}

impl Row {
    /// Where nothing can be read.
    pub fn unread(url: &str, why: impl Into<String>) -> Self {
        Self { url: url.to_owned(), state: State::Unknown, said: Err(why.into()) }
    }

    /// What the answer of `url` says, `ignore_acked` without the alerts that somebody has acknowledged.
    pub fn read(url: &str, body: &[u8], ignore_acked: bool) -> Self {
        match document(body, ignore_acked) {
            Ok((state, said)) => Self { url: url.to_owned(), state, said: Ok(said) },
            Err(why) => Self::unread(url, why),
        }
    }

    /// What a person should know beside the figures.
    pub fn remark(&self) -> String {
        match &self.said {
            Err(why) => why.clone(),
            Ok(said) if said.stale => match (said.age, said.has_checked) {
                (None, false) => "nothing has been checked yet".to_owned(),
                (None, true) => "the last check is in the future: its clock went back".to_owned(),
                (Some(age), _) => format!("nothing has been checked for {}", ago(age)),
            },
            Ok(said) => said.first.clone().unwrap_or_default(),
        }
    }
}

/// Seconds in words.
pub fn ago(seconds: f64) -> String {
    units::duration(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

/// What all of them come to: CRITICAL before unknown before anything milder.
pub fn worst(rows: &[Row]) -> State {
    let weight = |state: &State| match state.exit() {
        2 => 3,
        3 => 2,
        milder => milder,
    };
    rows.iter().map(|row| row.state).max_by_key(weight).unwrap_or(State::Unknown)
}

fn document(body: &[u8], ignore_acked: bool) -> Result<(State, Said), String> {
    let all: Value = serde_json::from_slice(body).map_err(|_| "its answer is not JSON".to_owned())?;
    let data = all.get("data").filter(|_| all["success"] == true).ok_or_else(|| match all["error"].as_str() {
        Some(error) => safe::answer(error),
        None => "its answer is not that of a dashboard".to_owned(),
    })?;
    let monitor = &data["monitor"];
    let text = |value: &Value| safe::answer(value.as_str().unwrap_or_default());
    let is_old = all["stale"].as_bool().ok_or("its answer does not say how old it is")?;
    let active = data["alerts"]["active"].as_array().ok_or("its answer has no alerts")?;
    let counts = |alert: &&Value| !ignore_acked || alert["acknowledgedBy"].is_null();
    let severity = |alert: &Value| alert["severity"].as_str().and_then(|word| word.parse::<Severity>().ok());
    let active: Vec<&Value> = active.iter().filter(counts).collect();
    let state = if is_old {
        State::Unknown
    } else {
        let state = state_of(monitor["state"].as_str().unwrap_or_default()).ok_or("its answer has no state")?;
        match state {
            State::Firing(_) if ignore_acked => {
                State::of(active.iter().filter_map(|alert| severity(alert)).max(), false)
            }
            state => state,
        }
    };
    let (name, environment) = (text(&monitor["name"]), text(&monitor["environment"]));
    Ok((
        state,
        Said {
            name: if environment.is_empty() { name } else { format!("{name} ({environment})") },
            host: text(&monitor["host"]),
            ratio: data["reserves"]["reserveRatio"].as_f64(),
            backing: data["reserves"]["backingHealth"].as_str().map(safe::answer),
            firing: active.len(),
            first: active.iter().max_by_key(|alert| severity(alert)).map(|alert| text(&alert["type"])),
            age: all["age_seconds"].as_f64(),
            has_checked: data["lastUpdated"].is_string(),
            stale: is_old,
        },
    ))
}

/// The state that a dashboard's word means.
fn state_of(word: &str) -> Option<State> {
    Some(match word {
        "ok" => State::Fine,
        "unknown" => State::Unknown,
        word => State::Firing(word.parse().ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(state: &str, more: &str) -> Vec<u8> {
        format!(
            r#"{{"success":true,"data":{{"monitor":{{"name":"B","environment":"prod","host":"a\u001b[2J","state":"{state}"}},
            "reserves":{{"reserveRatio":1.01,"backingHealth":"HEALTHY"}},
            "alerts":{{"active":[{{"type":"X","severity":"HIGH","acknowledgedBy":"eva"}}]}}}}{more}}}"#
        )
        .into_bytes()
    }

    #[test]
    fn a_dashboard_is_read_and_harmless() {
        let row = Row::read("u", &body("high", r#","stale":false,"age_seconds":12.5"#), false);
        let said = row.said.clone().unwrap();
        assert_eq!(
            (row.state, said.name.as_str(), said.host.as_str()),
            (State::Firing(Severity::High), "B (prod)", r"a\u{1b}[2J")
        );
        assert_eq!((said.ratio, said.firing, said.age, row.remark().as_str()), (Some(1.01), 1, Some(12.5), "X"));
        assert_eq!(Row::read("u", &body("high", r#","stale":false"#), true).state, State::Fine);
        let ahead = Row::read("u", &body("ok", r#","stale":true,"age_seconds":null"#), false);
        assert_eq!(ahead.remark(), "nothing has been checked yet");
        let mut said = ahead.said.unwrap();
        said.has_checked = true;
        let ahead = Row { said: Ok(said), ..row.clone() };
        assert_eq!(ahead.remark(), "the last check is in the future: its clock went back");
        let stale = Row::read("u", &body("ok", r#","stale":true,"age_seconds":250"#), false);
        assert_eq!((stale.state, stale.remark().as_str()), (State::Unknown, "nothing has been checked for 4 min 10 s"));
    }

    #[test]
    fn what_is_no_dashboard_says_why() {
        for (body, why) in [
            ("<html>", "its answer is not JSON"),
            ("{}", "its answer is not that of a dashboard"),
            (r#"{"success":false,"error":"gone\u0007"}"#, r"gone\u{7}"),
            (r#"{"success":true,"data":{}}"#, "its answer does not say how old it is"),
            (r#"{"success":true,"data":{"alerts":{"active":[]}},"stale":false}"#, "its answer has no state"),
        ] {
            let row = Row::read("u", body.as_bytes(), false);
            assert_eq!((row.state, row.remark().as_str()), (State::Unknown, why), "{body}");
        }
    }

    #[test]
    fn the_worst_is_told() {
        let row = |state| Row { state, ..Row::unread("u", "") };
        let all = [State::Fine, State::Firing(Severity::High), State::Unknown, State::Firing(Severity::Critical)];
        for (many, code) in [(1, 0), (2, 1), (3, 3), (4, 2)] {
            assert_eq!(worst(&all[..many].iter().copied().map(row).collect::<Vec<_>>()).exit(), code);
        }
    }
}
