//! The words of `alert …` that do something about alerts.

use clap::Args;

/// `alert ack`
#[derive(Args, Debug)]
pub struct Ack {
    /// The alert's number
    pub number: u64,
    #[command(flatten)]
    pub word: Word,
}

/// `alert close`
#[derive(Args, Debug)]
pub struct Close {
    /// The alert's number
    pub number: u64,
    #[command(flatten)]
    pub word: Word,
}

/// Who says what.
#[derive(Args, Debug)]
pub struct Word {
    /// Why, in a few words; everybody who was told reads it
    #[arg(short, long, value_name = "TEXT")]
    pub message: String,
    /// Who says so; by default whoever called sudo, else the user
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}

/// `alert silence`
#[derive(Args, Debug)]
pub struct Silence {
    /// Which alerts: a number, a rule, labels or both: 12, `HIGH_DISK_USAGE`, '{mount="/data"}'
    pub what: String,
    /// For how long
    #[arg(long = "for", value_name = "DURATION", required_unless_present = "until", conflicts_with = "until")]
    pub lasts: Option<String>,
    /// Until when: 2026-11-23T07:00:00Z, or the next 07:00 (UTC)
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    #[command(flatten)]
    pub word: Word,
    /// Only show what it would mute
    #[arg(long)]
    pub dry_run: bool,
}

/// `alert unsilence`
#[derive(Args, Debug)]
pub struct Unsilence {
    /// The silence's number
    pub number: u64,
}
