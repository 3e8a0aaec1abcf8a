//! The state cannot be stored: one message straight to people, and one when it is over.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;

use crate::support::http::{Answer, HttpFake, Manner};
use crate::world::{Ran, World, slack, told, until};

const WORD: &str =
    "[CRITICAL] MONITORING_SYSTEM_FAILURE: sippar-mon cannot store its state: @/state.db is not a database";

/// What was told, without the ids that are instants.
fn words(world: &World, fake: &HttpFake) -> Vec<String> {
    told(fake).iter().map(|line| world.tidy(line.split(" | id ").next().unwrap())).collect()
}

#[test]
fn a_state_that_cannot_be_stored_is_told_once_and_so_is_its_end() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let world = World::with_queue(&slack(&fake));
    world.queue(50);
    fs::write(world.database(), "dear diary, ".repeat(500)).unwrap();
    for _ in 0..3 {
        assert_eq!(world.check().code, 74);
    }
    assert_eq!(words(&world, &fake), [WORD], "not one for each rule, nor one for each run");
    let post = fake.seen()[0].json().to_string();
    assert!(post.contains("It says nothing about the watched system."), "{post}");
    assert!(!post.contains("QUEUE_LONG"), "{post}");

    fs::remove_file(world.database()).unwrap();
    assert_eq!(world.check(), Ran::silent(1));
    assert_eq!(world.check(), Ran::silent(1));
    let mut after = words(&world, &fake).split_off(1);
    after.sort();
    let over =
        "[CRITICAL] Resolved: MONITORING_SYSTEM_FAILURE: sippar-mon can store its state again; rules are judged again";
    assert_eq!(after, [over, "[HIGH] QUEUE_LONG: 50 are waiting"]);
}

#[test]
fn while_nobody_could_be_told_it_is_tried_again() {
    let fake = HttpFake::start([Answer::new(503, "no service"), Answer::new(200, "ok")]);
    let world = World::with_queue(&slack(&fake));
    fs::write(world.database(), "dear diary, ".repeat(500)).unwrap();
    for _ in 0..3 {
        assert_eq!(world.check().code, 74);
    }
    assert_eq!(words(&world, &fake), [WORD, WORD]);
}

#[test]
fn killed_while_it_tells_it_still_tells_the_end() {
    let fake = HttpFake::start([Answer::new(200, "ok").manner(Manner::Silence)]);
    let world = World::with_queue(&slack(&fake));
    fs::write(world.database(), "dear diary, ".repeat(500)).unwrap();
    let check = world.start_check();
    until("the post", || !fake.seen().is_empty());
    check.kill();
    fs::remove_file(world.database()).unwrap();
    fake.now_answer([Answer::new(200, "ok")]);
    assert_eq!(world.check(), Ran::silent(0));
    let over =
        "[CRITICAL] Resolved: MONITORING_SYSTEM_FAILURE: sippar-mon can store its state again; rules are judged again";
    assert_eq!(words(&world, &fake), [WORD, over]);
}

#[test]
fn a_broken_configuration_is_no_such_emergency() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let world = World::new(&format!("{}nonsense = 1\n", slack(&fake)));
    assert_eq!(world.run(&["check"]).code, 78);
    assert_eq!(told(&fake), [""; 0]);
}

/// Where a stamp would be left there are folders.
struct Occupied(Vec<PathBuf>);

impl Occupied {
    fn of(world: &World) -> Self {
        let mut hasher = DefaultHasher::new();
        world.database().hash(&mut hasher);
        let us = rustix::process::geteuid().as_raw();
        let at_home = world.path(".local/state/sippar-mon");
        let folders = [at_home, format!("/dev/shm/sippar-mon-{us}").into(), format!("/var/tmp/sippar-mon-{us}").into()];
        let stamps = folders.map(|folder: PathBuf| folder.join(format!("emergency-{:016x}.json", hasher.finish())));
        for stamp in &stamps {
            fs::create_dir_all(stamp).unwrap();
        }
        Self(stamps.into())
    }
}

impl Drop for Occupied {
    fn drop(&mut self) {
        for stamp in &self.0 {
            let _ = fs::remove_dir(stamp);
        }
    }
}

#[test]
fn where_no_stamp_can_be_left_each_run_tells_one_channel_that_costs_nothing() {
    let [chat, sms, hook] = [(); 3].map(|()| HttpFake::start([Answer::new(200, "ok")]));
    let twilio = "account_sid = \"AC0123456789abcdef0123456789abcdef\"\nauth_token = \"x\"\nfrom = \"+41790000000\"";
    let world = World::with_queue(&format!(
        "[channels.a.sms]\n{twilio}\nto = [\"+41791111111\"]\nbase_url = \"{}\"\n{}[channels.z.webhook]\nurl = \"{}\"\n",
        sms.url(""),
        slack(&chat),
        hook.url("/hook"),
    ));
    let _occupied = Occupied::of(&world);
    fs::write(world.database(), "dear diary, ".repeat(500)).unwrap();
    for _ in 0..3 {
        assert_eq!(world.check().code, 74);
    }
    assert_eq!(words(&world, &chat), [WORD; 3], "nobody knows what was told before");
    assert_eq!((sms.seen().len(), hook.seen().len()), (0, 0));
    fs::remove_file(world.database()).unwrap();
    assert_eq!(world.check(), Ran::silent(0));
    assert_eq!(words(&world, &chat).len(), 3);
}
