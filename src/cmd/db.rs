//! `db backup`, `db check`, `db restore`.

use serde::Serialize;

use super::{Context, Ended};
use crate::cli::{self, Command, Db};
use crate::model::metric::Unit;
use crate::model::time::Time;
use crate::output::terminal;
use crate::store::backup::{self, Contents};
use crate::text::{safe, units};

/// Runs a command on the database.
pub fn run(context: &Context, command: Db) -> Ended {
    match command {
        Db::Backup(args) => backup(context, &args),
        other => super::later(&Command::Db(other)),
    }
}

/// `db backup --json`.
#[derive(Serialize)]
struct Backup {
    file: String,
    bytes: u64,
    /// The tick of the newest cycle in it.
    tick: Option<String>,
    format: usize,
}

/// Copies the database to a file.
fn backup(context: &Context, args: &cli::DbBackup) -> Ended {
    let config = context.config()?;
    let Contents { bytes, format, tick } = backup::backup(&config.database.0, &args.file, args.force)?;
    let file = safe::one_line(&args.file.display().to_string());
    if context.global.json {
        super::print_json(&Backup { file, bytes, tick: tick.map(Time::rfc3339), format })?;
    } else if context.terminal.out || context.global.verbose > 0 {
        let size = units::value(bytes as f64, Unit::Bytes);
        let until = tick.map_or_else(|| "before the first cycle".to_owned(), |tick| format!("up to the tick {tick}"));
        terminal::print(&context.terminal.fit(&format!("backed up to {file}: {size}, {until}\n")))?;
    }
    Ok(0)
}
