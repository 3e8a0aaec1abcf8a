//! `alert export`: a past alert as a test of its rule.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use serde::Serialize;

use crate::cli;
use crate::cmd::{Context, Ended, print_json};
use crate::model::alert::Transition;
use crate::model::time::Time;
use crate::model::trouble::{Kind, Trouble};
use crate::output::terminal;
use crate::replay::export;
use crate::store::Store;
use crate::store::open::Mode;
use crate::text::safe;

/// `alert export --json`.
#[derive(Serialize)]
struct Document<'a> {
    alert: u64,
    toml: &'a str,
    /// How the test differs from what happened; null where it does not.
    remark: Option<&'a str>,
}

/// Prints or writes the test.
pub fn run(context: &Context, args: &cli::Export) -> Ended {
    let config = context.config_in_use()?;
    let mut store = Store::open(&config.database.0, Mode::Read, context.clock.now())?;
    let moment = store.snapshot()?;
    let Some((id, alert)) = moment.alert_by_number(args.number)? else {
        let what = format!("there is no alert {}", args.number);
        return Err(Trouble::new(Kind::Usage, what).help("`sippar-mon alert list --all` lists them").into());
    };
    let Some(rule) = config.rules.iter().find(|rule| rule.name == alert.key.rule) else {
        let what = format!("the rule {} is no longer configured", safe::one_line(&alert.key.rule));
        return Err(Trouble::new(Kind::Data, what).help("a test needs the rule that it is about").into());
    };
    let course: Vec<(Time, Transition)> =
        moment.transitions(id)?.into_iter().map(|row| (row.tick, row.transition)).collect();
    let exported = export::export(&moment, rule, &alert, &course, config.interval)?;
    let remark = exported.remark.as_deref();
    if let Some(remark) = remark.filter(|_| context.global.quiet == 0 && !context.global.json) {
        terminal::say(&safe::one_line(&format!("the test is not quite what happened: {remark}")));
    }
    if let Some(file) = &args.output {
        write(file, &exported.text)?;
    } else if context.global.json {
        print_json(&Document { alert: args.number, toml: &exported.text, remark })?;
    } else {
        terminal::print(&exported.text)?;
    }
    Ok(0)
}

/// Writes a file that is not there yet.
fn write(file: &Path, text: &str) -> Result<(), Trouble> {
    let place = safe::one_line(&file.display().to_string());
    let created = OpenOptions::new().write(true).create_new(true).open(file);
    let written = created.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        let trouble = Trouble::new(Kind::CannotCreate, format!("cannot write {place}: {error}"));
        match error.kind() {
            ErrorKind::AlreadyExists => trouble.help("leave -o out and add what is printed to it: >> FILE"),
            _ => trouble,
        }
    })
}
