//! A look at the reserves as a document that others can verify.

use serde::{Deserialize, Serialize};

use crate::alert::message::Identity;
use crate::bridge::log::{BEGINNING, Record, hex};
use crate::model::trouble::{Kind, Trouble};
use crate::store::reserves::{Anchor, LogRow};
use crate::store::{Reader, Result};

/// What the document is.
pub const FORMAT: &str = "sippar-mon reserve proof 1";
/// What a stranger does with it.
const HOW: &str = "hash = SHA-256(previous, the record as JSON without white space); `sippar-mon reserves verify FILE`";

/// The document.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// What it is.
    #[serde(rename = "proof")]
    pub format: String,
    /// The watched system.
    pub system: String,
    /// The machine that watches.
    pub host: String,
    /// The look.
    pub look: Link,
    /// The record that holds its state, where that is an earlier one.
    pub state_of: Option<Link>,
    /// The end of the log when this was written.
    pub head: Head,
    /// How to verify it.
    pub how: String,
}

/// A record with the hashes before and after it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The record.
    pub record: Record,
    /// The hash before it.
    pub previous: String,
    /// Its own.
    pub hash: String,
}

/// The last record of the log.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Its number.
    pub n: u64,
    /// Its hash.
    pub hash: String,
}

impl Proof {
    /// The document about the look in `row`, in a log that ends with `head`.
    pub fn of(reader: &Reader, identity: &Identity, row: &LogRow, head: &LogRow) -> Result<Self> {
        let look = link(reader, row)?;
        let state_of = match look.record.same {
            Some(same) => reader.reserve_row(same)?.map(|row| link(reader, &row)).transpose()?,
            None => None,
        };
        Ok(Self {
            format: FORMAT.to_owned(),
            system: identity.system.clone(),
            host: identity.host.clone(),
            look,
            state_of,
            head: Head { n: head.n, hash: hex(&head.hash) },
            how: HOW.to_owned(),
        })
    }
}

/// What is no longer in the log.
pub fn let_go(anchor: &Anchor) -> String {
    match anchor.n {
        1 => format!("look 1 was let go on {}", anchor.moved),
        n => format!("looks 1 to {n} were let go on {}", anchor.moved),
    }
}

/// Where looks are that were let go.
pub fn way_to(command: &str) -> String {
    format!("a backup from before then has them: sippar-mon --db BACKUP reserves {command}")
}

fn link(reader: &Reader, row: &LogRow) -> Result<Link> {
    let before = match row.n {
        0 | 1 => None,
        n => match reader.reserve_row(n - 1)? {
            Some(before) => Some(before.hash),
            None => reader.reserve_anchor()?.filter(|anchor| anchor.n == n - 1).map(|anchor| anchor.hash),
        },
    };
    let record = Record::read(&row.text)
        .map_err(|why| Trouble::new(Kind::Data, format!("record {} of the reserve log {why}", row.n)))?;
    let previous = hex(&before.unwrap_or(BEGINNING));
    Ok(Link { record, previous, hash: hex(&row.hash) })
}
