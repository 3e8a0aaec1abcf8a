//! A look at the reserves as the log keeps it, and how one differs from another.

use serde::Serialize;
use utoipa::ToSchema;

use crate::bridge::log::{Account, Record, State, Supply, state_of};
use crate::bridge::micro::Micro;
use crate::bridge::supply::Trust;
use crate::model::time::Time;
use crate::store::reserves::LogRow;
use crate::store::{Reader, Result};

/// A look.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Picture {
    /// When it had ended.
    pub at: Time,
    /// The record of it.
    pub record: Record,
    /// What it rests on.
    pub state: State,
}

/// A figure of a look.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[allow(clippy::struct_field_names, reason = "documents call it so")]
pub struct Figure {
    /// What it is: `custody`, `supply`, …
    pub figure: &'static str,
    /// Micro-units, null where it is unknown.
    #[schema(value_type = Option<String>)]
    pub micro: Option<Micro>,
    /// Who says so.
    pub source: String,
    /// How far it can be believed: certified, verified, `single_node` or claimed.
    #[schema(value_type = Option<String>)]
    pub trust: Option<Trust>,
    /// Why it is unknown.
    pub reason: Option<String>,
}

impl Picture {
    /// The last look.
    pub fn last(reader: &Reader) -> Result<Option<Self>> {
        Self::of(reader, reader.last_reserve_row()?)
    }

    /// The look that a row of the log stands for; nothing where it cannot be read.
    pub fn of(reader: &Reader, row: Option<LogRow>) -> Result<Option<Self>> {
        let Some(row) = row else { return Ok(None) };
        let text_of = |n| Ok(reader.reserve_row(n)?.map(|row| row.text));
        let state = state_of(&row.text, text_of)?;
        let record = Record::read(&row.text).ok();
        Ok(record.zip(state).map(|(record, (_, state))| Self { at: row.at, record, state }))
    }

    /// The newest supply.
    pub fn supply(&self) -> Option<&Supply> {
        self.state.supply.last()
    }

    /// What ALGO must back.
    pub fn backed(&self) -> Option<Micro> {
        self.supply().map(|supply| Micro(supply.supply.0.saturating_sub(supply.cketh_backed.0)))
    }

    /// What custody holds that counts, where all of it is known.
    pub fn custody(&self) -> Option<Micro> {
        let counts = self.state.custody.iter().filter(|account| account.spendable);
        counts.map(|account| account.amount.map(|amount| amount.0)).sum::<Option<i128>>().map(Micro)
    }

    /// Custody by what must be backed, rounded down.
    pub fn ratio(&self) -> Option<f64> {
        const SCALE: i128 = 1_000_000_000;
        let (custody, backed) = (self.custody()?.0, self.backed()?.0);
        (backed > 0).then(|| (custody.saturating_mul(SCALE) / backed) as f64 / SCALE as f64)
    }

    /// Every figure with who says so.
    pub fn figures(&self) -> Vec<Figure> {
        let (nodes, trust) = self.voices();
        let counts = || self.state.custody.iter().filter(|account| account.spendable);
        let unread = counts().find_map(|account| account.why.clone()).or_else(|| self.state.why.clone());
        let of_custody = |figure, micro: Option<Micro>| Figure {
            figure,
            micro,
            source: nodes.clone(),
            trust: micro.and(trust),
            reason: if micro.is_none() { unread.clone() } else { None },
        };
        let supply = self.supply();
        let of_supply = |figure, of: fn(&Supply) -> Micro| Figure {
            figure,
            micro: supply.map(of),
            source: "token canister".to_owned(),
            trust: supply.map(|supply| supply.trust),
            reason: if supply.is_none() { self.state.why.clone() } else { None },
        };
        let surplus = self.custody().zip(self.backed()).map(|(custody, backed)| Micro(custody.0 - backed.0));
        let mut surplus = of_custody("surplus", surplus);
        "both".clone_into(&mut surplus.source);
        surplus.trust = surplus.trust.max(supply.map(|supply| supply.trust)).filter(|_| surplus.micro.is_some());
        vec![
            of_custody("custody", self.custody()),
            of_supply("supply", |supply| supply.supply),
            of_supply("backed by ckETH", |supply| supply.cketh_backed),
            of_supply("to be backed by ALGO", |supply| Micro(supply.supply.0.saturating_sub(supply.cketh_backed.0))),
            surplus,
        ]
    }

    /// The nodes that custody rests on, and how far that can be believed.
    fn voices(&self) -> (String, Option<Trust>) {
        let counts = || self.state.custody.iter().filter(|account| account.spendable && account.amount.is_some());
        let fewest = counts().map(|account| account.nodes.len()).min();
        let trust = fewest.map(|count| if count > 1 { Trust::Verified } else { Trust::SingleNode });
        let mut nodes: Vec<&str> = counts().flat_map(|account| &account.nodes).map(String::as_str).collect();
        nodes.sort_unstable();
        nodes.dedup();
        (if nodes.is_empty() { "no node".to_owned() } else { nodes.join(", ") }, trust)
    }
}

