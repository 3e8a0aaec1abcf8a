//! `rules test`: the tests of files, each played through the rules in force, and its timeline held against what happens.

mod report;
mod update;

use std::path::Path;
use std::sync::Arc;

use crate::cli;
use crate::cmd::{Context, Ended, print_json};
use crate::config::trial::{self, Ground};
use crate::model::fault::{Fault, Located, SourceText};
use crate::model::trouble::{Kind, Trouble};
use crate::output::{diff, terminal};
use crate::replay::story;
use crate::rules::Rule;
use crate::rules::testing::Test;

/// A file and how its tests ended.
struct Tested {
    file: Arc<SourceText>,
    results: Vec<Outcome>,
}

/// How a test ended.
struct Outcome {
    test: Test,
    /// Everything that happened.
    found: String,
    /// How it differs from what was to happen; empty where it does not.
    difference: String,
    ended: End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// It happened as it is written.
    Passed,
    /// It did not, or nobody has written what is to happen.
    Failed,
    /// It did not, and what happened is written now.
    Written,
}

/// Plays the tests and prints how they ended.
pub fn run(context: &Context, args: &cli::RulesTest) -> Ended {
    let flags = context.flags(None);
    let ground = if args.shipped { Ok(Ground::shipped()) } else { Ground::in_force(&flags, &context.env) };
    let ground = ground.map_err(|faults| told(context, &faults, Kind::Config))?;
    let files = files(context, args, &ground)?;
    let mut tested = played(context, args, &ground, &files)?;
    tested.retain(|tested| !tested.results.is_empty());
    if tested.is_empty() {
        terminal::say(&format!("sippar-mon: {}", none(args, &files)));
        return Ok(1);
    }
    if args.update {
        for tested in &mut tested {
            update::update(&ground, tested)?;
        }
    }
    if context.global.json {
        print_json(&report::document(&tested))?;
    } else {
        terminal::print(&context.terminal.fit(&report::page(&tested, context.global.quiet > 0)))?;
    }
    let has_failed = tested.iter().flat_map(|tested| &tested.results).any(|outcome| outcome.ended == End::Failed);
    Ok(u8::from(has_failed))
}

/// The files that are named, else those of `rules.d`.
fn files(context: &Context, args: &cli::RulesTest, ground: &Ground) -> Result<Vec<Arc<SourceText>>, Trouble> {
    if args.files.is_empty() {
        return Ok(ground.rules_d().to_vec());
    }
    trial::read_files(&args.files).map_err(|faults| told(context, &faults, Kind::Data))
}

/// The tests of all files; every fault of any is told first.
fn played(
    context: &Context,
    args: &cli::RulesTest,
    ground: &Ground,
    files: &[Arc<SourceText>],
) -> Result<Vec<Tested>, Trouble> {
    let mut tested = Vec::new();
    let mut faults: Vec<Located> = Vec::new();
    for file in files {
        match of_file(context, args, ground, file) {
            Ok(results) => tested.push(Tested { file: file.clone(), results }),
            Err(found) => {
                // those of the configuration are the same for each file
                let is_new =
                    |one: &Located| !faults.iter().any(|have| have.fault == one.fault && have.source == one.source);
                let new: Vec<Located> = found.into_iter().filter(is_new).collect();
                faults.extend(new);
            }
        }
    }
    if faults.is_empty() {
        return Ok(tested);
    }
    let is_named = |path: &Path| args.files.iter().any(|file| file == path);
    let in_files = faults.iter().all(|located| located.source.as_ref().is_some_and(|source| is_named(&source.path)));
    Err(told(context, &faults, if in_files { Kind::Data } else { Kind::Config }))
}

/// The tests of one file, as far as they are asked for.
fn of_file(
    context: &Context,
    args: &cli::RulesTest,
    ground: &Ground,
    file: &Arc<SourceText>,
) -> Result<Vec<Outcome>, Vec<Located>> {
    let trial = ground.trial(file)?;
    if context.global.verbose > 0 && !trial.warnings.is_empty() {
        terminal::say(context.faults(&trial.warnings).trim_end());
    }
    let is_asked = |test: &Test| args.run.as_ref().is_none_or(|part| test.name.contains(part.as_str()));
    let (mut results, mut faults) = (Vec::new(), Vec::new());
    for test in trial.tests.into_iter().filter(is_asked) {
        match outcome(test, &trial.rules) {
            Ok(outcome) => results.push(outcome),
            Err(found) => faults.extend(found.into_iter().map(|fault| Located { source: Some(file.clone()), fault })),
        }
    }
    if faults.is_empty() { Ok(results) } else { Err(faults) }
}

fn outcome(test: Test, rules: &[Rule]) -> Result<Outcome, Vec<Fault>> {
    let found = story::play(&test, rules)?;
    let difference = diff::unified(test.timeline.as_deref().unwrap_or_default(), &found);
    let passes = test.timeline.is_some() && difference.is_empty();
    Ok(Outcome { test, found, difference, ended: if passes { End::Passed } else { End::Failed } })
}

/// Prints the faults and makes them one trouble.
fn told(context: &Context, faults: &[Located], kind: Kind) -> Trouble {
    terminal::say(context.faults(faults).trim_end());
    let count = if faults.len() == 1 { "1 error".to_owned() } else { format!("{} errors", faults.len()) };
    let place = if kind == Kind::Config { "the configuration" } else { "the files of tests" };
    Trouble::new(kind, format!("{count} in {place}"))
}

/// Why there is nothing to play, and the way out.
fn none(args: &cli::RulesTest, files: &[Arc<SourceText>]) -> String {
    let names: Vec<String> = files.iter().map(|file| file.path.display().to_string()).collect();
    let which = args.run.as_ref().map_or_else(String::new, |part| format!(" with `{part}` in its name"));
    if names.is_empty() {
        return "there are no rules.d/*.toml beside the configuration\n  help: name a file with [[test]]".to_owned();
    }
    format!(
        "no [[test]]{which} in {}\n  help: `sippar-mon rules test --help` shows how one is written",
        names.join(", ")
    )
}
