//! The runbook as pages.

use maud::{Markup, html};

use super::frame::Frame;
use super::kit::Place;
use super::markdown;
use crate::model::time::Time;
use crate::rules::runbook;
use crate::view::page::Who;

/// The section about a rule; none where there is none.
pub fn document(name: &str, who: &Who, at: Time, place: Place) -> Option<Markup> {
    let text = runbook::section(name)?;
    let name = runbook::names().find(|known| known.eq_ignore_ascii_case(name))?;
    let main = html! {
        p class="way" { a href="/" { "← all of it" } " · " a href="/runbook" { "all sections" } }
        section class="card prose" id="alerts" { (markdown::html_of(text, 0)) }
    };
    Some(framed(name, &main, who, at, place))
}

/// The names of all sections.
pub fn index(who: &Who, at: Time, place: Place) -> Markup {
    let main = html! {
        p class="way" { a href="/" { "← all of it" } }
        section class="card prose" id="alerts" {
            h1 { "Runbook" }
            ul class="choice" { @for name in runbook::names() { li { a href={ "/runbook/" (name) } { (name) } } } }
        }
    };
    framed("Runbook", &main, who, at, place)
}

fn framed(name: &str, main: &Markup, who: &Who, at: Time, place: Place) -> Markup {
    let title = format!("{name} · {}", who.name);
    let frame = Frame { place, title: &title, state: None, count: 0, at, who, pulse: None, span: None };
    frame.document(main, &html! {})
}
