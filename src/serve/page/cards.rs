//! Charts as cards: what it is, how it stands, the number now, the picture, and the way to the numbers behind it.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::kit::{Place, escaped, severity, state};
use crate::model::severity::Severity;
use crate::serve::chart::{Size, plot, time, words};
use crate::text::units;
use crate::view::page::Page;
use crate::view::page::chart::{Chart, Of};
use crate::view::snapshot::State;

/// Rows of a table in a file.
const ROWS: usize = 48;

/// All charts of the page.
pub fn charts(page: &Page, place: Place) -> Markup {
    html! {
        @if !page.charts.is_empty() {
            section class="charts" aria-label="Charts" {
                @for chart in &page.charts { (card(chart, page, place)) }
            }
            @if page.more_charts > 0 && place.is_served() {
                p class="aside" {
                    (page.more_charts) " more series have no chart here: " a href="/metric" { "all that is measured" }
                }
            }
        }
    }
}

fn card(chart: &Chart, page: &Page, place: Place) -> Markup {
    html! {
        figure class="card chart-card" {
            figcaption class="head" {
                h2 { (chart.title) }
                (standing(chart, page))
                (readout(chart, page.span.is_live()))
            }
            (plot(chart, Size::Card))
            (more(chart, place))
        }
    }
}

/// How it stands: the alert that fires, or that it is fine by the limits that it has.
fn standing(chart: &Chart, page: &Page) -> Markup {
    html! {
        @if let Some(firing) = chart.firing { (severity(firing)) }
        @else if !page.span.is_live() || chart.limits.is_empty() {}
        @else if chart.now.is_none() { (state(State::Unknown)) }
        @else if let Some(beyond) = beyond(chart) {
            span class="soon" title="beyond the limit, not yet for long enough" { "beyond " (chart.limit_text(beyond)) }
        }
        @else { (state(State::Fine)) }
    }
}

fn beyond(chart: &Chart) -> Option<&crate::view::page::limits::Limit> {
    chart
        .limits
        .iter()
        .rev()
        .find(|limit| limit.severity > Severity::Low && chart.now.is_some_and(|now| limit.is_beyond(now)))
}

/// The number now, or where somebody points; of a fixed width, so that nothing jumps.
pub fn readout(chart: &Chart, is_live: bool) -> Markup {
    html! {
        p class="readout" data-of=(chart.id()) {
            @match (chart.now, chart.course.last) {
                (Some(now), _) => { strong { (chart.text(now)) } span { " now" } },
                (None, Some(last)) if is_live => { strong { "—" } span { " last " (chart.text(last.value)) " at " (time(last.at, "hm")) } },
                (None, Some(last)) if chart.course.lowest.is_none() => { strong { (chart.text(last.value)) } },
                (None, Some(_)) => { (range(chart)) },
                (None, None) => { strong { "—" } span { " no data" } },
            }
        }
    }
}

fn range(chart: &Chart) -> Markup {
    html! {
        @if let (Some(low), Some(high)) = (chart.course.lowest, chart.course.highest) {
            strong { (chart.text(low.value)) " … " (chart.text(high.value)) }
        }
    }
}

/// The way to the numbers: another page, or in a file a table that unfolds.
pub fn more(chart: &Chart, place: Place) -> Markup {
    let is_cut = chart.course.bucket.map(|bucket| format!("{} of each {}", chart.pick.word(), units::duration(bucket)));
    html! {
        @if place.is_served() || is_cut.is_some() {
            p class="more" {
                @if let Some(is_cut) = is_cut { span { "line: " (is_cut) } " " }
                @if let (Of::Series(_), true) = (&chart.of, place.is_served()) { a href=(address(chart)) { "as table" } }
            }
        }
        @if !place.is_served() && chart.course.last.is_some() {
            details class="as-table" { summary { "as table" } (words::table(chart, ROWS)) }
        }
    }
}

/// The page of the series that a chart shows.
pub fn address(chart: &Chart) -> String {
    let Of::Series(series) = &chart.of else { return "/metric".to_owned() };
    format!("{}&{}#table", series_address(&series.metric, &series.labels), chart.span.query().replace(':', "%3A"))
}

/// The page of a series.
pub fn series_address(metric: &str, labels: &crate::model::labels::Labels) -> String {
    let mut address = format!("/metric?metric={}", escaped(metric));
    for (name, value) in labels.iter() {
        let _ = write!(address, "&label.{}={}", escaped(name), escaped(value));
    }
    address
}
