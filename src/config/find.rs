//! Where the configuration and the database are.

use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::model::trouble::{Kind, Trouble};
use crate::world::Env;

/// The folder of a system-wide installation's state.
const SYSTEM_STATE: &str = "/var/lib/sippar-mon";

/// Where a path came from, for `-v`, `status --json` and error messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// A flag of the command line.
    Flag,
    /// An environment variable.
    Environment,
    /// The configuration file.
    File,
    /// The search order.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flag => "named by a flag",
            Self::Environment => "named by the environment",
            Self::File => "named by the configuration",
            Self::Default => "found in the usual place",
        })
    }
}

/// The configuration file to read: `None` where there is none, which is a working set-up.
pub fn config(flag: Option<&Path>, env: &Env) -> Option<(PathBuf, Origin)> {
    if let Some(path) = flag {
        return Some((path.to_owned(), Origin::Flag));
    }
    if let Some(path) = env.get("SIPPAR_MON_CONFIG") {
        return Some((PathBuf::from(path), Origin::Environment));
    }
    let here = PathBuf::from("./config.toml");
    let mine = |meta: Metadata| meta.uid() == 0 || meta.uid() == rustix::process::geteuid().as_raw();
    let candidates = [
        std::fs::metadata(&here).is_ok_and(mine).then_some(here),
        home_folder(env, "XDG_CONFIG_HOME", ".config").map(|folder| folder.join("sippar-mon/config.toml")),
        Some(PathBuf::from("/etc/sippar-mon/config.toml")),
    ];
    // a file that is there but cannot be read must be told, so only "not found" goes on to the next
    let is_there =
        |path: &PathBuf| !matches!(std::fs::metadata(path), Err(error) if error.kind() == std::io::ErrorKind::NotFound);
    candidates.into_iter().flatten().find(is_there).map(|path| (path, Origin::Default))
}

/// The database to use.
pub fn database(flag: Option<&Path>, env: &Env, file: Option<&str>) -> Result<(PathBuf, Origin), Trouble> {
    if let Some(path) = flag {
        return Ok((path.to_owned(), Origin::Flag));
    }
    if let Some(path) = env.get("SIPPAR_MON_DB") {
        return Ok((PathBuf::from(path), Origin::Environment));
    }
    if let Some(path) = file.filter(|path| !path.is_empty()) {
        return Ok((PathBuf::from(path), Origin::File));
    }
    if Path::new(SYSTEM_STATE).is_dir() {
        return Ok((Path::new(SYSTEM_STATE).join("state.db"), Origin::Default));
    }
    let folder = home_folder(env, "XDG_STATE_HOME", ".local/state").ok_or_else(|| {
        Trouble::new(Kind::Config, "there is no place for the database: neither HOME nor XDG_STATE_HOME is set")
            .help(format!("use --db FILE, set [store] path, or create {SYSTEM_STATE}"))
    })?;
    Ok((folder.join("sippar-mon/state.db"), Origin::Default))
}

/// A folder of the XDG base directory specification; a relative value is ignored, as it demands.
fn home_folder(env: &Env, variable: &str, below_home: &str) -> Option<PathBuf> {
    let absolute = |path: &&str| Path::new(path).is_absolute();
    let named = env.get(variable).filter(absolute).map(PathBuf::from);
    named.or_else(|| env.get("HOME").filter(absolute).map(|home| Path::new(home).join(below_home)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flag_beats_environment_beats_file_beats_default() {
        let env = Env::from([("SIPPAR_MON_DB", "/env.db"), ("HOME", "/home/x")]);
        let found = |flag: Option<&str>, env: &Env, file| database(flag.map(Path::new), env, file).unwrap();
        assert_eq!(found(Some("/flag.db"), &env, Some("/file.db")), ("/flag.db".into(), Origin::Flag));
        assert_eq!(found(None, &env, Some("/file.db")), ("/env.db".into(), Origin::Environment));
        let env = Env::from([("HOME", "/home/x")]);
        assert_eq!(found(None, &env, Some("/file.db")), ("/file.db".into(), Origin::File));
    }

    #[test]
    fn an_explicit_configuration_is_taken_whether_it_exists_or_not() {
        let found = config(Some(Path::new("/nowhere.toml")), &Env::default());
        assert_eq!(found, Some(("/nowhere.toml".into(), Origin::Flag)));
    }

    #[test]
    fn without_a_home_there_is_no_guess() {
        assert_eq!(home_folder(&Env::from([("HOME", "relative")]), "XDG_STATE_HOME", ".local/state"), None);
    }
}
