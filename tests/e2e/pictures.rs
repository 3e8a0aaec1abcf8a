//! The pictures of the documents (`docs/pictures/*.png`): a day of a bridge, played by the real program against fakes and
//! looked at in a real browser. `SIPPAR_MON_PICTURES=docs/pictures cargo test --test e2e -- --ignored pictures` makes them
//! anew; without the variable they are made and thrown away, which shows that they can be.
//!
//! What is told of (alerts, deliveries, looks at the reserves) happens in real cycles. The quiet minutes between them are
//! written into the database as a monitor would have left them: a day of real cycles takes too long. So are the reserves,
//! since what proves a supply is signed with the time of the day on which the pictures are taken.

use std::path::Path;

use rusqlite::{Connection, params};
use serde_json::json;

use crate::browser::play;
use crate::serving::{Serving, WITH_TOKEN};
use crate::support::algorand::AlgodFake;
use crate::support::backend::BackendFake;
use crate::support::http::{Answer, HttpFake};
use crate::support::smtp::{Behaviour, SmtpFake};
use crate::support::twilio::Twilio;
use crate::world::{World, slack};

/// 2026-11-22T06:06:00Z, a day before the pictures are taken.
const BEGIN: i64 = 1_795_327_560_000;
const MINUTE: i64 = 60_000;
/// Minutes of the day.
const DAY: i64 = 1440;

/// What ALGO must back.
const BACKED: f64 = 1_200_045.1;

/// What is written of the reserves.
const RESERVES: [&str; 4] =
    ["reserves_ratio", "reserves_custody_algo", "reserves_supply_ckalgo", "reserves_surplus_algo"];

/// The day's configuration, beside what the fakes add.
const CONFIG: &str = r#"
[monitor]
name = "Sippar bridge"
environment = "production"
interval = "60s"

[probes.backup.exec]
command = ["/bin/cat", "@backup.prom"]
attempts = 1
every = "60s"

[[rule]]
alert = "BACKUP_OLD"
expr = "backup_age_hours"
above = { MEDIUM = 26 }
summary = "The last backup is {{ value }} hours old"

[[rule]]
alert = "CHANNEL_BROKEN"
enabled = false

# how busy the machine is that takes the pictures is no part of them
[[rule]]
alert = "HIGH_CPU_USAGE"
enabled = false
"#;

/// The day.
struct Day {
    world: World,
    nodes: [AlgodFake; 2],
    backend: BackendFake,
    /// Jobs that were done and that failed when the day began.
    jobs: (u64, u64),
    /// Up to which minute everything is there.
    until: i64,
    _chat: HttpFake,
    _mail: SmtpFake,
    _sms: Twilio,
}

/// A number from 0 to 1 that looks like chance and is always the same.
fn chance(seed: i64) -> f64 {
    let mut x = u64::try_from(seed).unwrap().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x ^= x >> 29;
    x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^= x >> 32;
    (x % 10_000) as f64 / 10_000.0
}

/// Wandering from -1 to 1: waves of some lengths, and a little noise.
fn wander(minute: i64, seed: i64) -> f64 {
    let wave = |length: f64, phase: i64| ((minute as f64 + phase as f64) / length).sin();
    let slow = wave(97.0, seed * 31) * 0.45 + wave(37.0, seed * 17) * 0.3 + wave(11.0, seed * 7) * 0.1;
    slow + (chance(minute / 3 * 131 + seed * 7919) - 0.5) * 0.2
}

/// Custody over what it must back at a minute: a dip in the afternoon.
fn ratio(minute: i64) -> f64 {
    let dip = if (655..686).contains(&minute) {
        0.031 * ((minute - 654) as f64 / 32.0 * std::f64::consts::PI).sin()
    } else {
        0.0
    };
    let near_it = ((minute - 600).min(740 - minute) as f64 / 40.0).clamp(0.0, 1.0);
    let usual = 1.0123 + wander(minute, 1) * 0.006;
    usual + (1.004 - usual) * near_it - dip
}

/// Jobs done and failed since the day began.
fn jobs(minute: i64) -> (i64, i64) {
    let failed = minute / 47 + (minute - 1416).max(0) / 3;
    (minute * 11 / 10, failed)
}

