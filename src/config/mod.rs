//! The configuration: found, read once, checked whole, and from then on a value that never changes.
//!
//! `find` says which file, `parse` reads it with every error in one go, `file` is its shape, `secret` resolves what it
//! refers to; each source, channel and rule checks its own settings; here the parts become one [`Config`].

mod bridge;
pub mod file;
pub mod find;
mod hours;
pub mod last_good;
mod parse;
pub mod people;
pub mod responses;
mod routes;
mod ruled;
mod secret;
pub mod seen;
pub mod serve;
mod sources;
mod store;
mod surroundings;
mod texts;
pub mod trial;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::alert::hold::Maintenance;
use crate::alert::message::Identity;
use crate::alert::routes::Routes;
use crate::collect::Source;
use crate::model::face::Face;
use crate::model::fault::{Fault, Located, Place, SourceText, Weight};
use crate::model::secret::Secret;
use crate::model::severity::Severity;
use crate::model::trouble::Trouble;
use crate::notify::Channel;
use crate::notify::heartbeat::Heartbeat;
use crate::notify::sms::budget::Budget;
use crate::rules::Rule;
use crate::store::retain::Limits;
use crate::text::check::Check;
use crate::text::units;
use crate::world::Env;
use file::File;
use find::Origin;
use responses::Response;
use routes::People;
use ruled::{compiled, with_runbooks, written};
use secret::Secrets;
use serve::{Serve, Serving};
use sources::{latency_probe, sources, unsaid};
pub use texts::Texts;

/// The time between two ticks, unless `[monitor] interval` says otherwise.
const INTERVAL: Duration = Duration::from_mins(1);

/// What stands for a secret that is not read. It fits where a header's value or a password does.
const SEALED: &str = "sealed";

/// Everything a run needs to know, checked.
pub struct Config {
    /// The file it came from.
    pub path: Option<(PathBuf, Origin)>,
    /// The database.
    pub database: (PathBuf, Origin),
    /// Who is speaking in notifications.
    pub identity: Identity,
    /// Between two ticks.
    pub interval: Duration,
    /// How much of the past is kept.
    pub limits: Limits,
    /// Further certificate authorities.
    pub ca_file: Option<PathBuf>,
    /// What is measured.
    pub sources: Vec<Arc<Source>>,
    /// What is judged.
    pub rules: Vec<Rule>,
    /// Who can be told.
    pub channels: Vec<Channel>,
    /// Who is told of what.
    pub routes: Routes,
    /// Who is told of what those could not be.
    pub fallback: Option<people::Fallback>,
    /// Where signs of life go.
    pub heartbeat: Option<Heartbeat>,
    /// How many text messages may go out.
    pub sms_budget: Budget,
    /// What is run when an alert rises.
    pub responses: Vec<Response>,
    /// When alerts are to be expected.
    pub maintenance: Vec<Maintenance>,
    /// How the server behaves.
    pub serve: Serve,
    /// Whether the reserves are watched.
    pub watches_reserves: bool,
    /// Whether channels and sources were left out, with the secrets in them: so it is in a process that serves.
    pub sealed: bool,
    /// Remarks that do not stop it.
    pub warnings: Vec<Located>,
    /// The texts it was read from.
    pub texts: Texts,
}

impl Texts {
    /// Where a fault stands, in the order in which people read: what is wrong around the files, then file by file.
    fn place(&self, located: &Located) -> (usize, (usize, usize)) {
        let is_its = |text: &Arc<SourceText>| located.source.as_ref().is_some_and(|source| Arc::ptr_eq(source, text));
        let file = self.all().position(is_its).map_or(0, |at| at + 1);
        (file, located.fault.place.start())
    }
}

/// What the command line says about configuration.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--config`
    pub config: Option<PathBuf>,
    /// `--db`
    pub database: Option<PathBuf>,
    /// `--env-file`
    pub env_file: Option<PathBuf>,
    /// `--every`
    pub interval: Option<Duration>,
    /// Nobody would see a remark.
    pub unseen: bool,
    /// `rules check FILE…`: rule files in the place of all rules of the configuration.
    pub rules: Vec<PathBuf>,
    /// `serve`: what the server needs is read, and no secret but its token.
    pub serving: Option<Serving>,
}

/// Why there is no [`Config`].
pub enum Broken {
    /// The texts have faults; the database that would have been used is known all the same, where it can be.
    Faults(Vec<Located>, Option<PathBuf>),
    /// Something outside of the texts.
    Trouble(Trouble),
}

