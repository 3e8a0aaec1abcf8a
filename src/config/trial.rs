//! The rules of a configuration without the rest: what tests of rules are held against. No secret, channel or database is
//! looked at, so that tests run wherever the files are.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file::File;
use super::ruled::{compiled, of_text, rules_file, written};
use super::{Flags, INTERVAL, Texts, find, interval, parse, sources, texts};
use crate::model::fault::{Located, SourceText, Weight};
use crate::model::secret::Secret;
use crate::rules::testing::{self, Test};
use crate::rules::{Rule, Settings};
use crate::text::check::Check;
use crate::world::Env;

/// What files with tests are held against.
#[derive(Debug, Default)]
pub struct Ground {
    texts: Texts,
    /// The shipped rules stand alone: nothing is known of what the sources yield.
    is_bare: bool,
}

/// The rules in force for the tests of one file.
#[derive(Debug)]
pub struct Trial {
    /// All of them.
    pub rules: Vec<Rule>,
    /// The tests of the file.
    pub tests: Vec<Test>,
    /// Remarks that do not hinder them.
    pub warnings: Vec<Located>,
}

impl Ground {
    /// The shipped rules alone.
    pub fn shipped() -> Self {
        Self { texts: Texts::default(), is_bare: true }
    }

    /// The rules of the configuration that `check` would use, the shipped ones where there is none.
    pub fn in_force(flags: &Flags, env: &Env) -> Result<Self, Vec<Located>> {
        let path = find::config(flags.config.as_deref(), env);
        let (texts, faults) = texts::read(path.as_ref().map(|(path, _)| path.as_path()), &[]);
        let is_bare = path.is_none();
        if faults.is_empty() { Ok(Self { texts, is_bare }) } else { Err(faults) }
    }

    /// The files of `rules.d`.
    pub fn rules_d(&self) -> &[Arc<SourceText>] {
        &self.texts.rules
    }

    /// The rules and the tests of `file` on this ground: a rule of the file stands in place of the one that the
    /// configuration has under its name. A file of `rules.d` so stands in place of itself.
    pub fn trial(&self, file: &Arc<SourceText>) -> Result<Trial, Vec<Located>> {
        // a secret belongs to a request, and a test makes none
        let resolve = |_: &str| Ok(Secret::new("unused"));
        let mut check = Check::new(INTERVAL, &resolve);
        let main = self.main(&mut check);
        check.interval = interval(&main, &mut check);
        let sources = sources(&main, &mut check);
        let mut read = self.texts_beside(file);
        let written = written(main.rule, &read, &mut check);
        let own = rules_file(file, &mut check);
        let rules = compiled(overlaid(written, own.rule, file), &sources, self.is_bare, &mut check);
        check.source = Some(file.clone());
        let tests = testing::read(&own.test, &mut check);
        read.rules.push(file.clone());
        check.faults.sort_by_key(|located| read.place(located));
        let (errors, warnings): (Vec<_>, Vec<_>) =
            check.faults.into_iter().partition(|located| located.fault.weight == Weight::Error);
        if errors.is_empty() { Ok(Trial { rules, tests, warnings }) } else { Err(errors) }
    }

    /// `config.toml`, as far as it can be used.
    fn main(&self, check: &mut Check<'_>) -> File {
        check.source.clone_from(&self.texts.main);
        let Some(text) = &self.texts.main else { return File::default() };
        let (main, faults) = parse::parse::<File>(&text.text);
        for fault in faults {
            check.fault(fault);
        }
        main
    }

    /// The texts of the configuration without `file`, where it is one of them.
    fn texts_beside(&self, file: &SourceText) -> Texts {
        let mut texts = self.texts.clone();
        texts.rules.retain(|text| !is_same(&text.path, &file.path));
        texts
    }
}

/// The rules of a configuration with those of a file over them.
fn overlaid(mut rules: Vec<Settings>, own: Vec<Settings>, file: &Arc<SourceText>) -> Vec<Settings> {
    let names: HashSet<&str> = own.iter().filter_map(name).collect();
    rules.retain(|rule| name(rule).is_none_or(|name| !names.contains(name)));
    rules.extend(of_text(own, Some(file)));
    rules
}

/// Files with tests.
pub fn read_files(paths: &[PathBuf]) -> Result<Vec<Arc<SourceText>>, Vec<Located>> {
    let (texts, faults) = texts::read(None, paths);
    if faults.is_empty() { Ok(texts.rules) } else { Err(faults) }
}

fn name(rule: &Settings) -> Option<&str> {
    rule.alert.as_ref().map(|alert| alert.get_ref().as_str())
}

/// Whether both paths lead to one file.
fn is_same(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
