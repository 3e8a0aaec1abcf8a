//! `reserves proof`: a look as a document that others can verify.

use super::{Context, Ended, nothing};
use crate::cli;
use crate::cmd::print_json;
use crate::model::time::Time;
use crate::model::trouble::{Kind, Trouble};
use crate::store::open::Mode;
use crate::store::{Reader, Store};
use crate::text::instant;
use crate::view::proof::{Proof, let_go, way_to};

/// Prints it.
pub fn run(context: &Context, args: &cli::ReservesProof) -> Ended {
    let now = context.clock.now();
    let at = args.at.as_deref().map(|text| instant::parse(text, now)).transpose();
    let at = at.map_err(|why| Trouble::new(Kind::Usage, format!("--at: {why}")))?;
    let config = context.config_in_use()?;
    let mut store = Store::open(&config.database.0, Mode::Read, now)?;
    let moment = store.snapshot()?;
    let head = moment.last_reserve_row()?.ok_or_else(|| nothing(&config))?;
    let row = match at {
        None => head.clone(),
        Some(at) => match moment.reserve_row_at(at)? {
            Some(row) => row,
            None => return Err(none_then(&moment, at)?.into()),
        },
    };
    print_json(&Proof::of(&moment, &config.identity, &row, &head)?)?;
    Ok(0)
}

/// Why there is no look as of `at`.
fn none_then(moment: &Reader, at: Time) -> Result<Trouble, Trouble> {
    if let Some(anchor) = moment.reserve_anchor()? {
        let way = way_to(&format!("proof --at {at}"));
        return Ok(Trouble::new(Kind::Unavailable, let_go(&anchor)).help(way));
    }
    let trouble = Trouble::new(Kind::Unavailable, format!("there was no look yet at {at}"));
    let first = moment.reserve_row(1)?.map(|row| format!("the log begins at {}", row.at));
    Ok(trouble.help(first.unwrap_or_default()))
}
