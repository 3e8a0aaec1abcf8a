//! The pages as a browser is given them: status, headers, and what stands in them.

use crate::serving::{Serving, WITH_TOKEN};
use crate::support::client::ask;
use crate::world::{QUEUE, World};

/// A queue that was too long and still is, behind a server.
fn scene(more: &str) -> (World, Serving) {
    let world = World::with_queue(more);
    for depth in [3, 12, 14] {
        world.queue(depth);
        world.check();
    }
    let serving = Serving::start(&world);
    (world, serving)
}

#[test]
fn every_page_is_there_and_says_what_it_should() {
    let (_world, serving) = scene("");
    for (path, status, media, words) in [
        ("/", 200, "text/html; charset=utf-8", "<h1 id=\"state\">1 alert needs attention</h1>"),
        ("/?range=all", 200, "text/html; charset=utf-8", "aria-current=\"true\">all</a>"),
        ("/?from=1h", 200, "text/html; charset=utf-8", "1 alert in 1 h"),
        ("/?range=2h", 400, "text/html; charset=utf-8", "range: `2h` is none of 1h, 6h, 24h, 7d, 30d, all"),
        ("/?from=%3Cb%3E", 400, "text/html; charset=utf-8", "from: `&lt;b&gt;` is not a time"),
        ("/alert/1", 200, "text/html; charset=utf-8", "Alert 1: QUEUE_LONG"),
        ("/alert/2", 404, "text/html; charset=utf-8", "There is no alert 2"),
        ("/alert/x", 404, "text/html; charset=utf-8", "There is no alert x"),
        ("/metric", 200, "text/html; charset=utf-8", "href=\"/metric?metric=queue_depth\""),
        (
            "/metric?metric=queue_depth&label.probe=queue",
            200,
            "text/html; charset=utf-8",
            "<td>14 <span class=\"tag high\">",
        ),
        ("/metric?metric=nothing", 200, "text/html; charset=utf-8", "Nothing is measured under this name."),
        ("/reserves/proof", 404, "text/html; charset=utf-8", "There is no such look at the reserves"),
        ("/reserves/proof.json", 404, "application/json", "There is no such look at the reserves"),
        ("/runbook", 200, "text/html; charset=utf-8", "href=\"/runbook/HIGH_DISK_USAGE\""),
        ("/runbook/high_disk_usage", 200, "text/html; charset=utf-8", "<h1>HIGH_DISK_USAGE</h1>"),
        ("/runbook/nothing", 404, "text/html; charset=utf-8", "There is no such section"),
        ("/report?range=1h", 200, "text/html; charset=utf-8", "<strong>Incident report</strong>"),
        ("/app.js", 200, "text/javascript; charset=utf-8", "\"use strict\";"),
        ("/app.css", 200, "text/css; charset=utf-8", "--critical-fill"),
        ("/favicon.svg?state=high&n=3", 200, "image/svg+xml", ">3</text></svg>"),
        ("/favicon.svg?state=%3Cb%3E&n=%3Cb%3E", 200, "image/svg+xml", ">?</text></svg>"),
    ] {
        let answer = serving.get(path);
        assert_eq!((answer.status, answer.header("content-type")), (status, Some(media)), "{path}: {}", answer.text());
        assert!(answer.text().contains(words), "{path}: {words} is not in {}", answer.text());
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{path}: {policy}");
        assert!(!answer.text().contains("style=\""), "{path}");
        assert_eq!(ask(serving.at, "POST", path, &[], "").status, 405, "{path}");
    }
}

