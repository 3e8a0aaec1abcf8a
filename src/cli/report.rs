//! The words of `report`.

use std::path::PathBuf;

use clap::Args;

/// `report`
#[derive(Args, Debug)]
pub struct Report {
    /// The file to write; `-` for standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Replace FILE where it exists
    #[arg(long)]
    pub force: bool,
    /// The beginning: 2026-11-23T05:44:00Z, "2026-11-23 05:44", 05:44 or 20m, all in UTC; a day ago where it is left out
    #[arg(long, value_name = "TIME", conflicts_with = "alert")]
    pub from: Option<String>,
    /// The end; now where it is left out
    #[arg(long, value_name = "TIME", conflicts_with = "alert")]
    pub to: Option<String>,
    /// The time around this alert
    #[arg(long, value_name = "NUMBER")]
    pub alert: Option<u64>,
}
