//! Words and numbers for people: units, durations, clipping, and making foreign text harmless.

pub mod check;
pub mod instant;
pub mod nearest;
pub mod safe;
pub mod spark;
pub mod units;
