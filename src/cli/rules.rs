//! The words of `rules …`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Later;

/// `rules …`
#[derive(Subcommand, Debug)]
pub enum Rules {
    /// Find every fault and every doubtful place in the configuration and its rules
    Check(RulesCheck),
    /// Run the tests of rules (not built yet)
    Test(Later),
    /// Explain why a rule does or does not fire (not built yet)
    Explain(Later),
    /// The rule in effect, as TOML to paste
    Show(RulesShow),
    /// The rules in effect, or the metrics they can use (not built yet)
    List(Later),
    /// Write the rules for another system (not built yet)
    Export(Later),
    /// Try rules on the stored past (not built yet)
    Backtest(Later),
}

impl Rules {
    /// Its words on the command line.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Check(_) => "rules check",
            Self::Test(_) => "rules test",
            Self::Explain(_) => "rules explain",
            Self::Show(_) => "rules show",
            Self::List(_) => "rules list",
            Self::Export(_) => "rules export",
            Self::Backtest(_) => "rules backtest",
        }
    }
}

/// `rules check`
#[derive(Args, Debug)]
pub struct RulesCheck {
    /// Rule files to check in the place of the configuration's own rules
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Warnings count as errors
    #[arg(long)]
    pub strict: bool,
    /// Evaluate every rule on the database too: what selects nothing, joins nothing or has no answer
    #[arg(long)]
    pub data: bool,
}

/// `rules show`
#[derive(Args, Debug)]
pub struct RulesShow {
    /// The rule's name
    pub name: String,
}
