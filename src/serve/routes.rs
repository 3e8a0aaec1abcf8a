//! Every address there is, as data: who may ask for it, how, and who answers. The gate, the list of a 404, the `Allow` of
//! a 405 and the description of the API all read this table.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Query;
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use axum::response::Response;
use hyper::body::Incoming;

use super::answer::{self, Answer, JSON, Refusal};
use super::site::Site;
use super::{api, events, gate, health, history, metrics, openapi, pages, writes};

/// Bytes of a body that are read.
const MOST_BODY: usize = 16 * 1024;

/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(10);

/// How long an answer that is read from the database may take.
const READ_TIME: Duration = Duration::from_secs(10);

/// How long an answer may take that waits for providers.
const WRITE_TIME: Duration = Duration::from_secs(75);

/// What it does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// GET: whoever reaches the server.
    Read,
    /// POST: whoever has the token.
    Write,
}

impl Access {
    /// The methods that stand for it.
    const fn methods(self) -> &'static [&'static str] {
        match self {
            Self::Read => &["GET", "HEAD"],
            Self::Write => &["POST"],
        }
    }
}

/// An address.
pub struct Route {
    /// The path; a part in braces stands for anything without a slash.
    pub path: &'static str,
    /// Whether it reads or writes.
    pub access: Access,
    /// The media type of its answer.
    pub gives: &'static str,
    /// How long its answer may take.
    pub time: Duration,
    /// What it is, in a sentence.
    pub about: &'static str,
    /// Who answers.
    pub handler: Handler,
}

/// A request that has passed the gate.
pub struct Asked {
    /// The site.
    pub site: Arc<Site>,
    /// What stands for the parts in braces, in their order.
    pub parts: Vec<String>,
    /// Names and values after the question mark.
    pub query: Vec<(String, String)>,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body; empty where it reads.
    pub body: Bytes,
}

/// Who answers.
pub type Handler = fn(Asked) -> Pin<Box<dyn Future<Output = Answer> + Send>>;

/// A function as a [`Handler`].
macro_rules! by {
    ($function:path) => {
        |asked| Box::pin($function(asked))
    };
}

const fn read(path: &'static str, gives: &'static str, about: &'static str, handler: Handler) -> Route {
    Route { path, access: Access::Read, gives, time: READ_TIME, about, handler }
}

const fn write(path: &'static str, about: &'static str, handler: Handler) -> Route {
    Route { path, access: Access::Write, gives: JSON, time: WRITE_TIME, about, handler }
}

/// Every address there is.
pub const ROUTES: &[Route] = &[
    read("/monitoring/system", JSON, "The machine and the watched service.", by!(api::system)),
    read("/monitoring/migration", JSON, "The migration of users to the bridge.", by!(api::migration)),
    read("/monitoring/reserves", JSON, "Custody on Algorand against the supply.", by!(api::reserves)),
    read("/monitoring/alerts", JSON, "Alerts that fire, and the newest of the past.", by!(api::alerts)),
    read("/monitoring/health-checks", JSON, "Each component in a word.", by!(api::health_checks)),
    read("/monitoring/dashboard", JSON, "Everything in one document; that of status --json.", by!(api::dashboard)),
    read(
        "/monitoring/history",
        JSON,
        "The last day hour by hour; with ?metric= any metric over any time.",
        by!(history::history),
    ),
    read("/monitoring/history.csv", history::CSV, "A metric over a time as a table.", by!(history::csv)),
    read("/monitoring/silences", JSON, "Silences that have not ended.", by!(api::silences)),
    write("/monitoring/silences", "Silence alerts for a time: nobody is told of them.", by!(writes::silence)),
    write("/monitoring/silences/{number}/end", "End a silence now.", by!(writes::unsilence)),
    write("/monitoring/alerts/test", "Send a test alert through the real channels.", by!(writes::test)),
    write("/monitoring/alerts/{number}/ack", "Take charge of an alert.", by!(writes::ack)),
    read("/health", JSON, "Whether this monitor does its work: 503 when it does not.", by!(health::health)),
    read(
        "/metrics",
        metrics::TEXT,
        "The newest sample of every series, as Prometheus reads it.",
        by!(metrics::metrics),
    ),
    read("/openapi.json", JSON, "This description of the API.", by!(openapi::openapi)),
    read(
        "/events",
        "text/event-stream",
        "A word when a cycle has ended or something has changed.",
        by!(events::events),
    ),
    read("/", pages::HTML, "The page for people: state, alerts, charts.", by!(pages::board)),
    read("/alert/{number}", pages::HTML, "The page of an alert.", by!(pages::alert)),
    read("/metric", pages::HTML, "The page of a metric over any time; without one, all there are.", by!(pages::metric)),
    read("/reserves/proof", pages::HTML, "A look at the reserves with its proof.", by!(pages::proof)),
    read("/reserves/proof.json", JSON, "The same as the document that proves it.", by!(pages::proof_document)),
    read("/runbook", pages::HTML, "The sections of the runbook.", by!(pages::runbooks)),
    read("/runbook/{name}", pages::HTML, "What to do about an alert.", by!(pages::runbook)),
    read("/report", pages::HTML, "A time as a file that stands alone.", by!(pages::report)),
    read("/app.js", pages::SCRIPT, "The script of the pages.", by!(pages::script)),
    read("/app.css", pages::STYLES, "The styles of the pages.", by!(pages::styles)),
    read("/favicon.svg", pages::SVG, "The picture of a state.", by!(pages::favicon)),
];

