//! `doctor`: what is wrong with this installation, and the way out.

mod gather;
mod machine;

use super::{Context, Ended, block_on, print_json};
use crate::cli;
use crate::output::doctor::{lines, screen};
use crate::output::terminal;
use crate::view::doctor::Report;

pub use machine::Machine;

/// Looks at everything; nothing that is broken keeps it from looking at the rest.
pub fn run(context: &Context, args: &cli::Doctor) -> Ended {
    let facts = block_on(gather::facts(context, &args.root))?;
    let report = Report::new(&facts);
    if context.global.json {
        print_json(&report)?;
    } else if context.terminal.out {
        terminal::print(&screen(&report, &context.terminal))?;
    } else {
        terminal::print(&context.terminal.fit(&lines(&report)))?;
    }
    Ok(u8::from(!report.sound))
}
