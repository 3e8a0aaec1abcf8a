use std::os::unix::fs::PermissionsExt;
use std::sync::Mutex;

use tokio::sync::watch;

use super::super::crew::FAREWELL;
use super::*;
use crate::config::{Flags, load};
use crate::model::alert::{Alert, AlertKey, Phase};
use crate::model::labels::Labels;
use crate::model::message::{Kind, Message};
use crate::model::severity::{BySeverity, Severity};
use crate::store::alerts::AlertId;
use crate::world::Env;

/// A configuration with these Slack channels.
fn config(channels: &[&str]) -> Config {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    let one = |name: &&str| format!("[channels.{name}.slack]\nwebhook_url = \"http://localhost:1/services/T0/B0/x\"\n");
    std::fs::write(&path, channels.iter().map(one).collect::<Vec<_>>().concat()).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let flags = Flags { config: Some(path), database: Some(folder.path().join("state.db")), ..Flags::default() };
    let Ok(config) = load(&flags, &Env::default()) else { panic!("the configuration is sound") };
    config
}

fn message(rule: &str, severity: Severity) -> Message {
    let identity = crate::replay::story::identity();
    Message {
        kind: Kind::Firing,
        alert: rule.to_owned(),
        ..crate::alert::message::test(severity, &identity, Clock::default().now())
    }
}

/// An alert of its own about which `channel` is to be told.
fn queue(store: &mut Store, channel: &str, rule: &str) -> AlertId {
    let now = Clock::default().now();
    let tx = store.begin().unwrap();
    let mut alert = Alert {
        phases: BySeverity::from_fn(|_| Phase::Firing(now)),
        fired_at: Some(now),
        peak: Some(Severity::High),
        ..Alert::begun(AlertKey { rule: rule.into(), labels: Labels::empty() }, now)
    };
    let id = tx.save_alert(None, &mut alert).unwrap();
    let to = Destination { channel: channel.to_owned(), address: String::new() };
    tx.enqueue(Some(id), &to, &message(rule, Severity::High), now).unwrap();
    tx.commit().unwrap();
    id
}

fn sent() -> Outcome {
    Outcome::sent("ok")
}

/// `id state answer parcel` of every row.
fn rows(store: &Store) -> Vec<String> {
    let mut rows = store.deliveries(&crate::store::deliveries::DeliveryFilter::default()).unwrap();
    rows.reverse();
    let line = |row: &Delivery| {
        let repeat = if row.maybe_repeat { " repeat" } else { "" };
        let parcel = row.parcel.map(|parcel| format!(" in {parcel}")).unwrap_or_default();
        format!("{} {}{repeat} {}{parcel}", row.id, row.state.name(), row.last_answer.as_deref().unwrap_or("-"))
    };
    rows.iter().map(line).collect()
}

/// What was sent: channel, id, and how many alerts it was about.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn note(&self, delivery: &Delivery) {
        let repeat = if delivery.maybe_repeat { " repeat" } else { "" };
        let about = delivery.message.list.len().max(1);
        self.0.lock().unwrap().push(format!("{} {} about {about}{repeat}", delivery.destination.channel, delivery.id));
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// Sends what is due with these outcomes in turn, the last one for all that follow.
async fn work(store: &mut Store, config: &Config, outcomes: Vec<Outcome>) -> Vec<String> {
    let (log, outcomes) = (Log::default(), Arc::new(Mutex::new(outcomes)));
    let seen = log.clone();
    let send = move |_, delivery: Delivery, _| {
        seen.note(&delivery);
        let mut outcomes = outcomes.lock().unwrap();
        let outcome = if outcomes.len() > 1 { outcomes.remove(0) } else { outcomes[0].clone() };
        async move { outcome }
    };
    Postman::new(config, Clock::default(), Stop::never(), send).work(store).await.unwrap();
    log.take()
}

#[tokio::test]
async fn a_channel_that_panics_stops_nobody_else_and_tries_again() {
    let (config, mut store) = (config(&["bad", "good"]), Store::in_memory(Clock::default().now()).unwrap());
    queue(&mut store, "bad", "A");
    queue(&mut store, "good", "B");
    let send = |channel: Channel, _, _| async move {
        assert!(channel.name() != "bad", "as a fault in the code would");
        sent()
    };
    let attempts = Postman::new(&config, Clock::default(), Stop::never(), send).work(&mut store).await.unwrap();
    assert_eq!(attempts.len(), 2);
    assert_eq!(rows(&store), ["1 pending repeat internal error of this channel", "2 sent ok"]);
}

