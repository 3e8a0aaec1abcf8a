//! CSV: which columns hold what, and the sample of a row.

use std::collections::HashMap;

use super::times::{self, Times};
use super::{Found, Settings, Table};
use crate::model::labels::{Labels, SeriesKey};
use crate::model::trouble::{Kind, Trouble};
use crate::text::exposition::{self, MAX_VALUE};
use crate::text::nearest::nearest;
use crate::text::safe;

/// What may stand between two cells.
const SEPARATORS: [char; 3] = [',', ';', '\t'];
/// Most columns.
const MOST_COLUMNS: usize = 1000;
/// Names of columns that hold times, in any case; the first column does where none is called so.
const TIME_NAMES: [&str; 6] = ["time", "timestamp", "_time", "datetime", "date", "ts"];
/// Names of columns that hold values.
const VALUE_NAMES: [&str; 2] = ["value", "_value"];

/// Where to find what. A column is the name in the header or its number, from 1.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Columns {
    /// The times; `None` to find out.
    pub time: Option<String>,
    /// The values; `None` to find out.
    pub value: Option<String>,
    /// What tells one series from another.
    pub labels: Vec<LabelColumn>,
}

/// A column that holds the value of a label.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LabelColumn {
    /// The label.
    pub label: String,
    /// The column.
    pub column: String,
}

/// How the rows of a file are read.
pub(super) struct Csv {
    cells: Cells,
    metric: String,
    labels: Labels,
    width: usize,
    time: usize,
    value: usize,
    label_columns: Vec<(String, usize)>,
    /// The series of the cells that hold labels, each followed by a line end, which no cell can hold.
    known: HashMap<String, usize>,
}

impl Csv {
    /// Reads what the first row says, and whether that is all it says because it is a header.
    pub(super) fn begin(first: &str, settings: &Settings) -> Result<(Self, bool), Trouble> {
        let metric = settings.metric.clone().ok_or_else(|| {
            Trouble::new(Kind::Usage, "is CSV, which does not say what was measured").help("name it: --metric NAME")
        })?;
        let mut cells = Cells::new(separator(first));
        let broken = |why| Trouble::new(Kind::Data, format!("cannot be read from its first row on: {why}"));
        cells.split(first).map_err(broken)?;
        let names: Vec<&str> = cells.all().map(str::trim).collect();
        let is_header = !names.iter().any(|cell| times::is_time(cell) || exposition::number(cell).is_some());
        let choice = Choice { names: &names, is_header };
        let columns = &settings.columns;
        let time = match &columns.time {
            Some(wanted) => choice.named(wanted)?,
            None => choice.called(&TIME_NAMES).unwrap_or(0),
        };
        let label_columns = columns
            .labels
            .iter()
            .map(|LabelColumn { label, column }| Ok((label.clone(), choice.named(column)?)))
            .collect::<Result<Vec<_>, Trouble>>()?;
        let value = match &columns.value {
            Some(wanted) => choice.named(wanted)?,
            None => choice.value(&metric, time, &label_columns)?,
        };
        let (width, labels) = (names.len(), settings.labels.clone());
        let known = HashMap::new();
        Ok((Self { cells, metric, labels, width, time, value, label_columns, known }, is_header))
    }

    /// The sample of a row.
    pub(super) fn sample(&mut self, text: &str, times: &mut Times, table: &mut Table) -> Result<Found, String> {
        self.cells.split(text)?;
        let width = self.cells.count;
        if width != self.width {
            return Err(format!("{} where the first row has {}", cells(width), self.width));
        }
        let at = times.read(self.cells.get(self.time))?;
        let value = self.cells.get(self.value).trim();
        if value.is_empty() {
            return Ok(Found::NoValue);
        }
        let number = exposition::number(value).ok_or_else(|| {
            format!("`{}` is not a number like 0.5, 1e-3, NaN or -Inf", safe::clip(&safe::one_line(value), 60))
        })?;
        Ok(Found::Sample(self.series(table)?, at, number))
    }

    /// The series of the row that was split last.
    fn series(&mut self, table: &mut Table) -> Result<usize, String> {
        let mut cells = String::new();
        for (_, column) in &self.label_columns {
            cells.push_str(self.cells.get(*column).trim());
            cells.push('\n');
        }
        if let Some(series) = self.known.get(&cells) {
            return Ok(*series);
        }
        let pairs = self.label_columns.iter().map(|(label, _)| label.as_str()).zip(cells.lines());
        if pairs.clone().any(|(_, value)| value.len() > MAX_VALUE) {
            return Err(format!("the value of a label is longer than {MAX_VALUE} bytes"));
        }
        let labels = Labels::new(pairs).overridden(&self.labels);
        let series = table.place(SeriesKey::new(self.metric.as_str(), labels))?;
        self.known.insert(cells, series);
        Ok(series)
    }
}

fn cells(count: usize) -> String {
    format!("{count} {}", if count == 1 { "cell" } else { "cells" })
}

/// What most likely stands between the cells of the first row.
fn separator(first: &str) -> char {
    let count = |separator: &char| first.chars().filter(|c| c == separator).count();
    // of several the last one is taken, which among absent ones is the comma
    SEPARATORS.into_iter().rev().max_by_key(count).unwrap_or(',')
}

/// Choosing columns from the first row.
struct Choice<'a> {
    names: &'a [&'a str],
    is_header: bool,
}

