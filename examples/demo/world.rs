//! What is watched, and the ways in which it can break.

use std::fmt::Write as _;

use crate::bridge::{self, Bridge};
use crate::support::backend::{BackendFake, bad_gateway, body, json_answer};

/// The fake world.
pub struct World {
    backend: BackendFake,
    /// Its chains.
    pub bridge: Bridge,
}

/// Something that can be done to it.
pub struct Command {
    /// What is typed.
    pub name: &'static str,
    /// What it does.
    pub what: &'static str,
    /// Does it.
    pub run: fn(&World),
}

/// Everything that can be done to it.
pub fn commands() -> impl Iterator<Item = &'static Command> {
    COMMANDS.iter().chain(bridge::COMMANDS)
}

/// What can be done to its backend.
const COMMANDS: &[Command] = &[
    Command { name: "down", what: "nginx answers in the place of the backend (BACKEND_DOWN)", run: down },
    Command { name: "up", what: "the backend answers as it should", run: |world| world.backend.heal() },
    Command { name: "work", what: "ten more jobs are minted", run: work },
    Command { name: "errors", what: "eight mint jobs fail (HIGH_MIGRATION_ERROR_RATE)", run: errors },
    Command { name: "stuck", what: "a withdrawal hangs, its ckALGO burned (WITHDRAWAL_STUCK)", run: stuck },
    Command { name: "sent", what: "the withdrawal is sent", run: sent },
    Command {
        name: "unregistered",
        what: "two deposits cannot be registered (REGISTRATION_FAILED)",
        run: unregistered,
    },
    Command { name: "registered", what: "they are registered", run: registered },
    Command { name: "slow", what: "a mint job takes twelve minutes (SLOW_MIGRATION_PROCESSING)", run: slow },
    Command {
        name: "restart",
        what: "the backend starts anew and forgets its queues: no alert comes of it",
        run: restart,
    },
    Command { name: "wrong", what: "the backend's reserve ratio is a word: that figure alone is unknown", run: wrong },
];

impl World {
    /// All is well in it.
    pub fn start() -> Self {
        Self { backend: BackendFake::start(), bridge: Bridge::start() }
    }

    /// The configuration that watches it. What a real one waits minutes for, this one waits seconds for.
    pub fn config(&self, chat: &str) -> String {
        let mut config = format!(
            "# Written by the demo: a fake world on this machine.\n[monitor]\nname = \"Fake bridge\"\nenvironment = \"demo\"\n\
             interval = \"4s\"\n\n[sources.system]\nenabled = false\n\n[sources.backend]\nurl = \"{}\"\nevery = \"4s\"\n\n{}\
             [channels.chat.slack]\nwebhook_url = \"{chat}\"\n",
            self.backend.url(),
            self.bridge.config(),
        );
        let rules = [("BACKEND_DOWN", "4s"), ("WITHDRAWAL_STUCK", "6s"), ("SLOW_MIGRATION_PROCESSING", "4s")];
        for (rule, pending) in rules.into_iter().chain(bridge::PENDING) {
            let _ = write!(config, "\n[[rule]]\nalert = \"{rule}\"\nfor = \"{pending}\"\n");
        }
        config
            + "\n[[rule]]\nalert = \"REGISTRATION_FAILED\"\nexpr = \"bridge_failed_registrations > 0\"\nseverity = \"HIGH\"\n\
                  for = \"6s\"\nsummary = \"Deposits that arrived and could not be registered: {{ value }}\"\n"
    }
}

fn down(world: &World) {
    world.backend.fail_all(&bad_gateway());
}

fn work(world: &World) {
    (0..10).for_each(|_| world.backend.state().minting.complete(30_000));
}

fn errors(world: &World) {
    world.backend.state().minting.failed += 8;
}

fn stuck(world: &World) {
    world.backend.state().redemption.withdrawing = 1;
}

fn sent(world: &World) {
    let mut state = world.backend.state();
    state.redemption.withdrawing = 0;
    state.redemption.complete(600_000);
}

fn unregistered(world: &World) {
    world.backend.state().failed_registrations = 2;
}

fn registered(world: &World) {
    world.backend.state().failed_registrations = 0;
}

fn slow(world: &World) {
    world.backend.state().minting.complete(720_000);
}

fn restart(world: &World) {
    world.backend.restart();
}

fn wrong(world: &World) {
    let mut reserves = body(&world.backend.state(), "/reserves/status").unwrap_or_default();
    reserves["data"]["reserveRatio"] = "one".into();
    world.backend.fail("/reserves/status", json_answer(200, &reserves));
}