#[test]
fn what_has_not_changed_is_not_sent_again() {
    let (world, serving) = scene("");
    let first = serving.get("/");
    let tag = first.header("etag").unwrap().to_owned();
    let again = ask(serving.at, "GET", "/", &[("if-none-match", &tag)], "");
    // a picture lives for some seconds; who asks within them is told that nothing has changed
    assert!(again.status == 304 && again.body.is_empty() || again.header("etag") != Some(&tag), "{again:?}");
    world.queue(1);
    world.check();
    std::thread::sleep(std::time::Duration::from_millis(300));
    let changed = ask(serving.at, "GET", "/", &[("if-none-match", &tag)], "");
    assert_eq!(changed.status, 200);
    assert!(changed.text().contains("resolved") && changed.header("etag") != Some(&tag), "{}", changed.text());
    // script and styles are kept for good, under a name that changes with them
    let script = first.text().split("src=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert!(script.starts_with("/app.js?v="), "{script}");
    for path in [script.as_str(), "/app.css"] {
        let kept = serving.get(path);
        assert_eq!(kept.header("cache-control"), Some("public, max-age=31536000, immutable"), "{path}");
    }
}

#[test]
fn what_was_kept_does_not_say_an_old_age() {
    const BEGIN: i64 = 1_795_424_400_000;
    let at = |seconds: i64| {
        let mut world = World::with_queue("");
        world.set("SIPPAR_MON_CLOCK", &BEGIN.to_string());
        world.run(&["check"]);
        world.set("SIPPAR_MON_CLOCK", &(BEGIN + seconds * 1000).to_string());
        let serving = Serving::start(&world);
        (world, serving)
    };
    for path in ["/", "/?range=6h", "/monitoring/dashboard", "/monitoring/health-checks"] {
        let (world, serving) = at(643);
        let first = serving.get(path);
        let known = [("if-none-match", first.header("etag").unwrap())];
        assert_eq!(ask(serving.at, "GET", path, &known, "").status, 304, "{path}: the same state, the same age");
        serving.stop();
        let mut world = world;
        world.set("SIPPAR_MON_CLOCK", &(BEGIN + 690_000).to_string());
        let later = Serving::start(&world);
        let again = ask(later.at, "GET", path, &known, "");
        assert_eq!(again.status, 200, "{path}: 47 s later the age is another one");
    }
    // a page counts on from when it was made: a browser that loads it again must have it anew
    let (_world, serving) = at(643);
    let page = serving.get("/");
    assert!(page.text().contains("Nothing has been checked for 10 min 4"), "{}", page.text());
    let known = [("if-none-match", page.header("etag").unwrap())];
    let same = ask(serving.at, "GET", "/", &known, "");
    for answer in [page.clone(), same, serving.get("/metric"), serving.get("/runbook"), serving.get("/alert/9")] {
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{}", answer.text());
    }
}

#[test]
fn each_text_knows_one_beginning_of_what_had_to_last() {
    const BEGIN: i64 = 1_795_424_400_000;
    let mut world = World::with_queue("");
    let lasting = QUEUE.replace("interval = \"1s\"", "interval = \"1m\"").replace("above =", "for = \"10m\"\nabove =");
    world.configure(&lasting);
    let minute = |world: &mut World, minute: i64, depth: u32| {
        world.set("SIPPAR_MON_CLOCK", &(BEGIN + minute * 60_000).to_string());
        world.queue(depth);
        world.run(&["check"])
    };
    for at in 0..=15 {
        minute(&mut world, at, 50);
    }
    // it is true since 09:00 and fires since 09:10
    world.set("SIPPAR_MON_CLOCK", &(BEGIN + 15 * 60_000 + 5_000).to_string());
    let serving = Serving::start(&world);
    let page = serving.get("/").text().to_owned();
    assert!(page.contains("Nov 23 09:10</time><p>5 min ") && page.contains("50 are waiting, for 5 min "), "{page}");
    let page = serving.get("/alert/1").text().to_owned();
    assert!(page.contains("2026-11-23 09:10</time> UTC, for 5 min "), "{page}");
    serving.stop();
    let list = world.run(&["alert", "list"]).out;
    assert!(list.contains("\t2026-11-23T09:10:00Z\t"), "{list}");
    assert!(world.run(&["alert", "show", "1"]).out.contains("since     2026-11-23T09:10:00Z (5 min "));
    let explained = world.run(&["alert", "explain", "1"]).out;
    assert!(explained.contains("firing for 5 min ") && explained.contains("since 09:10:00 (5 min "), "{explained}");
    minute(&mut world, 16, 1);
    world.set("SIPPAR_MON_CLOCK", &(BEGIN + 16 * 60_000 + 5_000).to_string());
    let page = Serving::start(&world).get("/").text().to_owned();
    assert!(page.contains("lasted 6 min"), "{page}");
}

#[test]
fn only_a_server_with_a_token_shows_what_an_operator_can_do() {
    let (_world, serving) = scene("");
    assert!(!serving.get("/").text().contains("data-act"));
    let (_world, serving) = scene(WITH_TOKEN);
    let page = serving.get("/");
    assert!(page.text().contains("data-act=\"ack\" data-number=\"1\""), "{}", page.text());
    assert!(!page.text().contains(crate::serving::TOKEN));
}

#[test]
fn a_monitor_that_has_checked_nothing_says_how_to_begin_and_one_without_database_why() {
    let world = World::with_queue("");
    let serving = Serving::start(&world);
    let page = serving.get("/");
    assert_eq!(page.status, 200);
    for words in ["Nothing has been checked yet", "<code>sippar-mon check</code>", "* * * * * sippar-mon check"] {
        assert!(page.text().contains(words), "{}", page.text());
    }
    world.check();
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(serving.get("/").text().contains("rules are fine"), "{}", serving.get("/").text());
    // one of an older version waits for its migration: that is no first start
    let format = |number: u32| {
        let database = rusqlite::Connection::open(world.database()).unwrap();
        let before: u32 = database.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        database.execute_batch(&format!("PRAGMA user_version = {number}")).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(300));
        before
    };
    let present = format(1);
    let page = serving.get("/");
    assert_eq!(page.status, 503, "{}", page.text());
    assert!(page.text().contains("<h1>The database cannot be read</h1>"), "{}", page.text());
    format(present);
    assert!(serving.get("/").text().contains("rules are fine"), "{}", serving.get("/").text());
    // something else stands in its place
    std::fs::write(world.path("other"), "this is no database, and long enough to be looked at ".repeat(100)).unwrap();
    std::fs::rename(world.path("other"), world.database()).unwrap();
    for log in ["state.db-wal", "state.db-shm"] {
        std::fs::remove_file(world.path(log)).unwrap();
    }
    std::thread::sleep(std::time::Duration::from_millis(300));
    let page = serving.get("/");
    assert_eq!((page.status, page.header("retry-after")), (503, Some("5")), "{}", page.text());
    assert!(page.text().contains("<h1>The database cannot be read</h1>"), "{}", page.text());
}
