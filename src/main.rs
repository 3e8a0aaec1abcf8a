//! `sippar-mon`: watches the Sippar bridge from one machine and tells people when it is in trouble.

mod alert;
#[allow(dead_code, reason = "the reserve check, which reads the supply, is being built on these types")]
mod bridge;
mod cli;
mod cmd;
mod collect;
mod config;
mod cycle;
mod import;
mod model;
mod net;
mod notify;
mod output;
mod replay;
mod rules;
mod serve;
mod store;
mod text;
mod view;
mod world;

#[cfg(test)]
#[path = "../tests/support/mod.rs"]
mod support;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use model::trouble::{Kind, Trouble};
use output::terminal::{print, say};
use world::{Clock, Env};

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        say(&format!("sippar-mon: internal error: {panic}\nThis is a bug; please report it with the command you ran."));
    }));
    let code = match std::panic::catch_unwind(run) {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => tell(&error),
        Err(_) => Kind::Bug as u8,
    };
    ExitCode::from(code)
}

fn run() -> anyhow::Result<u8> {
    match cli::Cli::try_parse() {
        Ok(cli) => cmd::run(cli, Env::of_process(), Clock::of_process()),
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            print(&error.render().to_string())?;
            Ok(0)
        }
        Err(error) => {
            say(error.render().to_string().trim_end());
            Ok(Kind::Usage as u8)
        }
    }
}

/// What happened and the way out; the kind of trouble is the exit code.
fn tell(error: &anyhow::Error) -> u8 {
    let trouble = error.downcast_ref::<Trouble>();
    if trouble.is_none_or(|trouble| !trouble.said) {
        say(&format!("sippar-mon: {error:#}"));
        if let Some(help) = trouble.and_then(|trouble| trouble.help.as_ref()) {
            say(&format!("  help: {help}"));
        }
    }
    trouble.map_or(Kind::Bug, |trouble| trouble.kind) as u8
}
