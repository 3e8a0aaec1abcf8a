//! The way out of the process: HTTP with a deadline and a size cap, one list of trusted roots, and other programs.
//! Nothing here retries; whoever calls knows whether a repeat is safe.

pub mod http;
pub mod loopback;
pub mod program;
pub mod run;
pub mod tls;
pub mod together;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use rustls::pki_types::CertificateDer;

use self::http::{Failure, FailureKind};
use self::tls::Trust;

/// Everything that leaves the machine goes through one of these. Cheap to make: roots are read and clients are built
/// when the first call needs them, once.
#[derive(Debug)]
pub struct Net {
    /// `[monitor] ca_file`, trusted beside the system's roots.
    ca_file: Option<PathBuf>,
    /// The value of `SSL_CERT_FILE`, read instead of the distribution's bundle.
    system_bundle: Option<PathBuf>,
    trust: OnceLock<Result<Trust, String>>,
    plain: OnceLock<Result<reqwest::Client, String>>,
    secure: OnceLock<Result<reqwest::Client, String>>,
}

impl Net {
    /// `ca_file` is trusted beside the system's roots; `system_bundle` (the value of `SSL_CERT_FILE`) is read
    /// instead of the distribution's bundle.
    pub fn new(ca_file: Option<PathBuf>, system_bundle: Option<PathBuf>) -> Self {
        Self { ca_file, system_bundle, trust: OnceLock::new(), plain: OnceLock::new(), secure: OnceLock::new() }
    }

    /// The TLS configuration that trusts the roots of this machine.
    pub fn tls(&self) -> Result<Arc<rustls::ClientConfig>, Failure> {
        self.trust().map(|trust| Arc::clone(&trust.config))
    }

    /// The roots themselves, for a library that builds its own TLS configuration.
    pub fn roots(&self) -> Result<&[CertificateDer<'static>], Failure> {
        self.trust().map(|trust| trust.roots.as_slice())
    }

    fn trust(&self) -> Result<&Trust, Failure> {
        self.trust
            .get_or_init(|| Trust::load(self.ca_file.as_deref(), self.system_bundle.as_deref()))
            .as_ref()
            .map_err(|text| Failure::unsent(FailureKind::Tls, text.clone()))
    }
}
