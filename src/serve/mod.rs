//! `serve`: the JSON API and the dashboard. It reads the database and nothing else: it measures nothing, opens no
//! connection to anybody, and knows no secret but its token. What it must not do itself (send a test, tell people of an
//! acknowledgement) this program does as a process of its own.
//!
//! `routes` is the table of all addresses, `gate` decides who may ask, `site` holds the newest picture of the database,
//! `crowd` who is connected; the rest are the handlers, a file each.

pub mod answer;
mod api;
mod chart;
mod crowd;
mod events;
mod gate;
mod health;
mod history;
mod metrics;
mod openapi;
pub mod page;
mod pages;
pub mod routes;
pub mod site;
mod writes;

use std::convert::Infallible;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};

use tokio::task::JoinSet;
use tower_http::compression::Compression;

use crate::model::trouble::{Kind, Trouble};
use crowd::{Crowd, Taken, Watched};
use site::Site;

/// How long the head of a request may take, also that of a next one on the same connection.
const HEAD_TIME: Duration = Duration::from_secs(5);

/// Bytes of the head of a request that are read.
const MOST_HEAD: usize = 16 * 1024;

/// Headers of a request that are read.
const MOST_HEADERS: usize = 64;

/// How long answers that are under way may go on when the server stops.
const GOODBYE: Duration = Duration::from_millis(500);

/// Takes the address.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, Trouble> {
    TcpListener::bind(address).await.map_err(|error| {
        let (kind, why, help) = match error.kind() {
            ErrorKind::AddrInUse => (
                Kind::Unavailable,
                "another process listens there already".to_owned(),
                format!("`ss -ltnp 'sport = :{}'` shows which; or name another address with --listen", address.port()),
            ),
            ErrorKind::PermissionDenied => (
                Kind::Permission,
                "ports below 1024 need more rights".to_owned(),
                "name a higher port with --listen, and put a proxy before it".to_owned(),
            ),
            ErrorKind::AddrNotAvailable => (
                Kind::Unavailable,
                "this machine does not have that address".to_owned(),
                "`ip address` lists those it has".to_owned(),
            ),
            _ => (Kind::Io, error.to_string(), "name another address with --listen".to_owned()),
        };
        Trouble::new(kind, format!("cannot listen on {address}: {why}")).help(help)
    })
}

/// Answers until it is asked to stop; then ends within a second.
pub async fn run(site: Arc<Site>, listener: TcpListener) {
    let crowd = Crowd::default();
    let mut stop = site.stop.clone();
    let mut connections = JoinSet::new();
    let watcher = tokio::spawn(events::watch(site.clone()));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, _)) => match crowd.enter() {
                Some(taken) => drop(connections.spawn(attend(site.clone(), stream, taken))),
                None => refuse(&stream),
            },
            // no file handle is left: some connection will end
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    watcher.abort();
    drop(listener);
    let _ = tokio::time::timeout(GOODBYE, async { while connections.join_next().await.is_some() {} }).await;
}

/// Says to a client for whom there is no place that there is none.
fn refuse(stream: &TcpStream) {
    const FULL: &str = "{\"success\":false,\"error\":\"too many connections\"}";
    let head = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: {}\r\nretry-after: 1\r\n\
         connection: close\r\n\r\n{FULL}",
        FULL.len()
    );
    // a new connection has room for so little; where it has not, the client sees it closed
    let _ = stream.try_write(head.as_bytes());
}

/// Answers the requests of one connection.
async fn attend(site: Arc<Site>, stream: TcpStream, taken: Taken) {
    // an answer is written at once and whole
    let _ = stream.set_nodelay(true);
    let mut stop = site.stop.clone();
    let seat = taken.seat.clone();
    let service = tower::service_fn(move |request: Request<Incoming>| {
        let (site, seat) = (site.clone(), seat.clone());
        async move {
            seat.asks();
            let response = routes::answer(site, request).await;
            Ok::<_, Infallible>(watched(response, seat))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_header_size(MOST_HEAD)
        .max_headers(MOST_HEADERS)
        .max_buf_size(4 * MOST_HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(Compression::new(service)));
    tokio::pin!(connection);
    tokio::select! {
        _ = &mut connection => return,
        () = taken.seat.asked_to_leave() => return,
        _ = stop.wait_for(|stop| *stop) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

fn watched(response: Response<Body>, seat: Arc<crowd::Seat>) -> Response<Watched> {
    let goes_on = response.headers().get(CONTENT_TYPE).is_some_and(|media| media == "text/event-stream");
    response.map(|body| Watched::new(body, seat, goes_on))
}
