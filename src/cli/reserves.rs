//! The words of `reserves …`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `reserves …`
#[derive(Subcommand, Debug)]
pub enum Reserves {
    /// The last look at both chains: every figure with its source, age and trust, every account
    Show(ReservesShow),
    /// A look as a document that others can verify
    Proof(ReservesProof),
    /// Whether a proof holds: its hash, the log that it stands in, and what the chains say now
    Verify(ReservesVerify),
}

/// `reserves show`
#[derive(Args, Debug)]
pub struct ReservesShow {
    /// Show what moved in this time, account by account; with an indexer also the payments that left
    #[arg(long, value_name = "DURATION")]
    pub since: Option<String>,
}

/// `reserves proof`
#[derive(Args, Debug)]
pub struct ReservesProof {
    /// The look that was the last one at this time: 2026-11-23T05:44:00Z, 05:44, 20m
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
}

/// `reserves verify`
#[derive(Args, Debug)]
#[command(after_help = "\
Exit codes:
  0 the proof holds: its record is as it was written, the log is unbroken and contains it, and the chains
    now lead to the same verdict
  1 one of these is not so, or cannot be found out: of a look that was let go of the log, a backup from
    before then can say (`--db BACKUP`)")]
pub struct ReservesVerify {
    /// What `reserves proof` wrote
    pub file: PathBuf,
}
