//! `alert mark`: whether an alert was worth being told.

use serde::Serialize;

use super::hint::{self, HintDocument};
use super::unknown;
use crate::cli::{self, Opinion};
use crate::cmd::{Context, Ended, print_json, who};
use crate::model::alert::{Mark, Worth};
use crate::model::trouble::{Kind, Trouble};
use crate::output::terminal;
use crate::store::Store;
use crate::store::open::Mode;
use crate::text::safe;

/// `alert mark --json`.
#[derive(Serialize)]
struct Document<'a> {
    number: u64,
    alert: String,
    mark: &'a str,
    /// Of one that is marked false: changes of its rule that would have avoided it.
    hints: Vec<HintDocument>,
    /// Why nothing can be said of such changes.
    no_hint: Option<String>,
}

/// Keeps the mark; of a false alert it also says how it could have been avoided.
pub fn run(context: &Context, args: &cli::Mark) -> Ended {
    let why = args.message.trim();
    if why.is_empty() {
        return Err(Trouble::new(Kind::Usage, "--message is empty").help("say in a few words why").into());
    }
    let config = context.config_in_use()?;
    let now = context.clock.now();
    let mut store = Store::open(&config.database.0, Mode::Write, now)?;
    let tx = store.begin()?;
    let Some((id, alert)) = tx.alert_by_number(args.number)? else {
        return Err(unknown(args.number).into());
    };
    let worth = match args.worth {
        Opinion::Useful => Worth::Useful,
        Opinion::False => Worth::False,
    };
    tx.put_mark(id, &Mark { worth, at: now, who: who(context, args.by.as_deref()), why: why.to_owned() })?;
    tx.commit()?;
    let is_wanted = context.global.json || context.terminal.out || context.global.verbose > 0;
    if !is_wanted {
        return Ok(0);
    }
    let answer = if worth == Worth::False { Some(hint::ask(&mut store, &config, &alert, now)?) } else { None };
    let rule = config.rules.iter().find(|rule| rule.name == alert.key.rule);
    if context.global.json {
        let (hints, no_hint) = answer.map(|answer| hint::documents(&answer, rule)).unwrap_or_default();
        let alert = alert.key.to_string();
        print_json(&Document { number: args.number, alert, mark: worth.name(), hints, no_hint })?;
        return Ok(0);
    }
    let line = safe::one_line(&format!("{} {} is marked {}", args.number, alert.key, worth.name()));
    terminal::print(&context.terminal.fit(&format!("{line}\n")))?;
    if let Some(answer) = answer {
        // whole lines: what is to be pasted must not be cut
        terminal::print(&hint::page(&answer, rule))?;
    }
    Ok(0)
}
