//! Somebody's series as text, read into samples on ticks: CSV, and the text formats of Prometheus with timestamps.
//!
//! Text goes in line by line, so that a file is never in memory whole; its samples are, sixteen bytes each, because the
//! pace of a series is only known at its end, and because order in the file does not matter. Nothing is guessed
//! silently: [`Import`] says what was found, and a line that cannot be read is named with its number.

mod csv;
mod exposition;
mod lines;
mod pace;
mod times;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io::BufRead;
use std::time::Duration;

pub use csv::{Columns, LabelColumn};
pub use pace::Series;
pub use times::TimeForm;

use crate::model::labels::{Labels, SeriesKey};
use crate::model::time::Time;
use crate::model::trouble::{Kind, Trouble};
use crate::text::exposition::is_comment;
use csv::Csv;
use lines::Lines;
use times::Times;

/// Most samples of one import: about 320 MB of memory, or 38 years of one series at a minute.
const MOST_SAMPLES: usize = 20_000_000;
/// Most series of one import.
const MOST_SERIES: usize = 10_000;
/// Lines that cannot be read and are named; further ones are counted.
const MOST_NAMED: usize = 20;

/// What a file is written in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// Cells with a separator: a time, a value, and perhaps labels.
    Csv,
    /// The text format of Prometheus; times are milliseconds.
    Prometheus,
    /// `OpenMetrics`; times are seconds, and the last line is `# EOF`.
    OpenMetrics,
}

/// How to read a file.
#[derive(Clone, PartialEq, Debug)]
pub struct Settings {
    /// What it is written in; `None` to find out.
    pub format: Option<Format>,
    /// The metric: of CSV its name, of the other formats the one to pick.
    pub metric: Option<String>,
    /// Labels that every series gets; they win over those of the file.
    pub labels: Labels,
    /// Where in CSV to find what.
    pub columns: Columns,
    /// How often was measured; `None` to find out.
    pub every: Option<Duration>,
}

/// A line that cannot be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bad {
    /// Its number, from 1.
    pub line: u64,
    /// Why not.
    pub why: String,
}

/// What a file holds.
#[derive(Debug)]
pub struct Import {
    /// What it is written in, as far as told apart: [`Format::Csv`], or text with samples.
    pub is_csv: bool,
    /// How its times are written; `None` where there is none.
    pub times: Option<TimeForm>,
    /// Its series in order of metric and labels, each with at least one sample.
    pub series: Vec<Series>,
    /// The first lines that cannot be read.
    pub bad: Vec<Bad>,
    /// How many lines cannot be read.
    pub bad_count: u64,
    /// How many lines have a time and no value.
    pub empty: u64,
    /// How many samples gave way to a later one of their tick.
    pub replaced: u64,
}

/// Reads `input` to its end.
pub fn read(input: impl BufRead, settings: &Settings) -> Result<Import, Trouble> {
    let mut lines = Lines::new(input);
    let mut reading = Reading::new(settings);
    while let Some(line) = lines.next().map_err(|error| Trouble::new(Kind::Io, format!("cannot be read: {error}")))? {
        let number = line.number;
        match line.text {
            Ok(text) => reading.take(number, text)?,
            Err(why) => reading.refuse(number, why.to_owned()),
        }
    }
    reading.finish()
}

/// How lines are read, once the first one told.
enum Dialect {
    Csv(Box<Csv>),
    Text,
}

/// A file that is being read.
struct Reading<'a> {
    settings: &'a Settings,
    dialect: Option<Dialect>,
    times: Times,
    table: Table,
    /// Whether `# EOF` was read.
    is_over: bool,
    bad: Vec<Bad>,
    bad_count: u64,
    empty: u64,
}

impl<'a> Reading<'a> {
    fn new(settings: &'a Settings) -> Self {
        let times = Times::new(match settings.format {
            Some(Format::Prometheus) => Some(TimeForm::Millis),
            Some(Format::OpenMetrics) => Some(TimeForm::Seconds),
            Some(Format::Csv) | None => None,
        });
        let table = Table::default();
        Self { settings, dialect: None, times, table, is_over: false, bad: Vec::new(), bad_count: 0, empty: 0 }
    }

