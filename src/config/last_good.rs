//! The last configuration that worked, kept beside the database: a broken edit must not blind a system that is watched.
//!
//! It is a JSON file with the texts as they were, mode 0600 because they may hold literal secrets.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Texts;
use crate::model::fault::SourceText;
use crate::model::trouble::{Kind, Trouble};
use crate::store;

#[derive(Serialize, Deserialize)]
struct Kept {
    main: Option<(PathBuf, String)>,
    rules: Vec<(PathBuf, String)>,
}

/// Where the copy for a database is.
pub fn path(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(".last-good-config");
    path.into()
}

/// Keeps `texts`, unless they are what is kept already.
pub fn keep(database: &Path, texts: &Texts) -> Result<(), Trouble> {
    let of = |source: &SourceText| (source.path.clone(), source.text.clone());
    let kept = Kept { main: texts.main.as_deref().map(of), rules: texts.rules.iter().map(|text| of(text)).collect() };
    let json = serde_json::to_string(&kept).map_err(|error| Trouble::new(Kind::Bug, error.to_string()))?;
    let target = path(database);
    if std::fs::read_to_string(&target).is_ok_and(|have| have == json) {
        return Ok(());
    }
    store::replace_private(&target, json.as_bytes())
}

/// The texts that worked last, if any were kept and can be read.
pub fn recall(database: &Path) -> Option<Texts> {
    let kept: Kept = serde_json::from_str(&std::fs::read_to_string(path(database)).ok()?).ok()?;
    let text = |(path, text): (PathBuf, String)| std::sync::Arc::new(SourceText { path, text });
    Some(Texts { main: kept.main.map(text), rules: kept.rules.into_iter().map(text).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::sync::Arc;

    #[test]
    fn what_was_kept_is_recalled_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("state.db");
        assert!(recall(&database).is_none());
        let source = |name: &str, text: &str| Arc::new(SourceText { path: name.into(), text: text.to_owned() });
        let texts = Texts { main: Some(source("/c.toml", "a = 1")), rules: vec![source("/r.toml", "")] };
        keep(&database, &texts).unwrap();
        let again = recall(&database).unwrap();
        assert_eq!(again.main, texts.main);
        assert_eq!(again.rules, texts.rules);
        let mode = std::fs::metadata(path(&database)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
