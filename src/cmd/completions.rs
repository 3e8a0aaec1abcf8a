//! `completions`: what a shell needs to complete commands and flags, out of the command line that clap knows.

use clap::CommandFactory;

use super::Ended;
use crate::cli::{Cli, Completions};
use crate::output::terminal;

/// For bash, `clap_complete` 4.6.11 writes the hyphen of a program's name in two ways, so that nothing below the first
/// word would be completed: this is the one of them that is wrong, and the other.
const HYPHEN: (&str, &str) = ("sippar__subcmd__mon", "sippar__mon");

/// Prints the completions. Needs neither a configuration nor a database.
pub fn run(args: &Completions) -> Ended {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "sippar-mon", &mut script);
    terminal::print(&String::from_utf8_lossy(&script).replace(HYPHEN.0, HYPHEN.1))?;
    Ok(0)
}
