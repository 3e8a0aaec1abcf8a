//! The steps of an installation: each knows whether it is done, does itself, and says so in a line.

use std::fs::{self, Metadata, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::model::trouble::{Kind, Trouble};
use crate::net::run::{End, Program, run};

/// How long another program may take; a package manager may hold the file of users.
const LIMIT: Duration = Duration::from_mins(1);

/// What a step does.
pub enum Deed {
    /// A file or folder of this owner, group and mode; a file with this content where there is none.
    Place {
        /// Where.
        path: PathBuf,
        /// What is written where nothing is; a folder without.
        content: Option<Vec<u8>>,
        /// Whose it is: names.
        owner: (String, String),
        /// Its mode.
        mode: u32,
    },
    /// A program is run, unless its effect is there already.
    Run {
        /// It and its arguments.
        argv: Vec<String>,
        /// Whether what it does is done.
        is_done: bool,
        /// Exit codes that are none of failure.
        good: std::ops::RangeInclusive<i32>,
    },
    /// A file is taken away.
    Remove(PathBuf),
}

/// A step with its words.
pub struct Step {
    /// What there is when it is done.
    pub what: String,
    /// What is done.
    pub deed: Deed,
}

/// Users and groups of the system below a folder, by name.
pub struct Names {
    root: PathBuf,
}

impl Names {
    /// Of the system below `root`.
    pub fn of(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The number of a user or group: `file` is `passwd` or `group`.
    pub fn number(&self, file: &str, name: &str) -> Option<u32> {
        let text = fs::read_to_string(self.root.join("etc").join(file)).ok()?;
        let entry = |line: &str| {
            let mut fields = line.split(':');
            if fields.next()? == name { fields.nth(1)?.parse().ok() } else { None }
        };
        text.lines().find_map(entry)
    }
}

impl Step {
    /// Whether there is nothing to do.
    pub fn is_done(&self, names: &Names) -> bool {
        match &self.deed {
            Deed::Place { path, content, owner, mode } => {
                let ids = (names.number("passwd", &owner.0), names.number("group", &owner.1));
                path.metadata().is_ok_and(|meta| {
                    is_meant(&meta, content.is_some())
                        && meta.mode() & 0o7777 == *mode
                        && (Some(meta.uid()), Some(meta.gid())) == ids
                })
            }
            Deed::Run { is_done, .. } => *is_done,
            Deed::Remove(path) => !path.exists(),
        }
    }

    /// The command or change in words, for a dry run.
    pub fn how(&self) -> String {
        match &self.deed {
            Deed::Place { path, content, owner, mode } => {
                let verb = if content.is_some() { "write" } else { "make" };
                format!("{verb} {} ({mode:04o} {}:{})", path.display(), owner.0, owner.1)
            }
            Deed::Run { argv, .. } => argv.join(" "),
            Deed::Remove(path) => format!("rm {}", path.display()),
        }
    }

    /// Does it.
    pub async fn apply(&self, names: &Names) -> Result<(), Trouble> {
        match &self.deed {
            Deed::Place { path, content, owner, mode } => place(path, content.as_deref(), owner, *mode, names),
            Deed::Run { argv, good, .. } => command(argv, good).await,
            Deed::Remove(path) => fs::remove_file(path).map_err(|error| cannot("remove", path, &error)),
        }
    }
}

fn cannot(act: &str, path: &Path, error: &std::io::Error) -> Trouble {
    Trouble::new(Kind::CannotCreate, format!("cannot {act} {}: {error}", path.display()))
}

/// Whether that is what is to be there: a file, or a folder. A link may lead to it, but neither to a device nor elsewhere.
fn is_meant(meta: &Metadata, is_file: bool) -> bool {
    if is_file { meta.is_file() } else { meta.is_dir() }
}

fn place(
    path: &Path,
    content: Option<&[u8]>,
    owner: &(String, String),
    mode: u32,
    names: &Names,
) -> Result<(), Trouble> {
    let missing = |name: &str| Trouble::new(Kind::CannotCreate, format!("there is no user or group {name}"));
    let uid = names.number("passwd", &owner.0).ok_or_else(|| missing(&owner.0))?;
    let gid = names.number("group", &owner.1).ok_or_else(|| missing(&owner.1))?;
    if let Ok(meta) = path.metadata() {
        if !is_meant(&meta, content.is_some()) {
            let kind = if content.is_some() { "file" } else { "folder" };
            let what = format!("{} is there and is no {kind}", path.display());
            return Err(Trouble::new(Kind::CannotCreate, what).help(format!("look at it: ls -l {}", path.display())));
        }
    } else {
        let folder = if content.is_some() { path.parent().unwrap_or(path) } else { path };
        fs::create_dir_all(folder).map_err(|error| cannot("create", folder, &error))?;
        if let Some(content) = content {
            // nobody else sees it before it is whole and whose it is to be
            let fresh = path.with_extension(format!("{}.new", std::process::id()));
            crate::store::replace_private(&fresh, content)?;
            own(&fresh, uid, gid, mode)?;
            return fs::rename(&fresh, path).map_err(|error| cannot("create", path, &error));
        }
    }
    own(path, uid, gid, mode)
}

fn own(path: &Path, uid: u32, gid: u32, mode: u32) -> Result<(), Trouble> {
    chown(path, Some(uid), Some(gid)).map_err(|error| cannot("give away", path, &error))?;
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(|error| cannot("change the mode of", path, &error))
}

async fn command(argv: &[String], good: &std::ops::RangeInclusive<i32>) -> Result<(), Trouble> {
    let program = Program {
        argv: argv.to_vec(),
        env: [("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"), ("LC_ALL", "C")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        stdin: None,
        folder: None,
        limit: LIMIT,
        max_output: 16 * 1024,
    };
    let trouble = |what: String| Trouble::new(Kind::CannotCreate, format!("{}: {what}", argv.join(" ")));
    let ran = run(&program).await.map_err(trouble)?;
    match ran.end {
        End::Exited(code) if good.contains(&code) => Ok(()),
        End::Exited(code) => {
            let said = String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).trim().to_owned();
            Err(trouble(format!("it ended with {code}: {said}")))
        }
        End::Signalled(signal) => Err(trouble(format!("it was ended by signal {signal}"))),
        End::TimedOut => Err(trouble("it did not end within a minute".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_and_is_something_else_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir(root.join("etc")).unwrap();
        fs::write(root.join("etc/passwd"), "root:x:0:0::/root:/bin/sh\n").unwrap();
        fs::write(root.join("etc/group"), "root:x:0:\n").unwrap();
        let (names, owner) = (Names::of(root), ("root".to_owned(), "root".to_owned()));
        let trouble = |path: &Path, content| place(path, content, &owner, 0o600, &names).unwrap_err();
        // as a link to /dev/null is, by which systemd is forbidden to start a unit
        let other = root.join("unit.timer");
        std::os::unix::fs::symlink(root.join("etc"), &other).unwrap();
        let before = root.join("etc").metadata().unwrap().mode();
        assert_eq!(trouble(&other, Some(b"x".as_slice())).what, format!("{} is there and is no file", other.display()));
        assert_eq!(root.join("etc").metadata().unwrap().mode(), before);
        let file = root.join("etc/passwd");
        assert_eq!(trouble(&file, None).what, format!("{} is there and is no folder", file.display()));
    }
}
