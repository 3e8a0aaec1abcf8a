//! What changes something: each is done by this program as a process of its own, which knows the channels and tells people
//! at once. Here it is decided whether it may be done, and what came of it is said in the server's own words.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::StatusCode;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Answer, JSON, Refusal, body, envelope, json};
use super::routes::Asked;
use super::site::Site;
use crate::model::trouble::{Kind, Trouble};
use crate::net::run::{End, Program, Ran, run};
use crate::store::open::Mode;
use crate::store::requests::Allowance;
use crate::store::{Reader, Store};
use crate::text::safe;
use crate::view::api::alerts::ApiAlert;

/// How long such a process may take: a provider has ten seconds.
const LIMIT: Duration = Duration::from_mins(1);

/// Bytes of its output that are read.
const MOST_OUTPUT: usize = 256 * 1024;

/// Characters of a message.
const MOST_MESSAGE: usize = 500;

/// Characters of a name.
const MOST_NAME: usize = 100;

/// Tests cost money and attention.
const TESTS: [Allowance; 2] =
    [Allowance { within: Duration::from_mins(1), most: 1 }, Allowance { within: Duration::from_hours(24), most: 20 }];

/// People click.
const CHANGES: [Allowance; 1] = [Allowance { within: Duration::from_mins(1), most: 30 }];

/// The body of `POST /monitoring/alerts/test`; all of it may be left out.
#[derive(Deserialize, ToSchema, Default)]
#[schema(as = TestRequest)]
#[serde(default, deny_unknown_fields)]
pub struct Test {
    /// Only these channels.
    #[schema(max_items = 20)]
    channels: Vec<String>,
    /// Whether text messages are sent too, which cost money.
    sms: bool,
}

/// What came of a test.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tested {
    /// By channel: whether each of its destinations was delivered to.
    test_results: BTreeMap<String, bool>,
    channel_health: BTreeMap<String, Health>,
    message: &'static str,
}