    /// Reads one line. What is wrong with the file as a whole is trouble; what is wrong with the line is noted.
    fn take(&mut self, number: u64, text: &str) -> Result<(), Trouble> {
        if is_comment(text) {
            self.is_over |= text.trim() == "# EOF";
            return Ok(());
        }
        let dialect = match &mut self.dialect {
            Some(dialect) => dialect,
            None => match Self::dialect(self.settings, text)? {
                (dialect, true) => {
                    self.dialect = Some(dialect);
                    return Ok(());
                }
                (dialect, false) => self.dialect.insert(dialect),
            },
        };
        let read = match dialect {
            Dialect::Csv(csv) => csv.sample(text, &mut self.times, &mut self.table),
            Dialect::Text if self.is_over => Err("text after # EOF".to_owned()),
            Dialect::Text => exposition::sample(text, self.settings, &mut self.times, &mut self.table),
        };
        match read {
            Ok(Found::Sample(series, at, value)) => self.table.push(series, at, value)?,
            Ok(Found::NoValue) => self.empty += 1,
            Ok(Found::NotWanted) => {}
            Err(why) => self.refuse(number, why),
        }
        Ok(())
    }

    /// What the first line with content says of the file, and whether it is a header and so has said all.
    fn dialect(settings: &Settings, text: &str) -> Result<(Dialect, bool), Trouble> {
        let is_text = match settings.format {
            Some(Format::Csv) => false,
            Some(_) => true,
            None => crate::text::exposition::line(text).is_ok(),
        };
        if is_text {
            return Ok((Dialect::Text, false));
        }
        let (csv, is_header) = Csv::begin(text, settings)?;
        Ok((Dialect::Csv(Box::new(csv)), is_header))
    }

    fn refuse(&mut self, line: u64, why: String) {
        self.bad_count += 1;
        if self.bad.len() < MOST_NAMED {
            self.bad.push(Bad { line, why });
        }
    }

    fn finish(self) -> Result<Import, Trouble> {
        if self.settings.format == Some(Format::OpenMetrics) && !self.is_over {
            return Err(Trouble::new(Kind::Data, "is cut off: the last line of OpenMetrics is `# EOF`")
                .help("fetch it again, or say --format prometheus if its times are milliseconds"));
        }
        let (series, replaced) = pace::on_ticks(self.table.series, self.settings.every);
        let is_csv = matches!(self.dialect, Some(Dialect::Csv(_)));
        let Self { times, bad, bad_count, empty, .. } = self;
        Ok(Import { is_csv, times: times.form(), series, bad, bad_count, empty, replaced })
    }
}

/// What a line holds.
enum Found {
    /// A sample of a series in the [`Table`].
    Sample(usize, Time, f64),
    /// A time without a value.
    NoValue,
    /// A sample of another metric.
    NotWanted,
}

/// The series of a file with their samples, in the order of the file.
#[derive(Default)]
struct Table {
    places: HashMap<SeriesKey, usize>,
    series: Vec<(SeriesKey, Vec<(Time, f64)>)>,
    samples: usize,
}

impl Table {
    /// The place of a series, which is made where there is none.
    fn place(&mut self, key: SeriesKey) -> Result<usize, String> {
        if let Some(place) = self.places.get(&key) {
            return Ok(*place);
        }
        let place = self.series.len();
        if place >= MOST_SERIES {
            return Err(format!("this would be a series more than {MOST_SERIES}"));
        }
        self.series.push((key.clone(), Vec::new()));
        self.places.insert(key, place);
        Ok(place)
    }

    fn push(&mut self, series: usize, at: Time, value: f64) -> Result<(), Trouble> {
        self.samples += 1;
        if self.samples > MOST_SAMPLES {
            let what = format!("has more than {MOST_SAMPLES} samples");
            return Err(Trouble::new(Kind::Data, what).help("split it, and import its parts one after the other"));
        }
        if let Some((_, points)) = self.series.get_mut(series) {
            points.push((at, value));
        }
        Ok(())
    }
}
