//! What is handed out: the archive of a release, and what the package is said to hold.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{PROGRAM, read};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn deb() -> toml::Table {
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    manifest["package"]["metadata"]["deb"].as_table().unwrap().clone()
}

/// `[from, to, mode]` of each file of the package.
fn assets() -> Vec<[String; 3]> {
    let text = |value: &toml::Value| value.as_str().unwrap().to_owned();
    let assets = deb()["assets"].as_array().unwrap().clone();
    assets.iter().map(|row| [0, 1, 2].map(|at| text(&row.as_array().unwrap()[at]))).collect()
}

/// Whether a pattern with `*` in its parts names a file.
fn names_a_file(pattern: &str) -> bool {
    let mut found = vec![root().to_owned()];
    for part in pattern.split('/') {
        let (begin, end) = part.split_once('*').unwrap_or((part, ""));
        let fits = |path: &PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap();
            if part.contains('*') {
                name.starts_with(begin) && name.ends_with(end.trim_start_matches(".*"))
            } else {
                name == part
            }
        };
        let inside = found.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten();
        found = inside.map(|entry| entry.unwrap().path()).filter(fits).collect();
    }
    !found.is_empty()
}

#[test]
fn the_package_holds_what_is_there() {
    let assets = assets();
    let built = |from: &str| from.starts_with("target/release/") || from.starts_with("dist/completions/");
    for [from, to, _] in &assets {
        assert!(built(from) || names_a_file(from), "{from} of the package is not there");
        assert!(!to.starts_with('/'), "{to}");
    }
    let config = assets.iter().find(|[_, to, _]| to == "etc/sippar-mon/config.toml").unwrap();
    assert_eq!(config[2], "640", "it may hold secrets");
    assert_eq!(deb()["conf-files"].as_array().unwrap()[0].as_str(), Some("/etc/sippar-mon/config.toml"));
    for unit in deb()["systemd-units"].as_array().unwrap() {
        let path = format!("{}{}.service", unit["unit-scripts"].as_str().unwrap(), unit["unit-name"].as_str().unwrap());
        assert!(root().join(&path).exists(), "{path}");
    }
}

#[test]
fn the_scripts_of_the_package_are_sound() {
    for name in ["postinst", "postrm"] {
        let path = format!("packaging/deb/{name}");
        assert!(read(&path).contains("\n#DEBHELPER#\n"), "{path}: the units would not be started");
        assert!(Command::new("sh").arg("-n").arg(root().join(&path)).status().unwrap().success(), "{path}");
    }
}

#[test]
fn the_configuration_of_the_package_means_what_no_file_means() {
    let file = root().join("packaging/deb/config.toml");
    let output = super::run(&["--config", file.to_str().unwrap(), "rules", "check"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let keys = |line: &&str| !line.starts_with('#') && !line.trim().is_empty();
    assert_eq!(read("packaging/deb/config.toml").lines().filter(keys).collect::<Vec<_>>(), ["[monitor]"]);
}

#[test]
fn the_archive_has_everything_and_its_checksum() {
    let dist = tempfile::tempdir().unwrap();
    let mut release = Command::new(root().join("scripts/release"));
    let output = release.args(["--no-build", PROGRAM]).env("DIST", dist.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let (archive, checksum) = said.trim().split_once('\n').unwrap();
    let verified = Command::new("sha256sum").args(["-c", checksum]).current_dir(dist.path()).output().unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    let listed = Command::new("tar").args(["-tzf", archive]).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let root = Path::new(archive).file_name().unwrap().to_str().unwrap().trim_end_matches(".tar.gz");
    let wanted = "sippar-mon README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE config.toml.example man/sippar-mon.1 \
                  man/sippar-mon-config.5 man/sippar-mon-rules.7 completions/sippar-mon.bash completions/sippar-mon.zsh \
                  examples/production.toml examples/cron.d/sippar-mon examples/systemd/sippar-mon-check.timer \
                  docs/runbook.md";
    for file in wanted.split_whitespace() {
        assert!(listed.lines().any(|line| line == format!("{root}/{file}")), "{file} is missing in {listed}");
    }
    assert!(!listed.contains(".rs\n"), "{listed}");
}
