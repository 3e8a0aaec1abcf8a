//! One thin recipe per subcommand.

mod alert;
mod baseline;
mod check;
mod collect;
mod complain;
mod completions;
mod db;
mod doctor;
mod elsewhere;
mod explain;
mod init;
mod man;
mod query;
mod report;
mod reserves;
mod respond;
mod rules;
mod runbook;
mod serve;
mod status;

use std::fmt::Write as _;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::cli::{Alert, Cli, Command, Global, When};
use crate::config::serve::Serving;
use crate::config::{self, Broken, Config, Flags};
use crate::model::fault::Located;
use crate::model::time::Time;
use crate::model::trouble::{Kind, Trouble};
use crate::net::Net;
use crate::output::diagnostics;
use crate::output::terminal::{self, Terminal};
use crate::store::cycles::CycleRow;
use crate::text::{safe, units};
use crate::view::age;
use crate::world::{Clock, Env};

/// What every command is handed.
pub struct Context {
    /// The flags that every command knows.
    pub global: Global,
    /// The environment.
    pub env: Env,
    /// The clock.
    pub clock: Clock,
    /// What the streams may show.
    pub terminal: Terminal,
}

/// More faults than this are counted and not drawn.
const MOST_FAULTS: usize = 100;

/// How a command ended that did its work: its exit code. What went wrong otherwise is a [`Trouble`] at the root of the
/// error, with whatever context was added on its way.
pub type Ended = anyhow::Result<u8>;

/// Runs the command.
pub fn run(cli: Cli, env: Env, clock: Clock) -> Ended {
    let color = match cli.global.color {
        When::Always => Some(true),
        When::Never => Some(false),
        When::Auto => None,
    };
    let terminal = Terminal::new(color, cli.global.ascii, &env);
    let context = Context { global: cli.global, env, clock, terminal };
    match cli.command {
        Command::Check(args) => check::run(&context, &args),
        Command::Status(args) => status::run(&context, &args),
        Command::Serve(args) => serve::run(&context, &args),
        Command::Query(args) => query::run(&context, &args),
        Command::Collect(args) => collect::run(&context, &args),
        Command::Rules(args) => rules::run(&context, args),
        Command::Runbook(args) => runbook::run(&context, &args),
        Command::Alert(Alert::List(args)) => alert::list(&context, &args),
        Command::Alert(Alert::Show(args)) => alert::show(&context, &args),
        Command::Alert(Alert::Explain(args)) => explain::alert(&context, &args),
        Command::Alert(Alert::Ack(args)) => alert::life::ack(&context, &args),
        Command::Alert(Alert::Close(args)) => alert::life::close(&context, &args),
        Command::Alert(Alert::Silence(args)) => alert::silence::silence(&context, &args),
        Command::Alert(Alert::Unsilence(args)) => alert::silence::unsilence(&context, &args),
        Command::Alert(Alert::Silences) => alert::silence::silences(&context),
        Command::Alert(Alert::Mark(args)) => alert::mark::run(&context, &args),
        Command::Alert(Alert::Export(args)) => alert::export::run(&context, &args),
        Command::Alert(Alert::Test(args)) => alert::test::run(&context, &args),
        Command::Alert(Alert::Deliveries(args)) => alert::deliveries::list(&context, &args),
        Command::Alert(Alert::Resend(args)) => alert::deliveries::resend(&context, &args),
        Command::Alert(Alert::Drop(args)) => alert::deliveries::drop(&context, &args),
        Command::Baseline(args) => baseline::run(&context, &args),
        Command::Respond(args) => respond::run(&context, &args),
        Command::Report(args) => report::run(&context, &args),
        Command::Reserves(args) => reserves::run(&context, &args),
        Command::Db(args) => db::run(&context, &args),
        Command::Init(args) => init::run(&context, &args),
        Command::Doctor(args) => doctor::run(&context, &args),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
    }
}

impl Context {
    /// The configuration; what is wrong with it is told, every fault at its place.
    pub fn config(&self) -> Result<Config, Trouble> {
        let config = self.load(None).map_err(|broken| self.told(broken))?;
        // those who only look are spared the remarks that `check` makes
        if self.global.verbose > 0 {
            self.remarks(&config);
        }
        Ok(config)
    }

    /// The configuration in use, for whoever looks at what is watched or acts on it: where the one on the disk is broken
    /// and the system was watched before, the last one that worked. Who looks for the cause of an alert must not have to
    /// correct a slip first.
    pub fn config_in_use(&self) -> Result<Config, Trouble> {
        let config = self.load_or_last(None)?;
        if self.global.verbose > 0 {
            self.remarks(&config);
        }
        Ok(config)
    }

    /// The same as a server reads it, or anybody else.
    fn load_or_last(&self, serving: Option<Serving>) -> Result<Config, Trouble> {
        let is_serving = serving.is_some();
        let flags = Flags { serving, ..self.flags(None) };
        let broken = match config::load(&flags, &self.env) {
            Ok(config) => return Ok(config),
            Err(broken) => broken,
        };
        let Broken::Faults(faults, Some(database)) = &broken else { return Err(self.told(broken)) };
        let last = if is_serving {
            // what today's environment lacks may be what guards the server
            config::load_last_sound(database, &flags, &self.env)
        } else {
            config::load_last_good(database, &flags, &self.env)
        };
        let Some(config) = last else { return Err(self.told(broken)) };
        if self.global.quiet < 2 {
            terminal::say(&self.terminal.fit(&goes_on(faults)));
        }
        Ok(config)
    }

