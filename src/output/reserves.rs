//! `reserves …` as people read it.

use std::fmt::Write as _;

use super::terminal::{Badge, Terminal};
use crate::bridge::indexer::Payment;
use crate::bridge::micro::{Micro, signed};
use crate::bridge::supply::Trust;
use crate::model::metric::Unit;
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::text::{money, safe, units};
use crate::view::reserves::{Figure, Moved, Picture, which_leg};

/// What left an account, or why that is not known.
pub type Payments = Vec<(String, Result<(Vec<Payment>, bool), String>)>;

/// The screen of a look: the verdict, its figures, the accounts.
pub fn screen(
    now: &Picture,
    then: Option<&Picture>,
    moved: &[Moved<'_>],
    payments: &Payments,
    at: Time,
    terminal: &Terminal,
) -> String {
    let age = units::duration(at.since(now.at));
    let mut out = format!("{}\n", head(now, &age, terminal));
    let _ = writeln!(out, "\n{}", figures(&now.figures(), &age, terminal));
    let known = now.state.known_shortfall;
    if known != Micro(0) {
        let _ = writeln!(out, "\n  {} ALGO are known to be missing and do not count for now", money::amount(known.0));
    }
    let _ = writeln!(out, "\n{}", accounts(moved, then.is_some(), terminal));
    for (node, why) in &now.state.unusable {
        let _ = writeln!(out, "  not used: {}", safe::one_line(&format!("{node}: {why}")));
    }
    if let Some(then) = then {
        let _ = writeln!(out, "\n  since {}: {}", then.at, which_leg(now, then));
    }
    for (address, found) in payments {
        out.push_str(&of_account(address, found));
    }
    terminal.fit(&out)
}

fn head(now: &Picture, age: &str, terminal: &Terminal) -> String {
    let badge = match now.record.verdict.as_str() {
        "backed" | "backed in part" => Badge::OK,
        "short" => Severity::Critical.into(),
        _ => Badge::UNKNOWN,
    };
    let ratio = now.ratio().map_or("-".to_owned(), |ratio| units::value(ratio, Unit::Ratio));
    let why = now.state.why.as_ref().map(|why| format!(": {}", safe::one_line(why))).unwrap_or_default();
    let (verdict, n) = (&now.record.verdict, now.record.n);
    format!("{}  Reserves {ratio}, {verdict}{why}\n        look {n}, {age} ago ({})", terminal.badge(badge), now.at)
}

fn figures(figures: &[Figure], age: &str, terminal: &Terminal) -> String {
    let mut table = terminal.table(&["FIGURE", "AMOUNT", "SOURCE", "TRUST", "AGE"]);
    for figure in figures {
        let amount = match (&figure.micro, &figure.reason) {
            (Some(micro), _) => money::amount(micro.0),
            (None, Some(why)) => format!("unknown: {}", safe::answer(why)),
            (None, None) => "unknown".to_owned(),
        };
        let trust = figure.trust.map_or("-", Trust::word);
        table.add_row([figure.figure, &amount, &safe::one_line(&figure.source), trust, age]);
    }
    table.to_string()
}

fn accounts(moved: &[Moved<'_>], has_past: bool, terminal: &Terminal) -> String {
    let header: &[&str] =
        if has_past { &["ACCOUNT", "HOLDS", "CHANGE", "REMARK"] } else { &["ACCOUNT", "HOLDS", "REMARK"] };
    let mut table = terminal.table(header);
    for one in moved {
        let account = one.now;
        let mut cells =
            vec![account.address.to_string(), account.amount.map_or("?".to_owned(), |m| money::amount(m.0))];
        if has_past {
            cells.push(one.change.map_or("?".to_owned(), |change| change_of(change.0)));
        }
        cells.push(safe::one_line(&remark(one)));
        table.add_row(cells);
    }
    table.to_string()
}

fn change_of(change: i128) -> String {
    if change > 0 { format!("+{}", money::amount(change)) } else { money::amount(change) }
}

fn remark(one: &Moved<'_>) -> String {
    let account = one.now;
    let spendable = (!account.spendable).then(|| "nobody can sign for it: not counted".to_owned());
    let auth = account.auth.as_ref().map(|auth| format!("signed for by {auth}"));
    let parts: Vec<String> = [spendable, auth, account.why.clone()].into_iter().flatten().collect();
    parts.join("; ")
}

fn of_account(address: &str, found: &Result<(Vec<Payment>, bool), String>) -> String {
    match found {
        Err(why) => format!("  payments out of {address}: not known: {}\n", safe::one_line(why)),
        Ok((payments, _)) if payments.is_empty() => format!("  payments out of {address}: none\n"),
        Ok((payments, is_more)) => {
            let mut out = format!("  payments out of {address}:\n");
            for payment in payments {
                let amount = money::amount(signed(payment.amount));
                let (at, id, to) = (payment.at, safe::one_line(&payment.id), safe::one_line(&payment.receiver));
                let _ = writeln!(out, "    {at}  {amount}  to {to}  (transaction {id}, round {})", payment.round);
            }
            if *is_more {
                out.push_str("    and more\n");
            }
            out
        }
    }
}

/// Lines for scripts: figure, micro-units, source, trust, age in seconds, why it is unknown; then the accounts.
pub fn lines(now: &Picture, moved: &[Moved<'_>], at: Time) -> String {
    let age = at.since(now.at).as_secs();
    let mut out = format!("verdict\t{}\t\t\t{age}\t{}\n", now.record.verdict, now.state.why.as_deref().unwrap_or(""));
    for figure in now.figures() {
        let micro = figure.micro.map_or(String::new(), |micro| micro.0.to_string());
        let (source, trust) = (safe::one_line(&figure.source), figure.trust.map_or("", Trust::word));
        let reason = safe::one_line(figure.reason.as_deref().unwrap_or(""));
        let _ = writeln!(out, "{}\t{micro}\t{source}\t{trust}\t{age}\t{reason}", figure.figure);
    }
    for one in moved {
        let micro = |amount: Option<Micro>| amount.map_or(String::new(), |micro| micro.0.to_string());
        let (holds, change) = (micro(one.now.amount), micro(one.change));
        let _ = writeln!(out, "{}\t{holds}\t{change}\t{}", one.now.address, safe::one_line(&remark(one)));
    }
    out
}
