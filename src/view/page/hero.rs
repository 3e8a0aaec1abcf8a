//! What stands on top: the state in a sentence, why, and the reserves.

use std::collections::BTreeSet;
use std::time::Duration;

use super::alerts::{Line, Standing};
use super::chart::{Chart, ratio_down};
use super::choose::BACKING;
use super::span::Span;
use crate::bridge::micro::Micro;
use crate::bridge::supply::Trust;
use crate::config::Config;
use crate::model::metric::Unit;
use crate::model::reading::Datum;
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::rules::lookback;
use crate::text::{money, safe, units};
use crate::view::age;
use crate::view::reserves::Picture;
use crate::view::snapshot::{Snapshot, Standing as Stands, State};

/// The top of a page.
#[derive(Clone, PartialEq, Debug)]
pub struct Hero {
    /// What it all comes to.
    pub state: State,
    /// In a sentence.
    pub headline: String,
    /// Why, a sentence each.
    pub why: Vec<String>,
    /// The reserves, where they are watched.
    pub backing: Option<Backing>,
}

/// A figure of the reserves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Amount {
    /// What it is.
    pub name: &'static str,
    /// In full, with its unit; or why it is not known.
    pub text: Result<String, String>,
    /// How far it can be believed.
    pub trust: Option<&'static str>,
}

/// The reserves.
#[derive(Clone, PartialEq, Debug)]
pub struct Backing {
    /// The ratio now, cut to two decimals and without its sign of percent; none where it is not known.
    pub ratio: Option<String>,
    /// The last one that was known, where the one of now is not.
    pub last: Option<(String, Time)>,
    /// Custody, supply, and what is between them.
    pub amounts: Vec<Amount>,
    /// The lowest ratio of the span, when, and how long it was below what backs it.
    pub lowest: Option<(String, Time, Duration)>,
    /// `backed`, `backed in part`, `short` or `unknown`, and why.
    pub verdict: Option<(String, Option<String>)>,
    /// Who agrees on it.
    pub voices: Option<String>,
    /// Nodes that could not be used, and why.
    pub unusable: Vec<String>,
    /// The number of the look, and when it had ended.
    pub look: Option<(u64, Time)>,
    /// How it went.
    pub chart: Option<Chart>,
}

/// The top of a page that ends now; `alerts` are the first, and there may be `more`.
pub fn live(snapshot: &Snapshot, config: &Config, alerts: &[Line], more: bool, backing: Option<Backing>) -> Hero {
    let state = snapshot.state();
    let (headline, mut why) = match snapshot.cycle {
        None => nothing_yet(snapshot),
        Some(cycle) if snapshot.stale => {
            let last = format!("Last known state: {} at {}.", word(snapshot.last_state()), cycle.finished);
            let every = config.interval_text();
            (sentence(&age::silence(&cycle, snapshot.at)), vec![last, format!("A check is expected every {every}.")])
        }
        Some(_) => of_rules(snapshot, alerts, more),
    };
    if snapshot.cycle.is_some() && !snapshot.stale {
        why.extend(backing.as_ref().and_then(backing_words));
    }
    Hero { state, headline, why, backing }
}

/// The top of a page about a time that is over, in which so many checks were done: where there was none, that nothing
/// fired is no good news. `alerts` are the first of `count`, the worst among them.
pub fn past(span: Span, checks: u64, count: usize, alerts: &[Line], backing: Option<Backing>) -> Hero {
    let worst = alerts.iter().map(|line| line.severity).max();
    let (state, headline) = match (count, checks) {
        (0, 0) => (State::Unknown, format!("Nothing was checked in {}", span.words())),
        (0, _) => (State::Fine, format!("No alert in {}", span.words())),
        (1, _) => (State::Fine, format!("1 alert in {}", span.words())),
        _ => (State::Fine, format!("{count} alerts in {}", span.words())),
    };
    let cause = |line: &Line| {
        let end = line.ended.map_or("not over".to_owned(), |end| format!("until {end}"));
        format!("{}: {} ({} {end})", line.name, line.cause, line.since)
    };
    let mut why: Vec<String> = alerts.iter().filter(|line| Some(line.severity) == worst).take(3).map(cause).collect();
    match checks {
        0 => {}
        1 => why.push("1 check was done.".to_owned()),
        _ => why.push(format!("{checks} checks were done.")),
    }
    Hero { state: worst.map_or(state, State::Firing), headline, why, backing }
}

