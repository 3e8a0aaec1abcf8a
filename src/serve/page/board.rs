//! The one page: the state first, then what needs somebody, then how it went.

use maud::{Markup, PreEscaped, html};

use super::frame::Frame;
use super::kit::{Place, badge, standing};
use super::{cards, lower, top};
use crate::model::delivery::State as Delivered;
use crate::model::severity::Severity;
use crate::serve::chart::{numbers, time};
use crate::text::units;
use crate::view::page::Page;
use crate::view::page::alerts::{Line, Standing, Told};
use crate::view::page::chart::Chart;

/// The document of the page.
pub fn document(page: &Page, place: Place) -> Markup {
    let count = page.alerts.iter().filter(|line| line.needs_somebody()).count();
    let is_held = |line: &Line| line.standing == Standing::Held && line.severity > Severity::Low;
    let name = &page.who.name;
    // who only sees the tab must not take silence for somebody at work
    let is_kept = count == 0 && page.span.is_live() && page.alerts.iter().any(is_held);
    let title = if is_kept { format!("people not told · {name}") } else { name.clone() };
    let frame = Frame {
        place,
        title: &title,
        state: Some(page.hero.state),
        count,
        at: page.at,
        who: &page.who,
        pulse: Some(page.pulse),
        span: Some((page.span, "/")),
    };
    frame.document(&body(page, place), &lower::footer(page, place))
}

/// What stands in `main`.
pub fn body(page: &Page, place: Place) -> Markup {
    html! {
        (top::hero(page, place))
        (alerts(page, place))
        (cards::charts(page, place))
        (lower::row(page, place))
        @if place.is_served() { (data(page.charts.iter().chain(page.hero.backing.iter().filter_map(|backing| backing.chart.as_ref())))) }
    }
}

/// What is behind the charts, for the script. It is data: a browser runs none of it.
pub fn data<'a>(charts: impl Iterator<Item = &'a Chart>) -> Markup {
    let all: Vec<serde_json::Value> = charts.map(numbers).collect();
    let text = serde_json::Value::Array(all).to_string().replace('<', "\\u003c");
    html! { script type="application/json" id="numbers" { (PreEscaped(text)) } }
}

fn alerts(page: &Page, place: Place) -> Markup {
    let count = |standing: Standing| page.alerts.iter().filter(|line| line.standing == standing).count();
    let words = [
        (count(Standing::Firing), "firing"),
        (count(Standing::Acknowledged), "acknowledged"),
        (count(Standing::Held), "withheld"),
        (count(Standing::Resolved), "resolved"),
    ];
    let words: Vec<String> =
        words.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    html! {
        section class="card alerts" id="alerts" aria-labelledby="alerts-head" {
            div class="head" {
                h2 id="alerts-head" { "Alerts" }
                p class="aside" { @if words.is_empty() { "none in " (page.span.words()) } @else { (words.join(" · ")) } }
            }
            @if !page.alerts.is_empty() {
                table {
                    thead { tr {
                        th scope="col" { "State" } th scope="col" { "Alert" } th scope="col" { "Value, limit" }
                        th scope="col" { "Since (UTC)" } th scope="col" { "Delivered" }
                        @if place == (Place::Served { takes_writes: true }) { th scope="col" { span class="unseen" { "What to do" } } }
                    } }
                    tbody { @for line in &page.alerts { (row(line, place)) } }
                }
                @if page.more_alerts > 0 { p class="aside" { "and " (page.more_alerts) " more: " code { "sippar-mon alert list" } } }
            }
        }
    }
}

fn row(line: &Line, place: Place) -> Markup {
    let id = line.number.map(|number| format!("alert-{number}"));
    html! {
        tr class="alert" id=[id] data-severity=(line.severity) data-standing=(format!("{:?}", line.standing).to_lowercase()) {
            td data-head="State" { (standing(line.standing, line.severity)) }
            td data-head="Alert" class="what" {
                (place.alert(line.number, &line.name))
                p { (line.cause) }
                @if let Some((who, at, why)) = &line.ack {
                    @if line.standing != Standing::Resolved { p { "acknowledged by " (who) ", " (time(*at, "dhm")) ": “" (why) "”" } }
                }
                @if let Some(hold) = &line.hold { p { "people are not told: " (hold) } }
                @if let Some((since, why)) = &line.blind { p { "not measured since " (time(*since, "dhm")) ": " (why) } }
            }
            td data-head="Value, limit" {
                (line.value)
                @if let Some(worst) = &line.worst { p { "worst " (worst) } }
            }
            td data-head="Since (UTC)" {
                @if let Some(ended) = line.ended { (time(line.since, "dhm")) " – " (time(ended, "hm")) p { "lasted " (units::duration(line.lasted)) } }
                @else { (time(line.since, "dhm")) p { (units::duration(line.lasted)) } }
            }
            td data-head="Delivered" { (told(&line.told)) }
            @if place == (Place::Served { takes_writes: true }) { td class="acts" { (acts(line)) } }
        }
    }
}

/// Each channel with how it went: a sign and, where it did not, the reason.
pub fn told(told: &[Told]) -> Markup {
    html! {
        @if told.is_empty() { span class="aside" { "nobody" } }
        @else { ul class="told" {
            @for one in told {
                @let (sign, class, word) = match one.state {
                    Delivered::Sent => ("✓", "ok", "sent"),
                    Delivered::Pending | Delivered::Sending => ("…", "waiting", "waits"),
                    Delivered::Dead => ("✗", "failed", "not delivered"),
                    Delivered::Uncertain => ("?", "failed", "may not have arrived"),
                    Delivered::Superseded => ("–", "waiting", "replaced"),
                };
                li class=(class) {
                    (one.channel) " " span class="sign" title=(word) { span aria-hidden="true" { (sign) } span class="unseen" { (word) } }
                    @if let Some(why) = &one.why { p { (word) ": " (why) } }
                }
            }
        } }
    }
}

/// What an operator can do; the script shows it and does it.
fn acts(line: &Line) -> Markup {
    html! {
        @if let (Some(number), true) = (line.number, line.standing != Standing::Resolved) {
            @if line.ack.is_none() {
                button type="button" class="act" id={ "ack-" (number) } data-act="ack" data-number=(number) data-name=(line.name) hidden { "Acknowledge" }
            } @else { (badge("✓", "ok", "acknowledged")) " " }
            @if line.hold.is_none() {
                button type="button" class="act" id={ "silence-" (number) } data-act="silence" data-number=(number) data-name=(line.name) hidden { "Silence…" }
            }
        }
    }
}
