//! `kill -9` at system call after system call: whatever the moment, each notification arrives, at most twice, and a
//! repeat carries the same id.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::Connection;

use crate::support::http::{Answer, HttpFake};
use crate::support::skip::skipped;
use crate::support::smtp::{Behaviour, SmtpFake};
use crate::world::{World, slack, told};

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

/// System calls between the decision and the last answer of several channels, and at which of their occurrences.
const MOMENTS_OF_MANY: [(&str, &[u32]); 7] = [
    ("pwrite64", &[9, 17, 25, 33, 41, 49, 57, 65]),
    ("fdatasync", &[2, 3, 4, 5, 6, 7, 8, 10]),
    ("connect", &[1, 2, 3, 4, 5]),
    ("sendto", &[1, 3, 6, 9]),
    ("writev", &[1, 2, 3]),
    ("write", &[5, 15, 30]),
    ("recvfrom", &[1, 2, 4, 8, 12]),
];

/// Two rooms, a mailbox and a machine.
struct Four {
    rooms: [HttpFake; 2],
    mail: SmtpFake,
    machine: HttpFake,
}

impl Four {
    fn start() -> Self {
        let http = || HttpFake::start([Answer::new(200, "ok")]);
        Self { rooms: [http(), http()], mail: SmtpFake::start(Behaviour::default()), machine: http() }
    }

    fn config(&self) -> String {
        let room = |name: &str, fake: &HttpFake| {
            format!("[channels.{name}.slack]\nwebhook_url = \"{}\"\n", fake.url("/services/T0/B0/key"))
        };
        let [one, two] = &self.rooms;
        format!(
            "{}{}[channels.mail.email]\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\nfrom = \"mon@localhost\"\n\
             to = [\"ops@example.org\"]\n[channels.machine.webhook]\nurl = \"{}\"\n",
            room("one", one),
            room("two", two),
            self.mail.port(),
            self.machine.url("/alerts")
        )
    }

    /// What arrived in each place by its id there, and how often.
    fn arrived(&self) -> Vec<BTreeMap<String, u32>> {
        let count = |ids: Vec<String>| {
            ids.into_iter().fold(BTreeMap::new(), |mut counts: BTreeMap<String, u32>, id| {
                *counts.entry(id).or_default() += 1;
                counts
            })
        };
        let room = |fake: &HttpFake| {
            told(fake).iter().map(|post| post.replace(" (possible repeat)", "")).map(|post| id(&post)).collect()
        };
        let mails = self.mail.mails().iter().map(|mail| mail.header("Message-ID").unwrap()).collect();
        let posts = self.machine.seen().iter().map(|post| post.header("idempotency-key").unwrap().to_owned()).collect();
        vec![count(room(&self.rooms[0])), count(room(&self.rooms[1])), count(mails), count(posts)]
    }
}

/// The id at the end of a message.
fn id(post: &str) -> String {
    post.rsplit(" | ").next().unwrap().to_owned()
}

#[test]
#[ignore = "needs strace; run by .ci/run"]
fn with_several_channels_each_gets_each_message_once_or_twice_with_its_id() {
    let strace = Path::new("/usr/bin/strace");
    if !strace.exists() {
        return skipped("strace is needed to kill at a system call");
    }
    // one alert, and so many that people get one message about all of them
    for alerts in [1_usize, 5] {
        for (call, occurrences) in MOMENTS_OF_MANY {
            for when in occurrences {
                let four = Four::start();
                let world = World::with_queue(&four.config());
                world.check();
                let queue = |at| format!("queue_depth{{queue=\"q{at}\"}} 50\n");
                world.write("queue.prom", &(0..alerts).map(queue).collect::<Vec<_>>().concat(), 0o644);
                world.next_tick();
                let inject = format!("inject={call}:signal=SIGKILL:when={when}");
                let program = env!("CARGO_BIN_EXE_sippar-mon");
                let args = ["-f", "-qq", "-o", "/dev/null", "-e", &inject, program, "check"];
                world.command_of(strace, &args).output().unwrap();
                world.ticked();
                assert_eq!(world.check().code, 1, "{call} {when}");
                assert_eq!(world.check().code, 1, "{call} {when}");

                for (place, arrived) in four.arrived().iter().enumerate() {
                    // the machine hears of each alert, people of all in one message
                    let messages = if place == 3 { alerts } else { 1 };
                    let all_well = arrived.len() == messages && arrived.values().all(|times| (1..=2).contains(times));
                    assert!(all_well, "{alerts} alerts, killed at {call} {when}, place {place}: {arrived:?}");
                }
                let database = Connection::open(world.database()).unwrap();
                let left = "SELECT count(*) FROM outbox WHERE state <> 'sent'";
                let left: i64 = database.query_row(left, [], |row| row.get(0)).unwrap();
                let sound: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
                assert_eq!((left, sound.as_str()), (0, "ok"), "{call} {when}");
            }
        }
    }
}

