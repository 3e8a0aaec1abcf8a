//! One look at the store, from which every document is made: the screen, the JSON, the Nagios line.

pub mod age;
pub mod api;
pub mod dashboard;
pub mod deliveries;
pub mod doctor;
pub mod elsewhere;
pub mod explain;
pub mod init;
pub mod measured;
pub mod page;
pub mod proof;
pub mod query;
pub mod range;
pub mod reserves;
mod rows;
pub mod silences;
pub mod snapshot;
