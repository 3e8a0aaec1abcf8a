//! The pages, as HTML: for the server, and for a file that stands alone.
//!
//! Everything foreign comes through `text::safe` when it is read and through the escaping of maud when it is written. No
//! element has a `style` attribute and nothing is fetched from another host, so that the strictest policy holds.

mod alert;
mod board;
mod cards;
mod frame;
mod kit;
mod life;
mod lower;
mod markdown;
mod proof;
mod report;
mod runbook;
mod series;
#[cfg(test)]
mod tests;
mod top;
mod trouble;

pub use alert::document as alert;
pub use board::document as board;
pub use frame::{CSS, JS};
pub use kit::{Place, favicon, state_named};
pub use proof::document as proof;
pub use report::{Report, document as report};
pub use runbook::{document as runbook, index as runbooks};
pub use series::document as series;
pub use trouble::{document as trouble, first};
