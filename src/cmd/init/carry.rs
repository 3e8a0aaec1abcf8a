//! Variables of this environment that the schedule needs: what of them goes into its file, and what people must be told.

use std::fmt::Write as _;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::text::safe;
use crate::world::Env;

/// The file that cron, the timer and people read.
pub const FILE: &str = "/etc/sippar-mon/env";

/// Where a sign of life goes.
const HEARTBEAT: &str = "HEARTBEAT_URL";

/// Variables that make channels or are a secret of one, and the one of the heartbeat; each may also be a file's name, in
/// `NAME_FILE`.
const VARIABLES: [&str; 12] = [
    "SLACK_WEBHOOK_URL",
    "SLACK_CHANNEL",
    "SMTP_HOST",
    "SMTP_PORT",
    "SMTP_USER",
    "SMTP_PASS",
    "ALERT_EMAIL_RECIPIENTS",
    "TWILIO_ACCOUNT_SID",
    "TWILIO_AUTH_TOKEN",
    "TWILIO_PHONE_NUMBER",
    "ALERT_PHONE_NUMBERS",
    HEARTBEAT,
];

const HEAD: &str = "\
# Secrets of sippar-mon, as NAME=value; cron, the timer and people read them from here. NAME_FILE names a file with the
# secret in it. Nobody but root and the group sippar-mon may read this file.
";

/// Something that is not as the caller may think, and the way out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Remark {
    /// What.
    pub what: String,
    /// What to do.
    pub fix: String,
}

/// What is carried over.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Carried {
    /// The file.
    pub text: String,
    /// What is not carried, and why.
    pub remarks: Vec<Remark>,
}

/// The system that is installed, as far as it matters here.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// Its root folder.
    pub root: &'a Path,
    /// Number and group of the user who runs the checks, where there is one already.
    pub user: Option<(u32, u32)>,
}

impl Carried {
    /// The file for a system that has none.
    pub fn fresh(env: &Env, target: &Target<'_>) -> Self {
        let mut carried = Self { text: HEAD.to_owned(), remarks: Vec::new() };
        for name in VARIABLES {
            let line = match given(env, name) {
                None => format!("#{name}="),
                Some((name, value)) => match obstacle(&name, value, target) {
                    None => format!("{name}={value}"),
                    Some((line, remark)) => {
                        carried.remarks.push(remark);
                        line
                    }
                },
            };
            let _ = writeln!(carried.text, "{line}");
        }
        carried
    }

    /// A file that was there, and is kept: what is given here and not in it.
    pub fn kept(text: String, env: &Env) -> Self {
        let lacking = VARIABLES.into_iter().filter(|name| !sets(&text, name));
        let remark = |(name, _): (String, &str)| Remark {
            what: format!("{name} is not carried over: {FILE} was there and does not set it"),
            fix: format!("write it there: {name}=…"),
        };
        let remarks = lacking.filter_map(|name| given(env, name)).map(remark).collect();
        Self { text, remarks }
    }

    /// Whether the schedule will know where its sign of life goes.
    pub fn has_heartbeat(&self) -> bool {
        sets(&self.text, HEARTBEAT)
    }
}

/// The variable as it is given: by itself, else by the name of a file.
fn given<'a>(env: &'a Env, name: &str) -> Option<(String, &'a str)> {
    let by_file = format!("{name}_FILE");
    match env.get(name) {
        Some(value) => Some((name.to_owned(), value)),
        None => env.get(&by_file).map(|value| (by_file.clone(), value)),
    }
}

/// Whether a file sets `name`, by itself or by a file.
fn sets(text: &str, name: &str) -> bool {
    text.lines().filter_map(|line| line.trim().trim_start_matches("export ").split_once('=')).any(|(key, value)| {
        let key = key.trim();
        (key == name || key.strip_suffix("_FILE") == Some(name)) && !value.trim().is_empty()
    })
}

/// Why a variable cannot be carried: the line in its place, and what people must be told.
fn obstacle(name: &str, value: &str, target: &Target<'_>) -> Option<(String, Remark)> {
    let shown = safe::one_line(value);
    let is_file = name.ends_with("_FILE");
    // read by this program and by systemd, who differ on these
    if value != value.trim() || value.contains(['\n', '\r', '\\', '"', '\'']) {
        let what = format!(
            "{name} is not carried over: with a quote, a backslash, a line break or a blank at its end it cannot stand in \
             {FILE}"
        );
        let fix = if is_file {
            "name the file otherwise".to_owned()
        } else {
            format!("write it into a file of its own, and its path there: {name}_FILE=/etc/sippar-mon/…")
        };
        return Some((format!("#{name}="), Remark { what, fix }));
    }
    if !is_file {
        return None;
    }
    let why = if !Path::new(value).is_absolute() {
        "it is no absolute path".to_owned()
    } else if !can_read(value, target) {
        format!("the user sippar-mon cannot read {shown}")
    } else {
        return None;
    };
    let what = format!("{name} is not carried over: {why}");
    let fix = format!("let sippar-mon read it, as by its group (chgrp sippar-mon, chmod 640), then set it in {FILE}");
    Some((format!("#{name}={value}"), Remark { what, fix }))
}

