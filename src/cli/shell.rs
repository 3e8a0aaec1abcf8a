//! The words of `completions` and `man`: what is made for shells and readers of man pages.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

/// `completions`
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  sippar-mon completions bash > /etc/bash_completion.d/sippar-mon
  sippar-mon completions zsh > /usr/local/share/zsh/site-functions/_sippar-mon
  sippar-mon completions fish > ~/.config/fish/completions/sippar-mon.fish")]
pub struct Completions {
    /// Which shell
    pub shell: Shell,
}

/// `man`
#[derive(Args, Debug)]
pub struct Man {
    /// The folder; pages of commands that are no more are removed from it
    pub folder: PathBuf,
}
