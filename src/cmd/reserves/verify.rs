//! `reserves verify`: whether a proof holds.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::{Context, Ended};
use crate::bridge::log::{self, Hash, State, Walk, hash, hex, unhex};
use crate::cli;
use crate::cmd::{block_on, print_json};
use crate::collect::reserves;
use crate::config::Config;
use crate::model::baseline::Baselines;
use crate::model::trouble::{Kind, Trouble};
use crate::net::Net;
use crate::output::terminal;
use crate::store::open::Mode;
use crate::store::reserves::Anchor;
use crate::store::{Reader, Store};
use crate::text::{money, safe};
use crate::view::proof::{FORMAT, Link, Proof, let_go, way_to};

/// Rows of the log that are read at once.
const ROWS: u32 = 1000;
/// What re-reading the chains may take.
const DEADLINE: Duration = Duration::from_secs(45);
/// Time limit of a question to the indexer.
const LIMIT: Duration = Duration::from_secs(10);

/// One thing that was looked at.
#[derive(Serialize)]
struct Finding {
    what: &'static str,
    /// Null where it cannot be found out and nothing hangs on it.
    holds: Option<bool>,
    words: String,
}

/// `reserves verify --json`
#[derive(Serialize)]
struct Document {
    holds: bool,
    findings: Vec<Finding>,
}

/// Looks at everything; ends with 0 where all of it holds.
pub fn run(context: &Context, args: &cli::ReservesVerify) -> Ended {
    let path = args.file.display();
    let text = std::fs::read_to_string(&args.file)
        .map_err(|error| Trouble::new(Kind::Io, format!("{path}: cannot be read: {error}")))?;
    let proof: Proof = serde_json::from_str(&text)
        .map_err(|error| Trouble::new(Kind::Data, format!("{path}: is no proof: {error}")))?;
    if proof.format != FORMAT {
        let other = safe::answer(&proof.format);
        return Err(Trouble::new(Kind::Data, format!("{path}: is a proof of another kind: {other}")).into());
    }
    let config = context.config()?;
    let mut findings = vec![record(&proof)?];
    let store = Store::open(&config.database.0, Mode::Read, context.clock.now());
    match store {
        // one moment: a cycle may let go of rows meanwhile
        Ok(mut store) => findings.extend(of_log(&*store.snapshot()?, &proof)?),
        Err(why) => findings.push(unsure("log", format!("the log cannot be read: {why}"))),
    }
    findings.extend(block_on(chains(context, &config, &proof))?);
    let holds = findings.iter().all(|finding| finding.holds != Some(false));
    if context.global.json {
        print_json(&Document { holds, findings })?;
    } else {
        let line = |finding: &Finding| {
            let word = match finding.holds {
                Some(true) => "ok",
                Some(false) => "NOT SO",
                None => "-",
            };
            format!("{word:<8}{:<8}{}\n", finding.what, safe::one_line(&finding.words))
        };
        let verdict = if holds { "the proof holds\n" } else { "the proof does not hold\n" };
        let page = findings.iter().map(line).chain([verdict.to_owned()]).collect::<String>();
        terminal::print(&context.terminal.fit(&page))?;
    }
    Ok(u8::from(!holds))
}

fn so(what: &'static str, holds: bool, words: impl Into<String>) -> Finding {
    Finding { what, holds: Some(holds), words: words.into() }
}

/// What cannot be found out does not hold: whoever relies on it should know.
fn unsure(what: &'static str, words: String) -> Finding {
    so(what, false, words)
}

/// Whether the records are what was hashed.
fn record(proof: &Proof) -> Result<Finding, Trouble> {
    let mut links = vec![&proof.look];
    links.extend(&proof.state_of);
    for link in links {
        if !is_whole(link)? {
            let words = format!("record {} is not what was written: its hash is another one", link.record.n);
            return Ok(so("record", false, words));
        }
    }
    if state(proof).is_none() {
        return Ok(so("record", false, "the record that holds the state is not the one that is named"));
    }
    let Link { record, .. } = &proof.look;
    Ok(so("record", true, format!("look {} of {} said: {}", record.n, record.at, record.verdict)))
}

fn is_whole(link: &Link) -> Result<bool, Trouble> {
    let text = link.record.text().map_err(|why| Trouble::new(Kind::Bug, format!("a record {why}")))?;
    let previous = unhex(&link.previous);
    Ok(previous.is_some_and(|previous| hex(&hash(&previous, &text)) == link.hash))
}

/// The state that the proof is about.
fn state(proof: &Proof) -> Option<&State> {
    let record = &proof.look.record;
    match (&record.state, record.same, &proof.state_of) {
        (Some(state), None, None) => Some(state),
        (None, Some(same), Some(held)) if held.record.n == same => held.record.state.as_ref(),
        _ => None,
    }
}

/// What the log has in the places that a proof names.
#[derive(Default)]
struct Seen {
    look: Option<Hash>,
    head: Option<Hash>,
}

