//! Channels that are down, for a while or for good: nothing is lost, nobody is flooded, nobody else notices.

use crate::support::http::{Answer, HttpFake};
use crate::world::{Ran, World, told};

/// A Slack channel of this name.
fn channel(name: &str, fake: &HttpFake) -> String {
    format!("[channels.{name}.slack]\nwebhook_url = \"{}\"\n", fake.url("/services/T0/B0/key"))
}

fn good() -> HttpFake {
    HttpFake::start([Answer::new(200, "ok")])
}

fn down() -> HttpFake {
    HttpFake::start([Answer::new(503, "no service")])
}

/// So many queues that are too long.
fn queues(world: &World, count: u32) {
    let lines: Vec<String> = (1..=count).map(|queue| format!("queue_depth{{queue=\"q{queue}\"}} 50\n")).collect();
    world.write("queue.prom", &lines.concat(), 0o644);
}

/// The block of a message that says why or since when.
fn notes(fake: &HttpFake) -> Vec<String> {
    let texts = |post: &crate::support::http::Seen| {
        let json = post.json();
        let blocks = json["blocks"].as_array().cloned().unwrap_or_default();
        blocks.iter().filter_map(|block| block["text"]["text"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    fake.seen().iter().flat_map(texts).collect()
}

const FIRED: &str = "[HIGH] QUEUE_LONG: 50 are waiting";

#[test]
fn a_channel_that_is_down_for_six_hours_tells_once_with_its_age_and_the_other_is_not_told_again() {
    let (up, broken) = (good(), down());
    let world = World::with_queue(&format!("{}{}", channel("up", &up), channel("broken", &broken)));
    world.queue(50);
    for _ in 0..3 {
        assert_eq!(world.check(), Ran::silent(1));
        world.wait_hours(2);
    }
    assert_eq!(broken.seen().len(), 3, "it is tried when its time has come");
    broken.now_answer([Answer::new(200, "ok")]);
    let before = notes(&broken).len();
    assert_eq!(world.check(), Ran::silent(1));
    assert_eq!(world.check(), Ran::silent(1));

    let post = |id: u32| format!("{FIRED} | id 1-{id}");
    assert_eq!(told(&up), [post(2)]);
    assert_eq!(told(&broken), [post(1), post(1), post(1), post(1)], "each try has the same id");
    let note = "This is from 6 h ago and could not be delivered before.";
    assert!(notes(&broken)[before..].iter().any(|text| text == note), "{:?}", notes(&broken));
    assert!(!notes(&up).iter().any(|text| text.contains("ago")));
}

#[test]
fn after_a_night_without_any_channel_each_gets_one_message_about_what_is_still_so() {
    let fakes = [down(), down()];
    let world = World::with_queue(&format!("{}{}", channel("one", &fakes[0]), channel("two", &fakes[1])));
    for count in 1..=5 {
        queues(&world, count);
        let ran = world.check();
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{ran:?}");
        assert!(ran.err.starts_with("sippar-mon: no channel could deliver alert"), "cron is the last resort: {ran:?}");
        world.wait_hours(1);
    }
    // one of them ends before anybody hears of it
    queues(&world, 4);
    world.check();
    world.wait_hours(1);
    let tried = fakes.each_ref().map(|fake| fake.seen().len());
    for fake in &fakes {
        fake.now_answer([Answer::new(200, "ok")]);
    }
    assert_eq!(world.check(), Ran::silent(1));
    assert_eq!(world.check(), Ran::silent(1));

    for (fake, tried) in fakes.iter().zip(tried) {
        let posts = told(fake);
        let [post] = &posts[tried..] else { panic!("{posts:?}") };
        assert!(post.starts_with("[HIGH] 5 alerts: 4 firing, 1 resolved: QUEUE_LONG | id several-"), "{post}");
        let list = notes(fake).into_iter().rfind(|text| text.starts_with("• #")).unwrap();
        assert_eq!(list.lines().count(), 5, "{list}");
        assert!(list.starts_with("• #1 [HIGH] QUEUE_LONG: 50 are waiting (id "), "{list}");
        assert!(list.contains(", 6 h ago)") && list.contains(", 3 h ago)"), "{list}");
        assert!(list.lines().last().unwrap().contains("[HIGH] Resolved: QUEUE_LONG"), "{list}");
    }
    let show = world.run(&["alert", "show", "2"]).out;
    assert!(show.contains(", in one message with 4 more (id several-"), "{show}");
    assert_eq!(world.status()["alerts"]["statistics"]["pendingDeliveries"], 0);
}

#[test]
fn very_many_alerts_at_once_are_one_message_and_each_has_its_own_end() {
    let fake = good();
    let world = World::with_queue(&channel("chat", &fake));
    queues(&world, 40);
    assert_eq!(world.check(), Ran::silent(1));
    assert_eq!(told(&fake), ["[HIGH] 40 alerts: 40 firing: QUEUE_LONG | id several-1"]);
    let rows = world.run(&["alert", "deliveries", "--json"]).json();
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 40);
    for row in rows {
        assert_eq!((row["state"].as_str(), row["messageOf"].as_i64()), (Some("sent"), Some(1)), "{row}");
        assert_eq!(row["attempts"][0]["answer"], "200 ok");
    }
    queues(&world, 1);
    assert_eq!(world.check(), Ran::silent(1));
    assert_eq!(told(&fake)[1..], ["[HIGH] Resolved: 39 alerts: 39 resolved: QUEUE_LONG | id several-41"]);
}

#[test]
fn a_channel_that_was_removed_is_waited_for_a_day_and_one_that_was_added_hears_what_fires() {
    let (old, new) = (down(), good());
    let world = World::with_queue(&channel("old", &old));
    world.queue(50);
    world.check();
    world.configure(&format!("{}{}", crate::world::QUEUE, channel("new", &new)));
    world.wait_hours(1);
    world.check();
    let state = |world: &World| {
        let rows = world.run(&["alert", "deliveries", "--channel", "old"]).out;
        let words: Vec<&str> = rows.trim_end().split('\t').collect();
        (words[1].to_owned(), (*words.last().unwrap()).to_owned())
    };
    assert_eq!(state(&world), ("pending".to_owned(), "503 no service".to_owned()));
    world.wait_hours(24);
    world.check();
    assert_eq!(state(&world), ("dead".to_owned(), "channel removed".to_owned()));
    world.queue(3);
    assert_eq!(world.check(), Ran::silent(0));
    let heard = ["[HIGH] QUEUE_LONG: 50 are waiting | id 1-2", "[HIGH] Resolved: QUEUE_LONG: 3 are waiting | id 1-3"];
    assert_eq!(told(&new), heard);
}

#[test]
fn a_channel_that_got_another_name_hears_what_fires_once_more_in_one_message() {
    let fake = good();
    let world = World::with_queue(&channel("chat", &fake));
    queues(&world, 5);
    assert_eq!(world.check(), Ran::silent(1));
    world.configure(&format!("{}{}", crate::world::QUEUE, channel("room", &fake)));
    for _ in 0..3 {
        assert_eq!(world.check(), Ran::silent(1));
    }
    let heard = [
        "[HIGH] 5 alerts: 5 firing: QUEUE_LONG | id several-1",
        "[HIGH] 5 alerts: 5 firing: QUEUE_LONG | id several-6",
    ];
    assert_eq!(told(&fake), heard);
}

#[test]
fn what_no_channel_of_its_route_could_deliver_goes_to_others() {
    let (main, backup) = (down(), good());
    let routes = "[routes]\nhigh = [\"main\"]\nfallback = { after = \"30m\", to = [\"backup\"] }\n";
    let world = World::with_queue(&format!("{}{}{routes}", channel("main", &main), channel("backup", &backup)));
    world.queue(50);
    world.check();
    assert_eq!(told(&backup), [""; 0]);
    world.wait_hours(1);
    world.check();
    world.check();
    assert_eq!(told(&backup), [format!("{FIRED} | id 1-2")]);
    let why = "No channel of its route could deliver this (main: 503 no service).";
    assert!(notes(&backup).iter().any(|text| text == why), "{:?}", notes(&backup));

    main.now_answer([Answer::new(200, "ok")]);
    world.queue(3);
    world.wait_hours(1);
    let tried = main.seen().len();
    assert_eq!(world.check(), Ran::silent(0));
    assert_eq!(world.check(), Ran::silent(0));
    assert_eq!(told(&backup)[1..], ["[HIGH] Resolved: QUEUE_LONG: 3 are waiting | id 1-3"], "who was told is told");
    assert_eq!(told(&main)[tried..].len(), 1, "and who was not hears the whole story once");
}