/// A configuration as far as it works, and everything that is wrong with it.
pub struct Examined {
    /// What works of it; all of it where no fault is an error. Its remarks are among the faults.
    pub config: Config,
    /// Errors and warnings, in the order in which people read.
    pub faults: Vec<Located>,
}

impl Examined {
    /// The configuration, if it has no error.
    fn sound(self) -> Result<Config, Broken> {
        let is_error = |located: &Located| located.fault.weight == Weight::Error;
        if !self.faults.iter().any(is_error) {
            return Ok(self.working());
        }
        let mut errors = self.faults;
        errors.retain(is_error);
        Err(Broken::Faults(errors, Some(self.config.database.0)))
    }

    /// What works of the configuration, with its remarks.
    fn working(self) -> Config {
        let mut warnings = self.faults;
        warnings.retain(|located| located.fault.weight == Weight::Warning);
        Config { warnings, ..self.config }
    }
}

/// Finds, reads and checks the configuration.
pub fn load(flags: &Flags, env: &Env) -> Result<Config, Broken> {
    examine(flags, env).map_err(Broken::Trouble)?.sound()
}

/// The same for somebody who wants to hear of everything, and goes on with what works.
pub fn examine(flags: &Flags, env: &Env) -> Result<Examined, Trouble> {
    let path = find::config(flags.config.as_deref(), env);
    let (texts, faults) = texts::read(path.as_ref().map(|(path, _)| path.as_path()), &flags.rules);
    build(texts, faults, path, flags, env)
}

/// The configuration as it is written now, for whoever has been running with `config`: none where its files are what they
/// were, or have a fault. The database stays the one it is.
pub fn reread(config: &Config, flags: &Flags, env: &Env) -> Option<Config> {
    let path = find::config(flags.config.as_deref(), env);
    let (texts, faults) = texts::read(path.as_ref().map(|(path, _)| path.as_path()), &flags.rules);
    if texts == config.texts {
        return None;
    }
    let flags = Flags { database: Some(config.database.0.clone()), ..flags.clone() };
    build(texts, faults, path, &flags, env).ok()?.sound().ok()
}

/// Builds the last configuration that worked with this database, with today's environment. It worked before, so a fault
/// of today is one of its surroundings (a variable, a permission): what still works is better than nothing.
pub fn load_last_good(database: &Path, flags: &Flags, env: &Env) -> Option<Config> {
    examine_last(database, flags, env).map(Examined::working)
}

/// The same for whoever needs all of it: with today's environment it has no fault either.
pub fn load_last_sound(database: &Path, flags: &Flags, env: &Env) -> Option<Config> {
    examine_last(database, flags, env)?.sound().ok()
}

fn examine_last(database: &Path, flags: &Flags, env: &Env) -> Option<Examined> {
    let texts = last_good::recall(database)?;
    let path = texts.main.as_ref().map(|main| (main.path.clone(), Origin::Default));
    let flags = Flags { database: Some(database.to_owned()), ..flags.clone() };
    build(texts, Vec::new(), path, &flags, env).ok()
}

/// The file of the last configuration that worked with this database, where there was one.
pub fn last_good_file(database: &Path) -> Option<PathBuf> {
    Some(last_good::recall(database)?.main?.path.clone())
}

