//! The command line: the whole tree. Only words; nothing is done here.

mod alert;
mod baseline;
mod db;
mod init;
mod life;
mod report;
mod reserves;
mod respond;
mod rules;
mod serve;
mod shell;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use alert::{Deliveries, Drop, Export, Mark, Opinion, Resend, Test};
pub use baseline::{Accept, Baseline};
pub use db::{Db, DbBackup, DbImport, DbRestore, ImportFormat};
pub use init::Init;
pub use life::{Ack, Close, Silence, Unsilence, Word};
pub use report::Report;
pub use reserves::{Reserves, ReservesProof, ReservesShow, ReservesVerify};
pub use respond::Respond;
pub use rules::{Rules, RulesBacktest, RulesCheck, RulesExplain, RulesExport, RulesList, RulesShow, RulesTest, System};
pub use serve::Serve;
pub use shell::{Completions, Man};

/// Examples and exit codes at the end of `--help`.
const AFTER: &str = "\
Examples:
  sippar-mon check                  measure, judge, tell; what cron runs each minute
  sippar-mon status                 what it looks like now
  sippar-mon alert test --dry-run   what a test alert would say, and to whom

Exit codes of check and status:
  0 nothing above LOW is firing   1 MEDIUM or HIGH   2 CRITICAL   3 unknown or stale
Trouble of the tool itself:
  64 usage   65 bad data   69 unavailable   70 bug   73 cannot create   74 I/O or database
  75 another process is at it   77 permission   78 configuration

Files, first one found:
  --config, $SIPPAR_MON_CONFIG, ./config.toml (if it is yours or root's),
  ~/.config/sippar-mon/config.toml, /etc/sippar-mon/config.toml; none is needed.";

/// Watches the Sippar bridge from one machine and tells people when it is in trouble.
#[derive(Parser, Debug)]
#[command(name = "sippar-mon", version, after_help = AFTER, arg_required_else_help = true, infer_subcommands = false)]
pub struct Cli {
    /// Flags that every command knows.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags that every command knows, before or after its name.
#[derive(Args, Clone, Debug, Default)]
pub struct Global {
    /// Configuration file
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// State database
    #[arg(long, global = true, value_name = "FILE")]
    pub db: Option<PathBuf>,
    /// File of NAME=value lines for variables that the environment does not have (cron's is nearly empty)
    #[arg(long, global = true, value_name = "FILE")]
    pub env_file: Option<PathBuf>,
    /// When to use colour
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = When::Auto)]
    pub color: When,
    /// Use ASCII only, as when the locale is not UTF-8
    #[arg(long, global = true)]
    pub ascii: bool,
    /// One JSON document on standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// Say more: which files are used, and why things are as they are
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Say less: only trouble; twice for nothing at all
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub quiet: u8,
}

/// When to use colour.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum When {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Measure, judge, store and tell: one cycle
    Check(Check),
    /// Show what it looks like now
    Status(Status),
    /// List, show and test alerts
    #[command(subcommand)]
    Alert(Alert),
    /// Evaluate a `PromQL` expression on the stored samples
    Query(Query),
    /// Measure once and print it; nothing is stored, judged or sent
    Collect(Collect),
    /// Check, test, show and explain rules
    #[command(subcommand)]
    Rules(Rules),
    /// Show, prove and verify what custody and supply are: the reserve log
    #[command(subcommand)]
    Reserves(Reserves),
    /// What is taken to be right, such as the code of a canister: list it, accept a change of it
    #[command(subcommand)]
    Baseline(Baseline),
    /// Run a configured response by hand
    Respond(Respond),
    /// Serve the JSON API and the dashboard
    Serve(Serve),
    /// Write what happened in a time, or around an alert, as one HTML file that stands alone
    Report(Report),
    /// Print what to do about an alert
    Runbook(Runbook),
    /// Back up, check and restore the database, fill one for trials
    #[command(subcommand)]
    Db(Db),
    /// Find out what is wrong with this installation, and what to do about it
    Doctor(Doctor),
    /// Write a configuration for this machine, or make it watch itself
    Init(Init),
    /// Print completions for a shell
    Completions(Completions),
    /// Write the man pages into a folder
    #[command(hide = true)]
    Man(Man),
}

/// `check`
#[derive(Args, Debug, Default)]
pub struct Check {
    /// Go on with a cycle each interval until the minute ends; the next minute's process joins at the next tick
    #[arg(long)]
    pub repeat: bool,
    /// Interval between cycles, overriding [monitor] interval; implies --repeat
    #[arg(long, value_name = "DURATION")]
    pub every: Option<String>,
    /// Store and send nothing; show what would happen
    #[arg(long, conflicts_with_all = ["repeat", "every"])]
    pub dry_run: bool,
    /// End with 0 whatever is firing (for scripts under `set -e`); trouble of the tool still counts
    #[arg(long)]
    pub exit_zero: bool,
}

/// `status`
#[derive(Args, Debug)]
pub struct Status {
    /// How to print it
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Table)]
    pub format: Format,
    /// Draw it anew after each cycle; ends with Ctrl-C
    #[arg(long, conflicts_with = "json")]
    pub watch: bool,
    /// Show also what is fine
    #[arg(long)]
    pub all: bool,
    /// For the exit code, do not count alerts that somebody has acknowledged
    #[arg(long)]
    pub ignore_acked: bool,
    /// Show other machines by their dashboards, a line each (https, or http to this machine); ends with the worst state, 3
    /// for one that cannot be read. The token in `SIPPAR_MON_TOKEN` is shown to each of them
    #[arg(long, value_name = "URL", num_args = 1.., conflicts_with_all = ["watch", "all"])]
    pub from: Vec<String>,
}

