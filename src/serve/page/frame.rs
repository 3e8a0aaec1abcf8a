//! What stands around every page: its head, the bar on top, and for a file its styles.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::kit::{Place, escaped, favicon, state_parts};
use crate::model::time::{Time, millis_of};
use crate::serve::chart::patterns;
use crate::text::units;
use crate::view::age;
use crate::view::page::span::{Choice, PRESETS, Span};
use crate::view::page::{Pulse, Who};
use crate::view::snapshot::State;

/// The styles.
pub const CSS: &str = include_str!("app.css");
/// The script.
pub const JS: &str = include_str!("app.js");

/// What stands around a page.
pub struct Frame<'a> {
    /// Where it is read.
    pub place: Place,
    /// What it is about.
    pub title: &'a str,
    /// The state for the tab, where the page is about one.
    pub state: Option<State>,
    /// How many alerts need somebody.
    pub count: usize,
    /// When it was made.
    pub at: Time,
    /// Who is watched.
    pub who: &'a Who,
    /// Whether the monitor is alive.
    pub pulse: Option<Pulse>,
    /// The span, where the page has one, and the address that it is asked of.
    pub span: Option<(Span, &'a str)>,
}

/// A name for what a file holds, so that a browser may keep it for good.
pub fn version(text: &str) -> String {
    format!("{:08x}", crc32fast::hash(text.as_bytes()))
}

impl Frame<'_> {
    /// The whole document.
    pub fn document(&self, main: &Markup, footer: &Markup) -> Markup {
        let served = self.place.is_served();
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="referrer" content="no-referrer";
                    title { (self.tab()) }
                    (self.icon())
                    @if served {
                        link rel="stylesheet" href={ "/app.css?v=" (version(CSS)) };
                        script src={ "/app.js?v=" (version(JS)) } {}
                        noscript { meta http-equiv="refresh" content="60"; }
                    } @else {
                        style { (PreEscaped(CSS)) }
                    }
                }
                body {
                    a class="skip" href="#alerts" { "Skip to the alerts" }
                    (self.bar())
                    @if served {
                        div id="banners" {}
                        div id="announce" class="unseen" role="status" {}
                    }
                    (patterns())
                    (self.main(main))
                    (footer)
                }
            }
        }
    }

    /// `▲ HIGH (1) · Sippar bridge`
    fn tab(&self) -> String {
        let Some(state) = self.state else { return self.title.to_owned() };
        let (sign, _, word) = state_parts(state);
        let count = if self.count > 0 { format!(" ({})", self.count) } else { String::new() };
        format!("{sign} {word}{count} · {}", self.title)
    }

    fn icon(&self) -> Markup {
        let href = if self.place.is_served() {
            let class = self.state.map_or("none", |state| state_parts(state).1);
            format!("/favicon.svg?state={class}&n={}", self.count)
        } else {
            format!("data:image/svg+xml,{}", escaped(&favicon(self.state, self.count)))
        };
        html! { link id="icon" rel="icon" type="image/svg+xml" href=(href); }
    }

    /// What the script needs to know stands on the element that it replaces.
    fn main(&self, main: &Markup) -> Markup {
        let (finished, interval, stale) = self.pulse.map_or((None, None, false), |pulse| {
            (pulse.cycle.map(|cycle| cycle.finished.millis()), Some(millis_of(pulse.interval)), pulse.is_stale)
        });
        html! {
            main id="main" tabindex="-1" data-now=(self.at.millis()) data-finished=[finished] data-interval=[interval]
                data-stale=(stale) data-live=[self.span.map(|(span, _)| span.is_live())] { (main) }
        }
    }

    fn bar(&self) -> Markup {
        html! {
            header class="bar" {
                div class="who" {
                    @if self.place.is_served() { a class="home" href="/" { (self.who.name) } }
                    @else { span class="home" { (self.who.name) } }
                    @if !self.who.environment.is_empty() { " " span class="environment" { (self.who.environment) } }
                }
                @if let Some(pulse) = self.pulse { (self.live(pulse)) }
                @if self.place.is_served() {
                    @if let Some((span, path)) = self.span { (ranges(span, path)) }
                    (buttons())
                }
            }
        }
    }

    /// Whether the monitor is alive, as the server saw it; the script goes on counting.
    fn live(&self, pulse: Pulse) -> Markup {
        if !self.place.is_served() {
            return html! { p class="live" { "written " time datetime=(self.at.rfc3339()) { (self.at.rfc3339()) } " on " (self.who.host) } };
        }
        let Some(cycle) = pulse.cycle else { return html! { p id="live" class="live late" { "nothing checked yet" } } };
        let ahead = age::ahead(&cycle, self.at);
        let ago = self.at.since(cycle.finished);
        let class = if pulse.is_stale {
            "live stale"
        } else if ago > pulse.interval * 3 / 2 {
            "live late"
        } else {
            "live"
        };
        html! {
            p id="live" class=(class) {
                span class="sign" aria-hidden="true" { "◉" } " "
                strong { @if pulse.is_stale { "stale" } @else { "live" } }
                " · " span id="ago" {
                    @if let Some(ahead) = ahead { (age::future(ahead)) } @else { "checked " (units::duration(ago)) " ago" }
                }
                span id="next" {
                    @if !pulse.is_stale { " · next in " (units::duration(pulse.interval.saturating_sub(ago))) }
                }
            }
        }
    }
}

fn ranges(span: Span, path: &str) -> Markup {
    let joint = if path.contains('?') { '&' } else { '?' };
    let all = [("all", "all")];
    let presets = PRESETS.iter().map(|(name, words, _)| (*name, *words)).chain(all);
    let is_now = |name: &str| match span.choice {
        Choice::Last(have) => have == name,
        Choice::All => name == "all",
        Choice::Between => false,
    };
    html! {
        nav class="ranges" aria-label="Time range" {
            @for (name, words) in presets {
                a href={ (path) (joint) "range=" (name) } aria-current=[is_now(name).then_some("true")] { (words) }
            }
            details class="between" {
                summary { @if span.choice == Choice::Between { strong { "from … to" } } @else { "from … to" } }
                form method="get" action=(path.split('?').next().unwrap_or("/")) {
                    @for pair in path.split_once('?').map(|(_, query)| query).unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
                        @let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                        input type="hidden" name=(name) value=(unescaped(value));
                    }
                    label { "From (UTC) " input name="from" required value=(span.from.minute()) placeholder="2026-11-23 05:44"; }
                    label { "To (UTC) " input name="to" value=(span.to.minute()) placeholder="now"; }
                    button type="submit" { "Show" }
                }
            }
        }
    }
}

/// The text that [`escaped`] made safe for an address.
fn unescaped(text: &str) -> String {
    let mut out: Vec<u8> = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let hex = text.get(at + 1..at + 3).filter(|_| *byte == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(hex.unwrap_or(*byte));
        at += if hex.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// What only works with the script; it shows them.
fn buttons() -> Markup {
    html! {
        div class="buttons" id="buttons" hidden {
            button type="button" id="zone" title="UTC or local time (u)" { "UTC" }
            button type="button" id="theme" title="Light or dark (t)" aria-label="Light or dark" { "◐" }
            button type="button" id="help" title="Keys (?)" aria-label="Keys" { "?" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_address_escapes_comes_back() {
        for text in ["/", "a b&c=d", "é\u{202e}<script>", "%41", ""] {
            assert_eq!(unescaped(&escaped(text)), text);
        }
    }
}
