//! One look at the store, from which every document is made: the screen, the JSON, the Nagios line.

pub mod dashboard;
pub mod deliveries;
pub mod explain;
pub mod query;
pub mod reserves;
mod rows;
pub mod snapshot;