/// A clause with a capital letter.
fn sentence(clause: &str) -> String {
    let mut letters = clause.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn nothing_yet(snapshot: &Snapshot) -> (String, Vec<String>) {
    match snapshot.imported {
        Some(end) => {
            ("Imported samples, as they are at their end".to_owned(), vec![format!("The last one is of {end}.")])
        }
        None => ("Nothing has been checked yet".to_owned(), Vec::new()),
    }
}

fn of_rules(snapshot: &Snapshot, alerts: &[Line], more: bool) -> (String, Vec<String>) {
    let blind: BTreeSet<&str> = snapshot.rows.iter().filter(|row| row.blind.is_some()).map(|row| &*row.rule).collect();
    let headline = headline(alerts, more, blind.len()).unwrap_or_else(|| fine(snapshot));
    let mut why: Vec<String> = Vec::new();
    let worst = alerts.iter().find(|line| line.standing != Standing::Resolved);
    if let Some(line) = worst {
        why.push(format!("{}, for {}.", line.cause.trim_end_matches('.'), units::duration(line.lasted)));
    }
    let held = count(alerts, Standing::Held);
    if held > 0 && alerts.iter().any(Line::needs_somebody) {
        why.push(format!("People are not told of {held} more."));
    }
    if !blind.is_empty() && worst.is_some() {
        let names: Vec<&str> = blind.iter().copied().take(3).collect();
        let more = if blind.len() > 3 { " and more" } else { "" };
        why.push(safe::one_line(&format!("Cannot be judged: {}{more}.", names.join(", "))));
    } else if let Some(row) = snapshot.rows.iter().find(|row| row.blind.is_some()) {
        let reason = row.blind.as_ref().map_or("", |reason| reason.as_str());
        why.push(safe::answer(&format!("{}{} is not measured: {reason}.", row.rule, row.labels)));
    }
    (headline, why)
}

/// How many stand so. Those that are LOW are for the log: nobody is told of them anyway.
fn count(alerts: &[Line], standing: Standing) -> usize {
    alerts.iter().filter(|line| line.standing == standing && line.severity > Severity::Low).count()
}

/// What needs somebody, or else what somebody knows or nobody is told of, or else what cannot be judged.
fn headline(alerts: &[Line], more: bool, blind: usize) -> Option<String> {
    let low = alerts.iter().filter(|line| line.standing != Standing::Resolved && line.severity == Severity::Low);
    let (firing, acked) = (count(alerts, Standing::Firing), count(alerts, Standing::Acknowledged));
    let loud = || alerts.iter().filter(|line| line.severity > Severity::Low);
    let reason = loud().find_map(|line| line.hold.as_deref()).unwrap_or("they are withheld");
    Some(match (firing, acked, count(alerts, Standing::Held), blind, low.count()) {
        (1.., ..) if more => format!("More than {firing} alerts need attention"),
        (1, ..) => "1 alert needs attention".to_owned(),
        (2.., ..) => format!("{firing} alerts need attention"),
        (0, 1, 0, ..) => "1 alert fires, and somebody knows".to_owned(),
        (0, 2.., 0, ..) => format!("{acked} alerts fire, and somebody knows"),
        (0, 0, 1, ..) => format!("1 alert fires, and people are not told: {reason}"),
        (0, 0, held @ 2.., ..) => format!("{held} alerts fire, and people are not told"),
        (0, 1.., held @ 1.., ..) => {
            format!("{} alerts fire: somebody knows of {acked}, people are not told of {held}", acked + held)
        }
        (0, 0, 0, 1, _) => "1 rule cannot be judged".to_owned(),
        (0, 0, 0, 2.., _) => format!("{blind} rules cannot be judged"),
        (0, 0, 0, 0, 1) => "1 alert fires, and it is LOW: nobody needs to act now".to_owned(),
        (0, 0, 0, 0, low @ 2..) => format!("{low} alerts fire, and all are LOW: nobody needs to act now"),
        (0, 0, 0, 0, 0) => return None,
    })
}

fn fine(snapshot: &Snapshot) -> String {
    let rules: BTreeSet<&str> = snapshot.rows.iter().map(|row| &*row.rule).collect();
    let waiting: BTreeSet<&str> =
        snapshot.rows.iter().filter(|row| matches!(row.standing, Stands::Waiting(_))).map(|row| &*row.rule).collect();
    match (rules.len(), waiting.len()) {
        (0, _) => "No rule has anything to judge".to_owned(),
        (all, 0) => format!("All {all} rules are fine"),
        (all, some) => format!("{} of {all} rules are fine, {some} not measured yet", all - some),
    }
}

fn backing_words(backing: &Backing) -> Option<String> {
    let (verdict, why) = backing.verdict.as_ref()?;
    let words = match verdict.as_str() {
        "backed" => "Reserves are fully backed.",
        "backed in part" => "Reserves are backed but for what is known to be missing.",
        "short" => "Reserves are short.",
        _ => {
            let why = why.as_deref().map(|why| format!(": {}", why.trim_end_matches(['.', '?']))).unwrap_or_default();
            return Some(format!("The reserves are not known{why}."));
        }
    };
    Some(words.to_owned())
}

/// The reserves as they are now.
pub fn backing(snapshot: &Snapshot, chart: Option<Chart>) -> Option<Backing> {
    let latest = snapshot.latest.iter().find(|latest| &*latest.key.metric == BACKING);
    if snapshot.reserves.is_none() && latest.is_none() {
        return None;
    }
    let now = latest.and_then(|latest| match latest.datum {
        Datum::Value(value) if snapshot.at.since(latest.tick) <= lookback(latest.every) && !snapshot.stale => {
            Some(value)
        }
        _ => None,
    });
    let exact = snapshot.reserves.as_ref().and_then(exact_ratio);
    let ratio = now.map(|value| exact.unwrap_or_else(|| ratio_down(value)).trim_end_matches(" %").to_owned());
    let known = chart.as_ref().and_then(|chart| chart.course.last).map(|peak| (ratio_down(peak.value), peak.at));
    let last = if ratio.is_none() { known } else { None };
    let mut backing = of_look(snapshot.reserves.as_ref(), chart);
    if snapshot.reserves.is_none() {
        backing.amounts = sampled(snapshot, now.is_some());
    }
    // a look that did not end leaves the one before it in the log, whose good word is not of now
    let is_of_now = snapshot.measured().value("reserves_proof_age_seconds").is_some();
    if !is_of_now && backing.verdict.as_ref().is_some_and(|(verdict, _)| verdict.starts_with("backed")) {
        backing.verdict = Some(("unknown".to_owned(), Some("the last check of them did not end".to_owned())));
    }
    Some(Backing { ratio, last, ..backing })
}

/// The reserves in a time that is over.
pub fn backing_then(look: Option<&Picture>, chart: Option<Chart>) -> Option<Backing> {
    let is_known = chart.as_ref().is_some_and(|chart| chart.course.last.is_some());
    (look.is_some() || is_known).then(|| of_look(look, chart))
}

/// The ratio of a look, cut, from whole micro-units.
fn exact_ratio(look: &Picture) -> Option<String> {
    let (custody, backed) = (look.custody()?.0, look.backed()?.0);
    let hundredths = (backed > 0).then(|| custody.saturating_mul(10_000) / backed)?;
    Some(format!("{}.{:02} %", hundredths / 100, hundredths % 100))
}

fn of_look(look: Option<&Picture>, chart: Option<Chart>) -> Backing {
    let lowest = chart.as_ref().and_then(|chart| {
        let peak = chart.course.lowest?;
        Some((ratio_down(peak.value), peak.at, chart.course.beyond))
    });
    let unusable = |look: &Picture| {
        look.state.unusable.iter().map(|(node, why)| safe::answer(&format!("{node}: {why}"))).collect()
    };
    Backing {
        ratio: None,
        last: None,
        amounts: look.map(amounts).unwrap_or_default(),
        lowest,
        verdict: look.map(|look| (look.record.verdict.clone(), look.state.why.as_deref().map(safe::answer))),
        voices: look.map(voices),
        unusable: look.map(unusable).unwrap_or_default(),
        look: look.map(|look| (look.record.n, look.at)),
        chart,
    }
}

/// Who stands behind a look.
fn voices(look: &Picture) -> String {
    let figures = look.figures();
    let of = |name: &str| figures.iter().find(|figure| figure.figure == name);
    let custody = of("custody").map(|figure| figure.source.clone()).unwrap_or_default();
    let supply = of("supply").and_then(|figure| figure.trust.map(Trust::word));
    safe::answer(&format!("{custody}; token canister {}", supply.unwrap_or("not read")))
}

fn amounts(look: &Picture) -> Vec<Amount> {
    let figures = look.figures();
    let of = |name: &'static str, figure: &str, unit: &str| {
        let figure = figures.iter().find(|have| have.figure == figure)?;
        let unknown = || Err(figure.reason.as_deref().map_or("not known".to_owned(), safe::answer));
        let text = figure.micro.map_or_else(unknown, |micro| Ok(format!("{} {unit}", full(micro))));
        Some(Amount { name, text, trust: figure.trust.map(Trust::word) })
    };
    let is_short = look.custody().zip(look.backed()).is_some_and(|(custody, backed)| custody.0 < backed.0);
    let cketh = look.supply().is_some_and(|supply| supply.cketh_backed.0 != 0);
    let mut all = vec![of("In custody", "custody", "ALGO"), of("Supply", "supply", "ckALGO")];
    if cketh {
        all.push(of("Backed by ckETH", "backed by ckETH", "ckALGO"));
    }
    all.push(of(if is_short { "Missing" } else { "Surplus" }, "surplus", "ALGO"));
    let mut all: Vec<Amount> = all.into_iter().flatten().collect();
    if look.state.known_shortfall != Micro(0) {
        let text = Ok(format!("{} ALGO", full(look.state.known_shortfall)));
        all.push(Amount { name: "Known to be missing", text, trust: None });
    }
    all
}

