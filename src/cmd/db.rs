//! `db …`: one recipe per subcommand.

mod import;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Context, Ended};
use crate::cli::{self, Db};
use crate::cycle::lock::{self, Lock, Name};
use crate::model::time::Time;
use crate::model::trouble::{Kind, Trouble};
use crate::output::database::{self, Document};
use crate::output::{restored, terminal};
use crate::store::backup::{self, Contents};
use crate::store::restore::{inspect, restore as put_back};
use crate::store::{self, examine, open};
use crate::text::safe;

/// Runs a command on the database.
pub fn run(context: &Context, command: &Db) -> Ended {
    match command {
        Db::Backup(args) => backup(context, args),
        Db::Check => check(context),
        Db::Import(args) => import::run(context, args),
        Db::Restore(args) => restore(context, args),
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

/// The backup made last, kept beside the database.
#[derive(Serialize, Deserialize)]
struct Made {
    at: Time,
    file: PathBuf,
}

/// The backup of the database at `path` made last, as far as is known.
pub fn last_backup(path: &Path) -> Option<(Time, PathBuf)> {
    let Made { at, file } = serde_json::from_slice(&std::fs::read(note(path)).ok()?).ok()?;
    Some((at, file))
}

fn note(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(".last-backup");
    path.into()
}

/// Copies the database to a file.
fn backup(context: &Context, args: &cli::DbBackup) -> Ended {
    let config = context.config_in_use()?;
    let Contents { bytes, format, tick } = backup::backup(&config.database.0, &args.file, args.force)?;
    let made =
        Made { at: context.clock.now(), file: std::path::absolute(&args.file).unwrap_or_else(|_| args.file.clone()) };
    // what cannot be kept is only not known to `doctor`
    let _ = serde_json::to_vec(&made).map(|json| store::replace_private(&note(&config.database.0), &json));
    let file = safe::one_line(&args.file.display().to_string());
    if context.global.json {
        super::print_json(&Backup { file, bytes, tick: tick.map(Time::rfc3339), format })?;
    } else if context.terminal.out || context.global.verbose > 0 {
        let size = database::size(bytes);
        let until = tick.map_or_else(|| "before the first cycle".to_owned(), |tick| format!("up to the tick {tick}"));
        terminal::print(&context.terminal.fit(&format!("backed up to {file}: {size}, {until}\n")))?;
    }
    Ok(0)
}

/// Looks at all of the database.
fn check(context: &Context) -> Ended {
    let config = context.config_in_use()?;
    let path = &config.database.0;
    let found = examine::examine(path)?;
    if context.global.json {
        super::print_json(&Document::new(path, &found))?;
    } else if context.terminal.out || context.global.verbose > 0 {
        terminal::print(&database::screen(path, &found, &context.terminal))?;
    } else {
        terminal::print(&context.terminal.fit(&database::lines(&found)))?;
    }
    Ok(u8::from(!found.findings.is_empty()))
}

/// Puts a backup in the place of the database.
fn restore(context: &Context, args: &cli::DbRestore) -> Ended {
    let config = context.config_in_use()?;
    let path = &config.database.0;
    let from = inspect(path, &args.file)?;
    if !args.yes && !agreed(path, &args.file, from.tick)? {
        return Err(Trouble::new(Kind::Usage, "nothing was changed").into());
    }
    open::make_folder(path)?;
    let locks = hold(path)?;
    let done = put_back(path, &args.file, from, context.clock.now())?;
    drop(locks);
    if context.global.json {
        super::print_json(&restored::Document::new(&args.file, &done))?;
    } else if context.global.quiet == 0 {
        // also without a terminal: what was dropped must not go unread
        terminal::print(&context.terminal.fit(&restored::text(&args.file, &done)))?;
    }
    Ok(0)
}

/// Whether the person at the terminal agrees.
fn agreed(path: &Path, file: &Path, tick: Option<Time>) -> Result<bool, Trouble> {
    let until = tick.map_or_else(String::new, |tick| format!(", which ends at {tick}"));
    let question = format!("Put {}{until}, in the place of {}?", file.display(), path.display());
    terminal::ask(&safe::one_line(&question)).ok_or_else(|| {
        Trouble::new(Kind::Usage, "`db restore` asks first, and there is no terminal to ask at")
            .help("--yes restores without a question")
    })
}

/// Keeps every other process from checking and sending.
fn hold(path: &Path) -> Result<Vec<Lock>, Trouble> {
    let take = |name| {
        lock::try_take(path, name)?.ok_or_else(|| {
            Trouble::new(Kind::Busy, "a check is running, or cron starts one each minute; nothing was changed").help(
                "take its line out of the crontab, try again when `pgrep -a sippar-mon` shows nothing, put the line back",
            )
        })
    };
    [Name::Schedule, Name::Cycle, Name::Deliver, Name::Respond].into_iter().map(take).collect()
}
