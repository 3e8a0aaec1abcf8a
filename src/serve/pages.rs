//! The pages for browsers. Each is drawn from one moment of the database; where there is none to be had, a page says why
//! and looks again by itself.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use maud::Markup;

use super::answer::{Answer, JSON, Refusal, body, json, tagged};
use super::api::unchanged;
use super::page::{self, Place, Report};
use super::routes::Asked;
use super::site::{Moment, Site};
use crate::model::labels::Labels;
use crate::model::time::Time;
use crate::model::trouble::{Kind, Trouble};
use crate::store::reserves::Anchor;
use crate::text::safe;
use crate::view::page::alert::AlertPage;
use crate::view::page::series::SeriesPage;
use crate::view::page::span::{Asked as Wanted, Choice, Span};
use crate::view::page::{Page, Who};
use crate::view::proof::{Proof, let_go, way_to};
use crate::view::reserves::Picture;

/// The media type of a page.
pub const HTML: &str = "text/html; charset=utf-8";
/// That of the script.
pub const SCRIPT: &str = "text/javascript; charset=utf-8";
/// That of the styles.
pub const STYLES: &str = "text/css; charset=utf-8";
/// That of the picture in the tab.
pub const SVG: &str = "image/svg+xml";

/// Alerts that a report describes in full.
const MOST: usize = 50;

/// What says how old something is, for a browser never to keep: loaded again, it would say so still.
const NEVER: &str = "no-store";

/// What never changes under its address, for a browser to keep.
const FOR_GOOD: &str = "public, max-age=31536000, immutable";

/// `/`
pub async fn board(asked: Asked) -> Answer {
    let moment = match asked.site.moment().await {
        Ok(moment) => moment,
        Err(trouble) => return Ok(unreadable(&asked.site, &trouble)),
    };
    if let Some(answer) = unchanged(&asked, &moment) {
        return Ok(cached(answer, NEVER));
    }
    // a picture that many ask for is drawn once for each state of the database
    let name = match wanted(&asked.query) {
        Wanted { range: Some("1h"), from: None, to: None } => Some("board 1h"),
        Wanted { range: Some("6h"), from: None, to: None } => Some("board 6h"),
        Wanted { range: None | Some("24h"), from: None, to: None } => Some("board 24h"),
        Wanted { range: Some("7d"), from: None, to: None } => Some("board 7d"),
        Wanted { range: Some("30d"), from: None, to: None } => Some("board 30d"),
        Wanted { range: Some("all"), from: None, to: None } => Some("board all"),
        _ => None,
    };
    let kept = name.and_then(|name| moment.kept(name));
    let text = match kept {
        Some(text) => text,
        None => match drawn(&asked, name, moment.clone()).await {
            Ok(text) => text,
            Err(trouble) => return Ok(unreadable(&asked.site, &trouble)),
        },
    };
    Ok(tagged(cached(body(StatusCode::OK, HTML, text), NEVER), &moment.tag))
}

/// The page that is asked for, by whoever asks first; the others wait for a reader and find it kept.
async fn drawn(asked: &Asked, name: Option<&'static str>, moment: Arc<Moment>) -> Result<Bytes, Trouble> {
    let (place, query) = (place(&asked.site), asked.query.clone());
    let read = asked.site.read(move |reader, config, now| {
        if let Some(text) = name.and_then(|name| moment.kept(name)) {
            return Ok(text);
        }
        let oldest = reader.sampled()?.map(|(oldest, _)| oldest);
        let page = Page::read(reader, config, now, span(&query, now, oldest)?)?;
        let text = Bytes::from(page::board(&page, place).into_string());
        if let Some(name) = name {
            moment.keep(name, text.clone());
        }
        Ok(text)
    });
    read.await
}

/// `/alert/{number}`
pub async fn alert(asked: Asked) -> Answer {
    let place = place(&asked.site);
    let text = asked.parts.first().cloned().unwrap_or_default();
    let number = text.parse::<u64>().ok();
    let read = asked.site.read(move |reader, config, now| match number {
        Some(number) => AlertPage::read(reader, config, number, now),
        None => Ok(None),
    });
    Ok(match read.await {
        Ok(Some(page)) => html(StatusCode::OK, &page::alert(&page, place)),
        Ok(None) => {
            nothing(&asked.site, &format!("There is no alert {}", safe::answer(&text)), "/ shows those that there are")
        }
        Err(trouble) => unreadable(&asked.site, &trouble),
    })
}

