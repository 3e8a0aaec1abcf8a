//! `reserves proof`: a look as a document that others can verify.

use super::{Context, Ended, nothing};
use crate::cli;
use crate::cmd::print_json;
use crate::model::trouble::{Kind, Trouble};
use crate::store::Store;
use crate::store::open::Mode;
use crate::text::instant;
use crate::view::proof::Proof;

/// Prints it.
pub fn run(context: &Context, args: &cli::ReservesProof) -> Ended {
    let now = context.clock.now();
    let at = args.at.as_deref().map(|text| instant::parse(text, now)).transpose();
    let at = at.map_err(|why| Trouble::new(Kind::Usage, format!("--at: {why}")))?;
    let config = context.config()?;
    let mut store = Store::open(&config.database.0, Mode::Read, now)?;
    let moment = store.snapshot()?;
    let head = moment.last_reserve_row()?.ok_or_else(|| nothing(&config))?;
    let row = match at {
        None => head.clone(),
        Some(at) => moment.reserve_row_at(at)?.ok_or_else(|| {
            let first = moment.reserve_row(1).ok().flatten().map(|row| format!("the log begins at {}", row.at));
            let trouble = Trouble::new(Kind::Unavailable, format!("there was no look yet at {at}"));
            trouble.help(first.unwrap_or_default())
        })?,
    };
    print_json(&Proof::of(&moment, &config.identity, &row, &head)?)?;
    Ok(0)
}
