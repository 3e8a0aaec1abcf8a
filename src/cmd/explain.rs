//! `rules explain` and `alert explain`: why something fires or does not, and who hears of it.

use super::{Context, Ended, print_json, rules};
use crate::cli;
use crate::model::labels::Labels;
use crate::model::time::Time;
use crate::model::trouble::{Kind, Trouble};
use crate::output::explain::{self, Look};
use crate::output::terminal;
use crate::store::Store;
use crate::store::open::Mode;
use crate::text::instant;
use crate::view::explain::document::{AlertDocument, Document};
use crate::view::explain::{Explanation, Life};

/// Takes a rule apart at the last tick, or at that of `--at`.
pub fn rule(context: &Context, args: &cli::RulesExplain) -> Ended {
    let config = context.config()?;
    let rule = rules::named(&config, &args.name)?;
    let now = context.clock.now();
    let until = until(args.at.as_deref(), now)?;
    let mut store = Store::open(&config.database.0, Mode::Read, now)?;
    let explanation = Explanation::of(&*store.snapshot()?, &config, rule, until, now)?;
    if context.global.json {
        print_json(&Document::new(&explanation))?;
    } else {
        terminal::print(&explain::rule(&explanation, &look(context, None)))?;
    }
    Ok(0)
}

/// The same for one alert: now while it lasts, else at the moment it fired.
pub fn alert(context: &Context, args: &cli::AlertExplain) -> Ended {
    let config = context.config_in_use()?;
    let now = context.clock.now();
    let asked = until(args.at.as_deref(), now)?;
    let mut store = Store::open(&config.database.0, Mode::Read, now)?;
    let moment = store.snapshot()?;
    let life = Life::of(&moment, args.number)?.ok_or_else(|| super::alert::unknown(args.number))?;
    let key = &life.alert.key;
    let rule = config.rules.iter().find(|rule| rule.name == key.rule);
    let fired = life.alert.fired_at.filter(|_| life.alert.ended.is_some());
    let explain = |rule| Explanation::of(&moment, &config, rule, asked.or(fired), now);
    let explanation = rule.map(explain).transpose()?;
    if context.global.json {
        print_json(&AlertDocument::new(&life, explanation.as_ref()))?;
    } else {
        let look = look(context, Some(&key.labels));
        terminal::print(&explain::alert(&life, explanation.as_ref(), now, &look))?;
    }
    Ok(0)
}

fn look<'a>(context: &'a Context, focus: Option<&'a Labels>) -> Look<'a> {
    Look { terminal: &context.terminal, all: context.global.verbose > 0, focus }
}

fn until(at: Option<&str>, now: Time) -> Result<Option<Time>, Trouble> {
    let parsed = at.map(|text| instant::parse(text, now)).transpose();
    parsed.map_err(|why| Trouble::new(Kind::Usage, format!("--at: {why}")))
}
