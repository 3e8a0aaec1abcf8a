//! Verdicts become transitions, transitions become notifications. Pure: state and time come in as values,
//! what changed goes out; nothing here sends, stores or reads a clock.
//!
//! - [`tick`] says how a cycle follows the one before it.
//! - [`words`] hands each label set what its rule says of it.
//! - [`step`] is the machine: one Prometheus-style state machine per severity.
//! - [`routes`] says who hears of what, and when.
//! - [`hold`] says what keeps people from being told.
//! - [`heard`] says what each destination has heard so far.
//! - [`route`] says who is told what now, so that whoever heard "firing" hears "resolved" once.
//! - [`message`] says it in words.

pub mod heard;
pub mod hold;
pub mod message;
pub mod route;
pub mod routes;
pub mod stand;
pub mod step;
pub mod tick;
pub mod words;
