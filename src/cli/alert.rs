//! The words of `alert …` that speak of the past.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// `alert mark`
#[derive(Args, Debug)]
pub struct Mark {
    /// The alert's number
    pub number: u64,
    /// Whether it was worth being told
    #[arg(value_enum, value_name = "useful|false")]
    pub worth: Opinion,
    /// Why, in a few words
    #[arg(short, long, value_name = "TEXT")]
    pub message: String,
    /// Who says so; by default whoever called sudo, else the user
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}

/// Whether an alert was worth being told.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opinion {
    /// It was right to tell
    Useful,
    /// Nobody should have been told
    False,
}

/// `alert export`
#[derive(Args, Debug)]
pub struct Export {
    /// The alert's number
    pub number: u64,
    /// Write it into this new file instead of printing it
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// `alert test`
#[derive(Args, Debug)]
pub struct Test {
    /// Only this channel; may be given several times
    #[arg(long, value_name = "NAME")]
    pub channel: Vec<String>,
    /// Follow the route of this severity instead of testing every channel
    #[arg(long, value_name = "SEVERITY", conflicts_with = "channel")]
    pub severity: Option<String>,
    /// The message of this rule, as it would look now, to those who hear of it
    #[arg(long, value_name = "NAME")]
    pub rule: Option<String>,
    /// Show what would be sent, and to whom; send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Include SMS, which costs money and wakes people, without a question
    #[arg(long)]
    pub yes: bool,
}

/// `alert deliveries`
#[derive(Args, Debug)]
pub struct Deliveries {
    /// Only in this state: pending, sending, sent, dead, uncertain, superseded
    #[arg(long, value_name = "STATE")]
    pub state: Option<String>,
    /// Only through this channel
    #[arg(long, value_name = "NAME")]
    pub channel: Option<String>,
    /// At most so many, the newest
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: u32,
}

/// `alert resend`
#[derive(Args, Debug)]
pub struct Resend {
    /// The delivery's id, as `alert deliveries` and `alert show` list it
    pub id: i64,
}

/// `alert drop`
#[derive(Args, Debug)]
pub struct Drop {
    /// The delivery's id, as `alert deliveries` and `alert show` list it
    pub id: i64,
    /// Why, in a few words
    #[arg(short, long, value_name = "TEXT")]
    pub message: String,
    /// Who says so; by default whoever called sudo, else the user
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}
