//! A probe that opens a connection, and may look at what the service says first.

use std::ops::Range;
use std::time::Duration;

use regex::Regex;
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use toml::Spanned;

use super::Attempt;
use super::connect::{Address, connect};
use super::http::regex;
use super::pace::Keys;
use crate::model::metric::Unit;
use crate::net::http::explain_io;
use crate::text::check::Check;
use crate::text::{safe, units};

/// Bytes of a banner that are looked at.
const MAX_BANNER: usize = 4096;

/// `[probes.NAME.tcp]`
#[derive(Deserialize, Clone, Debug, Default)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Time between two runs; default: the interval.
    pub every: Option<Spanned<String>>,
    /// Severity of `PROBE_FAILED`; default `HIGH`.
    pub severity: Option<Spanned<String>>,
    /// Time limit of one attempt; default 5 s or what fits.
    pub timeout: Option<Spanned<String>>,
    /// Attempts before a failure is believed; default 3.
    pub attempts: Option<Spanned<u32>>,
    /// Host and port; required.
    pub address: Option<Spanned<String>>,
    /// Text that is sent once connected.
    pub send: Option<String>,
    /// A regular expression that must occur in the first 4 KiB of the answer.
    pub expect: Option<Spanned<String>>,
}

/// A TCP probe, checked.
#[derive(Clone, Debug)]
pub struct Tcp {
    address: Address,
    send: Option<String>,
    expect: Option<Regex>,
}

impl Settings {
    /// The keys that every kind of probe has.
    pub(super) fn keys(&self) -> Keys<'_> {
        let Self { every, severity, timeout, attempts, .. } = self;
        Keys {
            every: every.as_ref(),
            severity: severity.as_ref(),
            timeout: timeout.as_ref(),
            attempts: attempts.as_ref(),
        }
    }

    /// Checks the keys of this kind.
    pub(super) fn build(&self, table: &Range<usize>, check: &mut Check<'_>) -> Option<Tcp> {
        let help = "write the service to connect to: address = \"db.example.org:5432\"";
        let address = check.required(self.address.as_ref(), table, "address", help);
        let address = address.and_then(|address| check.parsed(address));
        let expect = regex(self.expect.as_ref(), check);
        Some(Tcp { address: address?, send: self.send.clone(), expect: expect? })
    }
}

impl Tcp {
    /// Whom it asks.
    pub(super) fn host(&self) -> &str {
        &self.address.host
    }

    /// Connects once.
    pub(super) async fn attempt(&self, limit: Duration) -> Attempt {
        let began = Instant::now();
        let mut heard = Vec::new();
        let in_time = timeout(limit, self.talk(&mut heard)).await;
        let failure = in_time.map_or_else(|_| Some(self.late(&heard, limit)), Result::err);
        Attempt { took: began.elapsed(), failure, note: None, readings: Vec::new() }
    }

    /// What to say when time was up after `heard`.
    fn late(&self, heard: &[u8], limit: Duration) -> String {
        let limit = units::value(limit.as_secs_f64(), Unit::Seconds);
        match &self.expect {
            Some(expect) if !heard.is_empty() => format!("{} within {limit}", unlike(expect, heard)),
            _ => format!("no answer within {limit}"),
        }
    }

    /// `heard` is the caller's, so that it is known what came before time was up.
    async fn talk(&self, heard: &mut Vec<u8>) -> Result<(), String> {
        let mut stream = connect(&self.address).await?;
        if let Some(text) = &self.send {
            stream.write_all(text.as_bytes()).await.map_err(|error| explain_io(&error))?;
        }
        match &self.expect {
            None => Ok(()),
            Some(expect) => hear(&mut stream, expect, heard).await,
        }
    }
}

/// Reads until `expect` occurs, the service hangs up, or it has said too much.
async fn hear(stream: &mut TcpStream, expect: &Regex, heard: &mut Vec<u8>) -> Result<(), String> {
    while let room @ 1.. = MAX_BANNER.saturating_sub(heard.len()) {
        let mut part = (&mut *stream).take(room as u64);
        let count = part.read_buf(heard).await.map_err(|error| explain_io(&error))?;
        if expect.is_match(&String::from_utf8_lossy(heard)) {
            return Ok(());
        }
        if count == 0 {
            break;
        }
    }
    Err(unlike(expect, heard))
}

fn unlike(expect: &Regex, heard: &[u8]) -> String {
    let heard = safe::clip(&safe::one_line(&String::from_utf8_lossy(heard)), 80);
    match heard.as_str() {
        "" => format!("connected, but heard nothing; expected `{expect}`"),
        heard => format!("expected `{expect}`, heard `{heard}`"),
    }
}
