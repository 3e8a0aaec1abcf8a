//! The server under bad clients and with a bad database: it goes on, says what is wrong, and recovers by itself.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use crate::serving::{Serving, TOKEN, WITH_TOKEN};
use crate::support::client::ask;
use crate::world::{World, until};

/// A connection on which a beginning was sent.
fn begun(serving: &Serving, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(serving.at).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(bytes).unwrap();
    stream
}

/// How long it takes until the other side closes.
fn closed_after(stream: &mut TcpStream) -> Duration {
    let begun = Instant::now();
    let mut rest = Vec::new();
    // a reset is an end too
    let _ = stream.read_to_end(&mut rest);
    begun.elapsed()
}

#[test]
fn who_sends_no_whole_head_is_let_go() {
    let world = World::with_queue("");
    world.check();
    let serving = Serving::start(&world);
    let mut slow = begun(&serving, b"GET /health HTTP/1.1\r\nhost: local");
    let mut silent = begun(&serving, b"");
    let mut idle = begun(&serving, b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n");
    for (name, stream) in [("slow", &mut slow), ("silent", &mut silent), ("idle", &mut idle)] {
        let took = closed_after(stream);
        assert!(took < Duration::from_secs(15), "{name}: {took:?}");
    }
}

#[test]
fn hundreds_that_ask_nothing_keep_nobody_out() {
    let world = World::with_queue("");
    world.check();
    let serving = Serving::start(&world);
    let crowd: Vec<TcpStream> = (0..300).map(|_| begun(&serving, b"GET /health HTT")).collect();
    for _ in 0..5 {
        let asked = Instant::now();
        assert_eq!(serving.get("/monitoring/system").status, 200);
        assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
    }
    drop(crowd);
}

#[test]
fn more_listeners_than_there_may_be_are_told_to_come_back() {
    let world = World::with_queue("");
    world.check();
    let serving = Serving::start(&world);
    let ask = b"GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let first_line = |stream: &mut TcpStream| {
        let mut bytes = [0; 12];
        stream.read_exact(&mut bytes).unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    };
    let mut listeners: Vec<TcpStream> = (0..32).map(|_| begun(&serving, ask)).collect();
    for listener in &mut listeners {
        assert_eq!(first_line(listener), "HTTP/1.1 200");
    }
    assert_eq!(first_line(&mut begun(&serving, ask)), "HTTP/1.1 503");
    drop(listeners);
    until("a place", || first_line(&mut begun(&serving, ask)) == "HTTP/1.1 200");
}

#[test]
fn a_body_that_does_not_arrive_is_not_waited_for() {
    let world = World::with_queue(WITH_TOKEN);
    world.check();
    let serving = Serving::start(&world);
    let head = format!(
        "POST /monitoring/alerts/test HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {TOKEN}\r\n\
         content-type: application/json\r\ncontent-length: 100\r\nconnection: close\r\n\r\n{{"
    );
    let mut stream = begun(&serving, head.as_bytes());
    let mut answer = String::new();
    let asked = Instant::now();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(asked.elapsed() < Duration::from_secs(20), "{:?}", asked.elapsed());
}

/// What the dashboard answers with, and why.
fn state(serving: &Serving) -> (u16, String) {
    let answer = serving.get("/monitoring/dashboard");
    let error = answer.json()["error"].as_str().unwrap_or_default().to_owned();
    (answer.status, error)
}

#[test]
fn a_database_that_is_missing_replaced_or_no_database_is_told_and_seen_again() {
    let world = World::with_queue("");
    let serving = Serving::start(&world);
    let (status, error) = state(&serving);
    assert!(status == 503 && error.contains("nothing has been checked yet"), "{status} {error}");
    assert!(!world.database().exists(), "looking creates nothing");
    world.check();
    until("the first cycle", || state(&serving).0 == 200);

    // somebody puts another one in its place, with one cycle more
    let other = World::with_queue("");
    for _ in 0..3 {
        other.check();
    }
    other.run(&["db", "backup", other.path("copy.db").to_str().unwrap()]);
    for end in ["-wal", "-shm", ""] {
        let _ = fs::remove_file(format!("{}{end}", world.database().display()));
    }
    until("its absence", || state(&serving).0 == 503);
    fs::copy(other.path("copy.db"), world.database()).unwrap();
    until("the other one", || serving.get("/monitoring/dashboard").json()["data"]["monitor"]["cycles_done"] == 3);

    let sound = fs::read(world.database()).unwrap();
    let place = |bytes: &[u8]| {
        let fresh = world.path("fresh.db");
        fs::write(&fresh, bytes).unwrap();
        fs::set_permissions(&fresh, fs::Permissions::from_mode(0o600)).unwrap();
        fs::rename(&fresh, world.database()).unwrap();
    };
    place(b"this is no database, and long enough to be looked at as if it were one; it is text from its first to its last byte.");
    until("the damage", || state(&serving).1.contains("is not a database"));
    let health = serving.get("/health");
    assert_eq!((health.status, health.header("retry-after")), (503, Some("5")));
    let mut torn = sound.clone();
    for byte in &mut torn[4096..] {
        *byte = 0x5a;
    }
    place(&torn);
    until("the other damage", || state(&serving).0 == 503);
    place(&sound);
    until("what was there", || state(&serving).0 == 200);
}