/// Whether a channel works.
#[derive(Serialize, ToSchema)]
#[schema(as = ChannelHealth)]
struct Health {
    healthy: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// The body of an acknowledgement.
#[derive(Deserialize, ToSchema)]
#[schema(as = AckRequest)]
#[serde(deny_unknown_fields)]
pub struct Ack {
    /// Why, in a few words; everybody who was told reads it.
    #[schema(min_length = 1, max_length = 500)]
    message: String,
    /// Who says so.
    #[schema(min_length = 1, max_length = 100)]
    by: String,
}

/// The body of a silence.
#[derive(Deserialize, ToSchema)]
#[schema(as = SilenceRequest)]
#[serde(deny_unknown_fields)]
pub struct Silence {
    /// Which alerts: a number, a rule, labels or both: `12`, `HIGH_DISK_USAGE`, `{mount="/data"}`.
    #[schema(min_length = 1, max_length = 500)]
    what: String,
    /// For how long: `2h`.
    #[serde(rename = "for")]
    lasts: Option<String>,
    /// Until when, in its place: `2026-11-23T07:00:00Z`.
    until: Option<String>,
    /// Why.
    #[schema(min_length = 1, max_length = 500)]
    message: String,
    /// Who says so.
    #[schema(min_length = 1, max_length = 100)]
    by: String,
}

/// `data` of the answer to the end of a silence.
#[derive(Serialize, ToSchema)]
#[schema(as = SilenceEnded)]
pub struct Ended {
    /// The silence.
    number: u64,
}

/// A result of `alert test --json`.
#[derive(Deserialize)]
struct Outcome {
    channel: String,
    state: String,
}

/// Sends a test alert.
pub async fn test(asked: Asked) -> Answer {
    let Test { channels, sms } = if asked.body.is_empty() { Test::default() } else { read(&asked.body)? };
    let mut words = vec!["alert".to_owned(), "test".to_owned(), "--json".to_owned()];
    for channel in &channels {
        words.push(format!("--channel={}", text("channels", channel, MOST_NAME)?));
    }
    if sms {
        words.push("--yes".to_owned());
    }
    if !channels.is_empty() {
        // a name that is misspelt is no test: it must not use up the one of this minute. The channels are known to the
        // process that sends, not to this one.
        admit(&asked.site, "change", &CHANGES).await?;
        let rehearsal = words.iter().map(String::as_str).chain(["--dry-run"]).map(str::to_owned).collect();
        done(&asked.site, rehearsal, &[0]).await?;
    }
    admit(&asked.site, "test", &TESTS).await?;
    let ran = done(&asked.site, words, &[0, 1]).await?;
    asked.site.forget();
    let outcomes: Vec<Outcome> = output(&ran)?;
    data(&asked.site, StatusCode::OK, &Tested::of(&outcomes)).await
}

impl Tested {
    fn of(outcomes: &[Outcome]) -> Self {
        let (mut test_results, mut channel_health) = (BTreeMap::new(), BTreeMap::new());
        for Outcome { channel, state } in outcomes {
            let sent = state == "sent";
            *test_results.entry(channel.clone()).or_insert(true) &= sent;
            let health = channel_health.entry(channel.clone()).or_insert(Health { healthy: true, error: None });
            if !sent {
                // what a provider answered is for those who run the monitor
                let error = format!("{}: see `sippar-mon alert deliveries`", safe::answer(state));
                *health = Health { healthy: false, error: Some(error) };
            }
        }
        let all = test_results.values().all(|sent| *sent);
        let message = match (outcomes.is_empty(), all) {
            (true, _) => "Another process is delivering; the test waits for its turn",
            (false, true) => "Alert system test completed",
            (false, false) => "Alert system test completed; some channels did not deliver",
        };
        Self { test_results, channel_health, message }
    }
}

/// Takes charge of an alert.
pub async fn ack(asked: Asked) -> Answer {
    let Ack { message, by } = read(&asked.body)?;
    let (message, by) = (text("message", &message, MOST_MESSAGE)?, text("by", &by, MOST_NAME)?);
    let number = number(&asked)?;
    asked.site.read(move |reader, _, _| fires(reader, number)).await??;
    admit(&asked.site, "change", &CHANGES).await?;
    let words = ["alert", "ack", &number.to_string(), &format!("--message={message}"), &format!("--by={by}")];
    done(&asked.site, words.map(str::to_owned).to_vec(), &[0]).await?;
    asked.site.forget();
    let alert = asked.site.read(move |reader, config, _| {
        let found = reader.alert_by_number(number)?;
        found.map(|(_, alert)| json(&ApiAlert::new(&alert, config))).transpose()
    });
    let alert = alert.await?.ok_or_else(|| no_alert(number))?;
    enveloped(&asked.site, StatusCode::OK, &alert).await
}

/// Whether an alert can be acknowledged.
fn fires(reader: &Reader, number: u64) -> Result<Result<(), Refusal>, Trouble> {
    let Some((_, alert)) = reader.alert_by_number(number)? else { return Ok(Err(no_alert(number))) };
    Ok(match (alert.ended, alert.severity()) {
        (Some((at, _)), _) => Err(Refusal::new(StatusCode::CONFLICT, format!("alert {number} ended at {at}"))),
        (None, None) => Err(Refusal::new(StatusCode::CONFLICT, format!("alert {number} does not fire"))),
        (None, Some(_)) => Ok(()),
    })
}

fn no_alert(number: u64) -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, format!("there is no alert {number}"))
}

