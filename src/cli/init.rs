//! `init`: its words.

use std::path::PathBuf;

use clap::Args;

/// `init`
#[derive(Args, Debug)]
pub struct Init {
    /// Where to write it; default: --config, else /etc/sippar-mon/config.toml for root, ~/.config/sippar-mon/config.toml for
    /// others. A file that is there is never overwritten
    #[arg(value_name = "FILE", conflicts_with_all = ["print", "install"])]
    pub file: Option<PathBuf>,
    /// Print it instead of writing it
    #[arg(long, conflicts_with = "install")]
    pub print: bool,
    /// Make this machine watch itself: program, user, folders, configuration, schedule, a first check. Needs root; what is
    /// there is kept
    #[arg(long)]
    pub install: bool,
    /// Let cron start it, whatever else could
    #[arg(long, requires = "install", conflicts_with = "timer")]
    pub cron: bool,
    /// Let a timer of systemd start it, whatever else could
    #[arg(long, requires = "install")]
    pub timer: bool,
    /// Show what would be done
    #[arg(long, requires = "install")]
    pub dry_run: bool,
    /// Where the bridge's backend may answer
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:3004")]
    pub backend: String,
    /// The system below this folder
    #[arg(long, hide = true, value_name = "FOLDER", default_value = "/")]
    pub root: PathBuf,
}