/// Gives the world's database two series with a sample for each of 2,000 minutes, the newest ten hours old.
pub fn grow_old(world: &World) {
    let database = Connection::open(world.database()).unwrap();
    let last: i64 = database.query_row("SELECT max(tick) FROM cycle", [], |row| row.get(0)).unwrap();
    database.execute_batch("BEGIN").unwrap();
    for series in [101, 102] {
        let sql = "INSERT INTO series VALUES (?1, 'old', 'old', ?2, 60000)";
        database.execute(sql, (series, format!("{{\"n\":\"{series}\"}}"))).unwrap();
        for minute in 0..2000_i64 {
            let tick = last - 36_000_000 - minute * 60_000;
            let sql = "INSERT INTO sample (tick, series, value, mark) VALUES (?1, ?2, ?3, 0)";
            database.execute(sql, (tick, series, minute)).unwrap();
        }
    }
    database.execute_batch("COMMIT").unwrap();
}

#[test]
#[ignore = "needs strace; run by .ci/run"]
fn a_kill_at_any_moment_of_sealing_leaves_each_sample_once() {
    let strace = Path::new("/usr/bin/strace");
    if !strace.exists() {
        return skipped("strace is needed to kill at a system call");
    }
    for (call, occurrences) in [("pwrite64", &[12, 14, 17, 20, 24, 29, 35, 42, 60][..]), ("fdatasync", &[1, 2, 3, 4])] {
        for when in occurrences {
            let world = World::with_queue("");
            world.check();
            grow_old(&world);
            world.next_tick();
            let inject = format!("inject={call}:signal=SIGKILL:when={when}");
            let program = env!("CARGO_BIN_EXE_sippar-mon");
            let args = ["-f", "-qq", "-o", "/dev/null", "-e", &inject, program, "check"];
            world.command_of(strace, &args).output().unwrap();
            world.ticked();
            let left = |sql: &str| -> i64 {
                let database = Connection::open(world.database()).unwrap();
                database.query_row(sql, [], |row| row.get(0)).unwrap()
            };
            for step in 0.. {
                let query = "sum_over_time(old[60h]) + 1e7 * count_over_time(old[60h])";
                let found = world.run(&["query", query, "--json"]).json();
                let values: Vec<f64> =
                    found.as_array().unwrap().iter().filter_map(|row| row["value"].as_f64()).collect();
                assert_eq!(values, [2.0e10 + 1_999_000.0; 2], "{call} {when}, step {step}");
                if left("SELECT count(*) FROM sample WHERE series > 100") == 0 {
                    break;
                }
                assert!(step < 40, "sealing comes to an end");
                world.check();
            }
            assert!(left("SELECT count(*) FROM chunk") > 0);
            assert_eq!(left("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
        }
    }
}

/// Makes the world's database much larger than it may be: a day of one series for each of 1,500 days.
fn overfill(world: &World) {
    let database = Connection::open(world.database()).unwrap();
    let last: i64 = database.query_row("SELECT max(tick) FROM cycle", [], |row| row.get(0)).unwrap();
    let day = last / 86_400_000 * 86_400_000;
    database.execute_batch("BEGIN").unwrap();
    database.execute("INSERT INTO series VALUES (101, 'old', 'old', '{}', 60000)", []).unwrap();
    for n in 2..1502_i64 {
        let sql = "INSERT INTO chunk (series, start, hours, data) VALUES (101, ?1, 24, randomblob(10000))";
        database.execute(sql, [day - n * 86_400_000]).unwrap();
    }
    database.execute_batch("COMMIT").unwrap();
}

#[test]
#[ignore = "needs strace; run by .ci/run"]
fn a_kill_at_any_moment_of_letting_go_leaves_the_newest_days_and_what_waits() {
    let strace = Path::new("/usr/bin/strace");
    if !strace.exists() {
        return skipped("strace is needed to kill at a system call");
    }
    for (call, occurrences) in [("pwrite64", &[12, 20, 40, 80, 130, 200, 300][..]), ("fdatasync", &[1, 2, 3, 4])] {
        for when in occurrences {
            let fake = HttpFake::start([Answer::new(503, "down")]);
            let world = World::with_queue(&format!("{}[store]\nmax_size = \"10MB\"\n", slack(&fake)));
            world.queue(50);
            assert_eq!(world.check().code, 1);
            overfill(&world);
            world.next_tick();
            let inject = format!("inject={call}:signal=SIGKILL:when={when}");
            let program = env!("CARGO_BIN_EXE_sippar-mon");
            let args = ["-f", "-qq", "-o", "/dev/null", "-e", &inject, program, "check"];
            world.command_of(strace, &args).output().unwrap();
            world.ticked();
            let ask = |sql: &str| -> i64 {
                let database = Connection::open(world.database()).unwrap();
                database.query_row(sql, [], |row| row.get(0)).unwrap()
            };
            let used = "SELECT (page_count - freelist_count) * 4096 FROM pragma_page_count, pragma_freelist_count";
            for step in 0.. {
                // the oldest go first, so the days that are left follow each other
                let holes = "SELECT (max(start) - min(start)) / 86400000 + 1 - count(*) FROM chunk WHERE hours = 24";
                assert_eq!(ask(holes), 0, "{call} {when}, step {step}");
                if ask(used) <= 10_000_000 {
                    break;
                }
                assert!(step < 60, "it comes to an end");
                assert_eq!(world.check().code, 1, "{call} {when}, step {step}");
            }
            assert!(ask(used) > 9_000_000, "no more goes than must");
            assert_eq!(ask("SELECT count(*) FROM alert WHERE ended_at IS NULL AND number = 1"), 1);
            assert_eq!(ask("SELECT count(*) FROM outbox WHERE state = 'pending'"), 1, "{call} {when}");
            assert_eq!(ask("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
        }
    }
}
