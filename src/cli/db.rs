//! The words of `db …`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Later;

/// `db …`
#[derive(Subcommand, Debug)]
pub enum Db {
    /// Copy the database to a file, also while checks run
    Backup(DbBackup),
    /// Look for damage and contradictions in the database (not built yet)
    Check(Later),
    /// Put a backup in the place of the database (not built yet)
    Restore(Later),
}

impl Db {
    /// Its words on the command line.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Backup(_) => "db backup",
            Self::Check(_) => "db check",
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
