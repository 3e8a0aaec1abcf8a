//! The road of `ic-agent` to a host: our guarded HTTP client, which neither retries nor follows.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use ic_agent::AgentError;
use ic_agent::agent::HttpService;
use ic_agent::agent_error::TransportError;
use ic_transport_types::QueryResponse;

use crate::model::secret::Secret;
use crate::model::time::Time;
use crate::net::Net;
use crate::net::http::{Overflow, Request};

/// From the name lookup to the last byte. A host holds a call back for up to ten seconds, until it is executed.
const LIMIT: Duration = Duration::from_secs(12);
/// Bytes of an answer: the keys of a large subnet's nodes take some ten thousand.
const MAX_BODY: usize = 1024 * 1024;

/// What `ic-agent` speaks through, and when what it was told was signed, which it keeps to itself.
#[derive(Debug)]
pub struct Wire {
    net: Arc<Net>,
    oldest: Mutex<Option<Time>>,
}

impl Wire {
    /// A road through `net`.
    pub fn new(net: Arc<Net>) -> Self {
        Self { net, oldest: Mutex::default() }
    }

    /// Forgets the signatures so far.
    pub fn forget(&self) {
        self.oldest().take();
    }

    /// The oldest time that a node's signature covers, of the queries since then. It is as good as those signatures:
    /// who asked must have seen them verified.
    pub fn signed(&self) -> Option<Time> {
        *self.oldest()
    }

    fn oldest(&self) -> std::sync::MutexGuard<'_, Option<Time>> {
        self.oldest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn exchange(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, AgentError> {
        let (parts, body) = request.into_parts();
        let is_query = parts.uri.path().ends_with("/query");
        let request = Request {
            method: parts.method,
            timeout: LIMIT,
            max_body: MAX_BODY,
            overflow: Overflow::Refuse,
            ..Request::post(Secret::new(&parts.uri.to_string()), "application/cbor", body.to_vec())
        };
        let answer = self.net.http(request).await;
        let answer = answer.map_err(|failure| AgentError::TransportError(TransportError::Generic(failure.text)))?;
        if is_query && let Ok(reply) = serde_cbor::from_slice::<QueryResponse>(&answer.body) {
            self.note(&reply);
        }
        let mut response = http::Response::new(Bytes::from(answer.body));
        *response.status_mut() = answer.status;
        Ok(response)
    }

    fn note(&self, reply: &QueryResponse) {
        let signed = reply.signatures().iter().map(|signature| of_nanos(signature.timestamp)).min();
        let mut oldest = self.oldest();
        *oldest = (*oldest).into_iter().chain(signed).min();
    }
}

/// An instant in nanoseconds since the epoch, as the Internet Computer counts.
pub fn of_nanos(nanos: u64) -> Time {
    Time::from_millis(i64::try_from(nanos / 1_000_000).unwrap_or(i64::MAX))
}

/// Written out as `#[async_trait]`, with which the trait is declared, would.
impl HttpService for Wire {
    fn call<'a, 'async_trait>(
        &'a self,
        request: &'a (dyn Fn() -> Result<http::Request<Bytes>, AgentError> + Send + Sync),
        _max_retries: usize,
        _size_limit: Option<usize>,
    ) -> Pin<Box<dyn Future<Output = Result<http::Response<Bytes>, AgentError>> + Send + 'async_trait>>
    where
        'a: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(async move { self.exchange(request()?).await })
    }
}
