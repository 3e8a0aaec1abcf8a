//! A fault in something a person wrote: what is wrong, where, and the way out.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// The text a fault points into.
#[derive(Debug, PartialEq, Eq)]
pub struct SourceText {
    /// The file, or a name in angle brackets such as `<expression>`.
    pub path: PathBuf,
    /// Its whole content.
    pub text: String,
}

/// A range of bytes, in the file or in a string that stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Bytes of the file.
    File(Range<usize>),
    /// Bytes `inner` of the decoded string whose TOML literal stands at `outer`.
    Inside {
        /// The literal, quotes included.
        outer: Range<usize>,
        /// Bytes of the decoded string.
        inner: Range<usize>,
    },
    /// The file as a whole, or no file at all.
    Nowhere,
}

impl Place {
    /// Where it begins: bytes of the file, then of the string in it.
    pub fn start(&self) -> (usize, usize) {
        match self {
            Self::File(range) => (range.start, 0),
            Self::Inside { outer, inner } => (outer.start, inner.start),
            Self::Nowhere => (0, 0),
        }
    }
}

/// Whether a fault stops the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// The configuration cannot be used.
    Error,
    /// It can be used, but probably not as meant.
    Warning,
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Error or warning.
    pub weight: Weight,
    /// What is wrong, in one line without a full stop.
    pub what: String,
    /// Where.
    pub place: Place,
    /// A few words under the caret; may be empty.
    pub label: String,
    /// The way out.
    pub help: Option<String>,
}

impl Fault {
    /// An error at `place`.
    pub fn error(what: impl Into<String>, place: Place) -> Self {
        Self { weight: Weight::Error, what: what.into(), place, label: String::new(), help: None }
    }

    /// A warning at `place`.
    pub fn warning(what: impl Into<String>, place: Place) -> Self {
        Self { weight: Weight::Warning, ..Self::error(what, place) }
    }

    /// The same fault with the way out.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// The same fault with words under the caret.
    #[must_use]
    pub fn label(self, label: impl Into<String>) -> Self {
        Self { label: label.into(), ..self }
    }
}

/// A fault together with the text it points into.
#[derive(Clone, Debug)]
pub struct Located {
    /// The text, where there is one.
    pub source: Option<Arc<SourceText>>,
    /// The fault.
    pub fault: Fault,
}
