//! The whole source on machines made of files: `tests/fixtures/host/NAME`, copied so that a test can change them.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex};
use std::time::UNIX_EPOCH;

use proptest::prelude::*;
use serde_json::json;
use tempfile::TempDir;

use super::disk::Space;
use super::process::Process;
use super::settings::Service;
use super::*;
use crate::collect::catalogue::METRICS;
use crate::model::reading::{Reading, Reason, Value};

/// Both cycles' time; what lies between them is what `/proc/uptime` says.
const NOW: Time = Time::from_millis(1_795_424_400_000);
/// Where no chronyd is.
const NOBODY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);
const DEADLINE: Duration = Duration::from_secs(10);

fn settings() -> System {
    System {
        enabled: true,
        every: Duration::from_mins(1),
        mounts: Vec::new(),
        ignore_mounts: Vec::new(),
        services: Vec::new(),
        latency_probe: None,
    }
}

/// A machine in a folder of its own.
struct Machine {
    host: Host,
    folder: TempDir,
}

impl Machine {
    fn new(name: &str) -> Self {
        let folder = TempDir::new().unwrap();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/host").join(name), folder.path());
        Self { host: Host { root: folder.path().to_owned(), space, chronyd: NOBODY, processes }, folder }
    }

    fn file(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// The same machine with these files changed.
    fn with(self, files: &[(&str, &str)]) -> Self {
        for (path, text) in files {
            fs::write(self.file(path), text).unwrap();
        }
        self
    }

    /// The same machine without these files and folders.
    fn without(self, paths: &[&str]) -> Self {
        for path in paths {
            let path = self.file(path);
            if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
        }
        self
    }

    /// One cycle: the readings as lines, and the memory.
    async fn cycle(&self, settings: &System, memory: Option<&serde_json::Value>) -> (Vec<String>, serde_json::Value) {
        let report = collect_from(&self.host, settings, memory, NOW, DEADLINE).await;
        (report.readings.unwrap().iter().map(line).collect(), report.memory.unwrap())
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A reading on one line.
fn line(reading: &Reading) -> String {
    match &reading.value {
        Value::Known(value) => format!("{} {value}", reading.series),
        Value::Unknown(reason) => format!("{} ? {reason}", reading.series),
    }
}

/// The lines of the series whose name begins with one of `prefixes`.
fn only(lines: &[String], prefixes: &[&str]) -> Vec<String> {
    lines.iter().filter(|line| prefixes.iter().any(|prefix| line.starts_with(prefix))).cloned().collect()
}

/// The disks of the made-up machines.
fn space(point: &Path) -> io::Result<Space> {
    let (size, used, available, inodes, inodes_used) = match point.file_name().and_then(|name| name.to_str()) {
        Some("efi") => (500, 100, 400, 0, 0),
        Some("my data\\\tx") => (1_000, 0, 1_000, 64, 16),
        Some("home") => (8_000, 6_000, 2_000, 0, 0),
        Some("tank") => return Err(io::ErrorKind::PermissionDenied.into()),
        Some("data") => (0, 0, 0, 0, 0),
        _ => (10_000, 7_125, 2_375, 1_000, 250),
    };
    Ok(Space { size, used, available, inodes, inodes_used })
}

/// The processes of the made-up machines.
#[allow(clippy::unnecessary_wraps, reason = "stands in for a call that can fail")]
fn processes(pids: Option<&[u32]>) -> Result<Vec<Process>, Reason> {
    let process =
        |name: &str, program: &str, memory, age| Process { name: name.into(), program: program.into(), memory, age };
    let all = [
        (100, process("nginx", "nginx: master process nginx", 5, 500)),
        (101, process("nginx", "nginx: worker process", 7, 400)),
        (200, process("postgres", "postgres", 9, 900)),
        (300, process("MainThread", "node", 1_000, 60)),
        (301, process("node-helper", "node-helper", 1, 1)),
        (302, process("node", "node", 500, 30)),
    ];
    let wanted = |pid: &u32| pids.is_none_or(|pids| pids.contains(pid));
    Ok(all.into_iter().filter(|(pid, _)| wanted(pid)).map(|(_, process)| process).collect())
}

/// A minute later on the machine `server`: 1,000 ticks, of which 250 were used and 50 waited for a disk.
const A_MINUTE_LATER: &[(&str, &str)] = &[
    ("proc/stat", "cpu  1100 100 500 8700 550 20 30 0 9 9\ncpu0 1 1 1 1 1\ncpu1 1 1 1 1 1\nintr 1\n"),
    ("proc/uptime", "1060.00 1900.00\n"),
    ("proc/pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=16000000\n"),
    ("proc/pressure/io", "some avg10=0.00 avg60=0.00 avg300=0.00 total=99000000\n"),
    ("proc/vmstat", "oom_kill 5\n"),
    ("proc/net/dev", " eth0: 6500 0 0 0 0 0 0 0 3100 0 0 0 0 0 0 0\n  wg0: 200 0 0 0 0 0 0 0 900 0 0 0 0 0 0 0\n"),
];

const RATES: [&str; 4] = ["system_cpu", "system_pressure", "system_oom", "system_network"];

#[tokio::test]
async fn a_server_at_first_sight() {
    let server = Machine::new("server");
    assert_eq!(clock(&server, Some(0)).await, ["system_clock_synchronized 1"]);
    let expected = r#"
system_clock_synchronized 1
system_cpu_iowait_ratio ? warming_up
system_cpu_usage_ratio ? warming_up
system_disk_free_bytes{mount="/"} 2375
system_disk_free_bytes{mount="/boot/efi"} 400
system_disk_free_bytes{mount="/home"} 2000
system_disk_free_bytes{mount="/srv/my data\\\tx"} 1000
system_disk_free_bytes{mount="/tank"} ? permission denied
system_disk_size_bytes{mount="/"} 10000
system_disk_size_bytes{mount="/boot/efi"} 500
system_disk_size_bytes{mount="/home"} 8000
system_disk_size_bytes{mount="/srv/my data\\\tx"} 1000
system_disk_size_bytes{mount="/tank"} ? permission denied
system_disk_usage_ratio{mount="/"} 0.75
system_disk_usage_ratio{mount="/boot/efi"} 0.2
system_disk_usage_ratio{mount="/home"} 0.75
system_disk_usage_ratio{mount="/srv/my data\\\tx"} 0
system_disk_usage_ratio{mount="/tank"} ? permission denied
system_inodes_usage_ratio{mount="/"} 0.25
system_inodes_usage_ratio{mount="/srv/my data\\\tx"} 0.25
system_inodes_usage_ratio{mount="/tank"} ? permission denied
system_load1 0.5
system_load15 0.1
system_load5 0.25
system_memory_available_bytes 1024000000
system_memory_total_bytes 4096000000
system_memory_usage_ratio 0.75
system_network_receive_bytes_total{device="eth0"} 0
system_network_receive_bytes_total{device="eth1"} 0
system_network_receive_bytes_total{device="wg0"} 0
system_network_transmit_bytes_total{device="eth0"} 0
system_network_transmit_bytes_total{device="eth1"} 0
system_network_transmit_bytes_total{device="wg0"} 0
system_oom_kills_total 0
system_pressure_ratio{resource="cpu"} ? warming_up
system_pressure_ratio{resource="io"} ? warming_up
system_pressure_ratio{resource="memory"} ? warming_up
system_swap_usage_ratio 0.25
system_uptime_seconds 1000"#;
    assert_eq!(server.cycle(&settings(), None).await.0.join("\n"), expected.trim_start());
}

#[tokio::test]
async fn a_server_a_minute_later() {
    let server = Machine::new("server");
    let (_, memory) = server.cycle(&settings(), None).await;
    let (lines, memory) = server.with(A_MINUTE_LATER).cycle(&settings(), Some(&memory)).await;
    let expected = [
        "system_cpu_iowait_ratio 0.05",
        "system_cpu_usage_ratio 0.25",
        "system_network_receive_bytes_total{device=\"eth0\"} 1500",
        // this counter fell: what it shows has come since
        "system_network_receive_bytes_total{device=\"wg0\"} 200",
        "system_network_transmit_bytes_total{device=\"eth0\"} 100",
        "system_network_transmit_bytes_total{device=\"wg0\"} 100",
        "system_oom_kills_total 3",
        "system_pressure_ratio{resource=\"cpu\"} 0.25",
        // more stalled time than time: two clocks, shown as full
        "system_pressure_ratio{resource=\"io\"} 1",
        "system_pressure_ratio{resource=\"memory\"} 0",
    ];
    assert_eq!(only(&lines, &RATES), expected);
    let kept = json!({
        "boot": "11111111-1111-4111-8111-111111111111",
        "uptime": 1060.0,
        "cpu": { "ticks": { "busy": 1750, "idle": 8700, "iowait": 550, "cpus": 2 }, "group": null },
        "stalls": { "cpu": 16_000_000, "io": 99_000_000, "memory": 0 },
        "traffic": {
            "eth0": { "received": { "counter": 6500, "total": 1500 }, "sent": { "counter": 3100, "total": 100 } },
            "wg0": { "received": { "counter": 200, "total": 200 }, "sent": { "counter": 900, "total": 100 } },
        },
        "kills": { "counter": 5, "total": 3 },
    });
    assert_eq!(memory, kept);
}

#[tokio::test]
async fn a_reboot_warms_up_and_loses_no_sum() {
    let server = Machine::new("server");
    let (_, memory) = server.cycle(&settings(), None).await;
    let boot = ("proc/sys/kernel/random/boot_id", "33333333-3333-4333-8333-333333333333\n");
    let (lines, _) = server.with(A_MINUTE_LATER).with(&[boot]).cycle(&settings(), Some(&memory)).await;
    let expected = [
        "system_cpu_iowait_ratio ? warming_up",
        "system_cpu_usage_ratio ? warming_up",
        "system_network_receive_bytes_total{device=\"eth0\"} 6500",
        "system_network_receive_bytes_total{device=\"wg0\"} 200",
        "system_network_transmit_bytes_total{device=\"eth0\"} 3100",
        "system_network_transmit_bytes_total{device=\"wg0\"} 900",
        "system_oom_kills_total 5",
        "system_pressure_ratio{resource=\"cpu\"} ? warming_up",
        "system_pressure_ratio{resource=\"io\"} ? warming_up",
        "system_pressure_ratio{resource=\"memory\"} ? warming_up",
    ];
    assert_eq!(only(&lines, &RATES), expected);
}

#[tokio::test]
async fn cpu_counters_that_cannot_be_compared_make_no_ghosts() {
    let cpu0 = "cpu0 1 1 1 1 1\n";
    let warming = ["system_cpu_iowait_ratio ? warming_up", "system_cpu_usage_ratio ? warming_up"].map(str::to_owned);
    let strange = "/proc/stat does not have the expected form";
    let broken = ["iowait", "usage"].map(|name| format!("system_cpu_{name}_ratio ? {strange}"));
    let fallen_iowait = ["system_cpu_iowait_ratio 0", "system_cpu_usage_ratio 0.5"].map(str::to_owned);
    for (what, stat, expected) in [
        ("not a tick passed", "cpu  1000 100 400 8000 500 0 0 0 0 0\ncpu0 1\ncpu1 1\n".to_owned(), &warming),
        ("used ticks fell", format!("cpu  900 100 400 9000 500 0 0 0 0 0\n{cpu0}cpu1 1\n"), &warming),
        ("idle ticks fell", format!("cpu  1100 100 400 7000 500 0 0 0 0 0\n{cpu0}cpu1 1\n"), &warming),
        ("a cpu was added", format!("cpu  1100 100 400 9000 500 0 0 0 0 0\n{cpu0}cpu1 1\ncpu2 1\n"), &warming),
        ("iowait fell", format!("cpu  1100 100 400 8100 400 0 0 0 0 0\n{cpu0}cpu1 1\n"), &fallen_iowait),
        ("not a number", format!("cpu  1100 100 many 9000 500 0 0 0 0 0\n{cpu0}cpu1 1\n"), &broken),
        ("too few", format!("cpu  1100 100\n{cpu0}cpu1 1\n"), &broken),
        ("nothing", String::new(), &broken),
    ] {
        let server = Machine::new("server");
        let (_, memory) = server.cycle(&settings(), None).await;
        let (lines, _) = server.with(&[("proc/stat", &stat)]).cycle(&settings(), Some(&memory)).await;
        assert_eq!(&only(&lines, &["system_cpu"]), expected, "{what}");
    }
}

#[tokio::test]
async fn a_memory_of_another_version_is_none() {
    let server = Machine::new("server");
    let old = json!({ "boot": 7, "cpu": "many" });
    assert_eq!(server.cycle(&settings(), Some(&old)).await, server.cycle(&settings(), None).await);
}

#[tokio::test]
async fn a_container_is_its_limits() {
    let container = Machine::new("container");
    let (first, memory) = container.cycle(&settings(), None).await;
    let expected = r#"
system_clock_synchronized ? neither chronyd nor systemd-timesyncd runs here, and no other time service can be asked
system_cpu_iowait_ratio ? warming_up
system_cpu_usage_ratio ? warming_up
system_disk_free_bytes{mount="/"} 2375
system_disk_free_bytes{mount="/data"} 0
system_disk_size_bytes{mount="/"} 10000
system_disk_size_bytes{mount="/data"} 0
system_disk_usage_ratio{mount="/"} 0.75
system_disk_usage_ratio{mount="/data"} ? nothing_to_divide
system_inodes_usage_ratio{mount="/"} 0.25
system_load1 1
system_load15 1
system_load5 1
system_memory_available_bytes 400000000
system_memory_total_bytes 1000000000
system_memory_usage_ratio 0.6
system_network_receive_bytes_total{device="eth0"} 0
system_network_transmit_bytes_total{device="eth0"} 0
system_oom_kills_total ? /proc/vmstat does not have the expected form
system_swap_usage_ratio ? nothing_to_divide
system_uptime_seconds 1000"#;
    assert_eq!(first.join("\n"), expected.trim_start());
    let later = [A_MINUTE_LATER[0], A_MINUTE_LATER[1], ("sys/fs/cgroup/cpu.stat", "usage_usec 18000000\n")];
    let (second, _) = container.with(&later).cycle(&settings(), Some(&memory)).await;
    // 15 s of the 30 s that half a CPU has in a minute
    assert_eq!(only(&second, &["system_cpu"]), ["system_cpu_iowait_ratio 0.05", "system_cpu_usage_ratio 0.5"]);
}

#[tokio::test]
async fn the_smallest_limit_of_a_version_1_tree_counts() {
    let container = Machine::new("container-v1");
    let (first, memory) = container.cycle(&settings(), None).await;
    let group = [
        "system_memory_available_bytes 750000000",
        "system_memory_total_bytes 1000000000",
        "system_memory_usage_ratio 0.25",
    ];
    assert_eq!(only(&first, &["system_memory"]), group);
    let later = [
        A_MINUTE_LATER[0],
        A_MINUTE_LATER[1],
        ("sys/fs/cgroup/cpu,cpuacct/cpuacct.usage", "50000000000\n"),
        ("sys/fs/cgroup/memory/jobs/memory.limit_in_bytes", "9223372036854771712\n"),
    ];
    let container = container.with(&later);
    let (second, memory) = container.cycle(&settings(), Some(&memory)).await;
    // 45 s of the 90 s that one and a half CPUs have in a minute; the outer group's memory, of which
    // the machine has less left than the limit would allow
    let outer = [
        "system_memory_available_bytes 1024000000",
        "system_memory_total_bytes 2000000000",
        "system_memory_usage_ratio 0.488",
    ];
    assert_eq!(only(&second, &["system_memory"]), outer);
    assert_eq!(only(&second, &["system_cpu_usage"]), ["system_cpu_usage_ratio 0.5"]);
    let unlimited = [
        ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
        ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n"),
        ("proc/stat", "cpu  1200 100 500 8700 550 20 30 0 9 9\ncpu0 1\ncpu1 1\n"),
    ];
    let (third, _) = container.with(&unlimited).cycle(&settings(), Some(&memory)).await;
    let machine = [
        "system_memory_available_bytes 1024000000",
        "system_memory_total_bytes 4096000000",
        "system_memory_usage_ratio 0.75",
    ];
    assert_eq!(only(&third, &["system_memory"]), machine);
    assert_eq!(only(&third, &["system_cpu_usage"]), ["system_cpu_usage_ratio 1"]);
}

#[tokio::test]
async fn what_cannot_be_read_is_unknown_and_never_gone() {
    let server = Machine::new("server");
    let (first, memory) = server.cycle(&settings(), None).await;
    let server = server.without(&[
        "proc/stat",
        "proc/meminfo",
        "proc/loadavg",
        "proc/uptime",
        "proc/vmstat",
        "proc/pressure",
        "proc/net",
    ]);
    let (second, kept) = server.cycle(&settings(), Some(&memory)).await;
    let series = |lines: &[String]| -> Vec<String> {
        lines
            .iter()
            .map(|line| line.rsplit_once(if line.contains(" ? ") { " ? " } else { " " }).unwrap().0.to_owned())
            .collect()
    };
    assert_eq!(series(&first), series(&second));
    let known: Vec<String> = only(&second, &["system_"]).into_iter().filter(|line| !line.contains(" ? ")).collect();
    assert_eq!(only(&known, &["system_disk", "system_inodes", "system_clock"]), known);
    assert!(second.contains(&"system_load1 ? cannot read /proc/loadavg: entity not found".to_owned()), "{second:?}");
    // what was counted goes on from where it was
    for key in ["cpu", "stalls", "traffic", "kills"] {
        assert_eq!(kept[key], memory[key], "{key}");
    }
}

#[tokio::test]
async fn without_the_list_of_mounts_the_source_fails_whole() {
    let server = Machine::new("server").without(&["proc/self/mountinfo"]);
    let memory = json!({ "uptime": 7.0 });
    let report = collect_from(&server.host, &settings(), Some(&memory), NOW, DEADLINE).await;
    let reason = Reason::new("cannot read /proc/self/mountinfo: entity not found");
    assert_eq!(report, Report { memory: Some(memory), ..Report::failed(reason) });
}

#[tokio::test]
async fn named_mounts_are_added_and_ignored_ones_left_out() {
    let settings = System {
        mounts: vec!["/mnt/nfs".to_owned(), "/mnt/gone".to_owned()],
        ignore_mounts: vec!["/boot/efi".to_owned(), "/tank".to_owned()],
        ..settings()
    };
    let (lines, _) = Machine::new("server").cycle(&settings, None).await;
    let expected = [
        r#"system_disk_usage_ratio{mount="/"} 0.75"#,
        r#"system_disk_usage_ratio{mount="/home"} 0.75"#,
        r#"system_disk_usage_ratio{mount="/mnt/gone"} ? nothing is mounted there"#,
        r#"system_disk_usage_ratio{mount="/mnt/nfs"} 0.75"#,
        r#"system_disk_usage_ratio{mount="/srv/my data\\\tx"} 0"#,
    ];
    assert_eq!(only(&lines, &["system_disk_usage"]), expected);
}

/// Whether the server of `/mnt/nfs` answers.
static ANSWERS: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());

fn hanging_space(point: &Path) -> io::Result<Space> {
    if point.ends_with("nfs") {
        drop(ANSWERS.1.wait_while(ANSWERS.0.lock().unwrap(), |answers| !*answers));
    }
    space(point)
}

#[tokio::test]
async fn a_mount_that_hangs_is_unknown_alone_and_asked_once() {
    let mut server = Machine::new("server");
    server.host.space = hanging_space;
    let settings = System { mounts: vec!["/mnt/nfs".to_owned()], ..settings() };
    let nfs = |readings: Vec<Reading>| {
        let lines: Vec<String> = readings.iter().map(line).collect();
        assert!(lines.contains(&r#"system_disk_usage_ratio{mount="/"} 0.75"#.to_owned()), "{lines:?}");
        only(&lines, &["system_disk_usage_ratio{mount=\"/mnt/nfs\"}"])
    };
    // Half of this is waited for; the threads live in real time, so it cannot be a paused clock.
    let short = Duration::from_millis(400);
    for reason in ["timeout", "timeout: still no answer since an earlier cycle"] {
        let report = collect_from(&server.host, &settings, None, NOW, short).await;
        let expected = format!("system_disk_usage_ratio{{mount=\"/mnt/nfs\"}} ? {reason}");
        assert_eq!(nfs(report.readings.unwrap()), [expected]);
    }
    *ANSWERS.0.lock().unwrap() = true;
    ANSWERS.1.notify_all();
    let back = tokio::time::timeout(DEADLINE, async {
        loop {
            let report = collect_from(&server.host, &settings, None, NOW, DEADLINE).await;
            let lines = nfs(report.readings.unwrap());
            if lines == [r#"system_disk_usage_ratio{mount="/mnt/nfs"} 0.75"#] {
                break;
            }
        }
    });
    back.await.unwrap();
}

fn services() -> System {
    let units = ["nginx.service", "db@main", "idle.service", "missing.service"];
    let processes = ["node", "nginx", "absent"];
    let units = units.map(|name| Service::Unit(name.to_owned()));
    System {
        services: units.into_iter().chain(processes.map(|name| Service::Process(name.to_owned()))).collect(),
        ..settings()
    }
}

#[tokio::test]
async fn services_by_unit_and_by_process() {
    let (lines, _) = Machine::new("server").cycle(&services(), None).await;
    let expected = r#"
service_memory_bytes{service="db@main"} ? memory accounting is off for this unit
service_memory_bytes{service="nginx"} 12
service_memory_bytes{service="nginx.service"} 20000000
service_memory_bytes{service="node"} 1500
service_up{service="absent"} 0
service_up{service="db@main"} 1
service_up{service="idle.service"} 0
service_up{service="missing.service"} 0
service_up{service="nginx"} 1
service_up{service="nginx.service"} 1
service_up{service="node"} 1
service_uptime_seconds{service="db@main"} 900
service_uptime_seconds{service="nginx"} 500
service_uptime_seconds{service="nginx.service"} 500
service_uptime_seconds{service="node"} 60"#;
    assert_eq!(only(&lines, &["service_"]).join("\n"), expected.trim_start());
}

#[tokio::test]
async fn hidden_processes_and_foreign_inits_are_unknown_not_down() {
    let hidden = "? processes of others are hidden from this user (hidepid or ProtectProc)";
    let server = Machine::new("server").without(&["proc/1"]);
    let (lines, _) = server.cycle(&services(), None).await;
    let up = |lines: &[String]| only(lines, &["service_up{"]);
    let expected = [
        format!("service_up{{service=\"absent\"}} {hidden}"),
        "service_up{service=\"db@main\"} 1".to_owned(),
        "service_up{service=\"idle.service\"} 0".to_owned(),
        "service_up{service=\"missing.service\"} 0".to_owned(),
        "service_up{service=\"nginx\"} 1".to_owned(),
        "service_up{service=\"nginx.service\"} 1".to_owned(),
        "service_up{service=\"node\"} 1".to_owned(),
    ];
    assert_eq!(up(&lines), expected);
    assert!(lines.contains(&format!("service_memory_bytes{{service=\"node\"}} {hidden}")), "{lines:?}");

    let unit = System { services: vec![Service::Unit("nginx.service".to_owned())], ..settings() };
    let (lines, _) = Machine::new("container").cycle(&unit, None).await;
    assert_eq!(up(&lines), ["service_up{service=\"nginx.service\"} ? systemd does not run here"]);
}

#[tokio::test]
async fn processes_that_cannot_be_listed_are_unknown_not_down() {
    let mut server = Machine::new("server");
    server.host.processes = |_| Err(Reason::new("no list today"));
    let services = ["nginx.service", "node"];
    let services = vec![Service::Unit(services[0].to_owned()), Service::Process(services[1].to_owned())];
    let (lines, _) = server.cycle(&System { services, ..settings() }, None).await;
    let expected = r#"
service_memory_bytes{service="nginx.service"} 20000000
service_memory_bytes{service="node"} ? no list today
service_up{service="nginx.service"} 1
service_up{service="node"} ? no list today
service_uptime_seconds{service="nginx.service"} ? no list today
service_uptime_seconds{service="node"} ? no list today"#;
    assert_eq!(only(&lines, &["service_"]).join("\n"), expected.trim_start());
}

#[tokio::test]
async fn a_limited_group_that_does_not_say_what_it_uses_is_unknown() {
    let silent = ["sys/fs/cgroup/memory.stat", "sys/fs/cgroup/cpu.stat"];
    let (lines, _) = Machine::new("container").without(&silent).cycle(&settings(), None).await;
    let memory = "? the control group does not say what it uses";
    let expected = [
        "system_cpu_usage_ratio ? the control group with the quota does not count CPU time".to_owned(),
        format!("system_memory_available_bytes {memory}"),
        format!("system_memory_total_bytes {memory}"),
        format!("system_memory_usage_ratio {memory}"),
    ];
    assert_eq!(only(&lines, &["system_cpu_usage", "system_memory"]), expected);
}

/// What is said of the clock of `server` with the mark of systemd-timesyncd `age` seconds old.
async fn clock(server: &Machine, age: Option<i64>) -> Vec<String> {
    let mark = server.file("run/systemd/timesync/synchronized");
    match age {
        Some(age) => {
            let touched = UNIX_EPOCH + Duration::from_secs(u64::try_from(NOW.millis() / 1000 - age).unwrap());
            fs::File::options().write(true).open(mark).unwrap().set_modified(touched).unwrap();
        }
        None => fs::remove_file(mark).unwrap(),
    }
    only(&server.cycle(&settings(), None).await.0, &["system_clock"])
}

#[tokio::test]
async fn the_clock_is_right_for_as_long_as_the_kernel_would_believe_it() {
    let server = Machine::new("server");
    let ages = [(Some(0), 1), (Some(32_000), 1), (Some(32_001), 0), (Some(-60), 1), (Some(-61), 0), (None, 0)];
    for (age, expected) in ages {
        assert_eq!(clock(&server, age).await, [format!("system_clock_synchronized {expected}")], "{age:?}");
    }
}

#[tokio::test]
async fn chronyd_is_believed_before_a_mark_that_may_be_old() {
    let mut server = Machine::new("server");
    fs::create_dir(server.file("run/chrony")).unwrap();
    // It has no server, whatever the mark says.
    server.host.chronyd = chrony::tests::answering(chrony::tests::ALONE).await;
    assert_eq!(clock(&server, Some(0)).await, ["system_clock_synchronized 0"]);
    // It was set 27 minutes after NOW: somebody has moved the clock back.
    server.host.chronyd = chrony::tests::answering(chrony::tests::FOLLOWS).await;
    assert_eq!(clock(&server, Some(0)).await, ["system_clock_synchronized 0"]);
    // It is stopped: the mark counts.
    server.host.chronyd = NOBODY;
    assert_eq!(clock(&server, Some(0)).await, ["system_clock_synchronized 1"]);
    let server = server.without(&["run/systemd/timesync"]);
    let (lines, _) = server.cycle(&settings(), None).await;
    let silent = "system_clock_synchronized ? chronyd does not answer on UDP 127.0.0.1:1";
    assert_eq!(only(&lines, &["system_clock"]), [silent]);
}

#[tokio::test]
async fn this_machine_can_be_measured_twice() {
    let settings = System { services: vec![Service::Process("sippar-mon".to_owned())], ..settings() };
    let first = collect(&settings, None, NOW, DEADLINE).await;
    let second = collect(&settings, first.memory.as_ref(), NOW, DEADLINE).await;
    let (first, second) = (first.readings.unwrap(), second.readings.unwrap());
    let find = |readings: &[Reading], series: &str| {
        readings.iter().find(|reading| reading.series.to_string() == series).map(|reading| reading.value.clone())
    };
    assert_eq!(find(&first, "system_cpu_usage_ratio"), Some(Value::Unknown(Reason::WARMING_UP)));
    for series in ["system_uptime_seconds", "system_memory_usage_ratio", "system_disk_usage_ratio{mount=\"/\"}"] {
        assert!(matches!(find(&second, series), Some(Value::Known(known)) if known > 0.0), "{series}: {second:?}");
    }
    for reading in &second {
        let name = reading.series.metric.as_ref();
        let metric = METRICS.iter().find(|metric| metric.name == name).unwrap_or_else(|| panic!("{name}"));
        let labels: Vec<&str> = reading.series.labels.iter().map(|(label, _)| label).collect();
        assert_eq!((metric.source, labels.as_slice()), ("system", metric.labels), "{name}");
    }
}

/// Files the source reads on the machine `server`.
const READ: [&str; 14] = [
    "proc/stat",
    "proc/meminfo",
    "proc/loadavg",
    "proc/uptime",
    "proc/vmstat",
    "proc/net/dev",
    "proc/pressure/cpu",
    "proc/self/cgroup",
    "proc/self/mountinfo",
    "proc/sys/kernel/random/boot_id",
    "sys/class/net/wg0/operstate",
    "sys/fs/cgroup/system.slice/nginx.service/cgroup.procs",
    "sys/fs/cgroup/system.slice/nginx.service/cgroup.events",
    "sys/fs/cgroup/system.slice/nginx.service/memory.current",
];

/// A file of the kernel with any of its words replaced by something odd, or nonsense altogether.
fn odd_text(file: String) -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("18446744073709551615"),
        Just("-1"),
        Just("NaN"),
        Just("inf"),
        Just("\\"),
        Just(""),
        Just("0")
    ];
    let words = file.split(' ').count();
    let one_changed = (0..words, word).prop_map(move |(at, odd)| {
        let words = file.split(' ').enumerate().map(|(i, word)| if i == at { odd } else { word });
        words.collect::<Vec<_>>().join(" ")
    });
    prop_oneof![8 => one_changed, 1 => any::<String>()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn odd_files_make_no_odd_numbers(
        odd in READ.map(|path| {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/host/server");
            odd_text(fs::read_to_string(folder.join(path)).unwrap())
        })
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let server = Machine::new("server");
        let (_, memory) = runtime.block_on(server.cycle(&services(), None));
        let odd: Vec<(&str, &str)> = READ.into_iter().zip(odd.iter().map(String::as_str)).collect();
        let server = server.with(&odd);
        for memory in [None, Some(&memory)] {
            let report = runtime.block_on(collect_from(&server.host, &services(), memory, NOW, DEADLINE));
            for reading in report.readings.unwrap() {
                let Value::Known(value) = reading.value else { continue };
                prop_assert!(value.is_finite() && value >= 0.0, "{} {value}", reading.series);
                prop_assert!(!reading.series.metric.ends_with("_ratio") || value <= 1.0, "{} {value}", reading.series);
            }
        }
    }
}

#[test]
fn a_process_is_listed_with_its_memory_and_age() {
    let own = super::process::list(Some(&[std::process::id()])).unwrap();
    let [own] = own.as_slice() else { panic!("{own:?}") };
    assert!(own.name.starts_with("sippar") && own.memory > 0, "{own:?}");
    let all = super::process::list(None).unwrap();
    assert!(all.iter().any(|process| process.program.starts_with("sippar_mon-")), "{all:?}");
}