/// Silences alerts for a time.
pub async fn silence(asked: Asked) -> Answer {
    let Silence { what, lasts, until, message, by } = read(&asked.body)?;
    let when = match (&lasts, &until) {
        (Some(lasts), None) => format!("--for={}", text("for", lasts, MOST_NAME)?),
        (None, Some(until)) => format!("--until={}", text("until", until, MOST_NAME)?),
        _ => return Err(bad("say how long: `for` or `until`, one of the two")),
    };
    let (message, by) = (text("message", &message, MOST_MESSAGE)?, text("by", &by, MOST_NAME)?);
    let what = text("what", &what, MOST_MESSAGE)?;
    admit(&asked.site, "change", &CHANGES).await?;
    let (message, by) = (format!("--message={message}"), format!("--by={by}"));
    let words = ["alert", "silence", "--json", &when, &message, &by, "--", &what];
    let ran = done(&asked.site, words.map(str::to_owned).to_vec(), &[0]).await?;
    asked.site.forget();
    let row: serde_json::Value = output(&ran)?;
    data(&asked.site, StatusCode::CREATED, &row).await
}

/// Ends a silence.
pub async fn unsilence(asked: Asked) -> Answer {
    let number = number(&asked)?;
    let known = asked.site.read(move |reader, _, now| Ok(reader.silence(number)?.map(|silence| silence.until > now)));
    match known.await? {
        None => return Err(Refusal::new(StatusCode::NOT_FOUND, format!("there is no silence {number}"))),
        Some(false) => return Err(Refusal::new(StatusCode::CONFLICT, format!("silence {number} has ended"))),
        Some(true) => {}
    }
    admit(&asked.site, "change", &CHANGES).await?;
    done(&asked.site, ["alert", "unsilence", &number.to_string()].map(str::to_owned).to_vec(), &[0]).await?;
    asked.site.forget();
    data(&asked.site, StatusCode::OK, &Ended { number }).await
}

fn bad(error: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, error)
}

/// The body as what it should be: an object with names, since a list would be taken for its values in their order.
fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(bad("the body is not what it should be").details("it must be a JSON object"));
    }
    serde_json::from_slice(body)
        .map_err(|error| bad("the body is not what it should be").details(safe::answer(&error.to_string())))
}

/// The number in the path.
fn number(asked: &Asked) -> Result<u64, Refusal> {
    let text = asked.parts.first().map(String::as_str).unwrap_or_default();
    let wrong = || Refusal::new(StatusCode::NOT_FOUND, format!("`{}` is not a number", safe::answer(text)));
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    text.parse().map_err(|_| wrong())
}

/// Words of a person: one line, not empty, not too long.
fn text(name: &str, text: &str, most: usize) -> Result<String, Refusal> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > most {
        return Err(bad(format!("`{name}` must have 1 to {most} characters")));
    }
    if text.chars().any(char::is_control) {
        return Err(bad(format!("`{name}` must be one line without control characters")));
    }
    Ok(text.to_owned())
}

/// Counts the request; refuses it where there were too many.
async fn admit(site: &Site, what: &'static str, allowances: &'static [Allowance]) -> Result<(), Refusal> {
    // one that cannot be read is not created
    site.moment().await?;
    let (path, now) = (site.database().to_owned(), site.clock.now());
    let admitted = tokio::task::spawn_blocking(move || {
        let mut store = Store::open(&path, Mode::Write, now)?;
        let tx = store.begin()?;
        let wait = tx.admit_request(what, allowances, now)?;
        tx.commit()?;
        Ok::<_, Trouble>(wait)
    });
    let wait = admitted.await.map_err(|error| Trouble::new(Kind::Bug, format!("internal error: {error}")))??;
    match wait {
        None => Ok(()),
        Some(wait) => {
            let refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, "this was asked too often");
            Err(refusal.details(format!("again in {} s", wait.as_secs().max(1))).retry_after(wait))
        }
    }
}

