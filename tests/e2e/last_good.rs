//! A configuration that breaks while a system is watched does not blind it.

use crate::serving::Serving;
use crate::support::http::{Answer, HttpFake};
use crate::world::{QUEUE, Ran, World, slack, told};

#[test]
fn the_last_configuration_that_worked_goes_on() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let good = format!("{QUEUE}{}", slack(&fake));
    let broken = good.replace("interval =", "intervall =");
    let world = World::new(&good);
    world.queue(0);
    assert_eq!(world.check(), Ran::silent(0));

    world.configure(&broken);
    world.queue(50);
    let said = "error: unknown key `intervall`\n --> ./config.toml:3:1\n  |\n3 | intervall = \"1s\"\n  | ^^^^^^^^^\n  |\n  \
                = help: did you mean `interval`?\n\
                sippar-mon: the last configuration that worked goes on; correct the faults above\n";
    // the broken file asks for ticks of a minute, the good one for ticks of a second
    assert_eq!(world.check(), Ran { code: 78, out: String::new(), err: said.to_owned() });
    let config = "The configuration of sippar-mon is broken; the last one that worked is in use";
    let told_once =
        [format!("[HIGH] CONFIG_BROKEN: {config} | id 1-1"), "[HIGH] QUEUE_LONG: 50 are waiting | id 2-2".to_owned()];
    assert_eq!(told(&fake), told_once);
    assert_eq!(world.check(), Ran::silent(78), "cron's mail comes once an hour");

    world.configure(&good);
    assert_eq!(world.check(), Ran::silent(1));
    let value = |expr: &str| world.run(&["query", "--json", expr]).json()[0]["value"].as_f64();
    assert_eq!(value("monitor_config_broken"), Some(0.0));
    world.configure(&broken);
    assert_eq!(world.check().err, said, "broken again is news again");
    world.configure(&good);
    assert_eq!(value("sum_over_time(monitor_config_broken[1m])"), Some(3.0));
}

#[test]
fn a_broken_configuration_does_not_keep_people_from_looking_and_acting() {
    let world = World::with_queue("");
    world.queue(50);
    assert_eq!(world.check().code, 1);
    world.configure(&QUEUE.replace("interval =", "intervall ="));
    assert_eq!(world.check().code, 78);
    let line = "sippar-mon: ./config.toml:3:1: unknown key `intervall`; the last configuration that worked goes on \
                (all faults: sippar-mon rules check)\n";
    for (args, code) in [
        (&["status", "--json"][..], 1),
        (&["alert", "list"], 0),
        (&["alert", "show", "1"], 0),
        (&["alert", "explain", "1"], 0),
        (&["alert", "deliveries"], 0),
        (&["query", "queue_depth"], 0),
        (&["alert", "silence", "1", "--for", "1h", "-m", "known"], 0),
        (&["alert", "silences"], 0),
        (&["alert", "unsilence", "1"], 0),
        (&["alert", "ack", "1", "-m", "on it"], 0),
        (&["alert", "close", "1", "-m", "gone"], 0),
        (&["db", "check"], 0),
    ] {
        let ran = world.run(args);
        assert_eq!((ran.code, ran.err.starts_with(line)), (code, true), "{args:?}: {ran:?}");
        assert_eq!(world.run(&[args, &["-qq"]].concat()).err.matches("intervall").count(), 0, "{args:?}");
    }
    let serving = Serving::start(&world);
    assert_eq!(serving.get("/health").status, 200);
    assert!(serving.get("/metrics").text().contains("queue_depth"), "it serves");
    for args in [&["rules", "check"][..], &["rules", "list"], &["collect"]] {
        let ran = world.run(args);
        assert!(ran.code == 78 && ran.err.contains("^^^^^^^^^"), "{args:?}: {ran:?}");
    }
}
