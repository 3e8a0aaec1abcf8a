//! The documents of `/monitoring/*`, with the names and types that clients of the original read. What is not measured is
//! null; what the original made up and nobody measures is null too. What stands behind each field is in
//! docs/api-reference.md.

pub mod alerts;
pub mod health;
pub mod history;
pub mod migration;
pub mod reserves;
pub mod system;

/// A number that counts things, or whole milliseconds.
fn whole(value: f64) -> Option<u64> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between the two bounds")]
    (value.is_finite() && (0.0..9e15).contains(&value)).then(|| value.round() as u64)
}