/// What is written for a quiet minute, or over what this machine measured; none where only real cycles know.
fn painted(metric: &str, labels: &str, minute: i64) -> Option<f64> {
    let near = |middle: f64, around: f64, seed| middle + wander(minute, seed) * around;
    let peak = |at: i64, width: f64| (-((minute - at) as f64 / width).powi(2)).exp();
    Some(match metric {
        "system_memory_usage_ratio" => near(0.617, 0.02, 2),
        "system_cpu_usage_ratio" => (near(0.17, 0.08, 3) + 0.1 * chance(minute * 7)).clamp(0.01, 0.9),
        "system_disk_usage_ratio" => 0.709 + minute as f64 * 4e-6,
        "system_load1" => near(0.6, 0.3, 5).max(0.02),
        "system_swap_usage_ratio" => 0.05,
        "source_duration_seconds" if labels.contains("backend") => near(0.08, 0.02, 6) + 0.16 * peak(430, 6.0),
        "source_duration_seconds" => near(0.4, 0.12, 7).max(0.05),
        "algorand_round_age_seconds" => near(2.9, 1.6, 8).max(0.2),
        "bridge_job_processing_seconds" => near(14.3, 3.0, 9) + 9.0 * peak(1430, 14.0),
        "bridge_migration_rate_per_hour" => near(31.0, 9.0, 10).max(0.0).round(),
        "probe_duration_seconds" => near(0.004, 0.001, 11),
        "monitor_cycle_duration_seconds" => near(0.62, 0.14, 12),
        "reserves_ratio" => ratio(minute),
        "reserves_custody_algo" => (ratio(minute) * BACKED * 1e6).round() / 1e6,
        "reserves_supply_ckalgo" => BACKED,
        "reserves_surplus_algo" => ((ratio(minute) - 1.0) * BACKED * 1e6).round() / 1e6,
        _ => return quiet(metric, labels, minute),
    })
}

/// What is written for a quiet minute alone.
fn quiet(metric: &str, labels: &str, minute: i64) -> Option<f64> {
    let (done, failed) = jobs(minute);
    Some(match metric {
        "bridge_jobs_total" if !labels.contains("minting") => 0.0,
        "bridge_jobs_total" if labels.contains("failed") => failed as f64,
        "bridge_jobs_total" => done as f64,
        "backup_age_hours" => {
            if (300..DAY).contains(&minute) {
                30.0
            } else {
                4.0
            }
        }
        metric if metric.ends_with("_up") || metric == "probe_success" => 1.0,
        "monitor_gap_seconds" => 0.0,
        _ => return None,
    })
}

impl Day {
    fn begin() -> Self {
        let nodes = [AlgodFake::start(), AlgodFake::start()];
        let backend = BackendFake::start();
        let chat = HttpFake::start([Answer::new(200, "ok")]);
        let (mail, sms) = (SmtpFake::start(Behaviour::default()), Twilio::start());
        sms.refuse("+41790000012", 401, 20003, "Authenticate");
        let fakes = format!(
            "[sources.backend]\nurl = \"{}\"\nevery = \"60s\"\n[sources.algorand]\nnodes = [\"{}\", \"{}\"]\nevery = \"60s\"\n{}{}{}\
             [channels.mail.email]\nhost = \"localhost\"\nport = {}\ntls = \"none\"\nfrom = \"mon@sippar.example\"\n\
             to = [\"oncall@sippar.example\"]\n",
            backend.url(),
            nodes[0].url(),
            nodes[1].url(),
            slack(&chat),
            sms.channel("sms", &["+41790000012"]),
            WITH_TOKEN,
            mail.port(),
        );
        let world = World::new(&format!("{CONFIG}{fakes}"));
        let jobs = {
            let state = backend.state();
            (state.minting.completed, state.minting.failed)
        };
        Self { world, nodes, backend, jobs, until: -1, _chat: chat, _mail: mail, _sms: sms }
    }

    fn at(&mut self, minute: i64, after: i64) {
        self.world.set("SIPPAR_MON_CLOCK", &(BEGIN + minute * MINUTE + after).to_string());
    }

    /// A real cycle.
    fn check(&mut self, minute: i64) {
        self.paint(self.until + 1, minute);
        for node in &self.nodes {
            node.set_round(node.round() + 20);
        }
        {
            let (done, failed) = jobs(minute);
            let mut state = self.backend.state();
            let done = self.jobs.0 + u64::try_from(done).unwrap();
            let more = done - state.minting.completed;
            state.minting.millis += more * 14_300;
            state.minting.completed = done;
            state.minting.failed = self.jobs.1 + u64::try_from(failed).unwrap();
        }
        let age = if minute >= 300 { 30 } else { 4 };
        self.world.write("backup.prom", &format!("backup_age_hours {age}\n"), 0o644);
        self.at(minute, 2000);
        let ran = self.world.run(&["check"]);
        assert!(ran.code <= 3, "{ran:?}");
        self.until = minute;
    }