    /// Says on standard error that what is printed is not of now, where that is so.
    pub fn say_stale(&self, last: Option<CycleRow>, config: &Config, now: Time) {
        let Some(last) = last.filter(|last| age::is_stale(last, config.interval, now)) else { return };
        if self.global.quiet < 2 {
            let (why, every) = (age::silence(&last, now), config.interval_text());
            let what = format!("{why} (every {every} expected); this is how it was at {}", last.finished);
            terminal::say(&self.terminal.fit(&format!("sippar-mon: {what}")));
        }
    }

    /// The same without telling.
    fn load(&self, every: Option<Duration>) -> Result<Config, Broken> {
        config::load(&self.flags(every), &self.env)
    }

    /// The flags that concern the configuration.
    fn flags(&self, every: Option<Duration>) -> Flags {
        let Global { config, db, env_file, .. } = self.global.clone();
        Flags { config, database: db, env_file, interval: every, unseen: !self.shows_remarks(), ..Flags::default() }
    }

    /// Prints the faults and makes them one trouble.
    fn told(&self, broken: Broken) -> Trouble {
        match broken {
            Broken::Trouble(trouble) => trouble,
            Broken::Faults(faults, _) => {
                terminal::say(self.faults(&faults).trim_end());
                summary(&faults)
            }
        }
    }

    /// The faults as text for standard error; of very many only the first ones.
    fn faults(&self, faults: &[Located]) -> String {
        let shown = faults.len().min(MOST_FAULTS);
        let mut text = diagnostics::render(&faults[..shown], self.terminal.color_err);
        if shown < faults.len() {
            let more = faults.len() - shown;
            let _ = writeln!(text, "and {more} more; `sippar-mon rules check --json` lists all");
        }
        self.terminal.fit(&text)
    }

    /// Whether remarks about the configuration are wanted: somebody watches or asks for more.
    fn shows_remarks(&self) -> bool {
        (self.terminal.err || self.global.verbose > 0) && self.global.quiet == 0
    }

    /// With `-v`, and on a terminal: warnings, and which files are used.
    fn remarks(&self, config: &Config) {
        if !config.warnings.is_empty() && self.shows_remarks() {
            terminal::say(self.faults(&config.warnings).trim_end());
        }
        if self.global.verbose > 0 {
            let file = config
                .path
                .as_ref()
                .map_or("none".to_owned(), |(path, origin)| format!("{} ({origin})", path.display()));
            let (database, origin) = &config.database;
            terminal::say(&format!("configuration: {file}\ndatabase: {} ({origin})", database.display()));
        }
    }

    /// The network, with the roots that this configuration trusts.
    fn net(&self, config: &Config) -> Arc<Net> {
        Arc::new(Net::new(config.ca_file.clone(), self.env.get("SSL_CERT_FILE").map(PathBuf::from)))
    }
}

/// That a broken configuration is not in use, in a line, with the place of its first fault.
fn goes_on(faults: &[Located]) -> String {
    let first = faults.first().map_or_else(String::new, |located| {
        let path = located.source.as_ref().map(|source| source.path.display().to_string());
        let at = diagnostics::position(located).map(|at| format!("{}:{}", at.line, at.column));
        let place = path.into_iter().chain(at).collect::<Vec<_>>().join(":");
        let what = &located.fault.what;
        safe::one_line(&if place.is_empty() { what.clone() } else { format!("{place}: {what}") })
    });
    let more = match faults.len().saturating_sub(1) {
        0 => String::new(),
        more => format!(" and {} more", units::counted(more, "error")),
    };
    format!(
        "sippar-mon: {first}{more}; the last configuration that worked goes on (all faults: sippar-mon rules check)"
    )
}

/// How many faults there were, for the last line.
fn summary(faults: &[Located]) -> Trouble {
    let count = faults.len();
    let noun = if count == 1 { "error" } else { "errors" };
    Trouble::new(Kind::Config, format!("{count} {noun} in the configuration"))
}

/// Who does this: what `by` says, else whoever called sudo, else the user.
fn who(context: &Context, by: Option<&str>) -> String {
    let known = || ["SUDO_USER", "USER"].into_iter().find_map(|name| context.env.get(name));
    by.or_else(known).unwrap_or("unknown").to_owned()
}

/// Runs a future to its end on this thread. What is stuck in a blocking call is left behind, not waited for.
fn block_on<T, E>(work: impl Future<Output = Result<T, E>>) -> anyhow::Result<T>
where
    anyhow::Error: From<E>,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Trouble::new(Kind::Io, format!("cannot start the event loop: {error}")))?;
    let result = runtime.block_on(work);
    runtime.shutdown_background();
    Ok(result?)
}

/// A JSON document on standard output.
fn print_json(document: &impl serde::Serialize) -> Result<(), Trouble> {
    let mut text = serde_json::to_string_pretty(document)
        .map_err(|error| Trouble::new(Kind::Bug, format!("cannot write JSON: {error}")))?;
    text.push('\n');
    terminal::print(&text)
}
