//! `kill -9` at system call after system call: whatever the moment, each notification arrives, at most twice, and a
//! repeat carries the same id.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::Connection;

use crate::support::http::{Answer, HttpFake};
use crate::world::{World, skipped, slack, told};

/// System calls at which a check is killed, and at which of their occurrences.
const MOMENTS: [(&str, &[u32]); 4] = [
    ("pwrite64", &[1, 2, 4, 7, 11, 16, 22, 29, 37, 46]),
    ("fsync", &[1, 2, 3]),
    ("fdatasync", &[1, 2, 3, 4]),
    ("connect", &[1, 2]),
];

#[test]
#[ignore = "needs strace; run by .ci/run"]
fn a_kill_at_any_moment_loses_nothing_and_repeats_at_most_once() {
    let strace = Path::new("/usr/bin/strace");
    if !strace.exists() {
        return skipped("strace is needed to kill at a system call");
    }
    for (call, occurrences) in MOMENTS {
        for when in occurrences {
            let fake = HttpFake::start([Answer::new(200, "ok")]);
            let world = World::with_queue(&slack(&fake));
            world.check();
            world.queue(50);
            world.next_tick();
            let inject = format!("inject={call}:signal=SIGKILL:when={when}");
            let program = env!("CARGO_BIN_EXE_sippar-mon");
            let args = ["-f", "-qq", "-o", "/dev/null", "-e", &inject, program, "check"];
            world.command_of(strace, &args).output().unwrap();
            world.ticked();

            assert_eq!(world.check().code, 1, "{call} {when}");
            assert_eq!(world.check().code, 1, "{call} {when}");
            let mut posts: BTreeMap<String, u32> = BTreeMap::new();
            for post in told(&fake) {
                *posts.entry(post.replace(" (possible repeat)", "")).or_default() += 1;
            }
            let only = posts.iter().map(|(text, count)| (text.as_str(), *count)).collect::<Vec<_>>();
            let [("[HIGH] QUEUE_LONG: 50 are waiting | id 1-1", 1 | 2)] = only[..] else {
                panic!("killed at {call} {when}: {posts:?}")
            };
            let database = Connection::open(world.database()).unwrap();
            let sound: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
            assert_eq!(sound, "ok", "{call} {when}");
        }
    }
}