#[tokio::test(start_paused = true)]
async fn asked_to_stop_it_begins_nothing_new_and_does_not_wait_for_ever() {
    let (config, mut store) = (config(&["slow", "quick"]), Store::in_memory(Clock::default().now()).unwrap());
    queue(&mut store, "slow", "A");
    let (sender, receiver) = watch::channel(None);
    let send = move |_, _, _| {
        sender.send(Some(143)).unwrap();
        std::future::pending()
    };
    let postman = Postman::new(&config, Clock::default(), Stop::on(receiver), send);
    let begun = Instant::now();
    postman.work(&mut store).await.unwrap();
    assert!(begun.elapsed() >= FAREWELL && begun.elapsed() < FAREWELL * 2);
    assert_eq!(rows(&store), ["1 pending repeat stopped before the answer"]);
}

#[tokio::test]
async fn what_waits_together_goes_as_one_message_and_each_ends_by_itself() {
    let (config, mut store) = (config(&["chat"]), Store::in_memory(Clock::default().now()).unwrap());
    let alerts = ["A", "B", "C", "D"].map(|rule| queue(&mut store, "chat", rule));
    assert_eq!(work(&mut store, &config, vec![sent()]).await, ["chat 1 about 4"]);
    assert_eq!(rows(&store), ["1 sent ok in 1", "2 sent ok in 1", "3 sent ok in 1", "4 sent ok in 1"]);
    assert_eq!(store.parcel_size(1).unwrap(), 4);
    for (alert, id) in alerts.into_iter().zip(1..) {
        assert_eq!(store.deliveries_of(alert).unwrap().len(), 1);
        let attempts = store.attempts(id).unwrap();
        assert_eq!(attempts.iter().map(|attempt| attempt.parcel).collect::<Vec<_>>(), [Some(1)]);
    }
}

#[tokio::test]
async fn what_may_have_arrived_goes_again_in_the_same_message_and_what_did_not_in_a_new_one() {
    let later = |ambiguous| Outcome::Later { why: "503".to_owned(), after: None, ambiguous };
    for (ambiguous, expected) in
        [(true, &["chat 1 about 4 repeat", "chat 5 about 1"][..]), (false, &["chat 1 about 5"])]
    {
        let (config, mut store) = (config(&["chat"]), Store::in_memory(Clock::default().now()).unwrap());
        for rule in ["A", "B", "C", "D"] {
            queue(&mut store, "chat", rule);
        }
        assert_eq!(work(&mut store, &config, vec![later(ambiguous)]).await, ["chat 1 about 4"]);
        queue(&mut store, "chat", "E");
        let tx = store.begin().unwrap();
        tx.hasten(None, Clock::default().now()).unwrap();
        tx.commit().unwrap();
        assert_eq!(work(&mut store, &config, vec![sent()]).await, expected);
        assert!(rows(&store).iter().all(|row| row.contains(" sent ")), "{:?}", rows(&store));
    }
}

#[tokio::test]
async fn people_get_six_messages_a_minute_and_the_sixth_holds_the_rest() {
    let (config, mut store) = (config(&["chat"]), Store::in_memory(Clock::default().now()).unwrap());
    for message in 1..=5 {
        queue(&mut store, "chat", "A");
        assert_eq!(work(&mut store, &config, vec![sent()]).await, [format!("chat {message} about 1")]);
        store.begin().unwrap();
        end_all(&mut store);
    }
    queue(&mut store, "chat", "B");
    queue(&mut store, "chat", "C");
    assert_eq!(work(&mut store, &config, vec![sent()]).await, ["chat 6 about 2"]);
    queue(&mut store, "chat", "D");
    assert_eq!(work(&mut store, &config, vec![sent()]).await, [""; 0], "it waits");
    assert_eq!(rows(&store)[7], "8 pending -");
}

/// Ends every alert, so that the next one of the same rule is another one.
fn end_all(store: &mut Store) {
    let tx = store.begin().unwrap();
    for (id, alert) in tx.open_alerts().unwrap() {
        let ended = Some((Clock::default().now(), crate::model::alert::Ended::Cleared));
        let phases = BySeverity::from_fn(|_| Phase::Inactive);
        tx.save_alert(Some(id), &mut Alert { phases, ended, ..alert }).unwrap();
    }
    tx.commit().unwrap();
}
