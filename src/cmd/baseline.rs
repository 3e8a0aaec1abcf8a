//! `baseline list`, `baseline accept`: what is taken to be right, and by whom.

use std::collections::BTreeMap;

use super::{Context, Ended, who};
use crate::cli;
use crate::config::Config;
use crate::model::baseline::Baseline;
use crate::model::trouble::{Kind, Trouble};
use crate::output::baselines::{self, Earlier, Row};
use crate::output::terminal;
use crate::store::open::Mode;
use crate::store::{Reader, Store};
use crate::text::nearest::nearest;
use crate::text::safe;

/// Runs the command.
pub fn run(context: &Context, args: &cli::Baseline) -> Ended {
    match args {
        cli::Baseline::List => list(context),
        cli::Baseline::Accept(args) => accept(context, args),
    }
}

fn list(context: &Context) -> Ended {
    let config = context.config()?;
    let store = Store::open(&config.database.0, Mode::Read, context.clock.now())?;
    let rows = rows(&store, &config)?;
    if context.global.json {
        super::print_json(&rows)?;
    } else if context.terminal.out {
        terminal::print(&baselines::table(&rows, &context.terminal))?;
    } else {
        terminal::print(&baselines::lines(&rows))?;
    }
    Ok(0)
}

/// What is accepted, seen and pinned, in order of the names.
fn rows(store: &Reader, config: &Config) -> Result<Vec<Row>, Trouble> {
    let mut pins = pins(config);
    let mut seen: BTreeMap<_, _> =
        store.sightings()?.into_iter().map(|(seen, at)| (seen.name, (seen.value, at))).collect();
    let mut earlier: BTreeMap<String, Vec<Earlier>> = BTreeMap::new();
    for baseline in store.earlier_baselines()? {
        earlier.entry(baseline.name.clone()).or_default().push(baseline.into());
    }
    let of_store = store.baselines()?.into_iter().map(|baseline| {
        let (seen, pinned) = (seen.remove(&baseline.name), pins.remove(&baseline.name));
        let earlier = earlier.remove(&baseline.name).unwrap_or_default();
        Row::new(baseline, pinned, seen, earlier)
    });
    let mut rows: Vec<Row> = of_store.collect();
    rows.extend(pins.into_iter().map(|(name, value)| Row::pinned(name, value)));
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(rows)
}

/// What the configuration takes to be right.
fn pins(config: &Config) -> BTreeMap<String, String> {
    config.sources.iter().flat_map(|source| source.pins()).map(|pin| (pin.name, pin.value)).collect()
}

fn accept(context: &Context, args: &cli::Accept) -> Ended {
    let why = args.message.trim();
    if why.is_empty() {
        return Err(Trouble::new(Kind::Usage, "--message is empty").help("say in a few words why").into());
    }
    let config = context.config()?;
    let name = safe::one_line(&args.name);
    if pins(&config).contains_key(&args.name) {
        let trouble = Trouble::new(Kind::Config, format!("{name} is pinned in the configuration"));
        return Err(trouble.help("change or remove the key there; a command does not overrule it").into());
    }
    let now = context.clock.now();
    let mut store = Store::open(&config.database.0, Mode::Write, now)?;
    let tx = store.begin()?;
    let sightings = tx.sightings()?;
    let Some((seen, _)) = sightings.iter().find(|(seen, _)| seen.name == args.name) else {
        return Err(unknown(&name, sightings.iter().map(|(seen, _)| seen.name.as_str())).into());
    };
    let before = tx.accepted()?.remove(&args.name);
    let who = who(context, args.by.as_deref());
    let accepted = Baseline { name: seen.name.clone(), value: seen.value.clone(), at: now, who, why: why.to_owned() };
    tx.accept(&accepted)?;
    tx.commit()?;
    if context.terminal.out {
        terminal::print(&context.terminal.fit(&baselines::accepted(&accepted, before.as_deref())))?;
    }
    Ok(0)
}

fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Trouble {
    let trouble = Trouble::new(Kind::Usage, format!("nothing called {name} was seen yet"));
    match nearest(name, known) {
        Some(near) => trouble.help(format!("did you mean {near}?")),
        None => trouble.help("`sippar-mon baseline list` lists what there is"),
    }
}