    /// Quiet minutes, from one to before another.
    fn paint(&self, from: i64, to: i64) {
        if from >= to {
            return;
        }
        let mut database = Connection::open(self.world.database()).unwrap();
        let series = all_series(&database);
        let tx = database.transaction().unwrap();
        for minute in from..to {
            let tick = BEGIN + minute * MINUTE;
            let cycle = "INSERT INTO cycle (tick, started, finished, missed) VALUES (?1, ?1 + 200, ?1 + 900, 0)";
            tx.execute(cycle, [tick]).unwrap();
            tx.execute("UPDATE counter SET value = value + 1 WHERE name = 'cycles_done'", []).unwrap();
            for (id, metric, labels) in &series {
                if let Some(value) = painted(metric, labels, minute) {
                    let sample = "INSERT OR REPLACE INTO sample (tick, series, value, mark) VALUES (?1, ?2, ?3, 0)";
                    tx.execute(sample, params![tick, id, value]).unwrap();
                }
            }
        }
        tx.commit().unwrap();
    }

    /// What this machine measured in real cycles is no part of the picture.
    fn paint_over(&self) {
        let mut database = Connection::open(self.world.database()).unwrap();
        for metric in RESERVES {
            let series = "INSERT INTO series (source, metric, labels, every_ms) VALUES ('reserves', ?1, '{}', 60000)";
            database.execute(series, [metric]).unwrap();
            let latest = "INSERT INTO latest (series, tick, value, mark) VALUES (last_insert_rowid(), ?1, 0, 0)";
            database.execute(latest, [BEGIN + DAY * MINUTE]).unwrap();
        }
        let series = all_series(&database);
        let ticks = all_ticks(&database);
        let tx = database.transaction().unwrap();
        for tick in ticks {
            let minute = (tick - BEGIN) / MINUTE;
            for (id, metric, labels) in &series {
                let is_ours = quiet(metric, labels, minute).is_none();
                if let Some(value) = painted(metric, labels, minute).filter(|_| is_ours) {
                    tx.execute(
                        "INSERT OR REPLACE INTO sample (tick, series, value, mark) VALUES (?1, ?2, ?3, 0)",
                        params![tick, id, value],
                    )
                    .unwrap();
                    tx.execute(
                        "UPDATE latest SET value = ?2, mark = 0, reason = NULL WHERE series = ?1",
                        params![id, value],
                    )
                    .unwrap();
                }
            }
        }
        tx.commit().unwrap();
    }
}

fn all_ticks(database: &Connection) -> Vec<i64> {
    let mut ticks = database.prepare("SELECT DISTINCT tick FROM cycle").unwrap();
    ticks.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn all_series(database: &Connection) -> Vec<(i64, String, String)> {
    let mut series = database.prepare("SELECT id, metric, labels FROM series").unwrap();
    let rows = series.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

/// The day as it was: a backup that is too old and known, a shortfall in the afternoon, three quarters of an hour in
/// which nothing ran, and at its end migrations that fail.
fn played() -> Day {
    let mut day = Day::begin();
    for minute in [0, 1, 300, 301] {
        day.check(minute);
    }
    day.at(302, 0);
    let ran = day.world.run(&["alert", "ack", "1", "-m", "the tape is on its way", "--by", "nina"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    day.paint(302, 856);
    // cron does not run for a while
    day.until = 898;
    for minute in (899..918).chain(1416..1441) {
        day.check(minute);
    }
    day.paint_over();
    day.at(1440, 14_000);
    day
}

#[test]
#[ignore = "needs Chromium and playwright-core; run by .ci/run"]
fn pictures_of_the_documents_can_be_made() {
    let day = played();
    let kept = std::env::var("SIPPAR_MON_PICTURES").ok();
    let folder = match &kept {
        Some(folder) => Path::new(env!("CARGO_MANIFEST_DIR")).join(folder),
        None => day.world.path("pictures"),
    };
    std::fs::create_dir_all(&folder).unwrap();
    let names = json!({
        day.nodes[0].name(): "node-a.example", day.nodes[1].name(): "node-b.example",
        day.world.path("").display().to_string(): "/etc/sippar-mon/",
    });
    let serving = Serving::start(&day.world);
    play("pictures.mjs", "all", &day.world, &serving, &json!({ "to": folder, "names": names }));
    for name in ["light", "dark", "phone", "alert"] {
        let size = std::fs::metadata(folder.join(format!("{name}.png"))).unwrap().len();
        assert!((15_000..200_000).contains(&size), "{name}.png has {size} bytes");
    }
}
