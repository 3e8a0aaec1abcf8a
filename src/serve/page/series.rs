//! The page of a metric: any span of it, with every number as a table.

use maud::{Markup, html};

use super::board::data;
use super::cards::{readout, series_address};
use super::frame::Frame;
use super::kit::{Place, escaped};
use crate::model::labels::Labels;
use crate::serve::chart::{Size, plot, words};
use crate::text::safe;
use crate::view::page::chart::Of;
use crate::view::page::series::SeriesPage;
use crate::view::snapshot::State;

/// Rows of its table.
const ROWS: usize = 720;

/// The document.
pub fn document(page: &SeriesPage, place: Place) -> Markup {
    let name = if page.metric.is_empty() { "metrics" } else { &page.metric };
    let title = format!("{name} · {}", page.who.name);
    let path = match page.chart.as_ref().map(|chart| &chart.of) {
        Some(Of::Series(series)) => series_address(&series.metric, &series.labels),
        _ => format!("/metric?metric={}", escaped(&page.metric)),
    };
    let frame = Frame {
        place,
        title: &title,
        state: Some(state(page)),
        count: 0,
        at: page.at,
        who: &page.who,
        pulse: Some(page.pulse),
        span: Some((page.span, &path)),
    };
    frame.document(&body(page), &html! {})
}

/// Of what the chart shows; what is not measured now is not fine.
fn state(page: &SeriesPage) -> State {
    let Some(chart) = &page.chart else { return State::Unknown };
    match chart.firing {
        Some(severity) => State::Firing(severity),
        None if page.pulse.is_stale || chart.now.is_none() => State::Unknown,
        None => State::Fine,
    }
}

fn body(page: &SeriesPage) -> Markup {
    let shown = page.chart.as_ref().map(|chart| match &chart.of {
        Of::Series(series) => series.labels.clone(),
        Of::Rule(key) => key.labels.clone(),
    });
    html! {
        p class="way" { a href="/" { "← all of it" } }
        section class="card" id="alerts" aria-labelledby="metric-head" {
            h1 id="metric-head" { @if page.metric.is_empty() { "All that is measured" } @else { (page.metric) } }
            @if let Some(known) = page.known {
                p { (known.help) " Unit: " (known.unit.name()) ", " (known.shape.name()) ", by the source " (known.source) "." }
            }
            @if page.others.len() > 1 { (labels(page, shown.as_ref())) }
        }
        @match &page.chart {
            Some(chart) => {
                figure class="card chart-card" {
                    figcaption class="head" { h2 { (chart.title) } (readout(chart, page.span.is_live())) }
                    (plot(chart, Size::Wide))
                }
                section class="card" id="table" {
                    (words::table(chart, ROWS))
                }
                (data(std::iter::once(chart)))
            },
            None if page.metric.is_empty() => {},
            None => section class="card" { p { "Nothing is measured under this name." } },
        }
        @if page.chart.is_none() { (index(page)) }
    }
}

fn labels(page: &SeriesPage, shown: Option<&Labels>) -> Markup {
    html! {
        ul class="choice" {
            @for labels in &page.others {
                li { a href={ (series_address(&page.metric, labels)) "&" (page.span.query()) } aria-current=[(Some(labels) == shown).then_some("true")] {
                    (safe::one_line(&labels.to_string()))
                } }
            }
        }
    }
}

fn index(page: &SeriesPage) -> Markup {
    html! {
        section class="card" {
            ul class="choice" { @for metric in &page.metrics { li { a href={ "/metric?metric=" (escaped(metric)) } { (safe::one_line(metric)) } } } }
        }
    }
}
