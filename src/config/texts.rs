//! The files of a configuration, read once: what is judged and shown later is what was read then.

use std::io::{Error, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::model::fault::{Fault, Located, Place, SourceText};

/// The files of a configuration as they were read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Texts {
    /// `config.toml`, where there is one.
    pub main: Option<Arc<SourceText>>,
    /// `rules.d/*.toml`, in order of their names.
    pub rules: Vec<Arc<SourceText>>,
}

impl Texts {
    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Arc<SourceText>> {
        self.main.iter().chain(&self.rules)
    }
}

/// Reads the file and the rules beside it, or those of `instead`; what cannot be read is a fault.
pub fn read(path: Option<&Path>, instead: &[PathBuf]) -> (Texts, Vec<Located>) {
    let mut faults: Vec<Located> = Vec::new();
    let mut kept = |result: Result<Arc<SourceText>, Fault>| {
        result.map_err(|fault| faults.push(Located { source: None, fault })).ok()
    };
    let main = path.and_then(|path| kept(read_one(path)));
    let files = if instead.is_empty() { path.map_or_else(|| Ok(Vec::new()), beside) } else { Ok(instead.to_vec()) };
    let rules = match files {
        Ok(files) => files.iter().filter_map(|file| kept(read_one(file))).collect(),
        // whoever may not read the file is told so once
        Err(fault) => {
            if faults.is_empty() {
                faults.push(Located { source: None, fault });
            }
            Vec::new()
        }
    };
    (Texts { main, rules }, faults)
}

/// The rule files beside the configuration at `path`, in order of their names.
fn beside(path: &Path) -> Result<Vec<PathBuf>, Fault> {
    let folder = path.parent().unwrap_or(Path::new(".")).join("rules.d");
    let mut files = list(&folder).map_err(|error| failed(&folder, &error))?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    Ok(files)
}

/// The files of a folder; none where there is no such folder.
fn list(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    match std::fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
    }
}

/// What was not read because of the file system. A configuration with secrets is for the monitor's own user, and people on
/// call are somebody else.
fn failed(path: &Path, error: &Error) -> Fault {
    let fault = Fault::error(format!("cannot read {}: {error}", path.display()), Place::Nowhere);
    if error.kind() == ErrorKind::PermissionDenied {
        fault.help("try sudo, or run as the user of the monitor: sudo -u sippar-mon sippar-mon …")
    } else {
        fault
    }
}

fn read_one(path: &Path) -> Result<Arc<SourceText>, Fault> {
    const MOST_BYTES: u64 = 4 << 20;
    let fault = |why: String| Fault::error(format!("cannot read {}: {why}", path.display()), Place::Nowhere);
    let meta = std::fs::metadata(path).map_err(|error| failed(path, &error))?;
    if !meta.is_file() {
        return Err(fault("it is not a file".to_owned()).help("name a TOML file with --config"));
    }
    if meta.len() > MOST_BYTES {
        return Err(fault(format!("it is larger than {} MiB", MOST_BYTES >> 20)));
    }
    if meta.permissions().mode() & 0o002 != 0 {
        let help = format!("run: chmod o-w {}", path.display());
        return Err(fault("everybody can write to it, and it names programs to run".to_owned()).help(help));
    }
    let bytes = std::fs::read(path).map_err(|error| failed(path, &error))?;
    let text = String::from_utf8(bytes)
        .map_err(|error| fault(format!("byte {} is not UTF-8", error.utf8_error().valid_up_to())))?;
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    Ok(Arc::new(SourceText { path: path.to_owned(), text }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_may_not_read_it_is_told_how_to() {
        let path = Path::new("/etc/sippar-mon/config.toml");
        let denied = failed(path, &ErrorKind::PermissionDenied.into());
        assert_eq!(denied.what, "cannot read /etc/sippar-mon/config.toml: permission denied");
        let help = "try sudo, or run as the user of the monitor: sudo -u sippar-mon sippar-mon …";
        assert_eq!(denied.help.as_deref(), Some(help));
        assert_eq!(failed(path, &ErrorKind::NotFound.into()).help, None);
    }
}
