//! What rules did in the past, for people and for programs.

use std::fmt::Write as _;
use std::time::Duration;

use comfy_table::{Cell, CellAlignment};
use serde::Serialize;

use super::per_day;
use crate::model::labels::Labels;
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::output::terminal::Terminal;
use crate::replay::backtest::Span;
use crate::replay::episodes::{Episode, Outcome, Story, Told, total};
use crate::rules::Rule;
use crate::text::{safe, units};

/// So many episodes are listed without being asked for.
const FEW: usize = 20;

/// What is shown, and how.
pub struct Shown<'a> {
    /// The past.
    pub span: &'a Span,
    /// The rules.
    pub rules: &'a [Rule],
    /// The most episodes a day that a rule may have.
    pub budget: Option<f64>,
    /// Every episode and every rule.
    pub verbose: bool,
}

/// `rules backtest --json`.
#[derive(Serialize)]
pub struct Document<'a> {
    #[serde(flatten)]
    past: Past,
    rules: Vec<Row<'a>>,
    total: Sum,
}

/// The past that was looked at.
#[derive(Serialize)]
pub struct Past {
    from: Option<String>,
    to: Option<String>,
    cycles: usize,
    gaps: usize,
    longest_gap_seconds: f64,
}

#[derive(Serialize)]
struct Row<'a> {
    rule: &'a str,
    #[serde(flatten)]
    sum: Sum,
    per_day: f64,
    over_budget: bool,
    flaps: usize,
    shortest_seconds: Option<f64>,
    longest_seconds: Option<f64>,
    /// Ticks at which it could not be evaluated, and the reason of the first.
    failed: usize,
    failure: Option<&'a str>,
    episodes: Vec<EpisodeRow<'a>>,
}

/// Episodes and notifications.
#[derive(Serialize)]
pub struct Sum {
    /// How many alerts fired.
    pub count: usize,
    /// Who would have been told how often.
    pub notifications: Told,
}

/// One episode.
#[derive(Serialize)]
pub struct EpisodeRow<'a> {
    rule: &'a str,
    labels: &'a Labels,
    since: String,
    fired: String,
    /// Null where it fires still.
    ended: Option<String>,
    seconds: f64,
    peak: Severity,
    /// Null when it was not measured or is not finite.
    worst: Option<f64>,
    transitions: Vec<Step>,
    notifications: &'a Told,
}

#[derive(Serialize)]
struct Step {
    time: String,
    what: &'static str,
    severity: Severity,
    value: Option<f64>,
}

/// The past in numbers.
pub fn past(span: &Span) -> Past {
    let (from, to) = span.ends().unzip();
    Past {
        from: from.map(Time::rfc3339),
        to: to.map(Time::rfc3339),
        cycles: span.cycles.len(),
        gaps: span.gaps.0,
        longest_gap_seconds: span.gaps.1.as_secs_f64(),
    }
}

/// Everything.
pub fn document<'a>(shown: &Shown<'a>, outcome: &'a Outcome) -> Document<'a> {
    Document {
        past: past(shown.span),
        rules: outcome.iter().map(|story| row(shown, story)).collect(),
        total: sum(outcome),
    }
}

/// All episodes and all notifications.
pub fn sum(outcome: &[Story]) -> Sum {
    let told: Vec<Told> = outcome.iter().map(Story::told).collect();
    Sum { count: outcome.iter().map(|story| story.episodes.len()).sum(), notifications: total(told.iter()) }
}

fn row<'a>(shown: &Shown<'_>, story: &'a Story) -> Row<'a> {
    let rate = per_day(story, shown.span);
    let (shortest, longest) = extremes(story, shown.span).unzip();
    Row {
        rule: &story.rule,
        sum: sum(std::slice::from_ref(story)),
        per_day: rate,
        over_budget: shown.budget.is_some_and(|budget| rate > budget),
        flaps: story.flaps(),
        shortest_seconds: shortest.map(|lasted| lasted.as_secs_f64()),
        longest_seconds: longest.map(|lasted| lasted.as_secs_f64()),
        failed: story.failed.as_ref().map_or(0, |(ticks, ..)| *ticks),
        failure: story.failed.as_ref().map(|(_, _, why)| why.as_str()),
        episodes: story.episodes.iter().map(|episode| episode_row(episode, shown.span)).collect(),
    }
}