/// The figures of the samples, where there is no log to read them from.
fn sampled(snapshot: &Snapshot, is_known: bool) -> Vec<Amount> {
    let of = |name, metric: &str| {
        let value = snapshot.measured().value(metric).filter(|_| is_known);
        let text = value.map(|value| units::value(value, Unit::Algo)).ok_or_else(|| "not known".to_owned());
        Amount { name, text, trust: None }
    };
    vec![
        of("In custody", "reserves_custody_algo"),
        of("Supply", "reserves_supply_ckalgo"),
        of("Surplus", "reserves_surplus_algo"),
    ]
}

/// An amount with all of its six decimals, so that columns stand under each other.
fn full(micro: Micro) -> String {
    let text = money::amount(micro.0);
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    format!("{whole}.{part:0<6}")
}

/// A state in one word.
pub const fn word(state: State) -> &'static str {
    match state {
        State::Fine => "OK",
        State::Firing(severity) => severity.name(),
        State::Unknown => "UNKNOWN",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(standing: Standing, severity: Severity) -> Line {
        Line {
            number: Some(1),
            standing,
            severity,
            name: "RULE".to_owned(),
            rule: "RULE".to_owned(),
            cause: "it is bad".to_owned(),
            value: String::new(),
            worst: None,
            since: Time::from_millis(0),
            ended: None,
            lasted: Duration::ZERO,
            blind: None,
            ack: None,
            hold: (standing == Standing::Held).then(|| "maintenance until 05:00".to_owned()),
            told: Vec::new(),
            action: None,
            has_runbook: false,
            runbook_url: None,
        }
    }

    #[test]
    fn the_headline_says_whether_anybody_knows() {
        use Severity::{High, Low};
        use Standing::{Acknowledged, Firing, Held, Resolved};
        for (alerts, blind, wanted) in [
            (vec![(Firing, High), (Held, High), (Firing, Low)], 1, "1 alert needs attention"),
            (vec![(Acknowledged, High)], 1, "1 alert fires, and somebody knows"),
            (vec![(Held, High)], 0, "1 alert fires, and people are not told: maintenance until 05:00"),
            (vec![(Held, High), (Held, High), (Held, Low)], 0, "2 alerts fire, and people are not told"),
            (
                vec![(Acknowledged, High), (Held, High), (Acknowledged, High)],
                0,
                "3 alerts fire: somebody knows of 2, people are not told of 1",
            ),
            (vec![(Firing, Low)], 2, "2 rules cannot be judged"),
            (vec![(Firing, Low)], 0, "1 alert fires, and it is LOW: nobody needs to act now"),
            (vec![(Firing, Low), (Held, Low)], 0, "2 alerts fire, and all are LOW: nobody needs to act now"),
        ] {
            let lines: Vec<Line> = alerts.iter().map(|(standing, severity)| line(*standing, *severity)).collect();
            assert_eq!(headline(&lines, false, blind).as_deref(), Some(wanted), "{alerts:?}");
        }
        assert_eq!(headline(&[line(Resolved, High)], false, 0), None);
        assert_eq!(headline(&[line(Firing, High)], true, 0).as_deref(), Some("More than 1 alerts need attention"));
    }
}
