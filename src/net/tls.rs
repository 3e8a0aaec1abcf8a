//! The roots this machine trusts, read once, from one file.
//!
//! The platform loaders open every file below `/etc/ssl/certs` for each client that is built (about 19 million
//! instructions); reading the one bundle that all distributions keep costs a quarter of that, once per process.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// Where distributions keep all trusted roots in one file: Debian and Ubuntu, Fedora and RHEL, openSUSE, Alpine, NixOS.
const BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/etc/ssl/certs/ca-bundle.crt",
];

/// What is trusted, in the two forms that libraries want.
pub struct Trust {
    /// The roots that could be read.
    pub roots: Vec<CertificateDer<'static>>,
    /// A client configuration that trusts them.
    pub config: Arc<ClientConfig>,
}

impl std::fmt::Debug for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Trust({} roots)", self.roots.len())
    }
}

impl Trust {
    /// Reads `ca_file` and the system's bundle: `system_bundle` if given, else the first well-known one that exists.
    pub fn load(ca_file: Option<&Path>, system_bundle: Option<&Path>) -> Result<Self, String> {
        Self::load_from(ca_file, system_bundle, &BUNDLES.map(Path::new))
    }

    fn load_from(ca_file: Option<&Path>, system_bundle: Option<&Path>, known: &[&Path]) -> Result<Self, String> {
        let mut found = system_roots(system_bundle, known)?;
        if let Some(path) = ca_file {
            found.extend(read(path).map_err(|why| format!("[monitor] ca_file {}: {why}", path.display()))?);
        }
        let mut store = RootCertStore::empty();
        let roots: Vec<_> = found.into_iter().filter(|root| store.add(root.clone()).is_ok()).collect();
        if roots.is_empty() {
            return Err(nothing_found(system_bundle, known));
        }
        Ok(Self { config: Arc::new(config(store)?), roots })
    }
}

/// The system's roots; none at all is not yet an error, since a `ca_file` may be enough.
fn system_roots(bundle: Option<&Path>, known: &[&Path]) -> Result<Vec<CertificateDer<'static>>, String> {
    match bundle {
        Some(path) => read(path).map_err(|why| format!("SSL_CERT_FILE {}: {why}", path.display())),
        None => Ok(known.iter().find_map(|path| read(path).ok()).unwrap_or_default()),
    }
}

/// The certificates of a PEM file; blocks that are no certificates are passed over.
fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = std::fs::read(path).map_err(|error| error.to_string())?;
    let found: Vec<_> = CertificateDer::pem_slice_iter(&text).filter_map(Result::ok).collect();
    if found.is_empty() { Err("no certificate in PEM form in it".to_owned()) } else { Ok(found) }
}

fn nothing_found(bundle: Option<&Path>, known: &[&Path]) -> String {
    let tried: Vec<_> = bundle.iter().chain(known).map(|path| path.display().to_string()).collect();
    format!(
        "no trusted root certificates found (tried {}); install ca-certificates or set [monitor] ca_file",
        tried.join(", ")
    )
}

/// A client configuration that trusts `store`: TLS 1.2 and 1.3 by ring. The provider is also made the process's
/// default, which the SMTP library takes; a default that somebody set before is as good.
pub fn config(store: RootCertStore) -> Result<ClientConfig, String> {
    let provider = rustls::crypto::ring::default_provider();
    let _ = provider.clone().install_default();
    Ok(ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be set up: {error}"))?
        .with_root_certificates(store)
        .with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pem_of(name: &str) -> String {
        rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap().cert.pem()
    }

    #[test]
    fn a_private_ca_stands_beside_the_roots_of_the_system() {
        let dir = tempfile::tempdir().unwrap();
        let (system, private) = (dir.path().join("system.pem"), dir.path().join("private.pem"));
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        std::fs::write(&system, format!("# a comment\n{broken}{}{}", pem_of("a.example"), pem_of("b.example")))
            .unwrap();
        std::fs::write(&private, pem_of("c.example")).unwrap();
        let absent = dir.path().join("absent.pem");

        let count = |ca: Option<&Path>, bundle: Option<&Path>, known: &[&Path]| {
            Trust::load_from(ca, bundle, known).map(|trust| trust.roots.len())
        };
        assert_eq!(count(None, Some(&system), &[]), Ok(2), "the broken one is dropped");
        assert_eq!(count(Some(&private), None, &[&absent, &system]), Ok(3));
        assert_eq!(count(Some(&private), None, &[&absent]), Ok(1), "a private CA is enough");
    }

    #[test]
    fn what_is_missing_is_named_with_the_way_out() {
        let dir = tempfile::tempdir().unwrap();
        let absent = dir.path().join("absent.pem");
        let shown = absent.display();
        let error = |ca: Option<&Path>, bundle: Option<&Path>| {
            Trust::load_from(ca, bundle, &[&absent]).map(|trust| trust.roots.len()).unwrap_err()
        };
        assert_eq!(
            error(None, None),
            format!(
                "no trusted root certificates found (tried {shown}); install ca-certificates or set [monitor] ca_file"
            )
        );
        let gone = "No such file or directory (os error 2)";
        assert_eq!(error(None, Some(&absent)), format!("SSL_CERT_FILE {shown}: {gone}"));
        assert_eq!(error(Some(&absent), None), format!("[monitor] ca_file {shown}: {gone}"));
    }
}
