//! Every page: its links and anchors lead somewhere, its TOML loads, what it says of exit codes, messages and metrics is so.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{blocks, read, run, troubles};

/// Where the catalogue of metrics stands in the guide.
const GUIDE: &str = "docs/monitoring-guide.md";
const BEGIN: &str = "<!-- catalogue -->\n";
const END: &str = "<!-- end of catalogue -->";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files below a folder whose name ends so.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let (mut folders, mut found) = (vec![root().join(folder)], Vec::new());
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.to_str().unwrap().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Every page of Markdown by its name from the root.
fn pages() -> BTreeMap<String, String> {
    let at_root = std::fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
    let at_root = at_root.filter(|path| path.extension().is_some_and(|kind| kind == "md"));
    let all = at_root.chain(files("docs", ".md")).chain(files("examples", ".md"));
    let name = |path: &PathBuf| path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
    all.map(|path| (name(&path), std::fs::read_to_string(&path).unwrap())).collect()
}

/// The page without its blocks of code, in which nothing is a heading or a link.
fn prose(page: &str) -> String {
    page.split("\n```").step_by(2).collect::<Vec<_>>().join("\n")
}

/// The anchors that a page has, as hosts of repositories make them of headings.
fn anchors(page: &str) -> BTreeSet<String> {
    let prose = prose(page);
    let headings = prose.lines().filter(|line| line.starts_with('#')).filter_map(|line| line.split_once(' '));
    let keep = |c: char| c.is_alphanumeric() || c == '-' || c == '_' || c == ' ';
    headings
        .map(|(_, text)| text.to_lowercase().chars().filter(|c| keep(*c)).collect::<String>().replace(' ', "-"))
        .collect()
}

#[test]
fn every_link_and_anchor_leads_somewhere() {
    let pages = pages();
    let mut count = 0;
    for (name, page) in &pages {
        let prose = prose(page);
        let links = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.starts_with("http")) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target =
                if file.is_empty() { root().join(name) } else { root().join(name).parent().unwrap().join(file) };
            assert!(target.exists(), "{name}: {link} leads nowhere");
            if !anchor.is_empty() {
                let text = std::fs::read_to_string(&target).unwrap();
                assert!(anchors(&text).contains(anchor), "{name}: {link}: there is no such heading");
            }
            count += 1;
        }
    }
    assert!(count > 20, "only {count} links were found");
}

#[test]
fn no_page_is_cut_off_from_the_others() {
    let pages = pages();
    let linked: String = pages.values().cloned().collect();
    for name in pages.keys().filter(|name| name.starts_with("docs/") && !name.starts_with("docs/decisions/")) {
        let file = name.rsplit('/').next().unwrap();
        assert!(
            linked.contains(&format!("{file})")) || linked.contains(&format!("{file}#")),
            "nothing links to {name}"
        );
    }
}

#[test]
fn every_block_of_toml_is_a_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let mut count = 0;
    for (name, page) in pages() {
        for block in blocks(&page, "toml") {
            let path = folder.path().join(format!("{count}.toml"));
            std::fs::write(&path, &block).unwrap();
            let output = run(&["--config", path.to_str().unwrap(), "rules", "check"]);
            let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            assert!(output.status.code() == Some(0) && !said.contains("error:"), "{name}:\n{block}\n{said}");
            count += 1;
        }
    }
    assert!(count >= 2, "only {count} blocks were found");
}

#[test]
fn every_exit_code_is_explained() {
    let page = read("docs/troubleshooting.md");
    let table = page.split("## Exit codes").nth(1).unwrap();
    let help = String::from_utf8(run(&["--help"]).stdout).unwrap();
    let of_the_tool = troubles(&help).into_iter().map(|trouble| trouble.split(' ').next().unwrap().to_owned());
    for code in ["0", "1", "2", "3"].map(str::to_owned).into_iter().chain(of_the_tool) {
        assert!(table.contains(&format!("\n| {code} | ")), "{code}");
    }
}

