//! A fake world of the bridge on this machine, watched by sippar-mon: break something and see who is told. Offline.
//!
//! ```sh
//! cargo build && cargo run --example demo
//! ```
//!
//! Type `help` for what can be broken. Another folder for its files: `cargo run --example demo -- FOLDER`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a demonstration that cannot go on ends")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it talks to the person who started it")]

mod bridge;
mod chat;
mod monitor;
#[path = "../../tests/support/mod.rs"]
mod support;
mod world;

use std::io::{BufRead, stdin};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use chat::Chat;
use monitor::Monitor;
use world::World;

fn main() -> ExitCode {
    let folder = std::env::args_os().nth(1).map_or_else(|| std::env::temp_dir().join("sippar-mon-demo"), PathBuf::from);
    let (world, chat) = (World::start(), Chat::start());
    let (monitor, looks) = match Monitor::start(folder, &world.config(&chat.url())) {
        Ok(started) => started,
        Err(why) => {
            eprintln!("demo: {why}");
            return ExitCode::FAILURE;
        }
    };
    println!(
        "The fake world runs, and sippar-mon checks it every {} s. Messages to people begin with >.\n\
         In another terminal:  {}\nWhen it says that all is well, break something: help lists what.\n",
        monitor::EVERY.as_secs(),
        monitor.line("status --watch")
    );
    for line in stdin().lock().lines().map_while(Result::ok) {
        match line.trim().split_once(' ').unwrap_or((line.trim(), "")) {
            ("", _) => {}
            ("quit", _) => break,
            ("help", _) => println!("{}", help()),
            ("expect", text) => {
                if !chat.hears(text, Duration::from_mins(1)) {
                    eprintln!("demo: within a minute nobody was told: {text}");
                    return ExitCode::FAILURE;
                }
            }
            ("run", words) => monitor.run(words),
            (name, _) => match world::commands().find(|command| command.name == name) {
                Some(command) => {
                    (command.run)(&world);
                    println!("  {}", command.what);
                }
                None => println!("  there is no {name}; help lists what there is"),
            },
        }
    }
    looks.end();
    ExitCode::SUCCESS
}

fn help() -> String {
    let mut lines: Vec<String> =
        world::commands().map(|command| format!("  {:<14} {}", command.name, command.what)).collect();
    lines.push(format!("  {:<14} {}", "run WORDS", "sippar-mon with these words, such as: run alert list"));
    lines.push(format!("  {:<14} {}", "expect TEXT", "waits until people are told something with TEXT in it"));
    lines.push(format!("  {:<14} {}", "quit", "ends it"));
    lines.join("\n")
}
