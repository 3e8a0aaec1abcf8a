//! Words and numbers, from people and for people: units, instants, the text format of samples, making foreign text harmless.

pub mod check;
pub mod exposition;
pub mod instant;
pub mod money;
pub mod nearest;
pub mod safe;
pub mod schedule;
pub mod spark;
pub mod units;