/// `/metric`
pub async fn metric(asked: Asked) -> Answer {
    let place = place(&asked.site);
    let query = asked.query.clone();
    let read = asked.site.read(move |reader, config, now| {
        let metric = value(&query, "metric").unwrap_or_default().to_owned();
        let labels = query.iter().filter_map(|(name, value)| Some((name.strip_prefix("label.")?, value.as_str())));
        let labels = Labels::new(labels.collect::<Vec<_>>());
        let oldest = reader.sampled()?.map(|(oldest, _)| oldest);
        SeriesPage::read(reader, config, (&metric, &labels), span(&query, now, oldest)?, now)
    });
    Ok(match read.await {
        Ok(page) => html(StatusCode::OK, &page::series(&page, place)),
        Err(trouble) => unreadable(&asked.site, &trouble),
    })
}

/// What there is of a look that somebody asks for.
enum Look {
    /// It, and the number of the first that is kept.
    Found(Box<(Proof, Picture)>, u64),
    LetGo(Anchor),
    None,
}

/// `/reserves/proof`
pub async fn proof(asked: Asked) -> Answer {
    let (found, first) = match look(&asked).await {
        Ok(Look::Found(found, first)) => (found, first),
        Ok(missing) => {
            let (what, way_out) = missing.words();
            return Ok(nothing(&asked.site, what, &way_out));
        }
        Err(trouble) => return Ok(unreadable(&asked.site, &trouble)),
    };
    let ((proof, look), who, now) = (*found, Who::of(&asked.site.config()), asked.site.clock.now());
    Ok(html(StatusCode::OK, &page::proof(&proof, &look, first, &who, now, place(&asked.site))))
}

/// `/reserves/proof.json`: the document alone, as `reserves verify` takes it.
pub async fn proof_document(asked: Asked) -> Answer {
    match look(&asked).await? {
        Look::Found(found, _) => Ok(body(StatusCode::OK, JSON, json(&found.0)?)),
        missing => {
            let (what, way_out) = missing.words();
            Err(Refusal::new(StatusCode::NOT_FOUND, what).details(way_out))
        }
    }
}

impl Look {
    /// What is told where it is not there, and the way out.
    fn words(&self) -> (&'static str, String) {
        match self {
            Self::LetGo(anchor) => {
                ("This look is not kept any more", format!("{}; {}", let_go(anchor), way_to("proof --at TIME")))
            }
            Self::Found(..) | Self::None => {
                let way_out = "reserves are looked at where [sources.reserves] is configured";
                ("There is no such look at the reserves", way_out.to_owned())
            }
        }
    }
}

/// The look at the reserves that is asked for, the last one where none is named.
async fn look(asked: &Asked) -> Result<Look, Trouble> {
    let look = value(&asked.query, "look").map(|text| text.parse::<u64>().ok());
    let read = asked.site.read(move |reader, config, _| {
        let Some(head) = reader.last_reserve_row()? else { return Ok(Look::None) };
        let row = match look {
            None => Some(head.clone()),
            Some(number) => number.map(|number| reader.reserve_row(number)).transpose()?.flatten(),
        };
        let anchor = reader.reserve_anchor()?;
        let Some(row) = row else {
            let is_gone = |anchor: &Anchor| look.flatten().is_some_and(|n| (1..=anchor.n).contains(&n));
            return Ok(anchor.filter(is_gone).map_or(Look::None, Look::LetGo));
        };
        let proof = Proof::of(reader, &config.identity, &row, &head)?;
        let first = anchor.map_or(1, |anchor| anchor.n + 1);
        Ok(Picture::of(reader, Some(row))?.map_or(Look::None, |look| Look::Found(Box::new((proof, look)), first)))
    });
    read.await
}

/// `/runbook`
pub async fn runbooks(asked: Asked) -> Answer {
    let (who, now) = (Who::of(&asked.site.config()), asked.site.clock.now());
    Ok(html(StatusCode::OK, &page::runbooks(&who, now, place(&asked.site))))
}

/// `/runbook/{name}`
pub async fn runbook(asked: Asked) -> Answer {
    let (who, now) = (Who::of(&asked.site.config()), asked.site.clock.now());
    let name = asked.parts.first().cloned().unwrap_or_default();
    Ok(match page::runbook(&name, &who, now, place(&asked.site)) {
        Some(markup) => html(StatusCode::OK, &markup),
        None => nothing(&asked.site, "There is no such section of the runbook", "/runbook lists those that there are"),
    })
}

