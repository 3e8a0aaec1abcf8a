//! What is measured: the clock that dates it, each source just now, and what that costs.

use std::time::Duration;

use super::Finding;
use super::facts::{Facts, Source};
use crate::model::metric::Unit;
use crate::text::{safe, units};

/// Seconds that an HTTP date leaves open, and beyond which nothing fits together any more.
const OFF: f64 = 2.0;
const FAR_OFF: f64 = 60.0;

/// Parts of a core, and bytes, that the operators allow the monitor.
const MOST_CPU: f64 = 0.05;
const MOST_MEMORY: f64 = 100e6;

/// The clock.
pub fn clock(facts: &Facts) -> Vec<Finding> {
    const TOPIC: &str = "clock";
    let mut found = Vec::new();
    match &facts.clock.synchronized {
        None => {}
        Some(Ok(true)) => found.push(Finding::fine(TOPIC, "synchronised")),
        Some(Ok(false)) => {
            let what = "a time service runs, and has not set the clock for hours";
            found.push(Finding::warning(TOPIC, what).fix("chronyc tracking (or: timedatectl timesync-status)"));
        }
        Some(Err(why)) => {
            let what = format!("it is not known whether it is right: {}", safe::answer(why));
            found.push(Finding::note(TOPIC, what).fix("apt install chrony"));
        }
    }
    match &facts.clock.compared {
        None => {}
        Some((whom, Ok(ahead))) => {
            let off = units::duration(Duration::try_from_secs_f64(ahead.abs()).unwrap_or_default());
            let side = if *ahead > 0.0 { "ahead of" } else { "behind" };
            found.push(if ahead.abs() < OFF {
                Finding::fine(TOPIC, format!("within {OFF} s of {whom}"))
            } else {
                let finding = if ahead.abs() < FAR_OFF { Finding::warning } else { Finding::problem };
                finding(TOPIC, format!("{off} {side} {whom}")).fix("chronyc makestep (or: timedatectl set-ntp true)")
            });
        }
        Some((whom, Err(why))) => {
            found.push(Finding::note(TOPIC, format!("could not be compared with {whom}: {}", safe::answer(why))));
        }
    }
    found
}

/// Each source, measured just now.
pub fn sources(facts: &Facts) -> Vec<Finding> {
    facts.sources.iter().map(source).collect()
}

fn source(source: &Source) -> Finding {
    let Source { name, took, outcome, unknown, fails, why } = source;
    let took = units::duration(*took);
    let look = format!("sippar-mon collect --source {name}");
    let why = why.as_deref().map(|why| format!(": {}", safe::answer(why))).unwrap_or_default();
    match outcome {
        Err(reason) => Finding::problem(name, format!("no data after {took}: {}", safe::answer(reason))).fix(look),
        Ok(_) if *fails => Finding::warning(name, format!("what it watches fails, {took}{why}")).fix(look),
        Ok((all, known)) => {
            let what = if all == known {
                format!("{} in {took}{why}", units::counted(*all, "reading"))
            } else {
                format!("{known} of {} in {took}{why}", units::counted(*all, "reading"))
            };
            if unknown.is_empty() {
                return Finding::fine(name, what);
            }
            let reasons: Vec<String> = unknown.iter().take(3).map(|reason| safe::answer(reason)).collect();
            let finding = if *known == 0 { Finding::problem } else { Finding::note };
            finding(name, format!("{what}; unknown: {}", reasons.join("; "))).fix(look)
        }
    }
}

/// What the monitor itself costs; said only where it was measured.
pub fn overhead(facts: &Facts) -> Vec<Finding> {
    const TOPIC: &str = "overhead";
    let cost = facts.cycles.as_ref().and_then(|cycles| cycles.cost);
    let interval = facts.config.works.as_ref().map(|works| works.interval);
    let (Some(cost), Some(interval)) = (cost, interval) else { return Vec::new() };
    let part = cost.cpu / interval.as_secs_f64();
    let memory = units::value(cost.memory, Unit::Bytes);
    let what = format!(
        "{:.2} % of a core ({:.0} ms a cycle), {memory} at most, over {} of the last 24 h",
        part * 100.0,
        cost.cpu * 1000.0,
        units::counted(cost.cycles, "cycle")
    );
    let is_much = part > MOST_CPU || cost.memory > MOST_MEMORY;
    vec![if is_much {
        let fix = "a longer interval, or fewer rules: sippar-mon rules list";
        Finding::warning(TOPIC, format!("{what}; 5 % and 100 MB are allowed")).fix(fix)
    } else {
        Finding::fine(TOPIC, what)
    }]
}
