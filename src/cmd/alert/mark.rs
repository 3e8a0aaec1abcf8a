//! `alert mark`: whether an alert was worth being told.

use super::unknown;
use crate::cli::{self, Opinion};
use crate::cmd::{Context, Ended, who};
use crate::model::alert::{Mark, Worth};
use crate::model::trouble::{Kind, Trouble};
use crate::output::terminal;
use crate::store::Store;
use crate::store::open::Mode;
use crate::text::safe;

/// Keeps the mark.
pub fn run(context: &Context, args: &cli::Mark) -> Ended {
    let why = args.message.trim();
    if why.is_empty() {
        return Err(Trouble::new(Kind::Usage, "--message is empty").help("say in a few words why").into());
    }
    let config = context.config()?;
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
    if context.terminal.out {
        let line = format!("{} {} is marked {}", args.number, alert.key, worth.name());
        terminal::print(&context.terminal.fit(&format!("{}\n", safe::one_line(&line))))?;
    }
    Ok(0)
}
