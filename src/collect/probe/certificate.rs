//! When a server's certificates end. The probe itself verifies them, and so cannot say of an expired or mistrusted one
//! when it ended; a handshake of its own can. It accepts every chain, because it sends nothing after the handshake
//! and believes nothing but the dates.

use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use x509_cert::Certificate as Parsed;
use x509_cert::der::Decode;

use super::connect::{Address, connect};
use crate::model::labels::Labels;
use crate::model::metric::Unit;
use crate::model::reading::{Reading, Reason};
use crate::model::time::Time;
use crate::net::http::{explain_io, explain_tls, find};
use crate::text::units;

/// How long a measured date is good for (it changes only when somebody renews the certificate).
const EVERY: Duration = Duration::from_hours(1);

/// What is remembered of a server's certificates.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct Certificate {
    /// Host and port that presented it.
    pub address: String,
    /// The earliest end in the presented chain, in seconds since the epoch.
    pub not_after: u64,
    /// When it was seen.
    pub measured: Time,
}

impl Certificate {
    /// Whether it was presented by `address` less than an hour before `now` (and not after it, on a clock that went back).
    pub fn is_fresh(&self, address: &Address, now: Time) -> bool {
        self.address == address.to_string() && self.measured <= now && now.since(self.measured) < EVERY
    }
}

/// `probe_ssl_earliest_cert_expiry` with `labels`.
pub fn reading(found: &Result<Certificate, String>, labels: Labels) -> Reading {
    const METRIC: &str = "probe_ssl_earliest_cert_expiry";
    match found {
        Ok(certificate) => Reading::known(METRIC, labels, certificate.not_after as f64),
        Err(why) => Reading::unknown(METRIC, labels, Reason::new(why.clone())),
    }
}

/// Shakes hands with `address` within `limit` and reads the dates of the chain it presents.
pub async fn measure(address: Address, limit: Duration, now: Time) -> Result<Certificate, String> {
    let chain = timeout(limit, chain_of(&address))
        .await
        .map_err(|_| format!("no TLS handshake within {}", units::value(limit.as_secs_f64(), Unit::Seconds)))??;
    Ok(Certificate { address: address.to_string(), not_after: earliest_end(&chain)?, measured: now })
}

async fn chain_of(address: &Address) -> Result<Vec<CertificateDer<'static>>, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let witness = Arc::new(Witness { provider: Arc::clone(&provider), seen: Mutex::default() });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| explain_tls(&error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&witness) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    let name = ServerName::try_from(address.host.clone()).map_err(|_| "not a host name that TLS knows".to_owned())?;
    let stream = connect(address).await?;
    let handshake = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    let seen = std::mem::take(&mut *witness.seen.lock().unwrap_or_else(PoisonError::into_inner));
    match handshake {
        // a server that wants a client's certificate ends the handshake after it has shown its own
        Err(error) if seen.is_empty() => Err(in_words(&error)),
        _ => Ok(seen),
    }
}

fn in_words(error: &io::Error) -> String {
    match find::<rustls::Error>(error) {
        Some(tls) => explain_tls(tls),
        None if error.kind() == ErrorKind::UnexpectedEof => {
            "the server ended the connection during the TLS handshake".to_owned()
        }
        None => explain_io(error),
    }
}

/// The earliest `notAfter` of the chain, in seconds since the epoch.
fn earliest_end(chain: &[CertificateDer<'_>]) -> Result<u64, String> {
    let end = |der: &CertificateDer<'_>| {
        let parsed = Parsed::from_der(der).map_err(|_| "the certificate cannot be read".to_owned())?;
        Ok(parsed.tbs_certificate().validity().not_after.to_unix_duration().as_secs())
    };
    let ends: Vec<u64> = chain.iter().map(end).collect::<Result<_, String>>()?;
    ends.into_iter().min().ok_or_else(|| "the server presented no certificate".to_owned())
}

/// Accepts every chain and keeps it. That the server holds the key of what it presents is still checked.
#[derive(Debug)]
struct Witness {
    provider: Arc<CryptoProvider>,
    seen: Mutex<Vec<CertificateDer<'static>>>,
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let chain = std::iter::once(end_entity).chain(intermediates).map(|der| der.clone().into_owned());
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = chain.collect();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};
    use rustls::pki_types::PrivatePkcs8KeyDer;
    use rustls::server::WebPkiClientVerifier;
    use rustls::{RootCertStore, ServerConfig};

    use super::*;
    use crate::support::http::HttpFake;

    /// A certificate for `localhost` that ends with the year before `year`, and its key.
    fn until(year: i32) -> (CertificateDer<'static>, KeyPair) {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().unwrap();
        (params.self_signed(&key).unwrap().der().clone(), key)
    }

    #[test]
    fn the_chain_ends_with_its_first_certificate_to_end() {
        let (early, late) = (until(2030).0, until(2040).0);
        let garbage = CertificateDer::from(vec![0x30, 0x03, 1]);
        for (chain, want) in [
            (vec![late.clone(), early.clone()], Ok(1_893_456_000)),
            (vec![late.clone()], Ok(2_208_988_800)),
            (vec![late, garbage], Err("the certificate cannot be read".to_owned())),
            (vec![], Err("the server presented no certificate".to_owned())),
        ] {
            assert_eq!(earliest_end(&chain), want);
        }
    }

    #[tokio::test]
    async fn a_server_that_wants_our_certificate_has_shown_its_own() {
        let (certificate, key) = until(2030);
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let clients =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
        // with TLS 1.2 the client learns of the refusal during the handshake
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS12])
            .unwrap()
            .with_client_cert_verifier(clients)
            .with_single_cert(vec![certificate], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
            .unwrap();
        let fake = HttpFake::start_tls([], Arc::new(config));
        let address: Address = fake.url("").trim_start_matches("https://").parse().unwrap();
        let now = Time::from_millis(9);
        let want = Certificate { address: address.to_string(), not_after: 1_893_456_000, measured: now };
        assert_eq!(measure(address, Duration::from_secs(5), now).await, Ok(want));
    }

    #[tokio::test]
    async fn a_service_that_never_shakes_hands_is_given_up() {
        let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address: Address = mute.local_addr().unwrap().to_string().parse().unwrap();
        let error = measure(address, Duration::from_millis(100), Time::from_millis(0)).await;
        assert_eq!(error, Err("no TLS handshake within 100 ms".to_owned()));
    }
}
