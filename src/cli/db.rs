//! The words of `db …`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `db …`
#[derive(Subcommand, Debug)]
pub enum Db {
    /// Copy the database to a file, also while checks run
    Backup(DbBackup),
    /// Look for damage and contradictions in the database, and at what takes how much: 0 sound, 1 damaged
    Check,
    /// Fill a database for trials with somebody's series: CSV or Prometheus text
    Import(DbImport),
    /// Put a backup in the place of the database, which is kept beside it
    Restore(DbRestore),
}

/// `db backup`
#[derive(Args, Debug)]
pub struct DbBackup {
    /// The file to write; `cp` of a database in use is no backup
    pub file: PathBuf,
    /// Replace FILE where it exists
    #[arg(long)]
    pub force: bool,
}

/// `db restore`
#[derive(Args, Debug)]
pub struct DbRestore {
    /// The backup
    pub file: PathBuf,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// What can be imported, at the end of `db import --help`.
const AFTER_DB_IMPORT: &str = "\
Examples:
  sippar-mon db import load.csv --metric system_load1 --db trial.db
  sippar-mon query 'max_over_time(system_load1[1d])' --db trial.db
  promtool tsdb dump-openmetrics data | sippar-mon db import - --metric node_load1 --db trial.db

CSV: a time, a value and perhaps columns that tell series apart, with , ; or a tab between them, with
  or without a header. An empty value is no sample; NaN, Inf and -Inf are values.
Times: 2026-11-23T05:44:00Z, \"2026-11-23 05:44:00\" (UTC), or seconds, milli-, micro- or nanoseconds
  since 1970; the first one says which.
Prometheus text and OpenMetrics: samples with timestamps, all metrics unless --metric picks one.
  Without --format a large timestamp is taken for milliseconds.

Nothing is stored where a line cannot be read, unless with --skip-bad. The same import twice is the same
as once. A database in which a monitor has kept its cycles is refused.";

/// `db import`
#[derive(Args, Debug)]
#[command(after_help = AFTER_DB_IMPORT)]
pub struct DbImport {
    /// The file to read; - for standard input
    pub file: PathBuf,
    /// The metric: of CSV its name, of the other formats the one to pick
    #[arg(long, value_name = "NAME")]
    pub metric: Option<String>,
    /// A label for every series; may be given several times
    #[arg(long, value_name = "NAME=VALUE")]
    pub label: Vec<String>,
    /// CSV: the column of the times, by its name or its number
    #[arg(long, value_name = "COLUMN")]
    pub time_column: Option<String>,
    /// CSV: the column of the values
    #[arg(long, value_name = "COLUMN")]
    pub value_column: Option<String>,
    /// CSV: a column whose value becomes a label, as COLUMN or NAME=COLUMN; may be given several times
    #[arg(long, value_name = "COLUMN")]
    pub label_column: Vec<String>,
    /// How often was measured [default: the most frequent time between two samples of a series]
    #[arg(long, value_name = "DURATION")]
    pub every: Option<String>,
    /// What the file is written in [default: what its first line looks like]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<ImportFormat>,
    /// Leave out lines that cannot be read
    #[arg(long)]
    pub skip_bad: bool,
}

/// What a file to import is written in.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportFormat {
    /// Cells with a separator.
    Csv,
    /// The text format of Prometheus; times are milliseconds.
    Prometheus,
    /// `OpenMetrics`; times are seconds.
    Openmetrics,
}