/// An episode as JSON shows it.
pub fn episode_row<'a>(episode: &'a Episode, span: &Span) -> EpisodeRow<'a> {
    let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
    let step = |(at, transition, value): &(Time, crate::model::alert::Transition, Option<f64>)| Step {
        time: at.rfc3339(),
        what: transition.name(),
        severity: transition.severity(),
        value: finite(*value),
    };
    EpisodeRow {
        rule: &episode.key.rule,
        labels: &episode.key.labels,
        since: episode.since.rfc3339(),
        fired: episode.fired.rfc3339(),
        ended: episode.ended.map(|(at, _)| at.rfc3339()),
        seconds: episode.lasted(end(span)).as_secs_f64(),
        peak: episode.peak,
        worst: finite(episode.worst),
        transitions: episode.steps.iter().map(step).collect(),
        notifications: &episode.told,
    }
}

/// The last tick.
pub fn end(span: &Span) -> Time {
    span.ends().map_or(Time::from_millis(0), |(_, last)| last)
}

/// How long the shortest and the longest episode fired.
fn extremes(story: &Story, span: &Span) -> Option<(Duration, Duration)> {
    let lasted = || story.episodes.iter().map(|episode| episode.lasted(end(span)));
    Some((lasted().min()?, lasted().max()?))
}

/// The table of rules, and under it the episodes.
pub fn page(shown: &Shown<'_>, outcome: &Outcome, terminal: &Terminal) -> String {
    let mut out = head(shown.span);
    let speaks = |story: &&Story| shown.verbose || !story.episodes.is_empty() || story.failed.is_some();
    let told: Vec<&Story> = outcome.iter().filter(speaks).collect();
    if !told.is_empty() {
        let _ = writeln!(out, "\n{}", table(shown, &told, terminal));
    }
    let quiet = outcome.iter().filter(|story| story.episodes.is_empty()).count();
    let sum = sum(outcome);
    let _ = writeln!(
        out,
        "\n{} of {} rules fired: {}, {}",
        outcome.len() - quiet,
        outcome.len(),
        units::counted(sum.count, "episode"),
        notified(&sum.notifications)
    );
    if shown.verbose || sum.count <= FEW {
        out.push_str(&episodes(shown, &told));
    } else {
        out.push_str("-v lists the episodes\n");
    }
    out.push_str(&remarks(shown, outcome));
    out
}

/// `30 d, Oct 24 13:00 to Nov 23 13:00 UTC: 43200 cycles, 2 gaps (longest 12 min)`
pub fn head(span: &Span) -> String {
    let Some((first, last)) = span.ends() else { return "no cycle in this time\n".to_owned() };
    let gaps = match span.gaps {
        (0, _) => "no gap".to_owned(),
        (count, longest) => format!("{} (longest {})", units::counted(count, "gap"), units::duration(longest)),
    };
    let (length, cycles) = (units::duration(span.length()), units::counted(span.cycles.len(), "cycle"));
    format!("{length}, {} to {} UTC: {cycles}, {gaps}\n", first.short(), last.short())
}

