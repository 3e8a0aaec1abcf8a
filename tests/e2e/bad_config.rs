//! Configurations that are wrong: each file of `tests/config/bad` with the whole of what is said about it beside it.
//! `UPDATE=1 cargo test --test e2e` writes the expected words anew.

use std::fs;
use std::path::{Path, PathBuf};

use crate::world::{Ran, World};

#[test]
fn every_bad_configuration_is_refused_with_its_place_and_a_way_out() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/bad");
    let mut files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    // a build without a feature refuses its whole table, which tests/e2e/icp.rs holds
    let of_a_feature = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("icp-"));
    files.retain(|path| cfg!(feature = "icp") || !of_a_feature(path));
    files.sort();
    assert!(files.len() >= 15, "only {} files in {}", files.len(), folder.display());
    let mut wrong = Vec::new();
    for file in &files {
        let said = refusal(&fs::read_to_string(file).unwrap());
        let expected = file.with_extension("stderr");
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&expected, &said).unwrap();
        }
        let expected = fs::read_to_string(&expected).unwrap_or_default();
        if said != expected {
            wrong.push(format!("{}\n--- expected\n{expected}--- said\n{said}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What `check` says of a configuration. Its first line may be `# mode 0644`; otherwise it is private.
fn refusal(config: &str) -> String {
    let world = World::empty();
    let mode = config.lines().next().and_then(|line| line.strip_prefix("# mode "));
    let mode = mode.map_or(0o600, |mode| u32::from_str_radix(mode, 8).unwrap());
    world.write("config.toml", config, mode);
    let ran = world.run(&["check"]);
    assert_eq!((ran.code, ran.out.as_str()), (78, ""), "{config}\n{}", ran.err);
    assert!(!world.database().exists(), "a refused configuration leaves nothing behind");
    world.tidy(&ran.err)
}

#[test]
fn a_configuration_that_cannot_be_read_is_refused() {
    let world = World::empty();
    let refused = |args: &[&str], err: &str| {
        let ran = world.run(args);
        assert_eq!(ran, Ran { code: 78, out: String::new(), err: err.to_owned() });
    };
    let last = "sippar-mon: 1 error in the configuration\n";
    refused(
        &["status", "--config", "nowhere.toml"],
        &format!("error: cannot read nowhere.toml: No such file or directory (os error 2)\n{last}"),
    );
    refused(
        &["status", "--config", "."],
        &format!("error: cannot read .: it is not a file\n |\n = help: name a TOML file with --config\n{last}"),
    );
    fs::write(world.path("latin1.toml"), b"[monitor]\nname = \"Z\xfcrich\"\n").unwrap();
    refused(
        &["status", "--config", "latin1.toml"],
        &format!("error: cannot read latin1.toml: byte 19 is not UTF-8\n{last}"),
    );
    world.write("open.toml", "", 0o666);
    refused(
        &["status", "--config", "open.toml"],
        &format!(
            "error: cannot read open.toml: everybody can write to it, and it names programs to run\n |\n \
             = help: run: chmod o-w open.toml\n{last}"
        ),
    );
}
