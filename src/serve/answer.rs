//! Answers: the envelope that clients of the original read, refusals in the same manner, and what every answer carries.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, REFERRER_POLICY, RETRY_AFTER, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use serde::Serialize;

use crate::model::time::Time;
use crate::model::trouble::{Kind, Trouble};

/// The media type of documents.
pub const JSON: &str = "application/json";

/// Nothing but what this server itself sends, and nothing inline.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                          connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// What a handler gives.
pub type Answer = Result<Response, Refusal>;

/// Why a request is not answered as it was meant.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    error: String,
    details: Option<String>,
    headers: Vec<(HeaderName, String)>,
    endpoints: Option<Vec<&'static str>>,
}

/// A refusal as JSON.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Refused<'a> {
    /// Always false.
    success: bool,
    /// What is wrong.
    error: &'a str,
    /// More about it, or the way out.
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a str>,
    /// Of an address that does not exist: those that do.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    available_endpoints: Option<&'a [&'static str]>,
}

impl Refusal {
    /// A refusal in one sentence.
    pub fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self { status, error: error.into(), details: None, headers: Vec::new(), endpoints: None }
    }

    /// The same with the way out.
    #[must_use]
    pub fn details(self, details: impl Into<String>) -> Self {
        Self { details: Some(details.into()), ..self }
    }

    /// The same, to be tried again after a while.
    #[must_use]
    pub fn retry_after(self, after: Duration) -> Self {
        self.header(RETRY_AFTER, after.as_secs().max(1).to_string())
    }

    /// There is nothing at this address.
    pub fn not_found(endpoints: Vec<&'static str>) -> Self {
        Self { endpoints: Some(endpoints), ..Self::new(StatusCode::NOT_FOUND, "there is nothing at this address") }
    }

    /// The address is right and the method is not.
    pub fn wrong_method(allow: &str) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, format!("this address takes {allow}")).header(ALLOW, allow.to_owned())
    }

    /// Who writes must show the token.
    pub fn unauthorized(error: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, error)
            .header(WWW_AUTHENTICATE, "Bearer".to_owned())
            .details("send the header Authorization: Bearer TOKEN with the token of [serve]")
    }

    fn header(mut self, name: HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// As an answer.
    pub fn into_response(self) -> Response {
        let Self { status, error, details, headers, endpoints } = self;
        let refused = Refused {
            success: false,
            error: &error,
            details: details.as_deref(),
            available_endpoints: endpoints.as_deref(),
        };
        let mut response = body(status, JSON, serde_json::to_vec(&refused).unwrap_or_default());
        for (name, value) in headers {
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// Trouble of the database is temporary: the next request tries again.
impl From<Trouble> for Refusal {
    fn from(trouble: Trouble) -> Self {
        let status = match trouble.kind {
            Kind::Bug | Kind::Config => StatusCode::INTERNAL_SERVER_ERROR,
            Kind::Usage | Kind::Data => StatusCode::BAD_REQUEST,
            Kind::Unavailable | Kind::CannotCreate | Kind::Io | Kind::Busy | Kind::Permission => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        };
        let refusal = Self { details: trouble.help, ..Self::new(status, trouble.what) };
        if status == StatusCode::SERVICE_UNAVAILABLE { refusal.retry_after(Duration::from_secs(5)) } else { refusal }
    }
}

/// An answer of this media type.
pub fn body(status: StatusCode, media: &str, body: impl Into<Bytes>) -> Response {
    let mut response = Response::new(Body::from(body.into()));
    *response.status_mut() = status;
    if let Ok(media) = HeaderValue::from_str(media) {
        response.headers_mut().insert(CONTENT_TYPE, media);
    }
    response
}

/// A document as bytes.
pub fn json(document: &impl Serialize) -> Result<Bytes, Trouble> {
    let text = serde_json::to_vec(document);
    text.map(Bytes::from).map_err(|error| Trouble::new(Kind::Bug, format!("cannot write JSON: {error}")))
}

/// How old what is shown is.
#[derive(Clone, Copy, Debug)]
pub struct Age {
    /// Older than the rhythm of the cycles explains.
    pub stale: bool,
    /// Since the last cycle; none before the first one.
    pub seconds: Option<f64>,
    /// When it is counted.
    pub now: Time,
}

/// `{success, data, stale, age_seconds, timestamp}` around a document.
pub fn envelope(data: &[u8], age: Age) -> Vec<u8> {
    let seconds = age.seconds.map_or("null".to_owned(), |seconds| format!("{seconds:.3}"));
    let tail = format!(",\"stale\":{},\"age_seconds\":{seconds},\"timestamp\":\"{}\"}}", age.stale, age.now);
    [b"{\"success\":true,\"data\":", data, tail.as_bytes()].concat()
}

/// Names the state of the database that an answer shows: whoever has it need not be sent it again.
pub fn tagged(mut response: Response, tag: &str) -> Response {
    if let Ok(tag) = HeaderValue::from_str(tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

/// What every answer carries, whatever it is.
pub fn secure(headers: &mut HeaderMap) {
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    // what may be kept is asked for again each time; assets say otherwise themselves
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
}