fn table(shown: &Shown<'_>, stories: &[&Story], terminal: &Terminal) -> String {
    let head = ["RULE", "EPISODES", "A DAY", "SHORTEST", "LONGEST", "FLAPS", "PEAK", "WORST", "NOTIFICATIONS"];
    let mut table = terminal.table(&head);
    for story in stories {
        let rule = shown.rules.iter().find(|rule| rule.name == story.rule);
        let lasted = extremes(story, shown.span);
        let text = |lasted: Option<Duration>| lasted.map_or_else(|| "-".to_owned(), units::duration);
        let peak = story.episodes.iter().map(|episode| episode.peak).max();
        table.add_row([
            Cell::new(safe::one_line(&story.rule)),
            Cell::new(story.episodes.len()).set_alignment(CellAlignment::Right),
            Cell::new(rate(per_day(story, shown.span))).set_alignment(CellAlignment::Right),
            Cell::new(text(lasted.map(|(shortest, _)| shortest))),
            Cell::new(text(lasted.map(|(_, longest)| longest))),
            Cell::new(story.flaps()).set_alignment(CellAlignment::Right),
            peak.map_or_else(|| Cell::new("-"), |peak| terminal.cell(peak.into())),
            Cell::new(worst(story, rule)),
            Cell::new(channels(&story.told())),
        ]);
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// The worst value of all episodes.
fn worst(story: &Story, rule: Option<&Rule>) -> String {
    let Some(rule) = rule else { return "-".to_owned() };
    let worse_of = |a: f64, b: f64| if rule.policy.lower_is_worse { a.min(b) } else { a.max(b) };
    let worst = story.episodes.iter().filter_map(|episode| episode.worst).reduce(worse_of);
    worst.map_or_else(|| "-".to_owned(), |worst| rule.value_text(worst))
}

fn episodes(shown: &Shown<'_>, stories: &[&Story]) -> String {
    let mut out = String::new();
    for story in stories.iter().filter(|story| !story.episodes.is_empty()) {
        let rule = shown.rules.iter().find(|rule| rule.name == story.rule);
        let _ = writeln!(out, "\n{}", safe::one_line(&story.rule));
        for episode in &story.episodes {
            let _ = writeln!(out, "  {}", line(episode, rule, shown.span));
        }
    }
    out
}

/// `Nov 02 03:10  12 min  HIGH  87 %  {mount="/"}  mail 2, slack 2`
pub fn line(episode: &Episode, rule: Option<&Rule>, span: &Span) -> String {
    let lasted = units::duration(episode.lasted(end(span)));
    let open = if episode.ended.is_none() { " so far" } else { "" };
    let worst =
        episode.worst.zip(rule).map_or_else(|| "not measured".to_owned(), |(value, rule)| rule.value_text(value));
    let labels = safe::one_line(&episode.key.labels.to_string());
    let parts = [
        episode.fired.short(),
        format!("{lasted}{open}"),
        episode.peak.to_string(),
        worst,
        labels,
        channels(&episode.told),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("  ")
}

/// Rules that could not be evaluated, and those over the budget.
fn remarks(shown: &Shown<'_>, outcome: &Outcome) -> String {
    let mut out = String::new();
    for story in outcome {
        if let Some((ticks, at, why)) = &story.failed {
            let (rule, why) = (safe::one_line(&story.rule), safe::answer(why));
            let _ = writeln!(
                out,
                "{rule} could not be judged at {}, first {}: {why}",
                units::counted(*ticks, "tick"),
                at.short()
            );
        }
    }
    out.push_str(&over(shown, outcome));
    out
}

/// The rules that have more episodes a day than they may.
pub fn over(shown: &Shown<'_>, outcome: &Outcome) -> String {
    let Some(budget) = shown.budget else { return String::new() };
    let mut out = String::new();
    for story in outcome {
        let rate_now = per_day(story, shown.span);
        if rate_now > budget {
            let (rule, most) = (safe::one_line(&story.rule), rate(budget));
            let _ = writeln!(out, "{rule} has {} episodes a day, more than {most}", rate(rate_now));
        }
    }
    out
}

/// `mail 2, slack 2`
pub fn channels(told: &Told) -> String {
    if told.is_empty() {
        return "nobody told".to_owned();
    }
    let parts: Vec<String> = told.iter().map(|(channel, count)| format!("{channel} {count}")).collect();
    parts.join(", ")
}

/// `4 notifications (mail 2, slack 2)`
pub fn notified(told: &Told) -> String {
    let count: usize = told.values().sum();
    let to = if told.is_empty() { String::new() } else { format!(" ({})", channels(told)) };
    format!("{}{to}", units::counted(count, "notification"))
}

fn rate(per_day: f64) -> String {
    format!("{per_day:.2}")
}
