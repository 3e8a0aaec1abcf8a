//! Which programs may be run: those that nobody else can change.

use std::collections::BTreeSet;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use toml::Spanned;

use crate::model::fault::{Fault, Place};
use crate::text::check::Check;

/// How many links are followed on the way to a program: as many as the kernel follows.
const MOST_LINKS: usize = 40;

/// What is wrong with a program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unfit {
    /// It may come back, or is only missing on the machine where the file is checked.
    Absent(String),
    /// Another user could put something else in its place; that user may run it.
    Foreign {
        /// Who, and what.
        why: String,
        /// What belongs to that user.
        path: PathBuf,
    },
    /// Nobody should run it like this.
    Unsafe(String),
}

impl Unfit {
    /// What is wrong, in one line.
    pub fn why(self) -> String {
        match self {
            Self::Absent(why) | Self::Foreign { why, .. } | Self::Unsafe(why) => why,
        }
    }
}

/// Whoever can change the program can act as the monitor: nobody but its owner may write to it, and not everybody to a
/// folder on the way to it (a group may: some distributions give `/usr/local/bin` to their staff). The program, those
/// folders and the links between them belong to root or to who runs it, so that root runs what is root's alone.
pub fn inspect(program: &Path) -> Result<(), Unfit> {
    inspect_as(program, rustix::process::geteuid().as_raw())
}

fn inspect_as(program: &Path, us: u32) -> Result<(), Unfit> {
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
    // who owns the root folder owns all below it; in a container that need not be number 0
    let root = Path::new("/").metadata().map_err(absent)?.uid();
    let mut foreign = None;
    for path in way(program, &real) {
        let metadata = path.symlink_metadata().map_err(absent)?;
        let mode = metadata.permissions().mode();
        // in a folder like /tmp (sticky) nobody can replace another's file
        if metadata.is_dir() && mode & 0o002 != 0 && mode & 0o1000 == 0 {
            let folder = path.display();
            return Err(Unfit::Unsafe(format!("{shown} can be replaced by anybody who can write to {folder}")));
        }
        let owner = metadata.uid();
        if ![0, root, us].contains(&owner) && foreign.is_none() {
            foreign = Some(is_foreign(program, path, owner, us));
        }
    }
    foreign.map_or(Ok(()), Err)
}

/// Every folder, file and link through which the system finds `program`: as it is written, and where links lead.
fn way(program: &Path, real: &Path) -> BTreeSet<PathBuf> {
    let mut ends = vec![real.to_owned()];
    let mut end = program.to_owned();
    while let Ok(next) = end.read_link()
        && ends.len() < MOST_LINKS
    {
        let next = end.parent().unwrap_or(Path::new("/")).join(next);
        ends.push(std::mem::replace(&mut end, next));
    }
    ends.push(end);
    let folders: Vec<PathBuf> = ends.iter().filter_map(|end| end.parent()?.canonicalize().ok()).collect();
    ends.iter().chain(&folders).flat_map(|end| end.ancestors()).map(Path::to_owned).collect()
}

fn is_foreign(program: &Path, path: PathBuf, owner: u32, us: u32) -> Unfit {
    let who = if us == 0 { "root".to_owned() } else { format!("user {us}") };
    let what = if path == program { String::new() } else { format!(" replace {} and so", program.display()) };
    let why = format!("{} belongs to user {owner}, who could{what} change what {who} runs", path.display());
    Unfit::Foreign { why, path }
}