#[test]
fn a_database_that_somebody_holds_is_waited_for_a_second_and_no_longer() {
    let world = World::with_queue("");
    world.check();
    let serving = Serving::start(&world);
    assert_eq!(state(&serving).0, 200);
    // a mode in which nobody else may even look
    let holder = rusqlite::Connection::open(world.database()).unwrap();
    holder.pragma_update(None, "locking_mode", "EXCLUSIVE").unwrap();
    until("the lock", || holder.execute_batch("BEGIN EXCLUSIVE; UPDATE cycle SET missed = missed; COMMIT;").is_ok());
    until("the word about it", || state(&serving).0 == 503);
    let asked = Instant::now();
    let (status, error) = state(&serving);
    assert!(status == 503 && error.contains("another process holds the database"), "{status} {error}");
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    drop(holder);
    until("its release", || state(&serving).0 == 200);
}

#[test]
fn a_backup_can_take_the_place_of_a_database_that_is_served() {
    let world = World::with_queue("");
    world.check();
    assert_eq!(world.run(&["db", "backup", "copy.db"]).code, 0);
    world.check();
    let serving = Serving::start(&world);
    let done = || serving.get("/monitoring/dashboard").json()["data"]["monitor"]["cycles_done"].clone();
    assert_eq!(done(), 2);
    let restored = world.run(&["db", "restore", "copy.db", "--yes"]);
    assert_eq!(restored.code, 0, "{restored:?}");
    until("the backup", || done() == 1);
}

#[test]
fn it_needs_no_secret_and_opens_no_connection() {
    let world = World::new(&format!(
        "{}{WITH_TOKEN}[channels.slack.slack]\nwebhook_url = \"env:NOT_THERE\"\n\
         [channels.mail.email]\nhost = \"smtp.example.org\"\nuser = \"a@example.org\"\npassword = \"file:@not-there\"\n\
         to = [\"b@example.org\"]\n[heartbeat]\nurl = \"env:NOT_THERE\"\n[routes]\nhigh = [\"slack\", \"sms\"]\n",
        crate::world::QUEUE
    ));
    assert_eq!(world.run(&["check"]).code, 78, "whoever tells people needs them");
    let sound = World::with_queue("");
    sound.check();
    assert_eq!(sound.run(&["db", "backup", world.database().to_str().unwrap()]).code, 0);
    let serving = Serving::start(&world);
    for path in ["/monitoring/dashboard", "/monitoring/history", "/metrics", "/health"] {
        assert_eq!(serving.get(path).status, 200, "{path}");
    }
    // of all sockets of the process, each has the address that it listens on
    let port = format!(":{:04X} ", serving.at.port());
    let folder = format!("/proc/{}/fd", serving.id());
    let links = fs::read_dir(folder).unwrap().filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
    let sockets: Vec<String> = links
        .filter_map(|link| Some(link.to_str()?.strip_prefix("socket:[")?.trim_end_matches(']').to_owned()))
        .collect();
    let tables = ["tcp", "tcp6", "udp", "udp6"]
        .map(|table| fs::read_to_string(format!("/proc/net/{table}")).unwrap_or_default());
    let ours = tables.iter().flat_map(|table| table.lines()).filter(|line| {
        line.split_whitespace().nth(9).is_some_and(|inode| sockets.iter().any(|socket| socket == inode))
    });
    let ours: Vec<&str> = ours.collect();
    assert!(!ours.is_empty() && ours.iter().all(|line| line.contains(&port)), "{ours:?}");
}

#[test]
fn hostile_words_stay_words() {
    let world = World::with_queue("");
    let label = "<script>alert(1)</script>\\\"><img src=x onerror=y>\u{202e}\u{1b}[2J";
    world.write("queue.prom", &format!("queue_depth{{x=\"{label}\"}} 50\n"), 0o644);
    world.check();
    let serving = Serving::start(&world);
    let answer = serving.get("/monitoring/alerts");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let text = answer.text();
    assert!(!text.contains('\u{1b}'), "control characters are escaped in JSON");
    let shown = &answer.json()["data"]["activeAlerts"][0]["labels"]["x"];
    assert_eq!(shown.as_str().unwrap(), label.replace("\\\"", "\""));
    let refused = serving.get("/monitoring/history?metric=%3Cscript%3E%1b");
    assert!(refused.status == 400 && !refused.text().contains('\u{1b}'), "{}", refused.text());
}

#[test]
fn a_changed_configuration_counts_at_once_and_a_broken_one_does_not() {
    let world = World::with_queue(WITH_TOKEN);
    world.queue(12);
    world.check();
    let serving = Serving::start(&world);
    let shown = |words: &str| serving.get("/").text().contains(words);
    assert!(shown("QUEUE_LONG") && !shown("Renamed system"), "{}", serving.get("/").text());
    let config = fs::read_to_string(world.path("config.toml")).unwrap();
    let renamed = config
        .replace("[monitor]", "[monitor]\nname = \"Renamed system\"")
        .replace(TOKEN, "another-token-of-16-characters");
    world.configure(&renamed);
    until("the new name", || shown("Renamed system"));
    let ack = |token: &str| {
        let head = [("authorization", token), ("content-type", "application/json")];
        ask(serving.at, "POST", "/monitoring/alerts/1/ack", &head, "{\"message\": \"on it\", \"by\": \"ann\"}").status
    };
    assert_eq!(ack(&format!("Bearer {TOKEN}")), 401);
    assert_eq!(ack("Bearer another-token-of-16-characters"), 200);
    // with a fault in it the one before goes on, as it does for the cycles
    world.configure(&renamed.replace("Renamed system", "Broken").replace("[[rule]]", "[[rules]]"));
    std::thread::sleep(Duration::from_secs(6));
    assert!(shown("Renamed system") && !shown("Broken"), "{}", serving.get("/").text());
    world.configure(&renamed.replace("Renamed system", "Mended system"));
    until("the mended one", || shown("Mended system"));
}
