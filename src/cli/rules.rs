//! The words of `rules …`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `rules …`
#[derive(Subcommand, Debug)]
pub enum Rules {
    /// Find every fault and every doubtful place in the configuration and its rules
    Check(RulesCheck),
    /// Play the tests of rules: samples in, everything that happens out
    Test(RulesTest),
    /// Explain why a rule does or does not fire: its expression with values, limits, and who is told
    Explain(RulesExplain),
    /// The rule in effect, as TOML to paste
    Show(RulesShow),
    /// The rules in effect, or the metrics they can use
    List(RulesList),
    /// Write the rules for another system
    Export(RulesExport),
    /// Try rules on the stored past: what they would have told, and whom, if nothing withheld it
    Backtest(RulesBacktest),
}

/// `rules check`
#[derive(Args, Debug)]
pub struct RulesCheck {
    /// Rule files to check in the place of the configuration's own rules
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Warnings count as errors
    #[arg(long)]
    pub strict: bool,
    /// Evaluate every rule on the database too: what selects nothing, joins nothing or has no answer
    #[arg(long)]
    pub data: bool,
}

/// `rules explain`
#[derive(Args, Debug)]
pub struct RulesExplain {
    /// The rule's name
    pub name: String,
    /// At this time rather than now: 2026-11-23T05:44:00Z, "2026-11-23 05:44", 05:44 (all in UTC) or 20m ago
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
}

/// `rules show`
#[derive(Args, Debug)]
pub struct RulesShow {
    /// The rule's name
    pub name: String,
}

/// How a test is written, at the end of `rules test --help`.
const AFTER_RULES_TEST: &str = "\
A test says what is measured tick by tick and, as a whole, what happens then:

  [[test]]
  name     = \"memory climbs and eases\"
  interval = \"1m\"                     # default: [monitor] interval
  rules    = [\"HIGH_MEMORY_USAGE\"]    # default: every rule that reads one of the series
  series   = { system_memory_usage_ratio = \"0.5 0.86x6 _ ? 0.7\" }
  timeline = \"\"                       # written by --update, then read by you

Samples, from the first tick on: 0.86 a value, 0.86x2 and two more, 1+0.5x3 climbing,
  _ none, ? or ?(timeout) not measured, _x5 and ?x5 five of them, stale gone; NaN Inf -Inf.
Time begins at 0, so time() is the seconds since the first tick. Nothing is sent: the
  timeline tells three channels, chat, mail and sms, as the default routes do.

Exit codes: 0 all pass   1 some fail, or there are none   65 a file has faults   78 the configuration has";

/// `rules test`
#[derive(Args, Debug)]
#[command(after_help = AFTER_RULES_TEST)]
pub struct RulesTest {
    /// TOML files with [[test]], and [[rule]] over those of the configuration; default: the files of rules.d
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Leave the configuration out: the rules of FILE over the shipped ones
    #[arg(long, requires = "files")]
    pub shipped: bool,
    /// Only tests whose name has this in it
    #[arg(long, value_name = "TEXT")]
    pub run: Option<String>,
    /// Write what happens now into the files as what is to happen; every other byte stays
    #[arg(long)]
    pub update: bool,
}

/// `rules list`
#[derive(Args, Debug)]
pub struct RulesList {
    /// The metrics that rules can use instead of the rules
    #[arg(long)]
    pub metrics: bool,
    /// How often each rule fired, and how often people called that false: at most 1 % is the goal
    #[arg(long, conflicts_with = "metrics")]
    pub noise: bool,
    /// How far back --noise looks
    #[arg(long, value_name = "DURATION", default_value = "30d", requires = "noise")]
    pub since: String,
}

/// `rules export`
#[derive(Args, Debug)]
pub struct RulesExport {
    /// For which system
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = System::Prometheus)]
    pub format: System,
    /// Only Alertmanager's inhibit rules, which mute the lower severities of what fires at a higher one; without this
    /// they stand as a comment at the end
    #[arg(long)]
    pub inhibit_rules: bool,
}

/// Whose language `rules export` writes.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// A rule file of Prometheus, which Thanos and Mimir read too.
    Prometheus,
}

/// What counts, at the end of `rules backtest --help`.
const AFTER_RULES_BACKTEST: &str = "\
Every cycle that there was is judged once more on the samples that it saw; nothing is sent and
nothing is stored. Where the monitor did not run there is a gap, as there was then. An episode is
an alert from its firing to its end; it flaps when it comes back within 15 minutes.

Messages are those of firing, raised, eased and resolved by today's routes. What withholds them
is not known of the past: silences, maintenance, quiet hours, depends_on and the damping of what
flaps; where there were such, fewer went out. Reminders and escalations are not among them.

Exit codes: 0 done   1 a rule has more episodes a day than --max-per-day   65 FILE has faults";

/// `rules backtest`
#[derive(Args, Debug)]
#[command(after_help = AFTER_RULES_BACKTEST)]
pub struct RulesBacktest {
    /// How far back from the newest sample
    #[arg(long, value_name = "DURATION", default_value = "30d")]
    pub since: String,
    /// A TOML file whose [[rule]] stand over those of the configuration
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
    /// Show only what FILE changes: episodes that vanish, appear or differ
    #[arg(long, requires = "rules")]
    pub diff: bool,
    /// End with 1 when any one rule has more episodes a day than this; less than a day counts as one
    #[arg(long, value_name = "N")]
    pub max_per_day: Option<f64>,
}
