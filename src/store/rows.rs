//! Reading rows: cells become the nouns of `model`, and what does not is an error that names table, row and column.

use std::path::Path;
use std::time::Duration;

use rusqlite::Row;
use rusqlite::types::{FromSql, ToSqlOutput, Value, ValueRef};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::refuse;
use crate::model::time::Time;
use crate::model::trouble::{Kind, Trouble};
use crate::text::safe;

/// Why a row could not be read.
#[derive(Debug)]
pub(super) enum Unread {
    /// `SQLite` says so.
    Sqlite(rusqlite::Error),
    /// The row holds what this program never wrote.
    Content(String),
}

impl Unread {
    /// The trouble to show, for the database at `path`.
    pub(super) fn trouble(self, path: &Path) -> Trouble {
        match self {
            Self::Sqlite(error) => refuse::failure(path, &error),
            Self::Content(what) => Trouble::new(Kind::Io, format!("{}: {what}", path.display())).help(refuse::DAMAGED),
        }
    }
}

impl From<rusqlite::Error> for Unread {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// The cells of one row, by column name.
pub(super) struct Cells<'r> {
    table: &'static str,
    row: &'r Row<'r>,
}

impl<'r> Cells<'r> {
    /// The cells of `row`, which comes from `table`.
    pub(super) fn of(table: &'static str, row: &'r Row<'r>) -> Self {
        Self { table, row }
    }

    /// A cell of a plain type.
    pub(super) fn get<T: FromSql>(&self, column: &str) -> Result<T, Unread> {
        self.row.get(column).map_err(|error| match error {
            rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::FromSqlConversionFailure(..) => self.strange(column, &error.to_string()),
            other => Unread::Sqlite(other),
        })
    }

    /// An instant.
    pub(super) fn time(&self, column: &str) -> Result<Time, Unread> {
        self.get(column).map(Time::from_millis)
    }

    /// An instant, where there is one.
    pub(super) fn time_if_any(&self, column: &str) -> Result<Option<Time>, Unread> {
        Ok(self.get::<Option<i64>>(column)?.map(Time::from_millis))
    }

    /// A duration in milliseconds.
    pub(super) fn duration(&self, column: &str) -> Result<Duration, Unread> {
        let millis: i64 = self.get(column)?;
        u64::try_from(millis)
            .map(Duration::from_millis)
            .map_err(|_| self.strange(column, &format!("{millis} is no duration")))
    }

    /// A duration in milliseconds, where there is one.
    pub(super) fn duration_if_any(&self, column: &str) -> Result<Option<Duration>, Unread> {
        self.get::<Option<i64>>(column)?.map(|_| self.duration(column)).transpose()
    }

    /// A word that `parse` knows.
    pub(super) fn word<T>(&self, column: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, Unread> {
        let word: String = self.get(column)?;
        parse(&word).ok_or_else(|| self.strange(column, &format!("unknown word `{}`", safe::answer(&word))))
    }

    /// A word that `parse` knows, where there is one.
    pub(super) fn word_if_any<T>(&self, column: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Unread> {
        match self.get::<Option<String>>(column)? {
            None => Ok(None),
            Some(_) => self.word(column, parse).map(Some),
        }
    }

    /// A value kept as JSON.
    pub(super) fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, Unread> {
        let text: String = self.get(column)?;
        serde_json::from_str(&text).map_err(|error| self.strange(column, &error.to_string()))
    }

    /// A number kept by [`Float`].
    pub(super) fn float(&self, column: &str) -> Result<Option<f64>, Unread> {
        match self.row.get_ref(column)? {
            ValueRef::Null => Ok(None),
            ValueRef::Real(value) => Ok(Some(value)),
            ValueRef::Text(b"NaN") => Ok(Some(f64::NAN)),
            other => Err(self.strange(column, &format!("a number is not kept as {}", other.data_type()))),
        }
    }

    /// The error of a cell that this program never wrote.
    pub(super) fn strange(&self, column: &str, what: &str) -> Unread {
        let row = self.row.get::<_, i64>("id").map_or(String::new(), |id| format!(", row {id}"));
        Unread::Content(format!("table {}{row}, column {column}: {what}", self.table))
    }
}

/// A number for a column of type ANY: infinities as they are, NaN as a word (`SQLite` keeps a NaN as NULL).
pub(super) struct Float(pub(super) Option<f64>);

impl rusqlite::ToSql for Float {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Owned(match self.0 {
            None => Value::Null,
            Some(value) if value.is_nan() => Value::Text("NaN".to_owned()),
            Some(value) => Value::Real(value),
        }))
    }
}

/// `value` as JSON.
pub(super) fn json_of<T: Serialize>(value: &T) -> super::Result<String> {
    serde_json::to_string(value).map_err(|error| Trouble::new(Kind::Bug, format!("cannot be kept as JSON: {error}")))
}

/// The word that serde gives a plain enum.
pub(super) fn word_of<T: Serialize>(value: &T) -> super::Result<String> {
    Ok(json_of(value)?.trim_matches('"').to_owned())
}

/// The plain enum that serde reads from a word.
pub(super) fn of_word<T: DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(word.to_owned())).ok()
}