/// Whoever searches for the words of a message finds them, and what is no longer said has no section.
#[test]
fn troubleshooting_knows_the_words_of_the_program() {
    let sources: Vec<String> = files("src", ".rs").iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    // a text that goes on in the next line is one text
    let joined = |text: &String| text.split("\\\n").map(str::trim_start).collect::<Vec<_>>().concat();
    let sources: Vec<String> = sources.iter().map(joined).collect();
    let page = read("docs/troubleshooting.md");
    let headings: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("### `")).collect();
    assert!(headings.len() > 30, "{headings:?}");
    for heading in headings {
        let parts: Vec<&str> =
            heading.trim_end_matches('`').split('…').map(str::trim).filter(|part| !part.is_empty()).collect();
        let says = |source: &&String| parts.iter().all(|part| source.contains(part));
        assert!(sources.iter().find(says).is_some(), "the program does not say: {heading}");
    }
}

/// What a reader wants first stands first, and nobody reads more than this.
#[test]
fn the_readme_is_short_and_in_its_order() {
    let text = read("README.md");
    assert!(text.lines().count() < 400, "{} lines", text.lines().count());
    let heads: Vec<&str> = prose_heads(&text);
    let wanted = "Quick start, How it works, Commands, Shipped rules, Rules of your own, Configuration, Exit codes, Scheduling, \
                  Dashboard and JSON API, Measured, What it does not do, Troubleshooting, Install and uninstall, \
                  Development, Licence";
    assert_eq!(heads.join(", "), wanted);
}

/// The headings of the second level.
fn prose_heads(page: &str) -> Vec<&str> {
    let mut is_code = false;
    let mut heads = Vec::new();
    for line in page.lines() {
        is_code ^= line.starts_with("```");
        heads.extend(line.strip_prefix("## ").filter(|_| !is_code));
    }
    heads
}

/// Whoever is told to write into a file finds it.
#[test]
fn files_that_contributors_are_sent_to_exist() {
    let mut count = 0;
    for page in ["CONTRIBUTING.md", "docs/release.md"] {
        let text = prose(&read(page));
        let quoted = text.split('`').skip(1).step_by(2).filter(|word| word.contains('/') && !word.contains(' '));
        for path in quoted.filter(|path| !path.contains("NAME") && !path.contains("VERSION")) {
            assert!(root().join(path).exists(), "{page}: {path}");
            count += 1;
        }
    }
    assert!(count > 20, "only {count} were found");
}

/// The catalogue of metrics as the guide has it.
fn catalogue() -> String {
    let output = run(&["rules", "list", "--metrics", "--json"]);
    let metrics: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut by_source: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for metric in metrics.as_array().unwrap() {
        let text = |key: &str| metric[key].as_str().unwrap();
        let labels: Vec<&str> =
            metric["labels"].as_array().unwrap().iter().map(|label| label.as_str().unwrap()).collect();
        let name = if labels.is_empty() {
            text("name").to_owned()
        } else {
            format!("{}{{{}}}", text("name"), labels.join(","))
        };
        let row = format!("| `{name}` | {} | {} |", text("unit"), text("help"));
        by_source.entry(text("source")).or_default().push(row);
    }
    let table = |(source, rows): (&str, Vec<String>)| {
        format!("\n### {source}\n\n| metric | unit | what it is |\n|---|---|---|\n{}\n", rows.join("\n"))
    };
    by_source.into_iter().map(table).collect::<String>() + "\n"
}

#[test]
#[allow(clippy::disallowed_methods, reason = "whoever runs the test says in the environment that it is to write")]
fn the_guide_has_the_catalogue_of_metrics() {
    let page = read(GUIDE);
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (kept, after) = rest.split_once(END).unwrap();
    let now = catalogue();
    if std::env::var_os("WRITE_DOCS").is_some() {
        std::fs::write(root().join(GUIDE), format!("{before}{BEGIN}{now}{END}{after}")).unwrap();
    }
    assert!(kept == now, "{GUIDE} has another catalogue; write it: WRITE_DOCS=1 cargo test --test docs catalogue");
    assert!(now.matches("\n| `").count() > 70, "{now}");
}
