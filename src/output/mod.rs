//! Documents as people and programs read them on a terminal: tables, JSON, Nagios, diagnostics.

pub mod alerts;
pub mod baselines;
pub mod cycle;
pub mod database;
pub mod deliveries;
pub mod diagnostics;
pub mod diff;
pub mod doctor;
pub mod elsewhere;
pub mod explain;
pub mod progress;
pub mod query;
pub mod reserves;
pub mod restored;
pub mod rules;
pub mod silences;
pub mod status;
pub mod terminal;
