//! The words of `db …`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `db …`
#[derive(Subcommand, Debug)]
pub enum Db {
    /// Copy the database to a file, also while checks run
    Backup(DbBackup),
    /// Look for damage and contradictions in the database, and at what takes how much: 0 sound, 1 damaged
    Check,
    /// Put a backup in the place of the database, which is kept beside it
    Restore(DbRestore),
}

impl Db {
    /// Its words on the command line.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Backup(_) => "db backup",
            Self::Check => "db check",
            Self::Restore(_) => "db restore",
        }
    }
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
