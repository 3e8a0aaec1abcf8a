//! Silences as documents.

use serde::Serialize;
use utoipa::ToSchema;

use crate::model::hold::Silence;

/// A silence as JSON shows it.
#[derive(Serialize, ToSchema)]
#[schema(as = SilenceRow)]
pub struct Row<'a> {
    /// None in a dry run.
    number: Option<u64>,
    alerts: String,
    since: String,
    until: String,
    by: &'a str,
    why: &'a str,
}

impl<'a> Row<'a> {
    /// The row of a silence.
    pub fn new(silence: &'a Silence) -> Self {
        let Silence { number, scope, from, until, who, why } = silence;
        let number = Some(*number).filter(|number| *number > 0);
        Self { number, alerts: scope.to_string(), since: from.rfc3339(), until: until.rfc3339(), by: who, why }
    }
}
