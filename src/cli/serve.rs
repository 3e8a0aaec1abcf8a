//! The words of `serve`.

use clap::Args;

/// `serve`
#[derive(Args, Debug)]
pub struct Serve {
    /// Address to listen on, an IP address or localhost and a port, overriding [serve] listen
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// Also do what cron would: `check --repeat` each minute, as a process of its own
    #[arg(long)]
    pub repeat: bool,
}
