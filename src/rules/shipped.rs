//! The rules that come with the program.

use serde::Deserialize;

use super::settings::Settings;
use crate::model::fault::{Fault, Place};

/// Their text.
pub const TEXT: &str = include_str!("shipped.toml");

#[derive(Deserialize)]
struct File {
    rule: Vec<Settings>,
}

/// The shipped rules, in their order; places are bytes of `TEXT`. A test holds that there is no fault.
pub fn settings() -> Result<Vec<Settings>, Fault> {
    toml::from_str::<File>(TEXT).map(|file| file.rule).map_err(|error| {
        let place = error.span().map_or(Place::Nowhere, Place::File);
        Fault::error(format!("in the shipped rules: {}", error.message()), place)
    })
}
