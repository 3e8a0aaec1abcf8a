//! The page of a look at the reserves: what was found, what it rests on, and the document that proves it.

use maud::{Markup, html};

use super::frame::Frame;
use super::kit::{Place, badge};
use crate::bridge::supply::Trust;
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::serve::chart::time;
use crate::text::{money, safe};
use crate::view::page::Who;
use crate::view::proof::{Link, Proof};
use crate::view::reserves::Picture;
use crate::view::snapshot::State;

/// The document; `first` is the number of the first look that is kept.
pub fn document(proof: &Proof, look: &Picture, first: u64, who: &Who, at: Time, place: Place) -> Markup {
    let n = look.record.n;
    let title = format!("reserves, look {n} · {}", who.name);
    let state = match look.record.verdict.as_str() {
        "backed" | "backed in part" => State::Fine,
        "short" => State::Firing(Severity::Critical),
        _ => State::Unknown,
    };
    let frame = Frame { place, title: &title, state: Some(state), count: 0, at, who, pulse: None, span: None };
    frame.document(&body(proof, look, first), &html! {})
}

fn body(proof: &Proof, look: &Picture, first: u64) -> Markup {
    let n = look.record.n;
    let (sign, class) = match look.record.verdict.as_str() {
        "backed" | "backed in part" => ("●", "ok"),
        "short" => ("✖", "critical"),
        _ => ("?", "unknown"),
    };
    html! {
        p class="way" {
            a href="/" { "← all of it" }
            @if n > first { " · " a rel="prev" href={ "/reserves/proof?look=" (n - 1) } { "the look before" } }
            @if n < proof.head.n { " · " a rel="next" href={ "/reserves/proof?look=" (n + 1) } { "the next one" } }
        }
        section class="card" id="alerts" aria-labelledby="look" {
            p class="state" { (badge(sign, class, &safe::one_line(&look.record.verdict))) }
            h1 id="look" { "Reserves, look " (n) }
            p { "Had ended " (time(look.at, "dhms")) " UTC."
                @if let Some(why) = &look.state.why { " " (safe::answer(why)) "." } }
            (figures(look))
        }
        section class="card" { div class="head" { h2 { "Accounts" } } (accounts(look)) }
        section class="card" { div class="head" { h2 { "What it rests on" } } (grounds(look)) }
        section class="card proof" {
            div class="head" { h2 { "Proof" } p class="aside" { a href={ "/reserves/proof.json?look=" (n) } { "as JSON" } } }
            (link("This look", &proof.look))
            @if let Some(state) = &proof.state_of { (link("The look that holds its state", state)) }
            p { "The log ended with look " (proof.head.n) ", hash " code { (proof.head.hash) } ", when this was written." }
            p { (proof.how) }
        }
    }
}

fn figures(look: &Picture) -> Markup {
    html! {
        table {
            thead { tr { th scope="col" { "Figure" } th scope="col" { "Amount" } th scope="col" { "By the word of" } th scope="col" { "Trust" } } }
            tbody { @for figure in look.figures() { tr {
                th scope="row" { (figure.figure) }
                td {
                    @match (&figure.micro, &figure.reason) {
                        (Some(micro), _) => span class="amount" { (money::amount(micro.0)) },
                        (None, Some(why)) => { "— " (safe::answer(why)) },
                        (None, None) => "— not known",
                    }
                }
                td { (safe::one_line(&figure.source)) }
                td { (figure.trust.map_or("–", Trust::word)) }
            } } }
        }
    }
}

fn accounts(look: &Picture) -> Markup {
    html! {
        table {
            thead { tr { th scope="col" { "Account" } th scope="col" { "Holds, ALGO" } th scope="col" { "By the word of" } th scope="col" { "Remark" } } }
            tbody { @for account in &look.state.custody { tr {
                th scope="row" { code { (safe::one_line(&account.address.to_string())) } }
                td { @if let Some(amount) = account.amount { span class="amount" { (money::amount(amount.0)) } } @else { "— not known" } }
                td { (safe::one_line(&account.nodes.join(", "))) }
                td {
                    @if !account.spendable { p { "nobody can sign for it: not counted" } }
                    @if let Some(auth) = &account.auth { p { "signed for by " (safe::one_line(auth)) } }
                    @if let Some(why) = &account.why { p { (safe::answer(why)) } }
                }
            } } }
        }
    }
}

fn grounds(look: &Picture) -> Markup {
    html! {
        dl class="facts" {
            @for (node, round) in &look.record.rounds { div { dt { "Round at " (safe::one_line(node)) } dd { (round) } } }
            @for certified in &look.record.certified { div { dt { "Certified" } dd { (safe::one_line(certified)) } } }
            @for (node, why) in &look.state.unusable { div { dt { "Not used: " (safe::one_line(node)) } dd { (safe::answer(why)) } } }
            div { dt { "Tolerance" } dd { (money::amount(look.state.tolerance.0)) " ALGO" } }
            div { dt { "Known to be missing" } dd { (money::amount(look.state.known_shortfall.0)) " ALGO" } }
        }
    }
}

fn link(name: &str, link: &Link) -> Markup {
    let text = serde_json::to_string_pretty(&link.record).unwrap_or_default();
    html! {
        h3 { (name) ", record " (link.record.n) }
        dl class="facts" {
            div { dt { "Hash before" } dd { code { (link.previous) } } }
            div { dt { "Hash" } dd { code { (link.hash) } } }
        }
        pre { code { (text) } }
    }
}
