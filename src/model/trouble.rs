//! Trouble of the tool itself, with the exit code it ends in. "The bridge is bad" (0 to 3) and
//! "the monitor is broken" (64 and above, as in sysexits.h) can never be confused.

use std::fmt;

/// The kind of trouble; its number is the process's exit code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The command line is wrong.
    Usage = 64,
    /// Input data is wrong.
    Data = 65,
    /// A service or a part of this program is not available.
    Unavailable = 69,
    /// A bug of this program.
    Bug = 70,
    /// A file cannot be created.
    CannotCreate = 73,
    /// Input, output or the database failed.
    Io = 74,
    /// Another process is at it; try again later.
    Busy = 75,
    /// Permission denied.
    Permission = 77,
    /// The configuration is wrong.
    Config = 78,
}

/// An error that ends the command: what happened, to what, and the way out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trouble {
    /// Decides the exit code.
    pub kind: Kind,
    /// One line: what happened and to what.
    pub what: String,
    /// The way out, where one is known.
    pub help: Option<String>,
    /// Its words have been said where they belong; only the exit code is left to tell it.
    pub said: bool,
}

impl Trouble {
    /// Trouble of `kind`.
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), help: None, said: false }
    }

    /// The same with the way out.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Trouble {}