/// How `status` prints.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A screen for people, tab-separated lines without a terminal.
    Table,
    /// One JSON document.
    Json,
    /// One line for Nagios or Icinga, with performance data.
    Nagios,
}

/// `alert …`
#[derive(Subcommand, Debug)]
pub enum Alert {
    /// Alerts that are firing or pending
    List(List),
    /// One alert: its life and every attempt to tell people
    Show(Show),
    /// Send a test alert through the real channels
    Test(Test),
    /// Take charge of an alert: no reminders, and whoever was told hears who is at it
    Ack(Ack),
    /// Tell nobody of some alerts for a time
    Silence(Silence),
    /// End a silence
    Unsilence(Unsilence),
    /// List silences
    Silences,
    /// Explain why an alert fires or fired, what holds it back, and who was told
    Explain(AlertExplain),
    /// Say whether an alert was worth being told; `rules list --noise` counts it
    Mark(Mark),
    /// End an alert by hand
    Close(Close),
    /// List what was sent, waits, or was given up
    Deliveries(Deliveries),
    /// Send a delivery that was given up, waits, or may not have arrived
    Resend(Resend),
    /// Give up a delivery that waits
    Drop(Drop),
    /// Write a past alert as a test of its rule
    Export(Export),
}

/// `alert list`
#[derive(Args, Debug)]
pub struct List {
    /// Include alerts that have ended
    #[arg(long)]
    pub all: bool,
    /// Only alerts that began within this time
    #[arg(long, value_name = "DURATION")]
    pub since: Option<String>,
    /// Only alerts of this severity or above
    #[arg(long, value_name = "SEVERITY")]
    pub severity: Option<String>,
}

/// `alert show`
#[derive(Args, Debug)]
pub struct Show {
    /// The alert's number
    pub number: u64,
}

/// `alert explain`
#[derive(Args, Debug)]
pub struct AlertExplain {
    /// The alert's number
    pub number: u64,
    /// At this time rather than now (or, for an alert that is over, when it fired): 2026-11-23T05:44:00Z, 05:44, 20m
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
}

/// `query`
#[derive(Args, Debug)]
pub struct Query {
    /// The expression
    pub expr: String,
    /// Show how it went for this time: lowest, highest and last value. At most 500 instants of it are looked at; with
    /// --json each tick is
    #[arg(long, value_name = "DURATION")]
    pub since: Option<String>,
}

/// `runbook`
#[derive(Args, Debug)]
pub struct Runbook {
    /// The rule's name, which is the alert's; without one, the names there are
    pub name: Option<String>,
}

/// `collect`
#[derive(Args, Debug)]
pub struct Collect {
    /// Only this source; may be given several times
    #[arg(long, value_name = "NAME")]
    pub source: Vec<String>,
}

/// `doctor`
#[derive(Args, Debug)]
pub struct Doctor {
    /// Look at the crontabs, units and users of the system below this folder
    #[arg(long, hide = true, value_name = "FOLDER", default_value = "/")]
    pub root: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_tree_is_sound() {
        Cli::command().debug_assert();
    }

    /// Words between blanks, as a shell takes them apart.
    fn words(line: &str) -> Vec<String> {
        let (mut words, mut quote) = (vec![String::new()], None);
        for c in line.chars() {
            match quote {
                Some(mark) if c == mark => quote = None,
                None if c == '\'' || c == '"' => quote = Some(c),
                None if c == ' ' => words.push(String::new()),
                _ => words.last_mut().unwrap().push(c),
            }
        }
        words
    }

    /// Every page of Markdown and its name.
    fn pages() -> Vec<(String, String)> {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let files = ["", "docs", "examples/three-machines"]
            .into_iter()
            .flat_map(|folder| std::fs::read_dir(root.join(folder)).unwrap());
        let paths = files.map(|entry| entry.unwrap().path());
        let pages = paths.filter(|path| path.extension().is_some_and(|kind| kind == "md"));
        pages.map(|path| (path.display().to_string(), std::fs::read_to_string(&path).unwrap())).collect()
    }

    /// Whatever a block of `sh` calls is a command with flags that exist.
    #[test]
    fn the_commands_of_all_pages_exist() {
        let mut count = 0;
        for (name, page) in pages() {
            let blocks = page.split("```sh\n").skip(1).filter_map(|block| block.split("```").next());
            let calls = blocks.flat_map(str::lines).filter_map(|line| {
                let line = line.strip_prefix("sudo ").unwrap_or(line);
                let line = line.strip_prefix("-u sippar-mon ").unwrap_or(line);
                line.strip_prefix("cargo run --release -- ").or_else(|| line.strip_prefix("sippar-mon "))
            });
            for call in calls {
                let call = call.split(" #").next().unwrap().split(" | ").next().unwrap().split(" > ").next().unwrap();
                let call = words(&format!("sippar-mon {}", call.trim()));
                let parsed = Cli::try_parse_from(&call);
                let is_fine = parsed.as_ref().err().is_none_or(|error| error.exit_code() == 0);
                assert!(is_fine, "{name}: {call:?}\n{}", parsed.unwrap_err());
                count += 1;
            }
        }
        assert!(count > 60, "only {count} were found");
    }

    /// clap prints the value of an `env`-bound argument in `--help`; no argument may be bound that way.
    #[test]
    fn help_prints_no_environment() {
        fn walk(command: &clap::Command) {
            assert!(command.get_arguments().all(|arg| arg.get_env().is_none()), "{}", command.get_name());
            command.get_subcommands().for_each(walk);
        }
        walk(&Cli::command());
    }
}
