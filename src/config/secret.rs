//! Secrets and environment files: `env:NAME`, `file:PATH`, or a literal.

use std::cell::Cell;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use crate::model::fault::{Fault, Place, SourceText};
use crate::model::secret::Secret;
use crate::text::check::Check;
use crate::world::Env;

/// A secret file is a line or a key, never more.
const MOST_BYTES: u64 = 64 * 1024;

/// Finds the values that settings refer to.
pub struct Secrets<'a> {
    env: &'a Env,
    /// A literal was used, so the file it stands in must be private.
    literal: Cell<bool>,
}

impl<'a> Secrets<'a> {
    /// Looks in `env`.
    pub fn new(env: &'a Env) -> Self {
        Self { env, literal: Cell::new(false) }
    }

    /// Whether a literal secret was met.
    pub fn met_literal(&self) -> bool {
        self.literal.get()
    }

    /// The secret that `text` names or is. The error names the variable or file, never a value.
    pub fn resolve(&self, text: &str) -> Result<Secret, String> {
        let value = if let Some(name) = text.strip_prefix("env:") {
            self.variable(name.trim())?.ok_or_else(|| {
                format!("the variable `{name}` is not set (nor `{name}_FILE`, nor a credential of that name)")
            })?
        } else if let Some(path) = text.strip_prefix("file:") {
            read(Path::new(path.trim()))?
        } else {
            self.literal.set(true);
            text.to_owned()
        };
        if value.trim().is_empty() {
            return Err(match text.split_once(':') {
                Some(("env" | "file", _)) => format!("`{text}` is empty"),
                _ => "this secret is empty".to_owned(),
            });
        }
        Ok(Secret::new(&value))
    }

    /// The value of a variable: its own, that of the file `NAME_FILE` names, or a systemd credential of that name.
    pub fn variable(&self, name: &str) -> Result<Option<String>, String> {
        if let Some(value) = self.env.get(name) {
            return Ok(Some(value.to_owned()));
        }
        if let Some(path) = self.env.get(&format!("{name}_FILE")) {
            return read(Path::new(path)).map(Some);
        }
        match self.env.get("CREDENTIALS_DIRECTORY").map(|folder| Path::new(folder).join(name)) {
            Some(path) if path.is_file() => read(&path).map(Some),
            _ => Ok(None),
        }
    }
}

fn read(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    file.take(MOST_BYTES)
        .read_to_string(&mut text)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    Ok(text)
}

/// Reads a file of `NAME=value` lines, as systemd's `EnvironmentFile`: comments, blank lines, `export `, quotes.
pub fn env_file(path: &Path) -> Result<Vec<(String, String)>, String> {
    let mode = std::fs::metadata(path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))?
        .permissions()
        .mode();
    if mode & 0o007 != 0 {
        return Err(format!(
            "{} may hold secrets and others can use it (mode {:04o}); run: chmod 640 {0}",
            path.display(),
            mode & 0o7777
        ));
    }
    let text = read(path)?;
    let mut pairs = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let wrong = || format!("{}:{}: this is not NAME=value", path.display(), at + 1);
        let (name, value) = line.split_once('=').ok_or_else(wrong)?;
        let name = name.trim();
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(wrong());
        }
        pairs.push((name.to_owned(), unquoted(value.trim()).to_owned()));
    }
    Ok(pairs)
}

fn unquoted(value: &str) -> &str {
    let within = |quote| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    within('"').or_else(|| within('\'')).unwrap_or(value)
}

/// A literal secret makes the whole file one.
pub fn refuse_public_literals(secrets: &Secrets<'_>, main: Option<&Arc<SourceText>>, check: &mut Check<'_>) {
    let Some(main) = main.filter(|_| secrets.met_literal()) else { return };
    let Ok(meta) = std::fs::metadata(&main.path) else { return };
    let mode = meta.permissions().mode() & 0o7777;
    if mode & 0o004 != 0 {
        check.source = None;
        let what =
            format!("{} holds a literal secret and everybody can read it (mode {mode:04o})", main.path.display());
        let help =
            format!("run: chmod 640 {}, or write the secret as \"env:NAME\" or \"file:PATH\"", main.path.display());
        check.fault(Fault::error(what, Place::Nowhere).help(help));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_followed_and_errors_name_them() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        std::fs::write(&file, "from-file\n").unwrap();
        std::fs::write(folder.path().join("CRED"), "from-credential").unwrap();
        let env = Env::from([
            ("PLAIN", "from-env"),
            ("OTHER_FILE", file.to_str().unwrap()),
            ("CREDENTIALS_DIRECTORY", folder.path().to_str().unwrap()),
        ]);
        let secrets = Secrets::new(&env);
        let value = |text: &str| secrets.resolve(text).map(|secret| secret.expose().to_owned());
        assert_eq!(value("env:PLAIN").unwrap(), "from-env");
        assert_eq!(value("env:OTHER").unwrap(), "from-file");
        assert_eq!(value("env:CRED").unwrap(), "from-credential");
        assert_eq!(value(&format!("file:{}", file.display())).unwrap(), "from-file");
        assert!(!secrets.met_literal());
        assert_eq!(value("literal").unwrap(), "literal");
        assert!(secrets.met_literal());
        assert_eq!(
            value("env:NOPE").unwrap_err(),
            "the variable `NOPE` is not set (nor `NOPE_FILE`, nor a credential of that name)"
        );
        assert!(value("file:/nowhere/key").unwrap_err().starts_with("cannot read /nowhere/key: "));
    }

    #[test]
    fn an_environment_file_is_private_and_its_faults_have_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("env");
        std::fs::write(&path, "# c\n\nexport A=1\nB=\"two words\"\nC='x'\n").unwrap();
        let mode = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        mode(0o644);
        assert!(env_file(&path).unwrap_err().contains("mode 0644"));
        mode(0o640);
        let pairs = env_file(&path).unwrap();
        assert_eq!(pairs, [("A", "1"), ("B", "two words"), ("C", "x")].map(|(a, b)| (a.to_owned(), b.to_owned())));
        std::fs::write(&path, "A=1\nnot a pair\n").unwrap();
        assert!(env_file(&path).unwrap_err().ends_with(":2: this is not NAME=value"));
    }
}