fn build(
    texts: Texts,
    mut found: Vec<Located>,
    path: Option<(PathBuf, Origin)>,
    flags: &Flags,
    env: &Env,
) -> Result<Examined, Trouble> {
    let main = texts.main.clone();
    let (file, faults) = main.as_ref().map_or_else(Default::default, |main| parse::parse::<File>(&main.text));
    found.extend(faults.into_iter().map(|fault| Located { source: main.clone(), fault }));
    let peeked = || main.as_ref().and_then(|main| parse::peek(&main.text, "store", "path"));
    let named = file.store.path.clone().or_else(peeked);
    let database = find::database(flags.database.as_deref(), env, named.as_deref())?;

    let sealed = flags.serving.is_some();
    let env = surroundings::environment(&file, flags, env, main.as_ref(), &mut found);
    let secrets = Secrets::new(&env);
    let resolve = |text: &str| if sealed { Ok(Secret::new(SEALED)) } else { secrets.resolve(text) };
    let mut check = Check::new(INTERVAL, &resolve);
    check.source.clone_from(&main);
    check.faults = found;
    check.keeps_warnings = !flags.unseen;
    check.interval = flags.interval.unwrap_or_else(|| interval(&file, &mut check));
    let limits = store::limits(&file.store, &mut check);
    let serve = serve::build(file.serve.as_ref(), flags.serving.as_ref(), &secrets, &mut check);
    let sources = unsaid(sealed, &mut check, |check| sources(&file, check));
    latency_probe(&file, &mut check);
    let channels = if sealed { Vec::new() } else { people::channels(&file, &secrets, &mut check) };
    let people = People { channels: &channels, declared: people::declared(&file.channels, &channels, sealed) };
    let mut routes = file.routes.build(&people, &mut check);
    let fallback = file.routes.fallback(&people, &mut check);
    let maintenance = hours::maintenance(&file.maintenance, &mut check);
    let heartbeat = heartbeat(&file, sealed, &mut check);
    let responses = unsaid(sealed, &mut check, |check| responses::responses(&file.responses, check));
    let own = if flags.rules.is_empty() { file.rule } else { Vec::new() };
    let sms_budget = file.routes.sms_budget.build(&mut check);
    let written = written(own, &texts, &mut check);
    let rules = compiled(written, &sources, false, &mut check);
    routes.of_rules = routes::of_rules(&rules, &people, &mut check);
    responses::check_rules(&rules, &file.responses, &mut check);
    check.source.clone_from(&texts.main);
    secret::refuse_public_literals(&secrets, main.as_ref(), &mut check);

    let mut faults = check.faults;
    faults.sort_by_key(|located| texts.place(located));
    let rules = with_runbooks(rules, file.monitor.runbook_base.as_deref().unwrap_or_default());
    let config = Config {
        path,
        database,
        identity: identity(&file.monitor),
        interval: check.interval,
        limits,
        ca_file: ca_file(&file.monitor),
        sources,
        rules,
        channels,
        routes,
        fallback,
        heartbeat,
        sms_budget,
        responses,
        maintenance,
        serve,
        watches_reserves: file.sources.reserves.is_some(),
        sealed,
        warnings: Vec::new(),
        texts,
    };
    Ok(Examined { config, faults })
}

fn ca_file(monitor: &file::Monitor) -> Option<PathBuf> {
    let path = monitor.ca_file.as_ref().map(|path| PathBuf::from(path.get_ref()));
    path.filter(|path| !path.as_os_str().is_empty())
}

/// Where signs of life go; a process that serves sends none.
fn heartbeat(file: &File, sealed: bool, check: &mut Check<'_>) -> Option<Heartbeat> {
    let settings = file.heartbeat.as_ref().filter(|_| !sealed)?;
    settings.get_ref().build(&settings.span(), check)
}

fn identity(monitor: &file::Monitor) -> Identity {
    Identity {
        system: monitor.name.as_ref().map_or("Sippar bridge", |name| name.get_ref()).to_owned(),
        environment: monitor.environment.clone().unwrap_or_default(),
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
    }
}

/// Reads an interval: a duration that cron, a loop and a reader of screens can live with.
pub fn parse_interval(text: &str) -> Result<Duration, String> {
    let interval = units::parse_duration(text)?;
    if interval < Duration::from_secs(1) || interval > Duration::from_hours(1) {
        return Err("the interval must be between 1s and 1h; 60s goes with cron, 15s with `check --repeat`".to_owned());
    }
    Ok(interval)
}

fn interval(file: &File, check: &mut Check<'_>) -> Duration {
    let Some(text) = &file.monitor.interval else { return INTERVAL };
    parse_interval(text.get_ref()).unwrap_or_else(|what| {
        check.fault(Fault::error(what, Place::File(text.span())));
        INTERVAL
    })
}

impl Config {
    /// Who hears of what, as people may see it: without any secret.
    pub fn faces(&self) -> Vec<Face> {
        let critical = &self.routes.hears[Severity::Critical];
        let face = |channel: &Channel| Face {
            name: channel.name().to_owned(),
            to: channel.describe(),
            critical: critical.iter().any(|to| to.channel == channel.name()),
            addresses: channel.destinations().into_iter().map(|to| to.address).collect(),
        };
        self.channels.iter().map(face).collect()
    }

    /// The interval in words, `1m`.
    pub fn interval_text(&self) -> String {
        units::duration_literal(self.interval)
    }
}

#[cfg(test)]
mod tests;