/// Runs this program with `words`; another exit code than `good` is a refusal in its own words.
async fn done(site: &Site, words: Vec<String>, good: &[i32]) -> Result<Ran, Refusal> {
    // flags before a `--` that ends them
    let mut argv = vec![site.own.program.display().to_string()];
    argv.extend(site.own.flags.iter().cloned());
    argv.extend(words);
    let program =
        Program { argv, env: site.own.env.clone(), stdin: None, folder: None, limit: LIMIT, max_output: MOST_OUTPUT };
    // a task of its own: a client that goes away stops nothing half-way
    let running = tokio::spawn(async move { run(&program).await });
    let ran = running.await.unwrap_or_else(|error| Err(format!("internal error: {error}")));
    let ran = ran.map_err(|why| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, why))?;
    match ran.end {
        End::Exited(code) if good.contains(&code) => Ok(ran),
        End::Exited(code) => Err(refused(code, &String::from_utf8_lossy(&ran.stderr))),
        End::Signalled(_) | End::TimedOut => {
            let error = "the process that should do it did not end";
            Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, error).retry_after(Duration::from_mins(1)))
        }
    }
}

/// What a process of this program said before it ended in trouble.
fn refused(code: i32, said: &str) -> Refusal {
    let status = match code {
        64 | 65 => StatusCode::BAD_REQUEST,
        78 => StatusCode::CONFLICT,
        70 => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    let mut lines = said.lines().filter(|line| !line.trim().is_empty());
    let first = lines.next().unwrap_or("it did not work");
    let refusal = Refusal::new(status, safe::answer(first.trim_start_matches("sippar-mon: ")));
    match lines.next().and_then(|line| line.trim().strip_prefix("help: ")) {
        Some(help) => refusal.details(safe::answer(help)),
        None => refusal,
    }
}

/// The document that a process of this program printed.
fn output<T: DeserializeOwned>(ran: &Ran) -> Result<T, Refusal> {
    serde_json::from_slice(&ran.stdout)
        .map_err(|_| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the process that did it printed no document"))
}

async fn data(site: &Site, status: StatusCode, document: &impl Serialize) -> Answer {
    enveloped(site, status, &json(document)?).await
}

async fn enveloped(site: &Site, status: StatusCode, document: &[u8]) -> Answer {
    let moment = site.moment().await?;
    Ok(body(status, JSON, envelope(document, site.age(&moment))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tested(outcomes: &[(&str, &str)]) -> serde_json::Value {
        let outcome =
            |(channel, state): &(&str, &str)| Outcome { channel: (*channel).to_owned(), state: (*state).to_owned() };
        serde_json::to_value(Tested::of(&outcomes.iter().map(outcome).collect::<Vec<_>>())).unwrap()
    }

    #[test]
    fn a_channel_works_when_each_of_its_destinations_does() {
        assert_eq!(
            tested(&[("slack", "sent"), ("sms", "sent"), ("sms", "later")]),
            serde_json::json!({
                "testResults": { "slack": true, "sms": false },
                "channelHealth": {
                    "slack": { "healthy": true },
                    "sms": { "healthy": false, "error": "later: see `sippar-mon alert deliveries`" },
                },
                "message": "Alert system test completed; some channels did not deliver",
            })
        );
        assert_eq!(tested(&[("slack", "sent")])["message"], "Alert system test completed");
    }

    #[test]
    fn words_of_people_are_one_line() {
        assert_eq!(text("by", " nina ", 9).unwrap(), "nina");
        for bad in ["", "  ", "a\nb", "a\0b", "\u{1b}[2J", "0123456789"] {
            assert!(text("by", bad, 9).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_body_is_an_object() {
        assert!(read::<Test>(&Bytes::from(" {\"sms\": false}")).is_ok());
        for body in ["", "[]", "[[],true]", " null", "\"x\"", "{"] {
            assert!(read::<Test>(&Bytes::from(body)).is_err(), "{body}");
        }
        assert!(read::<Ack>(&Bytes::from("[\"looking\",\"nina\"]")).is_err());
    }

    #[test]
    fn the_words_of_a_process_become_a_refusal() {
        let refusal = refused(64, "\nsippar-mon: there is no channel x\n  help: did you mean y?\n");
        assert_eq!(refusal.into_response().status(), StatusCode::BAD_REQUEST);
        assert_eq!(refused(75, "").into_response().status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