/// `/report`
pub async fn report(asked: Asked) -> Answer {
    let query = asked.query.clone();
    let read = asked.site.read(move |reader, config, now| {
        let oldest = reader.sampled()?.map(|(oldest, _)| oldest);
        let span = span(&query, now, oldest)?;
        let page = Page::read(reader, config, now, Span { choice: Choice::Between, ..span })?;
        let mut alerts = Vec::new();
        for number in page.alerts.iter().filter_map(|line| line.number).take(MOST) {
            alerts.extend(AlertPage::read(reader, config, number, now)?);
        }
        Ok(page::report(&Report { page, alerts, about: None }))
    });
    let mut response = match read.await {
        Ok(markup) => html(StatusCode::OK, &markup),
        Err(trouble) => return Ok(unreadable(&asked.site, &trouble)),
    };
    let name = HeaderValue::from_static("attachment; filename=\"incident.html\"");
    response.headers_mut().insert(CONTENT_DISPOSITION, name);
    Ok(response)
}

/// `/app.js`
pub async fn script(_: Asked) -> Answer {
    Ok(for_good(SCRIPT, page::JS))
}

/// `/app.css`
pub async fn styles(_: Asked) -> Answer {
    Ok(for_good(STYLES, page::CSS))
}

/// `/favicon.svg`
pub async fn favicon(asked: Asked) -> Answer {
    let state = page::state_named(value(&asked.query, "state").unwrap_or("unknown"));
    let count = value(&asked.query, "n").and_then(|count| count.parse().ok()).unwrap_or(0);
    Ok(body(StatusCode::OK, SVG, page::favicon(state, count)))
}

fn for_good(media: &str, text: &'static str) -> Response {
    cached(body(StatusCode::OK, media, text), FOR_GOOD)
}

/// The same, to be kept by a browser as said.
fn cached(mut response: Response, how: &'static str) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(how));
    response
}

/// Where the page is read, and whether those who read it may change anything.
fn place(site: &Site) -> Place {
    Place::Served { takes_writes: site.config().serve.token.is_some() }
}

fn html(status: StatusCode, markup: &Markup) -> Response {
    cached(body(status, HTML, markup.0.clone()), NEVER)
}

/// The value of a name in an address.
fn value<'a>(query: &'a [(String, String)], name: &str) -> Option<&'a str> {
    query.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
}

fn wanted(query: &[(String, String)]) -> Wanted<'_> {
    Wanted { range: value(query, "range"), from: value(query, "from"), to: value(query, "to") }
}

/// The span that an address asks for.
fn span(query: &[(String, String)], now: Time, oldest: Option<Time>) -> Result<Span, Trouble> {
    Span::of(&wanted(query), now, oldest).map_err(|why| Trouble::new(Kind::Usage, why))
}

/// The page for what is not there.
fn nothing(site: &Site, headline: &str, way_out: &str) -> Response {
    let trouble = Trouble::new(Kind::Usage, way_out.to_owned());
    let markup = page::trouble(headline, &trouble, &Who::of(&site.config()), site.clock.now());
    html(StatusCode::NOT_FOUND, &markup)
}

/// The page for when the database cannot be read, or for an address that asks for what makes no sense.
fn unreadable(site: &Site, trouble: &Trouble) -> Response {
    // a database that waits for its migration is there, and is no first start
    let is_there = std::fs::metadata(site.database()).is_ok_and(|file| file.len() > 0);
    if trouble.kind == Kind::Unavailable && !is_there {
        return html(StatusCode::OK, &page::first(&Who::of(&site.config()), site.clock.now()));
    }
    let is_asked_wrong = matches!(trouble.kind, Kind::Usage | Kind::Data);
    let (status, headline) = if is_asked_wrong {
        (StatusCode::BAD_REQUEST, "This cannot be shown")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "The database cannot be read")
    };
    let markup = page::trouble(headline, trouble, &Who::of(&site.config()), site.clock.now());
    let mut response = html(status, &markup);
    if !is_asked_wrong {
        let after = HeaderValue::from(Duration::from_secs(5).as_secs());
        response.headers_mut().insert(RETRY_AFTER, after);
    }
    response
}
