//! The words of `baseline …`.

use clap::{Args, Subcommand};

/// `baseline …`
#[derive(Subcommand, Debug)]
pub enum Baseline {
    /// What is taken to be right, who accepted it and why, and what is seen now
    List,
    /// Take what is seen now to be right; until then an alert on the change stays
    Accept(Accept),
}

/// `baseline accept`
#[derive(Args, Debug)]
pub struct Accept {
    /// Which one, as `baseline list` names it
    pub name: String,
    /// Why, in a few words
    #[arg(short, long, value_name = "TEXT")]
    pub message: String,
    /// Who says so; by default whoever called sudo, else the user
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}
