//! `runbook`: what to do about an alert.

use serde::Serialize;

use super::{Context, Ended, print_json};
use crate::cli;
use crate::model::trouble::{Kind, Trouble};
use crate::output::terminal;
use crate::rules::runbook;
use crate::text::nearest::nearest;
use crate::text::safe;

/// `runbook --json`.
#[derive(Serialize)]
struct Section {
    name: &'static str,
    markdown: &'static str,
}

/// Prints the section about a rule, or without a name the names there are. Needs neither a configuration nor a network.
pub fn run(context: &Context, args: &cli::Runbook) -> Ended {
    let wanted = match &args.name {
        None => runbook::names().filter_map(section).collect(),
        Some(name) => vec![section(name).ok_or_else(|| unknown(name))?],
    };
    if context.global.json {
        print_json(&wanted)?;
    } else if args.name.is_none() {
        let names: Vec<String> = wanted.iter().map(|section| format!("{}\n", section.name)).collect();
        terminal::print(&names.concat())?;
    } else {
        let texts: Vec<String> = wanted.iter().map(|section| format!("{}\n", section.markdown)).collect();
        terminal::print(&context.terminal.fit(&texts.concat()))?;
    }
    Ok(0)
}

fn section(name: &str) -> Option<Section> {
    let known = runbook::names().find(|known| known.eq_ignore_ascii_case(name))?;
    Some(Section { name: known, markdown: runbook::section(known)? })
}

fn unknown(name: &str) -> Trouble {
    let what = format!("there is no runbook for {}", safe::one_line(name));
    let help = match nearest(name, runbook::names()) {
        Some(near) => format!("did you mean {near}?"),
        None => {
            "`sippar-mon runbook` lists those of the shipped rules; of your own, see `sippar-mon rules show`".to_owned()
        }
    };
    Trouble::new(Kind::Usage, what).help(help)
}