/// Whether the user of the checks may read a file and go through the folders on the way, as far as their modes say.
fn can_read(path: &str, target: &Target<'_>) -> bool {
    let may = |path: &Path, right: u32| {
        path.metadata().is_ok_and(|meta| {
            let shift = match target.user {
                Some((user, _)) if meta.uid() == user => 6,
                Some((_, group)) if meta.gid() == group => 3,
                _ => 0,
            };
            (meta.mode() >> shift) & right == right
        })
    };
    let file = target.root.join(path.trim_start_matches('/'));
    let mut folders = file.ancestors().skip(1).take_while(|folder| folder.starts_with(target.root));
    may(&file, 4) && folders.all(|folder| folder == target.root || may(folder, 1))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn nowhere() -> Target<'static> {
        Target { root: Path::new("/nonexistent"), user: None }
    }

    fn told(carried: &Carried) -> Vec<String> {
        carried.remarks.iter().map(|remark| format!("{} => {}", remark.what, remark.fix)).collect()
    }

    #[test]
    fn variables_that_are_here_are_carried_over() {
        let env = Env::from([
            ("SLACK_WEBHOOK_URL", "https://x/y"),
            ("SMTP_PASS", "two\nlines"),
            ("HOME", "/"),
            ("HEARTBEAT_URL", "https://hc/z"),
        ]);
        let carried = Carried::fresh(&env, &nowhere());
        let text = &carried.text;
        assert!(text.contains("\nSLACK_WEBHOOK_URL=https://x/y\n") && text.contains("\n#SMTP_PASS=\n"), "{text}");
        assert!(text.ends_with("\nHEARTBEAT_URL=https://hc/z\n") && carried.has_heartbeat(), "{text}");
        assert!(!text.contains("HOME"));
        assert_eq!(
            told(&carried),
            ["SMTP_PASS is not carried over: with a quote, a backslash, a line break or a blank at its end it cannot \
              stand in /etc/sippar-mon/env => write it into a file of its own, and its path there: \
              SMTP_PASS_FILE=/etc/sippar-mon/…"]
        );
    }

    #[test]
    fn the_name_of_a_file_stays_one_and_is_carried_where_the_checks_can_read_it() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("run/secrets")).unwrap();
        let file = root.path().join("run/secrets/slack");
        fs::write(&file, "https://x/y").unwrap();
        let env = Env::from([("SLACK_WEBHOOK_URL_FILE", "/run/secrets/slack"), ("SMTP_PASS_FILE", "pass")]);
        let user = fs::metadata(&file).unwrap();
        let carry = |mode: u32, user| {
            fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
            Carried::fresh(&env, &Target { root: root.path(), user })
        };
        let relative = "SMTP_PASS_FILE is not carried over: it is no absolute path => let sippar-mon read it, as by its \
                        group (chgrp sippar-mon, chmod 640), then set it in /etc/sippar-mon/env";
        let unreadable = "SLACK_WEBHOOK_URL_FILE is not carried over: the user sippar-mon cannot read \
                          /run/secrets/slack => let sippar-mon read it, as by its group (chgrp sippar-mon, chmod 640), \
                          then set it in /etc/sippar-mon/env";
        // by everybody, by its owner, by its group
        for (mode, user) in [(0o644, None), (0o600, Some((user.uid(), 1))), (0o640, Some((1, user.gid())))] {
            let carried = carry(mode, user);
            assert!(carried.text.contains("\nSLACK_WEBHOOK_URL_FILE=/run/secrets/slack\n"), "{}", carried.text);
            assert_eq!(told(&carried), [relative], "{mode:o}");
        }
        for (mode, user) in [(0o640, None), (0o600, Some((12345, user.gid())))] {
            let carried = carry(mode, user);
            assert!(carried.text.contains("\n#SLACK_WEBHOOK_URL_FILE=/run/secrets/slack\n"), "{}", carried.text);
            assert_eq!(told(&carried), [unreadable, relative], "{mode:o}");
        }
        fs::set_permissions(root.path().join("run"), Permissions::from_mode(0o700)).unwrap();
        assert_eq!(told(&carry(0o644, None)), [unreadable, relative], "its folder is closed");
    }

    #[test]
    fn of_a_file_that_is_kept_is_said_what_it_lacks() {
        let env = Env::from([
            ("SLACK_WEBHOOK_URL", "https://x/y"),
            ("SMTP_PASS_FILE", "/run/pass"),
            ("HEARTBEAT_URL", "https://hc/z"),
        ]);
        let text = "export SLACK_WEBHOOK_URL_FILE=/run/slack\n#SMTP_PASS=\nHEARTBEAT_URL=\n";
        let carried = Carried::kept(text.to_owned(), &env);
        assert_eq!(
            told(&carried),
            [
                "SMTP_PASS_FILE is not carried over: /etc/sippar-mon/env was there and does not set it => write it there: \
                 SMTP_PASS_FILE=…",
                "HEARTBEAT_URL is not carried over: /etc/sippar-mon/env was there and does not set it => write it there: \
                 HEARTBEAT_URL=…",
            ]
        );
        assert!(!carried.has_heartbeat());
    }
}