impl Seen {
    fn see(&mut self, proof: &Proof, n: u64, hash: Hash) {
        if n == proof.look.record.n {
            self.look = Some(hash);
        }
        if n == proof.head.n {
            self.head = Some(hash);
        }
    }
}

/// Whether the log is unbroken and contains the proof.
fn of_log(store: &Reader, proof: &Proof) -> Result<Vec<Finding>, Trouble> {
    let anchor = store.reserve_anchor()?;
    let (mut walk, mut seen) = (Walk::default(), Seen::default());
    if let Some(anchor) = &anchor {
        walk = Walk { last: anchor.hash, n: anchor.n };
        seen.see(proof, anchor.n, anchor.hash);
    }
    loop {
        let rows = store.reserve_rows_after(walk.n, ROWS)?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            seen.see(proof, row.n, row.hash);
            let link = log::Link { n: row.n, text: row.text, hash: row.hash };
            if let Err(why) = walk.step(&link) {
                return Ok(vec![so("log", false, format!("the log is broken: {why}"))]);
            }
        }
    }
    Ok(vec![is_unbroken(proof, &walk, &seen, anchor.as_ref()), contains(proof, &seen, anchor.as_ref())])
}

/// Whether the log that was walked goes on from where it ended when the proof was written.
fn is_unbroken(proof: &Proof, walk: &Walk, seen: &Seen, anchor: Option<&Anchor>) -> Finding {
    let (last, head) = (walk.n, proof.head.n);
    let is_another = seen.head.is_some_and(|hash| hex(&hash) != proof.head.hash);
    match anchor {
        None if last == 0 => so("log", false, "there is no log in this database"),
        _ if last < head => so("log", false, format!("the log ends with record {last}, and had {head} before")),
        _ if is_another => so("log", false, format!("record {head} is another one than when this proof was written")),
        None => so("log", true, format!("the log is unbroken: {last} records")),
        Some(anchor) if last == anchor.n => so("log", false, format!("the log is broken: it ends with record {last}")),
        Some(anchor) => {
            let (gone, first, hash) = (let_go(anchor), anchor.n + 1, hex(&anchor.hash));
            so("log", true, format!("{gone}; the log is unbroken from {first} to {last}, anchored at hash {hash}"))
        }
    }
}

fn contains(proof: &Proof, seen: &Seen, anchor: Option<&Anchor>) -> Finding {
    match anchor.filter(|anchor| proof.look.record.n < anchor.n) {
        _ if seen.look.is_some_and(|hash| hex(&hash) == proof.look.hash) => {
            so("log", true, "the log contains this look")
        }
        Some(_) => unsure(
            "log",
            format!("the log cannot show any more that it contained this look; {}", way_to("verify FILE")),
        ),
        None => so("log", false, "the log does not contain this look"),
    }
}

/// What the chains say now, and where an indexer is configured, what custody was then.
async fn chains(context: &Context, config: &Config, proof: &Proof) -> Result<Vec<Finding>, Trouble> {
    let Some(reserves) = config.sources.iter().find_map(|source| source.reserves()) else {
        let words = "the chains cannot be read: [sources.reserves] is not configured".to_owned();
        return Ok(vec![unsure("chains", words)]);
    };
    let net: Arc<Net> = context.net(config);
    let now = context.clock.now();
    let report = reserves::collect(reserves, None, &Baselines::new(), now, DEADLINE, &net).await;
    let mut findings = Vec::new();
    if let Some(entry) = report.entry {
        let (then, now) = (&proof.look.record.verdict, &entry.state.verdict);
        let why = entry.state.why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        findings.push(so("chains", then == now && now != "unknown", format!("the chains say now: {now}{why}")));
    }
    if let (Some(indexer), Some(state)) = (config.sources.iter().find_map(|source| source.indexer()), state(proof)) {
        let rounds = || proof.look.record.rounds.values().copied();
        let (first, last) = (rounds().min().unwrap_or_default(), rounds().max().unwrap_or_default());
        for account in state.custody.iter().filter(|account| account.amount.is_some()) {
            let held = [
                indexer.held(&account.address, first, &net, LIMIT).await,
                indexer.held(&account.address, last + 1, &net, LIMIT).await,
            ];
            findings.push(then_held(account, &held));
        }
    }
    Ok(findings)
}

fn then_held(account: &log::Account, held: &[Result<u64, crate::model::reading::Reason>]) -> Finding {
    let amount = account.amount.unwrap_or_default();
    let address = account.address.short();
    match held {
        _ if held.iter().flatten().any(|held| i128::from(*held) == amount.0) => {
            so("then", true, format!("{address} held {} then, by the indexer", money::amount(amount.0)))
        }
        [Ok(other), ..] => {
            let (amount, other) = (money::amount(amount.0), money::unsigned((*other).into()));
            so("then", false, format!("{address} held {other} then, by the indexer, and not {amount}"))
        }
        [Err(why), ..] => unsure("then", format!("{address}: the indexer cannot say: {why}")),
        [] => unsure("then", format!("{address}: the indexer was not asked")),
    }
}
