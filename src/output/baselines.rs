//! Baselines as `baseline list` shows them.

use std::fmt::Write as _;

use serde::Serialize;

use super::terminal::Terminal;
use crate::model::baseline::Baseline;
use crate::model::time::Time;
use crate::text::safe;

/// One row of `baseline list`.
#[derive(Serialize)]
pub struct Row {
    /// What it is of.
    pub name: String,
    /// Whether what is seen differs from it.
    pub changed: bool,
    /// What is taken to be right.
    pub value: String,
    /// The configuration says so, and no command can change it.
    pub pinned: bool,
    /// Since when it counts; null for what only the configuration names.
    pub accepted_at: Option<String>,
    /// Who accepted it.
    pub who: Option<String>,
    /// Why.
    pub why: Option<String>,
    /// What was seen last; null where nothing was seen yet.
    pub seen: Option<String>,
    /// When.
    pub seen_at: Option<String>,
    /// What was taken to be right before, the newest first.
    pub earlier: Vec<Earlier>,
}

/// What was taken to be right before.
#[derive(Serialize)]
pub struct Earlier {
    value: String,
    accepted_at: String,
    who: String,
    why: String,
}

impl From<Baseline> for Earlier {
    fn from(baseline: Baseline) -> Self {
        let Baseline { name: _, value, at, who, why } = baseline;
        Self { value, accepted_at: at.rfc3339(), who, why }
    }
}

impl Row {
    /// The row of what was accepted, which a pin overrules.
    pub fn new(
        baseline: Baseline,
        pinned: Option<String>,
        seen: Option<(String, Time)>,
        earlier: Vec<Earlier>,
    ) -> Self {
        let Baseline { name, value, at, who, why } = baseline;
        let (seen, seen_at) = seen.unzip();
        let seen_at = seen_at.map(Time::rfc3339);
        let pin = Self::pinned(name, value);
        let row = if let Some(value) = pinned {
            Self { value, ..pin }
        } else {
            Self { pinned: false, accepted_at: Some(at.rfc3339()), who: Some(who), why: Some(why), ..pin }
        };
        let changed = seen.as_ref().is_some_and(|seen| *seen != row.value);
        Self { changed, seen, seen_at, earlier, ..row }
    }

    /// The row of what the configuration names and nobody has seen yet.
    pub const fn pinned(name: String, value: String) -> Self {
        let (accepted_at, who, why, seen, seen_at) = (None, None, None, None, None);
        let earlier = Vec::new();
        Self { name, changed: false, value, pinned: true, accepted_at, who, why, seen, seen_at, earlier }
    }

    const fn state(&self) -> &'static str {
        match (self.changed, &self.seen) {
            (true, _) => "CHANGED",
            (false, Some(_)) => "same",
            (false, None) => "not seen",
        }
    }

    fn by(&self) -> String {
        match (&self.who, &self.why, &self.accepted_at) {
            (Some(who), Some(why), Some(at)) => format!("{} by {}: {}", at, safe::one_line(who), safe::one_line(why)),
            _ => "pinned in the configuration".to_owned(),
        }
    }
}

/// A block of lines for each name: values are long, and a table would cut them.
pub fn table(rows: &[Row], terminal: &Terminal) -> String {
    if rows.is_empty() {
        return terminal.fit("nothing has a baseline yet\n");
    }
    let mut out = String::new();
    for row in rows {
        let _ = writeln!(out, "{}  {}", safe::one_line(&row.name), row.state());
        let _ = writeln!(out, "  accepted  {}", safe::one_line(&row.value));
        if let Some(seen) = row.seen.as_ref().filter(|_| row.changed) {
            let at = row.seen_at.as_deref().unwrap_or_default();
            let _ = writeln!(out, "  seen      {}  ({at})", safe::one_line(seen));
        }
        let _ = writeln!(out, "  since     {}", row.by());
        for Earlier { value, accepted_at, who, why } in &row.earlier {
            let [value, who, why] = [value, who, why].map(|text| safe::one_line(text));
            let _ = writeln!(out, "  before    {value}  ({accepted_at} by {who}: {why})");
        }
    }
    terminal.fit(&out)
}

/// Tab-separated: name, state, accepted value, value seen, who and why.
pub fn lines(rows: &[Row]) -> String {
    let mut out = String::new();
    for row in rows {
        let seen = row.seen.as_deref().unwrap_or("-");
        let cells = [&row.name, row.state(), &row.value, seen, &row.by()].map(safe::one_line);
        let _ = writeln!(out, "{}", cells.join("\t"));
    }
    out
}

/// What an acceptance changed.
pub fn accepted(baseline: &Baseline, before: Option<&str>) -> String {
    let (name, value) = (safe::one_line(&baseline.name), safe::one_line(&baseline.value));
    match before {
        Some(before) if before != baseline.value => {
            format!("{name} is now {value}\n  before it was {}\n", safe::one_line(before))
        }
        _ => format!("{name} is {value}, as before\n"),
    }
}
