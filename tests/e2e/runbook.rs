//! The runbook on the machine itself: without a configuration, a database or a network.

use crate::support::http::{Answer, HttpFake};
use crate::world::{Ran, World, slack};

#[test]
fn a_section_is_printed_by_its_name_and_near_names_are_suggested() {
    let world = World::new("this is no configuration");
    let ran = world.run(&["runbook", "backend_down"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(
        ran.out.starts_with("## BACKEND_DOWN\n\n**Meaning.** ") && ran.out.ends_with(".toml --shipped`.\n"),
        "{}",
        ran.out
    );
    assert!(!ran.out.contains("## PROBE_FAILED"));

    let json = world.run(&["runbook", "BACKEND_DOWN", "--json"]).json();
    assert_eq!((json[0]["name"].as_str(), json[1].is_null()), (Some("BACKEND_DOWN"), true));
    assert_eq!(format!("{}\n", json[0]["markdown"].as_str().unwrap()), ran.out);

    let help = |name: &str| world.run(&["runbook", name]);
    let near = "sippar-mon: there is no runbook for BACKEND_DONW\n  help: did you mean BACKEND_DOWN?\n";
    assert_eq!(help("BACKEND_DONW"), Ran { code: 64, out: String::new(), err: near.to_owned() });
    assert!(help("\u{1b}[2Jx").err.contains("`sippar-mon runbook` lists those of the shipped rules"));

    let names = world.run(&["runbook"]).out;
    for rule in world.run(&["runbook", "--json"]).json().as_array().unwrap() {
        assert!(names.lines().any(|line| Some(line) == rule["name"].as_str()), "{rule}");
    }
}

#[test]
fn a_notification_names_the_command_where_it_has_no_link() {
    let config = |monitor: &str, fake: &HttpFake| {
        format!(
            "[monitor]\ninterval = \"1s\"\n{monitor}[sources.system]\nenabled = false\n[probes.gone.tcp]\n\
             address = \"127.0.0.1:1\"\nattempts = 1\ntimeout = \"700ms\"\n{}",
            slack(fake)
        )
    };
    let posted = |monitor: &str| {
        let fake = HttpFake::start([Answer::new(200, "ok")]);
        let world = World::new(&config(monitor, &fake));
        assert_eq!(world.check(), Ran::silent(1));
        fake.seen()[0].json().to_string()
    };
    let (command, link) = ("More: sippar-mon runbook PROBE_FAILED", "https://wiki.example/r#probe_failed");
    let bare = posted("");
    assert!(bare.contains(command) && !bare.contains(link), "{bare}");
    let linked = posted("runbook_base = \"https://wiki.example/r\"\n");
    assert!(linked.contains(link) && !linked.contains(command), "{linked}");
}
