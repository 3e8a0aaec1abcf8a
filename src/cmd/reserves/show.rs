//! `reserves show`: the last look, and what moved.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use super::{Context, Ended, nothing};
use crate::bridge::indexer::Payment;
use crate::bridge::micro::Micro;
use crate::cli;
use crate::cmd::{block_on, print_json};
use crate::config::Config;
use crate::model::time::Time;
use crate::model::trouble::{Kind, Trouble};
use crate::net::Net;
use crate::output::reserves::{self as screen, Payments};
use crate::output::terminal;
use crate::store::Store;
use crate::store::open::Mode;
use crate::text::units;
use crate::view::proof::{let_go, way_to};
use crate::view::reserves::{Figure, Moved, Picture, moved, which_leg};

/// Time limit of a question to the indexer.
const LIMIT: Duration = Duration::from_secs(10);

/// `reserves show --json`
#[derive(Serialize)]
struct Document<'a> {
    n: u64,
    at: String,
    age_seconds: f64,
    verdict: &'a str,
    reason: Option<&'a str>,
    ratio: Option<f64>,
    short: Option<Micro>,
    known_shortfall: Micro,
    figures: Vec<Figure>,
    accounts: Vec<Moved<'a>>,
    since: Option<String>,
    moved: Option<String>,
    payments: Vec<Paid<'a>>,
}

#[derive(Serialize)]
struct Paid<'a> {
    from: &'a str,
    to: &'a str,
    micro: Micro,
    fee: u64,
    round: u64,
    time: String,
    transaction: &'a str,
}

/// Prints it.
pub fn run(context: &Context, args: &cli::ReservesShow) -> Ended {
    let since = args.since.as_deref().map(units::parse_duration).transpose();
    let since = since.map_err(|why| Trouble::new(Kind::Usage, format!("--since: {why}")))?;
    let config = context.config_in_use()?;
    let at = context.clock.now();
    let mut store = Store::open(&config.database.0, Mode::Read, at)?;
    let moment = store.snapshot()?;
    let now = Picture::last(&moment)?.ok_or_else(|| nothing(&config))?;
    let (mut then, mut gone) = (None, None);
    if let Some(since) = since {
        let mut row = moment.reserve_row_at(at - since)?;
        if row.is_none() {
            row = moment.reserve_row_since(at - since)?;
            gone = moment.reserve_anchor()?;
        }
        then = Picture::of(&moment, row)?;
    }
    drop(moment);
    let payments = match &then {
        Some(then) => block_on(payments(context, &config, &now, then))?,
        None => Vec::new(),
    };
    let moved = moved(&now, then.as_ref());
    if context.global.json {
        print_json(&document(&now, then.as_ref(), moved, &payments, at))?;
    } else if context.terminal.out {
        let mut page = screen::screen(&now, then.as_ref(), &moved, &payments, at, &context.terminal);
        if let Some(anchor) = &gone {
            let _ = writeln!(page, "\n  {}; {}", let_go(anchor), way_to("show"));
        }
        terminal::print(&context.terminal.fit(&page))?;
    } else {
        terminal::print(&context.terminal.fit(&screen::lines(&now, &moved, at)))?;
    }
    Ok(0)
}

/// What left each account that counts, by the indexer; nothing where there is none.
async fn payments(context: &Context, config: &Config, now: &Picture, then: &Picture) -> Result<Payments, Trouble> {
    let Some(indexer) = config.sources.iter().find_map(|source| source.indexer()) else { return Ok(Vec::new()) };
    let net: std::sync::Arc<Net> = context.net(config);
    let round = then.record.rounds.values().min().map_or(0, |round| round + 1);
    let mut all = Vec::new();
    for account in now.state.custody.iter().filter(|account| account.spendable) {
        let found = indexer.payments(&account.address, round, &net, LIMIT).await;
        all.push((account.address.to_string(), found.map_err(|why| why.to_string())));
    }
    Ok(all)
}

fn document<'a>(
    now: &'a Picture,
    then: Option<&Picture>,
    accounts: Vec<Moved<'a>>,
    payments: &'a Payments,
    at: Time,
) -> Document<'a> {
    let paid = |from: &'a str, payment: &'a Payment| Paid {
        from,
        to: &payment.receiver,
        micro: Micro::of(payment.amount),
        fee: payment.fee,
        round: payment.round,
        time: payment.at.rfc3339(),
        transaction: &payment.id,
    };
    let known = payments.iter().filter_map(|(from, found)| Some((from, &found.as_ref().ok()?.0)));
    Document {
        n: now.record.n,
        at: now.at.rfc3339(),
        age_seconds: at.since(now.at).as_secs_f64(),
        verdict: &now.record.verdict,
        reason: now.state.why.as_deref(),
        ratio: now.ratio(),
        short: now.state.short,
        known_shortfall: now.state.known_shortfall,
        figures: now.figures(),
        accounts,
        since: then.map(|then| then.at.rfc3339()),
        moved: then.map(|then| which_leg(now, then)),
        payments: known.flat_map(|(from, all)| all.iter().map(move |payment| paid(from, payment))).collect(),
    }
}
