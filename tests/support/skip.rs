//! Tests that cannot be run everywhere say so where people look.

use std::io::Write;
use std::thread;

/// Says why a test is not run here. What a test that passes prints is thrown away, this is not: nobody shall believe that
/// it passed.
pub fn skipped(why: &str) {
    let name = thread::current().name().unwrap_or("a test").to_owned();
    let _ = writeln!(std::io::stderr(), "SKIPPED {name}: {why}");
}

/// Whether this is root; where it is not, says `what` only root can do.
pub fn root_or_skipped(what: &str) -> bool {
    let root = is_root();
    if !root {
        skipped(&format!("only root can {what}"));
    }
    root
}

/// Whether this is root.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