/// Answers a request, whatever it is.
pub async fn answer(site: Arc<Site>, request: Request<Incoming>) -> Response {
    let reader = gate::reader(&site.config().serve, request.headers());
    let answer = respond(site, request).await;
    let mut response = answer.unwrap_or_else(Refusal::into_response);
    answer::secure(response.headers_mut());
    if let Some(origin) = reader {
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        response.headers_mut().append(header::VARY, HeaderValue::from_static("origin"));
        response.headers_mut().insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    }
    response
}

async fn respond(site: Arc<Site>, request: Request<Incoming>) -> Answer {
    let (head, body) = request.into_parts();
    let host = gate::host(&site.config().serve, &head.uri, &head.headers)?;
    let (route, parts) = find(&head.method, head.uri.path())?;
    gate::acceptable(route.gives, &head.headers)?;
    let body = match route.access {
        Access::Read => Bytes::new(),
        Access::Write => {
            gate::may_write(&site.config().serve, &host, &head.headers)?;
            received(&head.headers, body).await?
        }
    };
    let asked = Asked { site, parts, query: query(&head.uri)?, headers: head.headers, body };
    tokio::time::timeout(route.time, (route.handler)(asked)).await.unwrap_or_else(|_| {
        let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "this took too long");
        Err(refusal.retry_after(Duration::from_secs(5)))
    })
}

/// The route of a request, and what stands for the parts in braces.
fn find(method: &Method, path: &str) -> Result<(&'static Route, Vec<String>), Refusal> {
    let (mut allow, mut about): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    for route in ROUTES {
        let Some(parts) = matched(route.path, path) else { continue };
        let methods = route.access.methods();
        if methods.contains(&method.as_str()) {
            return Ok((route, parts));
        }
        allow.extend(methods);
        about.push(route.about);
    }
    if allow.is_empty() {
        return Err(Refusal::not_found(endpoints()));
    }
    Err(Refusal::wrong_method(&allow.join(", ")).details(about.join(" ")))
}

/// The paths of the table, each once.
pub fn endpoints() -> Vec<&'static str> {
    let mut paths: Vec<&str> = ROUTES.iter().map(|route| route.path).collect();
    paths.dedup();
    paths
}

/// The parts in braces, where `path` is one of `pattern`.
fn matched(pattern: &str, path: &str) -> Option<Vec<String>> {
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    let mut parts = Vec::new();
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(parts),
            (Some(want), Some(have)) if want.starts_with('{') && !have.is_empty() => parts.push(have.to_owned()),
            (Some(want), Some(have)) if want == have => {}
            _ => return None,
        }
    }
}

fn query(uri: &Uri) -> Result<Vec<(String, String)>, Refusal> {
    let read = Query::<Vec<(String, String)>>::try_from_uri(uri);
    read.map(|Query(pairs)| pairs)
        .map_err(|_| Refusal::new(StatusCode::BAD_REQUEST, "what stands behind the question mark cannot be read"))
}

/// The body, if it arrives in time and is no larger than it may be.
async fn received(headers: &HeaderMap, body: Incoming) -> Result<Bytes, Refusal> {
    let too_large =
        || Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, format!("a body may have at most {MOST_BODY} bytes"));
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > MOST_BODY) {
        return Err(too_large());
    }
    match tokio::time::timeout(BODY_TIME, to_bytes(Body::new(body), MOST_BODY)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) if is_length(&error) => Err(too_large()),
        Ok(Err(_)) => Err(Refusal::new(StatusCode::BAD_REQUEST, "the body did not arrive whole")),
        Err(_) => Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time")),
    }
}

/// Whether a body was given up for its length.
fn is_length(error: &axum::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.to_string().contains("length limit exceeded") {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_match_part_by_part() {
        let parts = |path: &str| matched("/monitoring/alerts/{number}/ack", path);
        assert_eq!(parts("/monitoring/alerts/7/ack"), Some(vec!["7".to_owned()]));
        for other in ["/monitoring/alerts//ack", "/monitoring/alerts/7", "/monitoring/alerts/7/ack/", "//", "", "/"] {
            assert_eq!(parts(other), None, "{other}");
        }
        assert_eq!(matched("/", "/"), Some(vec![]));
        assert_eq!(matched("/health", "/health/"), None);
    }

    #[test]
    fn every_route_stands_once_and_says_what_it_is() {
        for (at, route) in ROUTES.iter().enumerate() {
            assert!(route.path.starts_with('/') && route.about.ends_with('.'), "{}", route.path);
            let twin = |other: &Route| other.path == route.path && other.access == route.access;
            assert!(!ROUTES[..at].iter().any(twin), "{}", route.path);
        }
    }
}
