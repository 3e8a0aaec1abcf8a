//! `man`: a page for each command, out of the command line that clap knows. `man/` of the repository is what this writes;
//! a test of the documents holds them equal.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_mangen::roff::{Roff, roman};

use super::Ended;
use crate::cli::{self, Cli};
use crate::model::trouble::{Kind, Trouble};

/// The name at the foot of each page.
const SOURCE: &str = concat!("sippar-mon ", env!("CARGO_PKG_VERSION"));

/// When the command line was released that the pages describe; the day of the build would make each build another one.
const DATE: &str = "2026-11-26";

/// What else there is to read, on the first page.
const MORE: &str = "sippar-mon-config(5), sippar-mon-rules(7)";

/// What whoever opens a page in an editor reads first.
const HEAD: &str = ".\\\" Written by `sippar-mon man`; a change belongs into src/cli.rs and the files beside it.\n";

/// How the library lets a ' be a ' in every output.
const APOSTROPHE: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";

/// How the library parts a list of values from the words before it.
const GAP: &str = "\n.br\n\n.br\n";

/// Lines of text are wrapped here, as writers of man pages do.
const WIDTH: usize = 78;

/// Writes the pages, and removes those of commands that are no more.
pub fn run(args: &cli::Man) -> Ended {
    let folder = &args.folder;
    let failed = |error: io::Error| {
        Trouble::new(Kind::CannotCreate, format!("cannot write man pages into {}: {error}", folder.display()))
    };
    write(folder).map_err(failed)?;
    Ok(0)
}

fn write(folder: &Path) -> io::Result<()> {
    let pages = pages()?;
    fs::create_dir_all(folder)?;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("sippar-mon") && name.ends_with(".1") && !pages.contains_key(name.as_ref()) {
            fs::remove_file(&path)?;
        }
    }
    pages.iter().try_for_each(|(name, page)| fs::write(folder.join(name), page))
}

/// Every page by its file name.
fn pages() -> io::Result<BTreeMap<String, String>> {
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    let mut pages = BTreeMap::new();
    let mut waiting = vec![(root, None)];
    while let Some((command, above)) = waiting.pop() {
        let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
        let below = command.get_subcommands().filter(|below| !below.is_hide_set()).cloned();
        waiting.extend(below.map(|below| (below, Some(name.clone()))));
        pages.insert(format!("{name}.1"), page(command, &name, above.as_deref())?);
    }
    Ok(pages)
}

/// One page; `above` is the name of the command that it is a part of. The flags that every command knows stand on the
/// first page alone.
fn page(command: Command, name: &str, above: Option<&str>) -> io::Result<String> {
    let command = command.mut_args(|arg| {
        let is_elsewhere = above.is_some() && (arg.is_global_set() || arg.get_id() == "help");
        if is_elsewhere { arg.hide(true) } else { arg }
    });
    let man = clap_mangen::Man::new(command.clone()).title(name.to_uppercase());
    let man = man.date(DATE).source(SOURCE).manual("sippar-mon");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if command.get_arguments().any(|arg| !arg.is_hide_set()) {
        man.render_options_section(&mut page)?;
    }
    if command.get_subcommands().any(|below| !below.is_hide_set()) {
        man.render_subcommands_section(&mut page)?;
    }
    if let Some(text) = command.get_after_help() {
        notes(&text.to_string()).to_writer(&mut page)?;
    }
    see_also(above).to_writer(&mut page)?;
    // each part comes with the definition of an apostrophe
    let body = String::from_utf8_lossy(&page).replace(APOSTROPHE, "").replace(GAP, "\n.sp\n");
    Ok(format!("{HEAD}{APOSTROPHE}{}", wrapped(&body)))
}

/// What stands at the end of `--help`, line by line as it stands there.
fn notes(text: &str) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["NOTES"]);
    roff.control("nf", []);
    for line in text.lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
    roff
}

fn see_also(above: Option<&str>) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["SEE ALSO"]);
    match above {
        None => roff.text([roman(MORE)]),
        Some("sippar-mon") => roff.text([roman("sippar-mon(1) has the flags that every command knows.")]),
        Some(above) => roff.text([roman(format!("{above}(1); sippar-mon(1) has the flags that every command knows."))]),
    };
    roff
}

/// The page with its lines of text wrapped, except where lines stand as they are.
fn wrapped(page: &str) -> String {
    let (mut out, mut as_it_is, mut is_tag) = (String::new(), false, false);
    for line in page.lines().map(str::trim_end) {
        match line {
            ".nf" => as_it_is = true,
            ".fi" => as_it_is = false,
            _ => {}
        }
        if as_it_is || is_tag || line.starts_with('.') {
            out.push_str(line);
        } else {
            wrap(line, &mut out);
        }
        out.push('\n');
        is_tag = line == ".TP";
    }
    out
}

fn wrap(line: &str, out: &mut String) {
    let mut column = 0;
    for word in line.split(' ') {
        if column > 0 && column + 1 + word.len() > WIDTH {
            // at the beginning of a line these would be commands
            out.push_str(if word.starts_with(['.', '\'']) { "\n\\&" } else { "\n" });
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += word.len();
    }
}