/// The program and its arguments as they are written in a configuration, unless nobody should run them like this. One that
/// is only missing, or that another user may run, is a remark, for the rest must not fall with it; `until` says what it
/// means that it is missing.
pub fn command(key: &Spanned<Vec<String>>, until: &str, help: &str, check: &mut Check<'_>) -> Option<Vec<String>> {
    let place = Place::File(key.span());
    match key.get_ref().first().map(Path::new) {
        Some(program) if program.is_absolute() => match inspect(program) {
            Ok(()) => {}
            Err(Unfit::Absent(why)) => check.fault(Fault::warning(why, place).help(until)),
            Err(Unfit::Foreign { why, path }) => {
                check.fault(
                    Fault::warning(why, place).help(format!("chown root {}; until then it is not run", path.display())),
                );
            }
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{chown, symlink};

    use super::*;
    use crate::support::skip::root_or_skipped;

    /// Nobody's number on most systems.
    const STRANGER: u32 = 65534;

    fn owner() -> u32 {
        rustix::process::geteuid().as_raw()
    }

    /// A folder with `bin/tool`.
    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        let tool = bin.join("tool");
        std::fs::write(&tool, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).unwrap();
        (folder, tool)
    }

    fn why(program: &Path, us: u32) -> String {
        inspect_as(program, us).err().map(Unfit::why).unwrap_or_default()
    }

    #[test]
    fn its_owner_and_root_may_run_it_and_nobody_else() {
        let (_folder, tool) = folder();
        assert_eq!(inspect(&tool), Ok(()));
        assert_eq!(inspect_as(Path::new("/bin/sh"), STRANGER), Ok(()), "root's programs are everybody's");
        let us = owner();
        if us == 0 {
            assert_eq!(inspect_as(&tool, STRANGER), Ok(()), "what root made is root's");
        } else {
            let folder = tool.parent().and_then(Path::parent).unwrap().display().to_string();
            let shown = tool.display();
            assert_eq!(
                why(&tool, 0),
                format!("{folder} belongs to user {us}, who could replace {shown} and so change what root runs")
            );
        }
    }

    #[test]
    fn root_runs_nothing_that_another_user_could_change() {
        if !root_or_skipped("give files away") {
            return;
        }
        let (folder, tool) = folder();
        let shown = tool.display().to_string();
        let give = |path: &Path, user: u32| chown(path, Some(user), None).unwrap();
        let bin = tool.parent().unwrap();

        give(&tool, STRANGER);
        let changes = format!("{shown} belongs to user 65534, who could change what");
        assert_eq!(why(&tool, 0), format!("{changes} root runs"));
        assert_eq!(why(&tool, 1234), format!("{changes} user 1234 runs"));
        assert_eq!(why(&tool, STRANGER), "", "its owner may");
        give(&tool, 0);

        for path in [bin, folder.path()] {
            give(path, STRANGER);
            let replaces = format!("{} belongs to user 65534, who could replace {shown}", path.display());
            assert_eq!(why(&tool, 0), format!("{replaces} and so change what root runs"));
            give(path, 0);
        }
        assert_eq!(why(&tool, 0), "");
    }

    #[test]
    fn a_link_is_part_of_the_way() {
        if !root_or_skipped("give files away") {
            return;
        }
        let (folder, tool) = folder();
        let theirs = folder.path().join("theirs");
        std::fs::create_dir(&theirs).unwrap();
        let (first, second) = (folder.path().join("first"), theirs.join("second"));
        symlink(&tool, &second).unwrap();
        symlink(&second, &first).unwrap();
        assert_eq!(why(&first, 0), "");
        chown(&theirs, Some(STRANGER), None).unwrap();
        let replaces = format!("{} belongs to user 65534, who could replace {}", theirs.display(), first.display());
        assert_eq!(why(&first, 0), format!("{replaces} and so change what root runs"));
        std::fs::set_permissions(&theirs, std::fs::Permissions::from_mode(0o777)).unwrap();
        let anybody = format!("{} can be replaced by anybody who can write to {}", first.display(), theirs.display());
        assert_eq!(why(&first, 0), anybody);
        std::os::unix::fs::lchown(&first, Some(STRANGER), None).unwrap();
        chown(&theirs, Some(0), None).unwrap();
        std::fs::set_permissions(&theirs, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(
            why(&first, 0),
            format!("{} belongs to user 65534, who could change what root runs", first.display())
        );
    }
}