/// How an account differs from what it was.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Moved<'a> {
    /// The account now.
    #[serde(flatten)]
    pub now: &'a Account,
    /// What it held then.
    pub before: Option<Micro>,
    /// What was added, or below zero taken.
    pub change: Option<Micro>,
}

/// Every account, and how it differs from `then`.
pub fn moved<'a>(now: &'a Picture, then: Option<&Picture>) -> Vec<Moved<'a>> {
    let of = |account: &'a Account| {
        let before = then.and_then(|then| then.state.custody.iter().find(|one| one.address == account.address));
        let before = before.and_then(|one| one.amount);
        let change = account.amount.zip(before).map(|(now, before)| Micro(now.0 - before.0));
        Moved { now: account, before, change }
    };
    now.state.custody.iter().map(of).collect()
}

/// Which leg moved, in a sentence: what stands behind a change of the ratio.
pub fn which_leg(now: &Picture, then: &Picture) -> String {
    use crate::text::money::amount;
    let change = |now: Option<Micro>, then: Option<Micro>| now.zip(then).map(|(now, then)| now.0 - then.0);
    let word = |change: Option<i128>, name: &str| match change {
        None => format!("{name} is not known"),
        Some(0) => format!("{name} did not move"),
        Some(up) if up > 0 => format!("{name} grew by {}", amount(up)),
        Some(down) => format!("{name} fell by {}", amount(-down)),
    };
    let custody = word(change(now.custody(), then.custody()), "custody");
    let backed = word(change(now.backed(), then.backed()), "what ALGO must back");
    format!("{custody}; {backed}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::support::algorand;

    fn picture(custody: Option<i128>, supply: i128) -> Picture {
        let account = |key: u8, spendable, amount: Option<i128>| Account {
            address: algorand::address(key).parse().unwrap(),
            spendable,
            amount: amount.map(Micro),
            min_balance: None,
            auth: None,
            nodes: amount.map(|_| vec!["a".to_owned(), "b".to_owned()]).unwrap_or_default(),
            why: amount.is_none().then(|| "timeout".to_owned()),
        };
        let supply = Supply {
            supply: Micro(supply),
            locked: Micro(supply - 5_000_000),
            cketh_backed: Micro(5_000_000),
            trust: Trust::Certified,
        };
        let state = State {
            verdict: "backed".to_owned(),
            why: None,
            short: None,
            supply: vec![supply],
            custody: vec![account(1, true, custody), account(3, false, Some(24_120_000))],
            unusable: BTreeMap::new(),
            tolerance: Micro(10_000),
            known_shortfall: Micro(0),
        };
        let record = Record {
            n: 1,
            at: String::new(),
            verdict: "backed".to_owned(),
            rounds: BTreeMap::new(),
            certified: Vec::new(),
            same: None,
            state: None,
        };
        Picture { at: Time::from_millis(0), record, state }
    }

    #[test]
    fn every_figure_says_who_stands_behind_it() {
        let line = |figure: &Figure| {
            let micro = figure.micro.map_or("?".to_owned(), |micro| micro.0.to_string());
            let trust = figure.trust.map_or("-", Trust::word);
            format!("{} {micro} {} {trust} {}", figure.figure, figure.source, figure.reason.as_deref().unwrap_or("-"))
        };
        let lines = |picture: &Picture| picture.figures().iter().map(line).collect::<Vec<_>>();
        let whole = picture(Some(9_007_199_254_740_993), 28_000_000);
        assert_eq!(
            lines(&whole),
            [
                "custody 9007199254740993 a, b verified -",
                "supply 28000000 token canister certified -",
                "backed by ckETH 5000000 token canister certified -",
                "to be backed by ALGO 23000000 token canister certified -",
                "surplus 9007199231740993 both verified -",
            ]
        );
        let unread = picture(None, 28_000_000);
        assert_eq!((lines(&unread)[0].as_str(), unread.ratio()), ("custody ? no node - timeout", None));
        // one micro-unit short of all of it is not all of it
        assert_eq!(picture(Some(22_999_999), 28_000_000).ratio(), Some(0.999_999_956));
        assert_eq!(picture(Some(1), 5_000_000).ratio(), None, "nothing to divide by");
    }

    #[test]
    fn the_leg_that_moved_is_named() {
        let then = picture(Some(23_519_000), 28_000_000);
        let now = picture(Some(23_019_000), 28_500_000);
        assert_eq!(which_leg(&now, &then), "custody fell by 0.5; what ALGO must back grew by 0.5");
        assert_eq!(which_leg(&then, &then), "custody did not move; what ALGO must back did not move");
        assert_eq!(
            which_leg(&picture(None, 28_000_000), &then),
            "custody is not known; what ALGO must back did not move"
        );
        let changes: Vec<Option<i128>> =
            moved(&now, Some(&then)).iter().map(|one| one.change.map(|micro| micro.0)).collect();
        assert_eq!(changes, [Some(-500_000), Some(0)]);
        assert_eq!(moved(&now, None)[0].change, None);
    }
}
