//! `respond`.

use clap::Args;

/// `respond`
#[derive(Args, Debug)]
pub struct Respond {
    /// The response's name in the configuration
    pub name: String,
    /// Run it for this alert: the program is told what the alert says now
    #[arg(long, value_name = "NUMBER")]
    pub alert: Option<u64>,
    /// Start nothing; show the arguments, the environment and what it would read
    #[arg(long)]
    pub dry_run: bool,
    /// Start it without a question
    #[arg(long)]
    pub yes: bool,
    /// Who runs it; by default whoever called sudo, else the user
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}
