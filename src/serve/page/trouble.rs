//! The page for when there is nothing to show: no database, one that cannot be read, an address that leads nowhere.

use maud::{Markup, html};

use super::frame::Frame;
use super::kit::{Place, state};
use super::top::first_steps;
use crate::model::time::Time;
use crate::model::trouble::Trouble;
use crate::text::safe;
use crate::view::page::Who;
use crate::view::snapshot::State;

/// The document of a monitor that has not checked anything yet.
pub fn first(who: &Who, at: Time) -> Markup {
    let main = html! {
        section class="hero card unknown" id="alerts" {
            div class="say" {
                p class="state" { (state(State::Unknown)) }
                h1 { "Nothing has been checked yet" }
                (first_steps())
            }
        }
    };
    framed(&main, who, at)
}

/// The document: what is wrong, and the way out.
pub fn document(headline: &str, trouble: &Trouble, who: &Who, at: Time) -> Markup {
    let main = html! {
        section class="hero card unknown" id="alerts" {
            div class="say" {
                p class="state" { (state(State::Unknown)) }
                h1 { (headline) }
                p class="why" { (safe::one_line(&trouble.what)) }
                @if let Some(help) = &trouble.help { p class="why" { (safe::one_line(help)) } }
                p class="aside" { "This page looks again by itself." }
            }
        }
    };
    framed(&main, who, at)
}

fn framed(main: &Markup, who: &Who, at: Time) -> Markup {
    let place = Place::Served { takes_writes: false };
    let frame =
        Frame { place, title: &who.name, state: Some(State::Unknown), count: 0, at, who, pulse: None, span: None };
    frame.document(main, &html! {})
}
