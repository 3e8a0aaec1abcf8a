//! The lower part of the page: what is asked each minute, the channels, what happened, and what the monitor is made of.

use maud::{Markup, html};

use super::kit::{Place, badge, sign};
use crate::model::metric::Unit;
use crate::serve::chart::{class, time};
use crate::text::units;
use crate::view::page::Page;
use crate::view::page::checks::{Bar, Row};
use crate::view::page::story::{Entry, Sign};
use crate::view::page::told;

/// The cards of the lower part.
pub fn row(page: &Page, place: Place) -> Markup {
    html! {
        div class="lower" {
            (checks(page))
            (deliveries(page))
            (story(page, place))
        }
    }
}

fn checks(page: &Page) -> Markup {
    html! {
        section class="card checks" aria-labelledby="checks-head" {
            div class="head" {
                h2 id="checks-head" { "Health checks" }
                p class="aside" { @if page.span.is_live() { "last 60 min" } @else { "the last 60 min of this time" } }
            }
            @for (at, row) in page.checks.iter().enumerate() { (check(at, row)) }
        }
    }
}

fn check(at: usize, row: &Row) -> Markup {
    let count = row.bars.len().max(1) as f64;
    let worst = if row.count(Bar::Failed) > 0 { "failed" } else { "" };
    html! {
        div class={ "check " (worst) } {
            p class="check-head" { span { (row.name) } " " strong { (row.words()) } }
            svg class="bars" id={ "bars-" (at) } role="img" tabindex="0" aria-label={ (row.name) ", last 60 min, a bar each " (units::duration(row.each)) ": " (row.words()) } {
                @for (at, (time, bar)) in row.bars.iter().enumerate().filter(|(_, (_, bar))| *bar != Bar::Before) {
                    @let (class, word) = match bar {
                        Bar::Passed => ("passed", "passed"),
                        Bar::Failed => ("failed", "failed"),
                        Bar::Unknown => ("unknown", "unknown"),
                        Bar::Missed | Bar::Before => ("missed", "missed"),
                    };
                    rect class=(class) x={ (format!("{:.2}", at as f64 * 100.0 / count)) "%" } width={ (format!("{:.2}", 74.0 / count)) "%" }
                        y=(match class { "failed" => "0", "missed" => "55%", _ => "10%" })
                        height=(match class { "failed" => "100%", "missed" => "34%", _ => "80%" }) rx="1.5" {
                        title { (time.short()) " UTC: " (word) }
                    }
                }
            }
        }
    }
}

fn deliveries(page: &Page) -> Markup {
    html! {
        section class="card deliveries" aria-labelledby="deliveries-head" {
            div class="head" { h2 id="deliveries-head" { "Deliveries" } p class="aside" { (page.span.words()) } }
            @if page.told.is_empty() {
                p { "No channel is configured: nobody is told. Add one under " code { "[channels]" } "." }
            } @else {
                table {
                    thead { tr { th scope="col" { "Channel" } th scope="col" { "Sent" } th scope="col" { "Failed" } th scope="col" { "Median" } th scope="col" { "Last" } } }
                    tbody { @for row in &page.told { (delivery(row)) } }
                }
            }
        }
    }
}

fn delivery(row: &told::Row) -> Markup {
    html! {
        tr {
            th scope="row" { (row.channel) @if !row.to.is_empty() { p { (row.to) } } }
            td { (row.sent) @if row.waiting > 0 { p { (row.waiting) " waiting" } } }
            td { (row.failed) }
            td { @if let Some(median) = row.median { (units::duration(median)) } @else { "–" } }
            td {
                @match (&row.last, row.works) {
                    (Some((true, at, _)), _) => { (badge("●", "ok", "sent")) " " (time(*at, "dhm")) },
                    (Some((false, at, why)), _) => { (badge("✖", "high", "failed")) " " (time(*at, "dhm")) p { (why) } },
                    (None, Some(false)) => { (badge("✖", "high", "does not deliver")) },
                    (None, _) => {
                        @if let Some(proven) = row.proven { "proven " (time(proven, "dhm")) } @else { span class="aside" { "never used" } }
                    },
                }
            }
        }
    }
}

fn story(page: &Page, place: Place) -> Markup {
    html! {
        section class="card story" aria-labelledby="story-head" {
            div class="head" { h2 id="story-head" { "Timeline" } p class="aside" { (page.span.words()) ", newest first" } }
            @if page.story.is_empty() { p class="aside" { "Nothing happened." } }
            @else {
                ol { @for entry in &page.story { (story_entry(entry, place)) } }
                @if page.story_goes_on { p class="aside" { "and more before that" } }
            }
        }
    }
}

/// One thing that happened.
pub fn story_entry(entry: &Entry, place: Place) -> Markup {
    html! {
        li {
            (time(entry.at, "dhm")) " "
            @match entry.sign {
                Sign::Alert(of) => span class={ "badge small " (class(of)) } title=(of.name()) { span aria-hidden="true" { (sign(of)) } span class="unseen" { (of) } },
                Sign::Over => span class="badge small ok" title="over" { span aria-hidden="true" { "✓" } span class="unseen" { "over" } },
                Sign::Deed => span class="badge small deed" title="somebody did something" { span aria-hidden="true" { "✎" } span class="unseen" { "deed" } },
                Sign::Undelivered => span class="badge small high" title="not delivered" { span aria-hidden="true" { "✗" } span class="unseen" { "not delivered" } },
                Sign::Monitor => span class="badge small unknown" title="the monitor itself" { span aria-hidden="true" { "?" } span class="unseen" { "monitor" } },
            }
            " " span class="text" { (place.alert(entry.number, &entry.text)) }
        }
    }
}

/// What the monitor is made of.
pub fn footer(page: &Page, place: Place) -> Markup {
    let footer = &page.footer;
    let bytes = |bytes: u64| units::value(bytes as f64, Unit::Bytes);
    let query = page.span.query();
    html! {
        footer class="foot" {
            p {
                "sippar-mon " (footer.version) " on " (page.who.host) " · " (footer.rules) " rules (" (footer.hash) ")"
                @if let Some(file) = &footer.file { " of " code { (file) } }
            }
            p {
                "database " (bytes(footer.bytes)) " of " (bytes(footer.most_bytes)) ", samples kept for " (units::duration(footer.kept))
                @if let Some(oldest) = footer.oldest { ", the oldest of " (time(oldest, "full")) }
                " · " (units::count(footer.done)) " checks done, " (units::count(footer.missed)) " missed"
            }
            @if place.is_served() {
                p {
                    a href="/monitoring/dashboard" { "JSON" } " · " a href={ "/report?" (query) } { "this as a file" } " · "
                    a href="/metric" { "metrics" } " · " a href="/reserves/proof" { "reserve proof" } " · " a href="/runbook" { "runbook" } " · "
                    a href="/openapi.json" { "API" }
                }
            }
        }
    }
}
