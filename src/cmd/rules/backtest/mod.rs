//! `rules backtest`: rules on the stored past.

mod diff;
mod report;

use std::path::Path;
use std::time::Duration;

use crate::cli;
use crate::cmd::{Context, Ended, print_json};
use crate::config::Config;
use crate::config::trial::{self, Ground};
use crate::model::fault::Located;
use crate::model::trouble::{Kind, Trouble};
use crate::output::progress::Progress;
use crate::output::terminal;
use crate::replay::backtest::{self, MOST_SAMPLES, Span, Surroundings};
use crate::replay::episodes::{Outcome, Story, differences};
use crate::rules::Rule;
use crate::store::Store;
use crate::store::open::Mode;
use crate::text::{safe, units};

/// Prints what the rules would have done.
pub fn run(context: &Context, args: &cli::RulesBacktest) -> Ended {
    let since = units::parse_duration(&args.since);
    let since = since.map_err(|why| Trouble::new(Kind::Usage, format!("--since: {why}")))?;
    let budget = args.max_per_day.map(budget).transpose()?;
    let config = context.config()?;
    let trial = args.rules.as_deref().map(|file| rules_of(context, file)).transpose()?;
    let new = trial.as_deref().unwrap_or(&config.rules);
    let sets: Vec<&[Rule]> = if args.diff { vec![&config.rules, new] } else { vec![new] };
    let (span, mut outcomes) = replayed(context, &config, &sets, since)?;
    let Some(after) = outcomes.pop() else { return Ok(0) };
    let shown = report::Shown { span: &span, rules: new, budget, verbose: context.global.verbose > 0 };
    match outcomes.pop() {
        Some(before) => {
            let found = differences(&before, &after);
            if context.global.json {
                print_json(&diff::document(&shown, &before, &after, &found))?;
            } else {
                let page = diff::page(&shown, &config.rules, &before, &after, &found);
                terminal::print(&context.terminal.fit(&page))?;
            }
        }
        None if context.global.json => print_json(&report::document(&shown, &after))?,
        None => terminal::print(&context.terminal.fit(&report::page(&shown, &after, &context.terminal)))?,
    }
    let over = budget.is_some_and(|budget| after.iter().any(|story| per_day(story, &span) > budget));
    Ok(u8::from(over))
}

fn budget(most: f64) -> Result<f64, Trouble> {
    if most >= 0.0 {
        return Ok(most);
    }
    Err(Trouble::new(Kind::Usage, format!("--max-per-day {most}: there cannot be fewer than 0 episodes a day")))
}

/// Episodes a day. Less than a day says nothing of a day's others: it counts as one.
fn per_day(story: &Story, span: &Span) -> f64 {
    let days = span.length().as_secs_f64() / 86_400.0;
    story.episodes.len() as f64 / days.max(1.0)
}

/// The rules of the configuration with those of `file` over them.
fn rules_of(context: &Context, file: &Path) -> Result<Vec<Rule>, Trouble> {
    let told = |faults: &[Located], kind, place: &str| {
        terminal::say(context.faults(faults).trim_end());
        let count = if faults.len() == 1 { "1 error".to_owned() } else { format!("{} errors", faults.len()) };
        Trouble::new(kind, format!("{count} in {place}"))
    };
    let config = |faults: Vec<Located>| told(&faults, Kind::Config, "the configuration");
    let place = safe::one_line(&file.display().to_string());
    let ground = Ground::in_force(&context.flags(None), &context.env).map_err(config)?;
    let read = trial::read_files(&[file.to_owned()]).map_err(|faults| told(&faults, Kind::Data, &place))?;
    let Some(text) = read.first() else { return Err(Trouble::new(Kind::Data, format!("{place} cannot be read"))) };
    let trial = ground.trial(text).map_err(|faults| told(&faults, Kind::Data, &place))?;
    if context.global.verbose > 0 && !trial.warnings.is_empty() {
        terminal::say(context.faults(&trial.warnings).trim_end());
    }
    Ok(trial.rules)
}

/// What comes of each set of rules in the last `since`.
fn replayed(
    context: &Context,
    config: &Config,
    sets: &[&[Rule]],
    since: Duration,
) -> Result<(Span, Vec<Outcome>), Trouble> {
    let mut store = Store::open(&config.database.0, Mode::Read, context.clock.now())?;
    let Some(span) = backtest::span(&store, since, config.interval)? else {
        let trouble = Trouble::new(Kind::Unavailable, "there is no past yet: nothing was measured");
        return Err(trouble.help("run: sippar-mon check"));
    };
    let Config { routes, identity, interval, .. } = config;
    let around = Surroundings { routes, identity, interval: *interval, slice: MOST_SAMPLES };
    let mut progress = Progress::new(span.cycles.len(), &context.terminal);
    let outcomes = backtest::run(&mut store, sets, &span, &around, |done| progress.done(done))?;
    Ok((span, outcomes))
}
