//! The nouns of the monitor, one file each: values without I/O, clock or environment.
//! Every other room may name this one; it names nobody.

pub mod alert;
pub mod baseline;
pub mod delivery;
pub mod face;
pub mod fault;
pub mod hold;
pub mod labels;
pub mod message;
pub mod metric;
pub mod reading;
pub mod response;
pub mod scope;
pub mod secret;
pub mod severity;
pub mod time;
pub mod trouble;
pub mod verdict;
