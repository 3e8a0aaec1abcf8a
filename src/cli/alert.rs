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
