//! `reserves …`: the reserve log.

mod proof;
mod show;
mod verify;

use super::{Context, Ended};
use crate::cli;
use crate::config::Config;
use crate::model::trouble::{Kind, Trouble};

/// Runs the command.
pub fn run(context: &Context, args: &cli::Reserves) -> Ended {
    match args {
        cli::Reserves::Show(args) => show::run(context, args),
        cli::Reserves::Proof(args) => proof::run(context, args),
        cli::Reserves::Verify(args) => verify::run(context, args),
    }
}

/// There is no look yet.
fn nothing(config: &Config) -> Trouble {
    let is_watched = config.sources.iter().any(|source| source.reserves().is_some());
    let trouble = Trouble::new(Kind::Unavailable, "the reserve log is empty");
    trouble.help(if is_watched {
        "the next `sippar-mon check` writes to it"
    } else {
        "it is written where [sources.reserves] is configured"
    })
}
