//! `db import`: somebody's series into a database for trials.

mod fill;
mod report;

#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::time::Duration;

use super::super::{Context, Ended};
use crate::cli::{DbImport, ImportFormat};
use crate::import::{self, Columns, Format, Import, LabelColumn, Settings};
use crate::model::labels::Labels;
use crate::model::trouble::{Kind, Trouble};
use crate::output::terminal;
use crate::store::Store;
use crate::store::open::Mode;
use crate::text::exposition::{is_label_name, is_metric_name};
use crate::text::{safe, units};

/// Reads the file whole, then stores what is in it.
pub fn run(context: &Context, args: &DbImport) -> Ended {
    let database = context.global.db.as_deref().ok_or_else(|| {
        Trouble::new(Kind::Usage, "an import goes to a database that is named")
            .help("name a new file, so that a monitor's own is left alone: --db trial.db")
    })?;
    let settings = settings(args)?;
    let now = context.clock.now();
    // a look first: opening to write would bring an older database to the present format
    if fs::metadata(database).is_ok_and(|file| file.len() > 0) {
        let store = Store::open(database, Mode::Read, now)?;
        fill::refuse_live(&store, database)?;
    }
    let name = if is_stdin(&args.file) { "standard input".into() } else { args.file.display().to_string() };
    let found = import::read(open(&args.file)?, &settings)
        .map_err(|trouble| Trouble { what: format!("{name} {}", trouble.what), ..trouble })?;
    examine(&found, &name, args)?;
    let mut store = Store::open(database, Mode::Write, now)?;
    fill::fill(&mut store, &found.series, database)?;
    if context.global.json {
        super::super::print_json(&report::document(&found))?;
    } else if context.global.quiet == 0 {
        terminal::print(&context.terminal.fit(&report::lines(&found)))?;
    }
    Ok(0)
}

fn is_stdin(file: &Path) -> bool {
    file == Path::new("-")
}

fn open(file: &Path) -> Result<Box<dyn BufRead>, Trouble> {
    if is_stdin(file) {
        return Ok(Box::new(io::stdin().lock()));
    }
    let opened = File::open(file).map_err(|error| {
        Trouble::new(Kind::Io, format!("cannot read {}: {error}", file.display()))
            .help("name a file of CSV or Prometheus text, or - for standard input")
    })?;
    Ok(Box::new(BufReader::with_capacity(1 << 16, opened)))
}

/// Tells every line that cannot be read. Whether enough can is the answer.
fn examine(found: &Import, name: &str, args: &DbImport) -> Result<(), Trouble> {
    for bad in &found.bad {
        terminal::say(&format!("{name}:{}: {}", bad.line, bad.why));
    }
    let more = found.bad_count - found.bad.len() as u64;
    if more > 0 {
        terminal::say(&format!("and {}", report::counted(more, "more line", "more lines")));
    }
    if found.bad_count > 0 && !args.skip_bad {
        let lines = report::counted(found.bad_count, "line", "lines");
        return Err(Trouble::new(Kind::Data, format!("{lines} of {name} cannot be read; nothing was stored"))
            .help("put them right, or leave them out: --skip-bad"));
    }
    if found.series.is_empty() {
        let of = match &args.metric {
            Some(metric) if !found.is_csv => format!(" of {}", safe::one_line(metric)),
            _ => String::new(),
        };
        return Err(Trouble::new(Kind::Data, format!("{name} has no sample{of}; nothing was stored")));
    }
    Ok(())
}

/// What the flags say, checked before anything is read.
fn settings(args: &DbImport) -> Result<Settings, Trouble> {
    let format = args.format.map(|format| match format {
        ImportFormat::Csv => Format::Csv,
        ImportFormat::Prometheus => Format::Prometheus,
        ImportFormat::Openmetrics => Format::OpenMetrics,
    });
    if let Some(metric) = args.metric.as_ref().filter(|metric| !is_metric_name(metric)) {
        return Err(wrong("--metric", metric, "the name of a metric: letters, digits, _ and :"));
    }
    let labels = args.label.iter().map(|text| label(text)).collect::<Result<Vec<_>, _>>()?;
    let label_columns = args.label_column.iter().map(|text| label_column(text)).collect::<Result<Vec<_>, _>>()?;
    let columns = Columns { time: args.time_column.clone(), value: args.value_column.clone(), labels: label_columns };
    let every = args.every.as_deref().map(every).transpose()?;
    Ok(Settings { format, metric: args.metric.clone(), labels: Labels::new(labels), columns, every })
}

fn wrong(flag: &str, text: &str, wanted: &str) -> Trouble {
    Trouble::new(Kind::Usage, format!("{flag}: `{}` is not {wanted}", safe::one_line(text)))
}

fn label(text: &str) -> Result<(&str, &str), Trouble> {
    text.split_once('=')
        .filter(|(name, _)| is_label_name(name))
        .ok_or_else(|| wrong("--label", text, "a label; write it like host=a"))
}

fn label_column(text: &str) -> Result<LabelColumn, Trouble> {
    let (label, column) = text.split_once('=').unwrap_or((text, text));
    if !is_label_name(label) {
        let wanted = "the name of a label; say which label the column holds, as in host=\"Host name\" or host=2";
        return Err(wrong("--label-column", label, wanted));
    }
    Ok(LabelColumn { label: label.to_owned(), column: column.to_owned() })
}

fn every(text: &str) -> Result<Duration, Trouble> {
    match units::parse_duration(text) {
        Ok(every) if every >= Duration::from_secs(1) => Ok(every),
        Ok(_) => Err(Trouble::new(Kind::Usage, format!("--every: `{text}` is shorter than a second"))),
        Err(why) => Err(Trouble::new(Kind::Usage, format!("--every: {why}"))),
    }
}
