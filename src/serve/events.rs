//! `/events`: a word to every page that listens when a cycle has ended or something else has changed.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::StatusCode;
use hyper::body::Frame;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use super::answer::{Answer, Refusal, body};
use super::routes::Asked;
use super::site::Site;
use crate::view::dashboard::state_word;

/// How many may listen at the same time.
pub const MOST: usize = 32;

/// How often the database is looked at while somebody listens.
const LOOK: Duration = Duration::from_secs(1);

/// How often a quiet connection is given a sign of life: proxies cut those that are silent.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What pages are told.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Beat {
    /// How many cycles were done; the id of the event.
    cycle: u64,
    /// When the last one ended.
    finished: Option<String>,
    /// ok, low, medium, high, critical or unknown.
    state: &'static str,
    /// Whether that is too long ago.
    stale: bool,
    /// The name of the state of the database.
    #[serde(skip)]
    of: String,
    /// Why the database cannot be read.
    error: Option<String>,
}

impl Beat {
    /// What is so now.
    async fn now(site: &Site) -> Self {
        match site.moment().await {
            Ok(moment) => Self {
                cycle: moment.snapshot.counts.done,
                finished: moment.snapshot.cycle.map(|cycle| cycle.finished.rfc3339()),
                state: state_word(moment.snapshot.state()),
                stale: moment.snapshot.stale,
                of: moment.name.clone(),
                error: None,
            },
            Err(trouble) => Self { state: "unknown", stale: true, error: Some(trouble.what), ..Self::default() },
        }
    }

    /// As an event: `cycle` when one has ended since `before`, else `change`.
    fn event(&self, before: Option<&Self>) -> Bytes {
        let is_same = before.is_some_and(|before| before.cycle == self.cycle && before.error == self.error);
        let name = if is_same { "change" } else { "cycle" };
        let data = serde_json::to_string(self).unwrap_or_default();
        Bytes::from(format!("event: {name}\nid: {}\ndata: {data}\n\n", self.cycle))
    }
}

/// Looks at the database each second while somebody listens, and tells those who do.
pub async fn watch(site: Arc<Site>) {
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if site.beats.receiver_count() > 0 {
            let now = Beat::now(&site).await;
            site.beats.send_if_modified(|beat| {
                let is_news = *beat != now;
                *beat = now;
                is_news
            });
        }
    }
}

/// Answers with events until the client goes away or the server stops.
pub async fn events(asked: Asked) -> Answer {
    let site = asked.site;
    let Ok(permit) = site.listeners.clone().try_acquire_owned() else {
        let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, format!("{MOST} pages listen already"));
        return Err(refusal.retry_after(Duration::from_secs(30)));
    };
    let (sender, receiver) = mpsc::channel(4);
    tokio::spawn(async move {
        let _permit = permit;
        tell(&site, &sender).await;
    });
    let mut response = body(StatusCode::OK, "text/event-stream", Bytes::new());
    *response.body_mut() = Body::new(Told(receiver));
    Ok(response)
}

/// Tells one listener, until one of the two has enough.
async fn tell(site: &Site, to: &mpsc::Sender<Bytes>) {
    let (mut beats, mut stop) = (site.beats.subscribe(), site.stop.clone());
    let mut before = Beat::now(site).await;
    beats.mark_unchanged();
    let hello = [b"retry: 5000\n".as_slice(), &before.event(None)].concat();
    if to.send(hello.into()).await.is_err() {
        return;
    }
    loop {
        let event = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = to.closed() => return,
            changed = beats.changed() => {
                if changed.is_err() {
                    return;
                }
                let now = beats.borrow_and_update().clone();
                if now == before {
                    continue;
                }
                let event = now.event(Some(&before));
                before = now;
                event
            }
            () = tokio::time::sleep(KEEP_ALIVE) => Bytes::from_static(b": still here\n\n"),
        };
        // a listener that reads nothing is not waited for
        if to.try_send(event).is_err() && to.is_closed() {
            return;
        }
    }
}

/// The body of an answer that goes on.
struct Told(mpsc::Receiver<Bytes>);

impl HttpBody for Told {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(context).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}
