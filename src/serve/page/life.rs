//! The life of one alert: what happened to it, who was told how, what to do about it.

use maud::{Markup, html};

use super::board::told;
use super::kit::{Place, badge};
use super::lower::story_entry;
use super::markdown;
use crate::model::delivery::{Delivery, State};
use crate::serve::chart::time;
use crate::text::{safe, units};
use crate::view::deliveries::Tried;
use crate::view::page::alert::AlertPage;

/// The facts of an alert.
pub fn facts(page: &AlertPage) -> Markup {
    let line = &page.line;
    html! {
        p class="cause" { (line.cause) }
        dl class="facts" {
            div { dt { "Value, limit" } dd { (line.value) @if let Some(worst) = &line.worst { ", worst " (worst) } } }
            div {
                dt { "Since" }
                dd {
                    (time(line.since, "full")) " UTC"
                    @if let Some(ended) = line.ended { ", ended " (time(ended, "full")) " UTC after " (units::duration(line.lasted)) }
                    @else { ", for " (units::duration(line.lasted)) }
                }
            }
            @if let Some((since, why)) = &line.blind { div { dt { "Not measured" } dd { "since " (time(*since, "full")) " UTC: " (why) } } }
            @if let Some((who, at, why)) = &line.ack { div { dt { "Acknowledged" } dd { "by " (who) ", " (time(*at, "full")) " UTC: “" (why) "”" } } }
            @if let Some(hold) = &line.hold { div { dt { "Withheld" } dd { (hold) } } }
            @if let Some((expr, written)) = &page.rule { div { dt { "Rule" } dd { code { (expr) } " " span class="aside" { "(" (written) ")" } } } }
            @else { div { dt { "Rule" } dd { "no longer configured" } } }
            @if let Some(action) = &line.action { div { dt { "What to do" } dd { (action) } } }
            @if let Some(mark) = &page.mark {
                div { dt { "Marked" } dd { (mark.worth.name()) " by " (safe::answer(&mark.who)) ", " (time(mark.at, "full")) " UTC: " (safe::answer(&mark.why)) } }
            }
            div { dt { "Told" } dd { (told(&line.told)) } }
            @if let Some(url) = &line.runbook_url { div { dt { "More" } dd { (link(url)) } } }
        }
    }
}

/// A link that somebody configured: one that a browser may follow, or its text.
fn link(url: &str) -> Markup {
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    let shown = safe::one_line(url);
    html! { @if is_web { a href=(url) rel="noreferrer" { (shown) } } @else { (shown) } }
}

/// What happened to it, oldest first.
pub fn history(page: &AlertPage, place: Place) -> Markup {
    html! {
        @if page.life.is_empty() { p class="aside" { "Nothing is kept of it." } }
        @else { ol class="life" { @for entry in &page.life { (story_entry(entry, place)) } } }
    }
}

/// Every attempt to tell people.
pub fn attempts(page: &AlertPage) -> Markup {
    html! {
        @if page.deliveries.is_empty() { p class="aside" { "None: " (page.why_nobody) } }
        @else {
            table class="attempts" {
                thead { tr { th scope="col" { "What" } th scope="col" { "To" } th scope="col" { "State" } th scope="col" { "Attempts (UTC)" } } }
                tbody { @for (delivery, tried) in &page.deliveries { (attempt(delivery, tried)) } }
            }
        }
    }
}

fn attempt(delivery: &Delivery, tried: &Tried) -> Markup {
    let (sign, class) = match delivery.state {
        State::Sent => ("✓", "ok"),
        State::Dead | State::Uncertain => ("✗", "high"),
        State::Pending | State::Sending | State::Superseded => ("…", "plain"),
    };
    let to = &delivery.destination;
    let shown = if to.address.is_empty() { to.channel.clone() } else { format!("{} {}", to.channel, to.address) };
    html! {
        tr {
            td data-head="What" { (delivery.message.kind.name()) " (" (delivery.id) ")" p { (safe::one_line(&delivery.message.summary)) } }
            td data-head="To" { (safe::one_line(&shown)) }
            td data-head="State" { (badge(sign, class, delivery.state.name())) @if delivery.maybe_repeat { p { "may have arrived twice" } } }
            td data-head="Attempts (UTC)" {
                @if tried.together > 1 { p { "in one message with " (tried.together - 1) " more" } }
                @if tried.attempts.is_empty() { @if let Some(answer) = &delivery.last_answer { p { (safe::answer(answer)) } } }
                @for attempt in &tried.attempts {
                    p {
                        (time(attempt.started, "dhms")) " " strong { (safe::answer(attempt.outcome.as_deref().unwrap_or("under way"))) }
                        @if let Some(took) = attempt.took { " in " (units::duration(took)) }
                        @if let Some(answer) = &attempt.answer { ": " (safe::answer(answer)) }
                    }
                }
                @if tried.is_stranded { p { "channel not configured" } }
                @else if delivery.state == State::Pending { p { "next attempt " (time(delivery.due, "dhms")) } }
            }
        }
    }
}

/// What the runbook says.
pub fn runbook(page: &AlertPage) -> Markup {
    html! { @if let Some(text) = page.runbook { (markdown::html_of(text, 1)) } }
}
