//! `status`: what it looks like now.

use std::time::Duration;

use super::{Context, Ended, block_on};
use crate::cli::{self, Format};
use crate::config::Config;
use crate::model::trouble::Trouble;
use crate::output::status::{self, Sparks};
use crate::output::terminal;
use crate::store::Store;
use crate::store::open::Mode;
use crate::text::spark;
use crate::view::dashboard;
use crate::view::snapshot::{Snapshot, Standing};

/// Characters of a sparkline, and the time they show.
const SPARK: (usize, Duration) = (20, Duration::from_hours(1));

/// How often `--watch` looks for a new cycle.
const LOOK: Duration = Duration::from_secs(1);

/// Prints the state and ends with its exit code.
pub fn run(context: &Context, args: &cli::Status) -> Ended {
    if !args.from.is_empty() {
        return super::elsewhere::run(context, args);
    }
    let config = context.config_in_use()?;
    if args.watch {
        return block_on(watch(context, args, &config));
    }
    let mut store = Store::open(&config.database.0, Mode::Read, context.clock.now())?;
    let snapshot = Snapshot::take(&mut store, &config, context.clock.now())?;
    show(context, args, &config, &store, &snapshot)?;
    Ok(if args.ignore_acked { snapshot.state_unacked() } else { snapshot.state() }.exit())
}

fn show(
    context: &Context,
    args: &cli::Status,
    config: &Config,
    store: &Store,
    snapshot: &Snapshot,
) -> Result<(), Trouble> {
    let format = if context.global.json { Format::Json } else { args.format };
    match format {
        Format::Json => super::print_json(&dashboard::Status::new(snapshot, config)),
        Format::Nagios => terminal::print(&status::nagios(snapshot)),
        Format::Table if !context.terminal.out => lines(context, config, snapshot),
        Format::Table => {
            let sparks = sparks(config, store, snapshot, args.all)?;
            terminal::print(&status::screen(snapshot, config, &sparks, args.all, &context.terminal))
        }
    }
}

/// Lines for scripts; that they are old is said beside them.
fn lines(context: &Context, config: &Config, snapshot: &Snapshot) -> Result<(), Trouble> {
    context.say_stale(snapshot.cycle, config, snapshot.at);
    terminal::print(&status::lines(snapshot))
}

/// The last hour of each row that is shown.
fn sparks(config: &Config, store: &Store, snapshot: &Snapshot, all: bool) -> crate::store::Result<Sparks> {
    let mut sparks = Sparks::new();
    let Some(tick) = snapshot.cycle.map(|cycle| cycle.tick).or(snapshot.imported) else { return Ok(sparks) };
    let to = tick + config.interval;
    for (at, row) in snapshot.rows.iter().enumerate() {
        if !all && row.standing == Standing::Fine {
            continue;
        }
        let rule = config.rules.iter().find(|rule| rule.name == row.rule);
        let Some(series) = rule.and_then(|rule| rule.drawn(&row.labels, tick)) else { continue };
        let from = to - SPARK.1;
        let history = store.history(&series.metric, Some(&series.labels), from, to)?;
        if let Some(window) = history.first() {
            sparks.insert(at, spark::buckets(&window.points, from, to, SPARK.0));
        }
    }
    Ok(sparks)
}

/// Draws the screen anew after each cycle; without a terminal a line for each change.
async fn watch(context: &Context, args: &cli::Status, config: &Config) -> Ended {
    let mut last = None;
    loop {
        let now = context.clock.now();
        let mut store = Store::open(&config.database.0, Mode::Read, now)?;
        let snapshot = Snapshot::take(&mut store, config, now)?;
        let seen = (snapshot.cycle.map(|cycle| cycle.finished), snapshot.stale);
        if context.terminal.out {
            terminal::print("\u{1b}[H\u{1b}[2J")?;
            show(context, args, config, &store, &snapshot)?;
        } else if last != Some(seen) {
            lines(context, config, &snapshot)?;
        }
        last = Some(seen);
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = tokio::signal::ctrl_c() => return Ok(snapshot.state().exit()),
        }
    }
}
