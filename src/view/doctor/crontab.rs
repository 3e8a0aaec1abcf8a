//! Crontabs as cron reads them, and why it does not read what people meant (`crontab(5)`, Debian's cron).

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Finding;
use super::facts::{File, Starts, Tab, TabKind};
use super::schedule::TOPIC;
use crate::text::safe;

/// Where cron looks for programs when a crontab says nothing.
const DEFAULT_PATH: &str = "/usr/bin:/bin";

/// A line that is meant to start cycles.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line<'a> {
    /// Counted from 1.
    number: usize,
    /// The five fields of the time, or one word such as `@reboot`.
    time: Vec<&'a str>,
    /// The user that the line names, where lines of this crontab do.
    user: Option<&'a str>,
    /// What is run.
    command: &'a str,
    /// `PATH` as far as it was set above.
    path: &'a str,
    /// `MAILTO` as far as it was set above.
    mailto: Option<&'a str>,
}

impl Line<'_> {
    /// Whether it goes on until the minute ends.
    pub fn repeats(&self) -> bool {
        self.command.split_whitespace().any(|word| word == "--repeat" || word.starts_with("--every"))
    }
}

/// The lines of `tab` that are meant to start cycles, whatever is wrong with them.
pub fn lines(tab: &Tab) -> Vec<Line<'_>> {
    let (mut path, mut mailto) = (DEFAULT_PATH, None);
    let mut found = Vec::new();
    for (at, line) in tab.text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some((name, value)) = setting(line) {
            match name {
                "PATH" => path = value,
                "MAILTO" => mailto = Some(value),
                _ => {}
            }
            continue;
        }
        if is_check(line) {
            let parts = parse(line, !is_personal(tab));
            found.extend(parts.map(|(time, user, command)| Line { number: at + 1, time, user, command, path, mailto }));
        }
    }
    found
}

fn is_personal(tab: &Tab) -> bool {
    matches!(tab.kind, TabKind::Personal(_))
}

/// `NAME = value`, quotes taken away.
fn setting(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let name = name.trim();
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name.then(|| (name, value.trim().trim_matches(['"', '\''])))
}

/// Whether the line has our name and our word for a cycle; `db check` and `rules check` are none.
fn is_check(line: &str) -> bool {
    let mut words = line.split_whitespace();
    words.any(|word| word.rsplit('/').next() == Some("sippar-mon")) && has_command(words, "check")
}

/// Whether these words after the program's name are the command `name`, and not a part of another one that has its name.
pub fn has_command<'a>(words: impl Iterator<Item = &'a str>, name: &str) -> bool {
    let mut before = "";
    for word in words {
        if word == name {
            return !matches!(before, "db" | "rules");
        }
        before = word;
    }
    false
}

/// The parts of a line; none where there are too few.
fn parse(line: &str, names_user: bool) -> Option<(Vec<&str>, Option<&str>, &str)> {
    let mut rest = line;
    let mut time = Vec::new();
    let fields = if line.starts_with('@') { 1 } else { 5 };
    for _ in 0..fields {
        let (field, after) = rest.split_once(char::is_whitespace)?;
        time.push(field);
        rest = after.trim_start();
    }
    if !names_user {
        return Some((time, None, rest));
    }
    let (user, command) = rest.split_once(char::is_whitespace)?;
    Some((time, Some(user), command.trim_start()))
}

/// Whether cron reads the file at all.
pub fn is_read(tab: &Tab, starts: &Starts) -> bool {
    let File { path, uid, mode, .. } = &tab.file;
    let is_roots = *uid == starts.root && mode & 0o022 == 0;
    (tab.kind != TabKind::Folder || is_legal(path)) && (is_personal(tab) || is_roots)
}

