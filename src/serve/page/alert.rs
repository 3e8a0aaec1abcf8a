//! The page of one alert.

use maud::{Markup, html};

use super::board::data;
use super::cards::{more, readout};
use super::frame::Frame;
use super::kit::{Place, standing};
use super::life;
use crate::serve::chart::{Size, plot};
use crate::view::page::alert::AlertPage;
use crate::view::page::alerts::Standing;
use crate::view::snapshot::State;

/// The document.
pub fn document(page: &AlertPage, place: Place) -> Markup {
    let line = &page.line;
    let number = line.number.map(|number| format!("alert {number}, ")).unwrap_or_default();
    let title = format!("{number}{} · {}", line.rule, page.who.name);
    let is_over = line.standing == Standing::Resolved;
    let frame = Frame {
        place,
        title: &title,
        state: Some(if is_over { State::Fine } else { State::Firing(line.severity) }),
        count: 0,
        at: page.at,
        who: &page.who,
        pulse: Some(page.pulse),
        span: None,
    };
    frame.document(&body(page, place), &html! {})
}

fn body(page: &AlertPage, place: Place) -> Markup {
    let line = &page.line;
    html! {
        p class="way" { a href="/" { "← all of it" } }
        section class="card alert-page" id="alerts" aria-labelledby="alert-head" data-number=[line.number] {
            p class="state" { (standing(line.standing, line.severity)) }
            h1 id="alert-head" { @if let Some(number) = line.number { "Alert " (number) ": " } (line.name) }
            (life::facts(page))
            @if place == (Place::Served { takes_writes: true }) && line.standing != Standing::Resolved {
                p class="acts" {
                    @if let Some(number) = line.number {
                        @if line.ack.is_none() { button type="button" class="act" data-act="ack" data-number=(number) data-name=(line.name) hidden { "Acknowledge" } " " }
                        @if line.hold.is_none() { button type="button" class="act" data-act="silence" data-number=(number) data-name=(line.name) hidden { "Silence…" } }
                    }
                }
            }
        }
        @if let Some(chart) = &page.chart {
            figure class="card chart-card" {
                figcaption class="head" { h2 { (chart.title) } (readout(chart, line.ended.is_none())) }
                (plot(chart, Size::Wide))
                (more(chart, place))
            }
        }
        section class="card story" { div class="head" { h2 { "What happened" } } (life::history(page, place)) }
        section class="card" { div class="head" { h2 { "Who was told" } } (life::attempts(page)) }
        @if page.runbook.is_some() { section class="card prose" { div class="head" { h2 { "Runbook" } } (life::runbook(page)) } }
        @if place.is_served() { (data(page.chart.iter())) }
    }
}
