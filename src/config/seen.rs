//! What a cycle that nobody watches sees of the world, kept beside the database: cron's environment is nearly empty, and
//! what works in a shell need not work there. Names of variables are kept, never their values, but for three that say
//! where things are looked for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Config;
use crate::model::trouble::{Kind, Trouble};
use crate::notify::Channel;
use crate::store;
use crate::world::{Env, program};

/// How variables begin that this program reads.
const OURS: [&str; 5] = ["SLACK_", "SMTP_", "ALERT_", "TWILIO_", "SIPPAR_MON_"];

/// What a process sees.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug, Default)]
#[serde(default)]
pub struct Surroundings {
    /// Who runs it: a name or a number.
    pub user: String,
    /// `PATH`.
    pub path: Option<String>,
    /// `HOME`.
    pub home: Option<String>,
    /// `TZ`.
    pub zone: Option<String>,
    /// The configuration file.
    pub config: Option<String>,
    /// The program's own file.
    pub program: String,
    /// Its version.
    pub version: String,
    /// Names of variables that are set and mean something here.
    pub variables: BTreeSet<String>,
    /// Names of channels.
    pub channels: BTreeSet<String>,
}

impl Surroundings {
    /// What this process sees with this configuration.
    pub fn of(env: &Env, config: &Config) -> Self {
        let value = |name: &str| env.get(name).map(str::to_owned);
        let text = config.texts.main.as_ref().map_or("", |main| main.text.as_str());
        let means = |name: &&str| OURS.iter().any(|ours| name.starts_with(ours)) || is_named(text, name);
        let user = ["USER", "LOGNAME"].into_iter().find_map(value);
        let config_file = config.path.as_ref().map(|(path, _)| path);
        Self {
            user: user.unwrap_or_else(|| format!("uid {}", rustix::process::geteuid().as_raw())),
            path: value("PATH"),
            home: value("HOME"),
            zone: value("TZ"),
            config: config_file
                .map(|path| std::path::absolute(path).unwrap_or_else(|_| path.clone()).display().to_string()),
            program: program().map(|path| path.display().to_string()).unwrap_or_default(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            variables: env.names().filter(means).map(str::to_owned).collect(),
            channels: config.channels.iter().map(Channel::name).map(str::to_owned).collect(),
        }
    }
}

/// Whether a value of the configuration is that variable.
fn is_named(text: &str, name: &str) -> bool {
    text.contains(&format!("\"env:{name}\""))
}

/// Keeps what a cycle saw, unless it is what is kept already.
pub fn keep(database: &Path, seen: &Surroundings) -> Result<(), Trouble> {
    let json = serde_json::to_string(seen).map_err(|error| Trouble::new(Kind::Bug, error.to_string()))?;
    let target = path(database);
    if std::fs::read_to_string(&target).is_ok_and(|have| have == json) {
        return Ok(());
    }
    store::replace_private(&target, json.as_bytes())
}

/// What the last cycle saw that nobody watched, if that is known.
pub fn recall(database: &Path) -> Option<Surroundings> {
    serde_json::from_str(&std::fs::read_to_string(path(database)).ok()?).ok()
}

fn path(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(".surroundings");
    path.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Flags, load};

    #[test]
    fn names_are_kept_and_values_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.toml");
        std::fs::write(&file, "[channels.chat.slack]\nwebhook_url = \"env:CHAT\"\n").unwrap();
        let database = folder.path().join("state.db");
        let env = Env::from([
            ("HOME", folder.path().to_str().unwrap()),
            ("CHAT", "https://hooks.slack.com/services/T0/B0/canary"),
            ("SMTP_PASS", "canary"),
            ("EDITOR", "vi"),
        ]);
        let flags = Flags { config: Some(file.clone()), database: Some(database.clone()), ..Flags::default() };
        let config = load(&flags, &env).ok().unwrap();
        let seen = Surroundings::of(&env, &config);
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!((&seen.variables, &seen.channels), (&names(&["CHAT", "SMTP_PASS"]), &names(&["chat"])));
        assert_eq!(recall(&database), None);
        keep(&database, &seen).unwrap();
        assert_eq!(recall(&database), Some(seen));
        assert!(!std::fs::read_to_string(path(&database)).unwrap().contains("canary"));
    }
}