/// Whether cron takes a file of this name in its folder.
fn is_legal(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

/// What keeps cron from reading the file, or a part of it.
pub fn file_faults(tab: &Tab, starts: &Starts) -> Vec<Finding> {
    let File { path, owner, uid, mode, .. } = &tab.file;
    let shown = path.display();
    let mut found = Vec::new();
    let mut problem = |what: String, fix: String| found.push(Finding::problem(TOPIC, what).fix(fix));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if tab.kind == TabKind::Folder && !is_legal(path) {
        let legal: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect();
        let target = path.with_file_name(legal);
        let what = format!("{shown}: cron ignores a file whose name has more than letters, digits, _ and -");
        problem(what, format!("mv {shown} {}", target.display()));
    }
    if !is_personal(tab) && *uid != starts.root {
        problem(
            format!("{shown} belongs to {owner}: cron ignores what is not root's"),
            format!("chown root:root {shown}"),
        );
    }
    if !is_personal(tab) && mode & 0o022 != 0 {
        let what = format!("{shown} can be changed by others (mode {mode:04o}): cron ignores it");
        problem(what, format!("chmod 644 {shown}"));
    }
    if !tab.text.is_empty() && !tab.text.ends_with('\n') {
        let what = format!("{shown} has no newline at its end: cron ignores the last line, or the file");
        problem(what, format!("echo >> {shown}"));
    }
    if tab.text.contains('\r') {
        let what = format!("{shown} has the line ends of Windows, which become part of each command");
        problem(what, format!("sed -i 's/\\r$//' {shown}"));
    }
    found
}

/// What is wrong with a line: it is not run, or runs something else.
pub fn line_faults(tab: &Tab, line: &Line<'_>, starts: &Starts, interval: Option<Duration>) -> Vec<Finding> {
    let place = format!("{}:{}", tab.file.path.display(), line.number);
    let edit = match &tab.kind {
        TabKind::Personal(user) => format!("crontab -u {user} -e"),
        TabKind::System | TabKind::Folder => format!("edit {}", tab.file.path.display()),
    };
    let mut found = Vec::new();
    let fields = user_field(&place, line, starts).map(|what| Finding::problem(TOPIC, what));
    let is_readable = fields.is_none();
    found.extend(fields.map(|finding| finding.fix(format!("{edit}: {}", wanted(tab, starts)))));
    if has_bare_percent(line.command) {
        let what = format!("{place}: cron ends the command at the first % and feeds it the rest");
        found.push(Finding::problem(TOPIC, what).fix(format!("{edit}: write each % as \\%")));
    }
    if is_readable && let Some(what) = missing(&place, line, starts) {
        let path = word(if is_personal(tab) { &starts.own } else { installed(starts) });
        found.push(Finding::problem(TOPIC, what).fix(format!("{edit}: name the program with its path, {path}")));
    }
    if !is_each_minute(&line.time) {
        let what = format!("{place}: `{}` is not each minute", line.time.join(" "));
        found.push(Finding::problem(TOPIC, what).fix(format!("{edit}: {}", wanted(tab, starts))));
    }
    if let Some(interval) = interval.filter(|interval| *interval < Duration::from_mins(1) && !line.repeats()) {
        let what = format!("{place}: one cycle a minute, and the interval is {} s", interval.as_secs());
        found.push(Finding::problem(TOPIC, what).fix(format!("{edit}: check --repeat")));
    }
    if line.mailto == Some("") || line.command.contains("/dev/null") {
        let what = format!("{place}: what it says is thrown away, and that is how the monitor tells its own trouble");
        found.push(
            Finding::warning(TOPIC, what).fix(format!("{edit}: no > /dev/null, and MAILTO= somebody who reads it")),
        );
    }
    found
}

fn wanted(tab: &Tab, starts: &Starts) -> String {
    if is_personal(tab) {
        personal_line(starts)
    } else {
        format!("* * * * * sippar-mon {} check --repeat", word(installed(starts)))
    }
}

/// The line for a user's own crontab, by our path: cron looks for programs in [`DEFAULT_PATH`] alone.
pub fn personal_line(starts: &Starts) -> String {
    format!("* * * * * {} check --repeat", word(&starts.own))
}

/// The program for a user of the system: one in somebody's home is not that user's to run.
fn installed(starts: &Starts) -> &Path {
    let folders = ["/usr/local/bin", "/usr/bin"].map(Path::new);
    let is_installed = |program: &&PathBuf| program.parent().is_some_and(|folder| folders.contains(&folder));
    starts.programs.iter().find(is_installed).unwrap_or(&starts.own)
}

/// A path as one word of a command in a crontab, where a % ends it.
fn word(path: &Path) -> String {
    let shown = safe::one_line(&path.display().to_string());
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | '@' | ':');
    if shown.chars().all(is_plain) {
        return shown;
    }
    format!("'{}'", shown.replace('\'', r"'\''").replace('%', r"\%"))
}

/// A line copied from one kind of crontab to the other has a user too many or too few.
fn user_field(place: &str, line: &Line<'_>, starts: &Starts) -> Option<String> {
    let first = line.command.split_whitespace().next().unwrap_or_default();
    let is_program = |word: &str| word.rsplit('/').next() == Some("sippar-mon");
    match line.user {
        None if !is_program(first) && starts.users.contains(first) => {
            Some(format!("{place}: a user's own crontab names no user, so cron runs a program `{first}`"))
        }
        None if is_program(first) && line.command.split_whitespace().nth(1).is_some_and(is_program) => {
            Some(format!("{place}: a user's own crontab names no user, so sippar-mon is given its own name"))
        }
        Some(user) if user.contains('/') || (is_program(user) && first == "check") => {
            Some(format!("{place}: the field of the user is missing, so cron takes `{user}` for it"))
        }
        Some(user) if !starts.users.contains(user) => Some(format!("{place}: there is no user {user} on this machine")),
        _ => None,
    }
}

fn has_bare_percent(command: &str) -> bool {
    let mut before = ' ';
    command.chars().any(|c| {
        let is_bare = c == '%' && before != '\\';
        before = c;
        is_bare
    })
}

/// Why the program would not be found.
fn missing(place: &str, line: &Line<'_>, starts: &Starts) -> Option<String> {
    let word = line.command.split_whitespace().find(|word| word.rsplit('/').next() == Some("sippar-mon"))?;
    if word.starts_with('/') {
        return (!starts.programs.contains(Path::new(word))).then(|| format!("{place}: there is no program {word}"));
    }
    let found = line.path.split(':').map(|folder| PathBuf::from(folder).join("sippar-mon"));
    let is_found = found.into_iter().any(|program| starts.programs.contains(&program));
    (!is_found).then(|| format!("{place}: cron finds no program sippar-mon in {}", line.path))
}

fn is_each_minute(time: &[&str]) -> bool {
    time.len() == 5 && matches!(time[0], "*" | "*/1" | "0-59") && time[1..].iter().all(|field| *field == "*")
}
