//! Which programs may be run: those that nobody else can change.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use toml::Spanned;

use crate::model::fault::{Fault, Place};
use crate::text::check::Check;

/// What is wrong with a program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unfit {
    /// It may come back, or is only missing on the machine where the file is checked.
    Absent(String),
    /// Nobody should run it like this.
    Unsafe(String),
}

/// Whoever can change the program can act as the monitor: nobody but its owner may write to it, and not everybody to its
/// folder (a group may: some distributions give `/usr/local/bin` to their staff).
pub fn inspect(program: &Path) -> Result<(), Unfit> {
    let shown = program.display();
    let absent = |error: std::io::Error| Unfit::Absent(format!("{shown} cannot be run: {error}"));
    let real = program.canonicalize().map_err(absent)?;
    let metadata = real.metadata().map_err(absent)?;
    let mode = metadata.permissions().mode();
    if !metadata.is_file() || mode & 0o111 == 0 {
        return Err(Unfit::Absent(format!("{shown} is not an executable file")));
    }
    if mode & 0o022 != 0 {
        return Err(Unfit::Unsafe(format!("{shown} can be changed by others than its owner")));
    }
    let folder = real.parent().unwrap_or(Path::new("/"));
    let mode = folder.metadata().map_err(absent)?.permissions().mode();
    // in a folder like /tmp (sticky) nobody can replace another's file
    if mode & 0o002 != 0 && mode & 0o1000 == 0 {
        return Err(Unfit::Unsafe(format!("{shown} can be replaced by anybody who can write to its folder")));
    }
    Ok(())
}

/// The program and its arguments as they are written in a configuration, unless nobody should run them like this. One that
/// is only missing is a remark, for the rest must not fall with it; `until` says what that means.
pub fn command(key: &Spanned<Vec<String>>, until: &str, help: &str, check: &mut Check<'_>) -> Option<Vec<String>> {
    let place = Place::File(key.span());
    match key.get_ref().first().map(Path::new) {
        Some(program) if program.is_absolute() => match inspect(program) {
            Ok(()) => {}
            Err(Unfit::Absent(why)) => check.fault(Fault::warning(why, place).help(until)),
            Err(Unfit::Unsafe(why)) => {
                check.fault(Fault::error(why, place).help("take the right to write from others: chmod go-w"));
                return None;
            }
        },
        _ => {
            let what = "`command` does not begin with the absolute path of a program";
            check.fault(Fault::error(what, place).help(help));
            return None;
        }
    }
    Some(key.get_ref().clone())
}
