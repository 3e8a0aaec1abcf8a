//! The top of the page: the state, why, and the reserves.

use maud::{Markup, html};

use super::kit::{Place, state};
use crate::model::time::Time;
use crate::serve::chart::{Size, plot, time};
use crate::text::units;
use crate::view::page::Page;
use crate::view::page::hero::Backing;
use crate::view::snapshot::State;

/// The line for cron.
pub const CRONTAB: &str = "* * * * * sippar-mon check";

/// The top.
pub fn hero(page: &Page, place: Place) -> Markup {
    let hero = &page.hero;
    let class = match hero.state {
        State::Fine => "ok",
        State::Firing(severity) => crate::serve::chart::class(severity),
        State::Unknown => "unknown",
    };
    let has_chart = hero.backing.as_ref().is_some_and(|backing| backing.chart.is_some());
    html! {
        section class={ "hero card " (class) @if has_chart { " with-chart" } @if page.pulse.is_stale && page.span.is_live() { " old" } }
            aria-labelledby="state" {
            div class="say" {
                p class="state" id="state-badge" { (state(hero.state)) }
                h1 id="state" { (hero.headline) }
                @for why in &hero.why { p class="why" { (why) } }
                @if page.pulse.cycle.is_none() && page.span.is_live() { (first_steps()) }
                @else if page.pulse.is_stale && page.span.is_live() { (when_stale()) }
                @for silent in &page.silent {
                    p class="why silent" {
                        strong { "Source " (silent.source) } " yields no data"
                        @if let Some(since) = silent.since { " since " (time(since, "dhm")) " UTC" }
                        ": " (silent.reason)
                    }
                }
                @if let Some(backing) = &hero.backing { (figures(backing, page, place)) }
            }
            @if let Some(chart) = hero.backing.as_ref().and_then(|backing| backing.chart.as_ref()) {
                figure class="of-hero" {
                    figcaption class="head" {
                        h2 { (chart.title) ", " (chart.span.words()) }
                        (super::cards::readout(chart, page.span.is_live()))
                    }
                    (plot(chart, Size::Hero))
                    (super::cards::more(chart, place))
                }
            }
        }
    }
}

/// What to do where nothing was ever checked.
pub fn first_steps() -> Markup {
    html! {
        div class="steps" {
            p { "Run one check now:" }
            pre { code { "sippar-mon check" } }
            p { "and let cron run it each minute, with this line in " code { "crontab -e" } ":" }
            pre { code { (CRONTAB) } }
            p { "The page fills by itself after the first check." }
        }
    }
}

fn when_stale() -> Markup {
    html! {
        p class="why" { "The values below are old. Is cron running? Find out why: " code { "sippar-mon doctor" } }
    }
}

fn figures(backing: &Backing, page: &Page, place: Place) -> Markup {
    let is_live = page.span.is_live();
    html! {
        div class="backing" {
            @if is_live { (big(backing)) } @else if let Some((ratio, at, _)) = &backing.lowest {
                p class="big" { strong { (ratio.trim_end_matches(" %")) } span { " % lowest reserve ratio, " (time(*at, "dhm")) " UTC" } }
            }
            dl {
                @for amount in &backing.amounts {
                    div {
                        dt { (amount.name) }
                        dd {
                            @match &amount.text {
                                Ok(text) => span class="amount" { (text) },
                                Err(why) => span class="unknown-text" { "— " (why) },
                            }
                            @if let Some(trust) = amount.trust { " " span class="trust" { (trust) } }
                        }
                    }
                }
                @if let (Some((ratio, at, below)), true) = (&backing.lowest, is_live) {
                    div {
                        dt { "Lowest in " (page.span.words()) }
                        dd { (ratio) " at " (time(*at, "dhm"))
                            @if !below.is_zero() { " (" (units::duration(*below)) " below 100 %)" }
                        }
                    }
                }
                @if let Some(voices) = &backing.voices { div { dt { "By the word of" } dd { (voices) } } }
                @for unusable in &backing.unusable { div { dt { "Not used" } dd { (unusable) } } }
                @if let Some((look, at)) = backing.look { (proof(look, at, place)) }
            }
        }
    }
}

/// The number that everybody looks for; never an old one.
fn big(backing: &Backing) -> Markup {
    html! {
        @match (&backing.ratio, &backing.last) {
            (Some(ratio), _) => p class="big" { strong { (ratio) } span { " % reserve ratio" } },
            (None, Some((last, at))) => p class="big none" {
                strong { "—" } span { " reserve ratio not known; last " (last) " at " (time(*at, "dhm")) " UTC" }
            },
            (None, None) => p class="big none" { strong { "—" } span { " reserve ratio not known" } },
        }
    }
}

fn proof(look: u64, at: Time, place: Place) -> Markup {
    html! {
        div {
            dt { "Look" }
            dd { (place.link(&format!("/reserves/proof?look={look}"), &format!("{look}, with its proof"))) ", " (time(at, "dhms")) " UTC" }
        }
    }
}
