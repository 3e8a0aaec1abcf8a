//! What docs/api-reference.md shows works as it stands there, and what the API's description says holds for any request.

use std::path::Path;
use std::process::Command;

use crate::serving::{Serving, TOKEN, WITH_TOKEN};
use crate::support::http::{Answer, HttpFake};
use crate::world::{World, slack};

fn read(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The commands fenced as `sh`.
fn commands(text: &str) -> Vec<String> {
    let blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
    blocks.filter(|block| block.contains("curl")).collect()
}

#[test]
fn the_commands_of_the_reference_work_as_they_stand_there() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let world = World::with_queue(&format!("{}{WITH_TOKEN}", slack(&fake)));
    world.queue(50);
    world.check();
    let serving = Serving::start(&world);
    let found = commands(&read("docs/api-reference.md"));
    assert!(found.len() >= 10, "only {} were found", found.len());
    for block in found {
        let script = block.replace("http://127.0.0.1:8787", &format!("http://{}", serving.at));
        let mut command = Command::new("/bin/sh");
        let output = command.args(["-euc", &script]).env("TOKEN", TOKEN).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{block}\n{said}\nis Debian's package curl installed?");
        assert!(!output.stdout.is_empty(), "{block}");
    }
}

#[test]
fn every_address_has_its_place_in_the_reference() {
    let world = World::with_queue("");
    world.check();
    let serving = Serving::start(&world);
    let text = read("docs/api-reference.md");
    let endpoints = serving.get("/nowhere").json()["available_endpoints"].clone();
    for path in endpoints.as_array().unwrap() {
        assert!(text.contains(&format!("`{}`", path.as_str().unwrap())), "{path} is not in docs/api-reference.md");
    }
    assert_eq!(serving.get("/openapi.json").text(), read("docs/openapi.json"));
}

/// Schemathesis makes requests of the description and holds every answer against it; .ci/run puts it beside the build.
#[test]
#[ignore = "needs schemathesis; run by .ci/run"]
fn what_the_description_says_holds_for_any_request() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let world = World::with_queue(&format!("{}{WITH_TOKEN}", slack(&fake)));
    world.queue(50);
    world.check();
    let serving = Serving::start(&world);
    let build = Path::new(env!("CARGO_BIN_EXE_sippar-mon")).parent().unwrap().parent().unwrap();
    let output = Command::new(build.join("schemathesis/bin/schemathesis"))
        .args(["run", &format!("http://{}/openapi.json", serving.at)])
        .args(["--header", &format!("Authorization: Bearer {TOKEN}")])
        // a stream has no end
        .args(["--exclude-path", "/events"])
        .args([
            "--checks",
            "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
        ])
        .args(["--max-examples", "30", "--phases", "examples,coverage,fuzzing", "--seed", "1", "--no-color"])
        .current_dir(world.path(""))
        .output()
        .unwrap_or_else(|error| panic!("cannot run schemathesis ({error}): .ci/run installs it"));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(serving.get("/health").status, 200);
}

/// What Prometheus itself says of `/metrics`.
#[test]
#[ignore = "needs promtool; run by .ci/run"]
fn prometheus_has_nothing_to_say_about_the_metrics() {
    use std::io::Write;
    let world = World::new(
        "[monitor]\ninterval = \"1s\"\n[[rule]]\nalert = \"ALWAYS\"\nexpr = \"system_load1 >= 0\"\nseverity = \"LOW\"\n",
    );
    world.check();
    let serving = Serving::start(&world);
    let metrics = serving.get("/metrics");
    assert!(metrics.text().contains("sippar_mon_alert_firing{alertname=\"ALWAYS\""), "{}", metrics.text());
    let mut command = Command::new("promtool");
    let mut child = command
        .args(["check", "metrics"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run promtool ({error}): install Debian's package prometheus"));
    child.stdin.take().unwrap().write_all(&metrics.body).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    // a style that it advises against is not wrong: names are those of the contract
    let wrong: Vec<&str> = said.lines().filter(|line| !is_style(line)).collect();
    assert_eq!(wrong, [""; 0], "{said}");
}

/// Advice about names that the catalogue has chosen otherwise.
fn is_style(line: &str) -> bool {
    line.contains("counter metrics should have \"_total\" suffix")
        || line.contains("metric names should not contain abbreviated units")
        || line.contains("non-counter metrics should not have \"_total\" suffix")
}
