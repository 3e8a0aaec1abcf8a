//! `report`: a time as one file that stands alone, for whoever writes down what happened.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use serde::Serialize;

use super::{Context, Ended, alert, print_json};
use crate::cli;
use crate::config::Config;
use crate::model::time::Time;
use crate::model::trouble::{Kind, Trouble};
use crate::output::terminal;
use crate::serve::page::{self, Report};
use crate::store::open::Mode;
use crate::store::{Reader, Store};
use crate::text::{safe, units};
use crate::view::page::Page;
use crate::view::page::alert::{AlertPage, around};
use crate::view::page::span::{Asked, Span};

/// More alerts than this have no part of their own.
const MOST: usize = 50;

/// `report --json`.
#[derive(Serialize)]
struct Written<'a> {
    file: &'a str,
    from: String,
    to: String,
    alerts: Vec<u64>,
}

/// Writes the report.
pub fn run(context: &Context, args: &cli::Report) -> Ended {
    let config = context.config_in_use()?;
    let now = context.clock.now();
    let mut store = Store::open(&config.database.0, Mode::Read, now)?;
    let report = {
        let moment = store.snapshot()?;
        let span = span(&moment, args, now)?;
        read(&moment, &config, args, span, now)?
    };
    let text = page::report(&report).into_string();
    let span = report.page.span;
    let numbers: Vec<u64> = report.alerts.iter().filter_map(|alert| alert.line.number).collect();
    if args.output == Path::new("-") {
        terminal::print(&text)?;
        return Ok(0);
    }
    write(&args.output, &text, args.force)?;
    let file = safe::one_line(&args.output.display().to_string());
    if context.global.json {
        let alerts = numbers;
        print_json(&Written { file: &file, from: span.from.rfc3339(), to: span.to.rfc3339(), alerts })?;
    } else if context.terminal.out && context.global.quiet == 0 {
        let alerts = units::counted(numbers.len(), "alert");
        terminal::print(&format!("{file}: {} to {}, {alerts}\n", span.from, span.to))?;
    }
    Ok(0)
}

/// The span that the report is about.
fn span(reader: &Reader, args: &cli::Report, now: Time) -> Result<Span, Trouble> {
    if let Some(number) = args.alert {
        let (_, found) = reader.alert_by_number(number)?.ok_or_else(|| alert::unknown(number))?;
        return Ok(around(found.since, found.ended.map(|(at, _)| at), now));
    }
    let asked = Asked { range: None, from: args.from.as_deref(), to: args.to.as_deref() };
    let span = Span::of(&asked, now, None).map_err(|why| Trouble::new(Kind::Usage, format!("--{why}")))?;
    // a report is about a time that is over, also where it ends now
    Ok(Span::between(span.from, span.to))
}

fn read(reader: &Reader, config: &Config, args: &cli::Report, span: Span, now: Time) -> Result<Report, Trouble> {
    let page = Page::read(reader, config, now, span)?;
    let mut alerts = Vec::new();
    for number in page.alerts.iter().filter_map(|line| line.number).take(MOST) {
        alerts.extend(AlertPage::read(reader, config, number, now)?);
    }
    Ok(Report { page, alerts, about: args.alert })
}

/// Writes the file; one that is there only where that is meant.
fn write(file: &Path, text: &str, force: bool) -> Result<(), Trouble> {
    let place = safe::one_line(&file.display().to_string());
    let mut options = OpenOptions::new();
    options.write(true).create_new(!force).create(force).truncate(force);
    let written = options.open(file).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        let trouble = Trouble::new(Kind::CannotCreate, format!("cannot write {place}: {error}"));
        match error.kind() {
            ErrorKind::AlreadyExists => trouble.help("--force replaces it"),
            _ => trouble,
        }
    })
}
