//! The report: the page about a time as one file that stands alone, with the life of every alert in it.

use maud::{Markup, html};

use super::frame::Frame;
use super::kit::{Place, standing};
use super::{board, life, lower};
use crate::model::severity::Severity;
use crate::serve::chart::time;
use crate::text::units;
use crate::view::page::Page;
use crate::view::page::alert::AlertPage;
use crate::view::snapshot::State;

/// What a report is made of.
pub struct Report {
    /// The time it is about.
    pub page: Page,
    /// Its alerts in full.
    pub alerts: Vec<AlertPage>,
    /// The alert that it is about, where it is about one.
    pub about: Option<u64>,
}

/// The document.
pub fn document(report: &Report) -> Markup {
    let Report { page, alerts, about } = report;
    let name = &page.who.name;
    let title = match about {
        Some(number) => format!("incident report, alert {number} · {name}"),
        None => format!("incident report · {name}"),
    };
    let worst: Option<Severity> = alerts.iter().map(|alert| alert.line.severity).max();
    let frame = Frame {
        place: Place::File,
        title: &title,
        state: Some(worst.map_or(page.hero.state, State::Firing)),
        count: page.alerts.len() + page.more_alerts,
        at: page.at,
        who: &page.who,
        pulse: Some(page.pulse),
        span: None,
    };
    let main = html! {
        p class="about" {
            strong { "Incident report" } ": " (time(page.span.from, "full")) " to " (time(page.span.to, "full")) " UTC ("
            (units::duration(page.span.length())) ")"
            @if let Some(number) = about { ", about alert " (number) }
        }
        (board::body(page, Place::File))
        @for alert in alerts { (of_alert(alert)) }
    };
    frame.document(&main, &lower::footer(page, Place::File))
}

fn of_alert(alert: &AlertPage) -> Markup {
    let line = &alert.line;
    let number = line.number.unwrap_or_default();
    html! {
        section class="card life-card" id={ "alert-" (number) "-life" } {
            h2 { (standing(line.standing, line.severity)) " Alert " (number) ": " (line.name) }
            (life::facts(alert))
            h3 { "What happened" }
            (life::history(alert, Place::File))
            h3 { "Who was told" }
            (life::attempts(alert))
        }
    }
}
