//! `completions`: what a shell needs to complete commands and flags, out of the command line that clap knows.

use clap::CommandFactory;

use super::Ended;
use crate::cli::{Cli, Completions};
use crate::output::terminal;

/// Prints the completions. Needs neither a configuration nor a database.
pub fn run(args: &Completions) -> Ended {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "sippar-mon", &mut script);
    terminal::print(&String::from_utf8_lossy(&script))?;
    Ok(0)
}