impl Choice<'_> {
    /// The column that a person named, or counted.
    fn named(&self, wanted: &str) -> Result<usize, Trouble> {
        if let Some(at) = self.names.iter().position(|name| self.is_header && *name == wanted) {
            return Ok(at);
        }
        let counted = wanted.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        if let Some(at) = counted.filter(|at| *at < self.names.len()) {
            return Ok(at);
        }
        let what = format!("has no column `{}`", safe::one_line(wanted));
        let help = match nearest(wanted, self.names.iter().copied()) {
            _ if !self.is_header => format!("it has no header; count the column, from 1 to {}", self.names.len()),
            Some(near) => format!("did you mean `{}`?", safe::one_line(near)),
            None => format!("the columns are: {}", self.listed()),
        };
        Err(Trouble::new(Kind::Usage, what).help(help))
    }

    /// The column with one of these names.
    fn called(&self, names: &[&str]) -> Option<usize> {
        let place = |wanted: &&str| self.names.iter().position(|name| name.eq_ignore_ascii_case(wanted));
        names.iter().find_map(place).filter(|_| self.is_header)
    }

    /// The column of the values: one that is called so or like the metric, or the only one left.
    fn value(&self, metric: &str, time: usize, labels: &[(String, usize)]) -> Result<usize, Trouble> {
        let is_left = |at: &usize| *at != time && labels.iter().all(|(_, label)| label != at);
        let named = [VALUE_NAMES.as_slice(), &[metric]].concat();
        if let Some(at) = self.called(&named).filter(is_left) {
            return Ok(at);
        }
        let mut left = (0..self.names.len()).filter(is_left);
        match (left.next(), left.next()) {
            (Some(only), None) => Ok(only),
            (None, _) => Err(Trouble::new(Kind::Data, "has no column for the values")
                .help("a row is a time and a value, with a comma, a semicolon or a tab between them")),
            (Some(_), Some(_)) => Err(Trouble::new(Kind::Usage, format!("has the columns {}", self.listed())).help(
                "say which holds the value: --value-column NAME, and which tell series apart: --label-column NAME",
            )),
        }
    }

    fn listed(&self) -> String {
        let counted = || (1..=self.names.len()).map(|number| number.to_string()).collect::<Vec<_>>().join(", ");
        safe::answer(&if self.is_header { self.names.join(", ") } else { counted() })
    }
}

/// The cells of one row at a time.
struct Cells {
    reader: csv_core::Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
    count: usize,
}

impl Cells {
    fn new(separator: char) -> Self {
        let delimiter = u8::try_from(separator).unwrap_or(b',');
        let reader = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        Self { reader, text: Vec::new(), ends: vec![0; MOST_COLUMNS], count: 0 }
    }

    /// Splits a line into cells.
    fn split(&mut self, line: &str) -> Result<(), String> {
        use csv_core::ReadRecordResult as End;
        self.reader.reset();
        self.text.resize(line.len() + 1, 0);
        let (end, _, written, count) = self.reader.read_record(line.as_bytes(), &mut self.text, &mut self.ends);
        self.count = count;
        let rest = (self.text.get_mut(written..), self.ends.get_mut(count..));
        let end = match (end, rest) {
            (End::InputEmpty, (Some(text), Some(ends))) => {
                let (end, _, _, more) = self.reader.read_record(b"\n", text, ends);
                self.count += more;
                end
            }
            (end, _) => end,
        };
        match end {
            End::Record => Ok(()),
            End::OutputEndsFull => Err(format!("more than {MOST_COLUMNS} cells")),
            _ => Err("a quote is opened and not closed".to_owned()),
        }
    }

    /// A cell; empty where there is none.
    fn get(&self, at: usize) -> &str {
        if at >= self.count {
            return "";
        }
        let end = |at: usize| self.ends.get(at).copied().unwrap_or_default();
        let start = at.checked_sub(1).map_or(0, end);
        // cut at separators and quotes, which are ASCII, so what was text stays text
        self.text.get(start..end(at)).and_then(|bytes| str::from_utf8(bytes).ok()).unwrap_or_default()
    }

    fn all(&self) -> impl Iterator<Item = &str> {
        (0..self.count).map(|at| self.get(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_cut_into_cells() {
        for (line, wanted) in [
            ("a,b", "a|b"),
            ("a", "a"),
            (",", "|"),
            ("\"a,\"\"b\"\"\",ü,", "a,\"b\"|ü|"),
            ("a \"b\" c,d", "a \"b\" c|d"),
            ("\"a,b", "a quote is opened and not closed"),
        ] {
            let mut cells = Cells::new(',');
            for _ in 0..2 {
                let shown = cells.split(line).map(|()| cells.all().collect::<Vec<_>>().join("|"));
                assert_eq!(shown.unwrap_or_else(|why| why), wanted, "{line}");
            }
        }
        let wide = |count: usize| Cells::new(',').split(&",".repeat(count - 1));
        assert_eq!((wide(1000), wide(1001)), (Ok(()), Err("more than 1000 cells".to_owned())));
    }

    #[test]
    fn the_most_frequent_separator_separates() {
        for (line, wanted) in [("a;b", ';'), ("a\tb,c\td", '\t'), ("a,b;c,d", ','), ("a", ',')] {
            assert_eq!(separator(line), wanted, "{line}");
        }
    }
}
