//! The page in Chromium, against the real server and the real monitor. What is played and what must be seen is in
//! `tests/support/browser.mjs`, since it is a browser that is asked.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::serving::{Serving, TOKEN, WITH_TOKEN};
use crate::support::http::{Answer, HttpFake};
use crate::world::{World, slack};

/// The folder with playwright-core.
fn playwright() -> PathBuf {
    let target = Path::new(env!("CARGO_BIN_EXE_sippar-mon")).parent().unwrap().parent().unwrap();
    let folder = target.join("npm");
    let core = folder.join("node_modules/playwright-core");
    assert!(core.exists(), "there is no {}: .ci/run fetches it (npm install playwright-core)", core.display());
    folder
}

/// The browser of the machine.
fn chromium() -> &'static str {
    let path = "/usr/bin/chromium";
    assert!(Path::new(path).exists(), "there is no {path}: .ci/run installs it (apt-get install chromium)");
    path
}

/// Plays a scenario of `browser.mjs`; `more` goes to it as it is.
pub fn play(script: &str, scenario: &str, world: &World, server: &Serving, more: &serde_json::Value) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support").join(script);
    let program = env!("CARGO_BIN_EXE_sippar-mon");
    let command = world.command(&["status"]);
    let text = |word: &std::ffi::OsStr| word.to_str().unwrap().to_owned();
    let env: serde_json::Map<String, serde_json::Value> =
        command.get_envs().map(|(name, value)| (text(name), json!(value.map(text)))).collect();
    let told = json!({
        "program": program, "folder": world.path(""), "env": env, "url": format!("http://{}", server.at), "token": TOKEN,
        "chromium": chromium(), "server": server.id(), "more": more,
    });
    let mut node = Command::new("node");
    node.arg(script)
        .arg(playwright())
        .arg(scenario)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut node = node.spawn().expect("node is installed by .ci/run");
    node.stdin.take().unwrap().write_all(told.to_string().as_bytes()).unwrap();
    let output = node.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{scenario}:\n{said}\n{}", String::from_utf8_lossy(&output.stdout));
}

/// A queue that is watched each second, a channel, and a server that takes writes from who has the token.
fn scene() -> (World, HttpFake) {
    let chat = HttpFake::start([Answer::new(200, "ok")]);
    let world = World::with_queue(&format!("{}{WITH_TOKEN}", slack(&chat)));
    (world, chat)
}

/// Plays a scenario in a world that was checked once.
fn scenario(name: &str) {
    let (world, _chat) = scene();
    world.check();
    play("browser.mjs", name, &world, &Serving::start(&world), &json!(null));
}

#[test]
#[ignore = "needs Chromium and playwright-core; run by .ci/run"]
fn the_page_follows_the_monitor_without_being_loaded_anew() {
    scenario("follows");
}

#[test]
#[ignore = "needs Chromium and playwright-core; run by .ci/run"]
fn who_has_the_token_acknowledges_and_silences_and_nobody_else() {
    scenario("acts");
}

#[test]
#[ignore = "needs Chromium and playwright-core; run by .ci/run"]
fn it_says_when_the_monitor_stands_still_and_when_the_server_is_gone() {
    scenario("stale");
}

#[test]
#[ignore = "needs Chromium and playwright-core; run by .ci/run"]
fn everything_can_be_done_by_keys() {
    let (world, _chat) = scene();
    // a health check has bars from the first check on: keys need some to go along
    let before = (SystemTime::now() - Duration::from_mins(5)).duration_since(UNIX_EPOCH).unwrap();
    let checked = world.command(&["check"]).env("SIPPAR_MON_CLOCK", before.as_millis().to_string()).status();
    assert!(checked.unwrap().success());
    world.check();
    play("browser.mjs", "keys", &world, &Serving::start(&world), &json!(null));
}

#[test]
#[ignore = "needs Chromium and playwright-core; run by .ci/run"]
fn whatever_strangers_write_is_letters() {
    scenario("hostile");
}

#[test]
#[ignore = "needs Chromium and playwright-core; run by .ci/run"]
fn it_is_whole_at_any_width_in_the_dark_printed_and_without_script() {
    scenario("faces");
}

#[test]
#[ignore = "needs Chromium and playwright-core; run by .ci/run"]
fn every_page_behind_it_is_a_link_away() {
    scenario("deep");
}

#[test]
#[ignore = "needs Chromium and playwright-core; run by .ci/run"]
fn the_cursor_words_values_as_the_page_does() {
    scenario("words");
}

#[test]
#[ignore = "needs Chromium and playwright-core; run by .ci/run"]
fn it_waits_for_a_database_and_shows_it_when_it_is_there() {
    let (world, _chat) = scene();
    play("browser.mjs", "begins", &world, &Serving::start(&world), &json!(null));
}
