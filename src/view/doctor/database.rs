//! The database: whose it is, how large, whether it is whole, and the disk it lies on.

use super::Finding;
use super::config::access;
use super::facts::{Cycles, Database, Facts, File, Look};
use crate::model::metric::Unit;
use crate::text::units;

const TOPIC: &str = "database";

/// Of what it may take, the part from which on people should know.
const NEARLY_FULL: f64 = 0.98;

/// Bytes of free disk below which nothing can be written soon, and those where people should act.
const NO_ROOM: u64 = 20 << 20;
const LITTLE_ROOM: u64 = 500 << 20;

/// The database.
pub fn check(facts: &Facts) -> Vec<Finding> {
    let Some(database) = &facts.database else { return Vec::new() };
    let mut found = Vec::new();
    let path = database.path.display();
    match (&database.trouble, &database.file) {
        (Some(trouble), _) => {
            let finding = Finding::problem(TOPIC, &trouble.what);
            found.push(match &trouble.help {
                Some(help) => finding.fix(help),
                None => finding,
            });
        }
        (None, None) => {
            let what = format!("{path} ({}) is not there: nothing has been checked yet", database.origin);
            found.push(Finding::problem(TOPIC, what).fix("sippar-mon check"));
        }
        (None, Some(_)) => {}
    }
    if let Some(look) = &database.look {
        found.extend(whole(facts, database, look));
    }
    found.extend(database.file.iter().flat_map(|file| owners(database, file, facts.config.root)));
    if let Some(look) = database.look.as_ref().filter(|look| look.findings.is_empty()) {
        found.extend(backup(facts, database, look));
    }
    found
}

fn whole(facts: &Facts, database: &Database, look: &Look) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    let size = units::value(look.bytes as f64, Unit::Bytes);
    let max = facts.config.works.as_ref().map(|works| works.max_bytes);
    let of_max = max.map(|max| format!(" of {}", units::value(max as f64, Unit::Bytes))).unwrap_or_default();
    let mode = database.file.as_ref().map(|file| format!("; mode {}", access(file))).unwrap_or_default();
    let path = database.path.display();
    for finding in &look.findings {
        let what = format!("{path}: {finding}");
        found.push(Finding::problem(TOPIC, what).fix("sippar-mon db restore FILE (a backup; this file is kept)"));
    }
    if look.findings.is_empty() {
        let cycles = facts.cycles.as_ref().map(kept).unwrap_or_default();
        let what = format!("{path}: {size}{of_max}, whole, format {}{cycles}{mode}", look.format);
        found.push(Finding::fine(TOPIC, what));
    }
    if look.format < look.newest_format {
        let what = format!(
            "format {} is that of an older version; the next check brings it to {}",
            look.format, look.newest_format
        );
        found.push(Finding::note(TOPIC, what).fix("sippar-mon check"));
    }
    if max.is_some_and(|max| look.bytes as f64 > max as f64 * NEARLY_FULL) {
        let what = format!("it takes {size}{of_max}: the oldest samples go before their time");
        found.push(Finding::note(TOPIC, what).fix("a larger [store] max_size in the configuration"));
    }
    found
}

fn kept(cycles: &Cycles) -> String {
    let oldest = cycles.oldest.map(|oldest| format!(", oldest sample {}", oldest.minute())).unwrap_or_default();
    format!(", {}{oldest}", units::counted(usize::try_from(cycles.ever).unwrap_or(usize::MAX), "cycle"))
}

/// Whose all files of the database are to be: the folder's owner's, for root makes them so. In a folder that several may
/// write to it is whoever made the database, unless that was root by hand.
fn keeper<'a>(folder: &'a File, file: &'a File, root: u32) -> &'a File {
    let is_shared = folder.mode & 0o022 != 0;
    if is_shared && file.uid != root { file } else { folder }
}

/// A file of another owner locks cron's user out; one that others can read tells them what is wrong here.
fn owners(database: &Database, file: &File, root: u32) -> Vec<Finding> {
    let mut found = Vec::new();
    if let Some(folder) = &database.folder {
        let keeper = keeper(folder, file, root);
        let theirs: Vec<&File> = database.strangers.iter().filter(|stranger| stranger.uid != keeper.uid).collect();
        if let Some(first) = theirs.first() {
            let more = theirs.len() - 1;
            let others = if more == 0 { String::new() } else { format!(" and {more} more") };
            let what = format!(
                "{}{others} belongs to {}, the {} to {}: whoever runs the checks cannot write it",
                first.path.display(),
                first.owner,
                if keeper == folder { "folder" } else { "database" },
                keeper.owner
            );
            let fix = format!("chown {}:{} {}*", keeper.owner, keeper.group, database.path.display());
            found.push(Finding::problem(TOPIC, what).fix(fix));
        }
    }
    if file.mode & 0o077 != 0 {
        let what = format!("{} can be used by others (mode {})", file.path.display(), access(file));
        found.push(Finding::warning(TOPIC, what).fix(format!("chmod 600 {}", file.path.display())));
    }
    found
}

fn backup(facts: &Facts, database: &Database, look: &Look) -> Option<Finding> {
    // an empty one has nothing to lose
    facts.cycles.as_ref()?.last?;
    let _ = look;
    Some(match &database.backup {
        Some((at, path)) => {
            let ago = units::duration(facts.now.since(*at));
            Finding::fine(TOPIC, format!("last backup {ago} ago: {}", path.display()))
        }
        None => Finding::note(TOPIC, "no backup of it is known").fix("sippar-mon db backup FILE"),
    })
}

/// The disk that the database lies on.
pub fn disk(facts: &Facts) -> Vec<Finding> {
    let Some((free, all)) = facts.database.as_ref().and_then(|database| database.disk) else { return Vec::new() };
    let size = |bytes: u64| units::value(bytes as f64, Unit::Bytes);
    let what = format!("{} free of {} where the database lies", size(free), size(all));
    let fix = "find what takes the room: du -xh / | sort -h | tail";
    vec![if free < NO_ROOM {
        Finding::problem("disk", what).fix(fix)
    } else if free < LITTLE_ROOM {
        Finding::warning("disk", what).fix(fix)
    } else {
        Finding::fine("disk", what)
    }]
}
