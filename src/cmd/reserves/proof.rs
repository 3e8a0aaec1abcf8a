//! `reserves proof`: a look as a document that others can verify.

use serde::{Deserialize, Serialize};

use super::{Context, Ended, nothing};
use crate::bridge::log::{BEGINNING, Record, hex};
use crate::cli;
use crate::cmd::print_json;
use crate::model::trouble::{Kind, Trouble};
use crate::store::open::Mode;
use crate::store::reserves::LogRow;
use crate::store::{Reader, Store};
use crate::text::instant;

/// What the document is.
pub const FORMAT: &str = "sippar-mon reserve proof 1";
/// What a stranger does with it.
const HOW: &str = "hash = SHA-256(previous, the record as JSON without white space); `sippar-mon reserves verify FILE`";

/// The document.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    #[serde(rename = "proof")]
    pub format: String,
    pub system: String,
    pub host: String,
    /// The look.
    pub look: Link,
    /// The record that holds its state, where that is an earlier one.
    pub state_of: Option<Link>,
    /// The end of the log when this was written.
    pub head: Head,
    pub how: String,
}

/// A record with the hashes before and after it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    pub record: Record,
    pub previous: String,
    pub hash: String,
}

/// The last record of the log.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    pub n: u64,
    pub hash: String,
}

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
    let look = link(&moment, &row)?;
    let state_of = match look.record.same {
        Some(same) => moment.reserve_row(same)?.map(|row| link(&moment, &row)).transpose()?,
        None => None,
    };
    let document = Proof {
        format: FORMAT.to_owned(),
        system: config.identity.system.clone(),
        host: config.identity.host.clone(),
        look,
        state_of,
        head: Head { n: head.n, hash: hex(&head.hash) },
        how: HOW.to_owned(),
    };
    print_json(&document)?;
    Ok(0)
}

fn link(reader: &Reader, row: &LogRow) -> Result<Link, Trouble> {
    let before = match row.n {
        0 | 1 => None,
        n => reader.reserve_row(n - 1)?,
    };
    let record = Record::read(&row.text)
        .map_err(|why| Trouble::new(Kind::Data, format!("record {} of the reserve log {why}", row.n)))?;
    let previous = hex(&before.map_or(BEGINNING, |before| before.hash));
    Ok(Link { record, previous, hash: hex(&row.hash) })
}
