//! Whatever happens (values, outages of channels, acknowledgements, silences, other routes, gaps), nothing is lost, nothing
//! is told twice, and whoever heard an alert begin hears it end.

use std::time::Duration;

use proptest::prelude::*;

use super::super::{before, fallback, judge};
use super::*;
use crate::alert::routes::{Flapping, Routes, default_pauses};
use crate::alert::step::Now;
use crate::alert::tick;
use crate::config::people::Fallback;
use crate::config::{Flags, load};
use crate::model::delivery::{Delivery, Outcome, State};
use crate::model::labels::{Labels, SeriesKey};
use crate::model::message::Destination;
use crate::model::reading::Datum;
use crate::model::scope::Scope;
use crate::model::severity::BySeverity;
use crate::notify::retry;
use crate::store::Store;
use crate::store::cycles::CycleRow;
use crate::store::series::Claim;
use crate::world::Env;

/// What a channel does with what it is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Health {
    /// It takes it.
    Works,
    /// Not now.
    Down,
    /// It refuses it for good.
    Gone,
    /// It takes it, and its answer is lost.
    Cut,
}

/// What can happen before a cycle.
#[derive(Clone, Debug)]
enum Move {
    /// Both series have these values; none is not measured.
    Values(Option<u8>, Option<u8>),
    /// A channel is so from now on.
    Channel(usize, Health),
    /// Somebody acknowledges the oldest alert that fires.
    Ack,
    /// Everything is silenced for so many minutes.
    Silence(u8),
    /// Others hear from now on.
    Routes(u8),
    /// Nobody looks for so many ticks.
    Gap(u8),
}

/// The last one stands in for the others.
const CHANNELS: [&str; 4] = ["chat", "mail", "sms", "boss"];
const TICK: Duration = Duration::from_mins(10);
const RULE: &str = r#"
[[rule]]
alert = "LADDER"
expr = "probe_value"
above = { HIGH = 5, CRITICAL = 8 }
worse_by = 1
"#;

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let value = || prop_oneof![4 => (0..12_u8).prop_map(Some), 1 => Just(None)];
    let health = prop_oneof![
        3 => Just(Health::Works),
        2 => Just(Health::Down),
        1 => Just(Health::Gone),
        1 => Just(Health::Cut),
    ];
    let one = prop_oneof![
        8 => (value(), value()).prop_map(|(a, b)| Move::Values(a, b)),
        3 => (0..CHANNELS.len(), health).prop_map(|(channel, health)| Move::Channel(channel, health)),
        2 => Just(Move::Ack),
        1 => (5..90_u8).prop_map(Move::Silence),
        1 => (0..3_u8).prop_map(Move::Routes),
        1 => (1..20_u8).prop_map(Move::Gap),
    ];
    prop::collection::vec(one, 1..40)
}

fn to(channel: &str) -> Destination {
    Destination { channel: channel.to_owned(), address: String::new() }
}

fn routes(variant: u8, flapping: Option<Flapping>) -> Routes {
    let channels = |severity| match (variant, severity) {
        (_, Severity::Low | Severity::Medium) => &[][..],
        (0, Severity::High) => &CHANNELS[..2],
        (0, Severity::Critical) => &CHANNELS[..3],
        (1, _) => &CHANNELS[1..2],
        _ => &CHANNELS[..1],
    };
    let hears = BySeverity::from_fn(|severity| channels(severity).iter().map(|channel| to(channel)).collect());
    Routes { terse: ["sms".to_owned()].into(), remind: default_pauses(), flapping, ..hears.into() }
}

/// A message that arrived.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Arrived {
    delivery: i64,
    number: u64,
    to: Destination,
    kind: Kind,
    severity: Severity,
}

struct World {
    store: Store,
    config: Config,
    now: Time,
    values: [Option<u8>; 2],
    health: [Health; CHANNELS.len()],
    flapping: Option<Flapping>,
    arrived: Vec<Arrived>,
}

impl World {
    fn new(flapping: Option<Flapping>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, RULE).unwrap();
        let flags = Flags { config: Some(path), database: Some(folder.path().join("state.db")), ..Flags::default() };
        let Ok(mut config) = load(&flags, &Env::default()) else { panic!("the rule can be used") };
        config.rules.retain(|rule| &*rule.name == "LADDER");
        config.interval = TICK;
        config.routes = routes(0, flapping);
        config.fallback = Some(Fallback { after: TICK * 2, to: vec![to("boss")] });
        let (now, arrived) = (Time::from_millis(0), Vec::new());
        let store = Store::in_memory(now).unwrap();
        Self { store, config, now, values: [Some(0); 2], health: [Health::Works; 4], flapping, arrived }
    }

    fn happens(&mut self, this: &Move) {
        match this {
            Move::Values(a, b) => self.values = [*a, *b],
            Move::Channel(channel, health) => self.health[*channel] = *health,
            Move::Ack => self.acknowledge(),
            Move::Silence(minutes) => {
                let scope = Scope { rule: Some("LADDER".to_owned()), ..Scope::default() };
                let until = self.now + Duration::from_mins(u64::from(*minutes));
                let tx = self.store.begin().unwrap();
                tx.put_silence(&scope, self.now, until, "eva", "x").unwrap();
                tx.commit().unwrap();
            }
            Move::Routes(variant) => self.config.routes = routes(*variant, self.flapping),
            Move::Gap(ticks) => self.now = self.now + TICK * u32::from(*ticks),
        }
    }

    fn acknowledge(&mut self) {
        let tx = self.store.begin().unwrap();
        let open = tx.open_alerts().unwrap();
        let Some((id, mut alert)) = open.into_iter().find(|(_, alert)| alert.severity().is_some()) else { return };
        let severity = alert.severity().unwrap();
        alert.ack =
            Some(Ack { at: self.now, who: "eva".to_owned(), why: "x".to_owned(), severity, value: alert.value });
        tx.save_alert(Some(id), &mut alert).unwrap();
        let before = &tx.queued_of(id).unwrap();
        let plan = route::acknowledged(before, &self.config.routes);
        tx.supersede(&plan.supersede, self.now).unwrap();
        let (alert, texts, at) = (&alert, &Texts::default(), self.now);
        let content = Content { id, alert, severity, texts, runs: &[], before, responses: &[], remarks: &[], at };
        compose::enqueue(&tx, &self.config.identity, &content, &plan.tell, at).unwrap();
        tx.commit().unwrap();
    }

    fn cycle(&mut self) {
        self.now = self.now + TICK;
        let tx = self.store.begin().unwrap();
        for (probe, value) in ["a", "b"].into_iter().zip(self.values) {
            let key = SeriesKey::new("probe_value", Labels::new([("probe", probe)]));
            let Claim::Own(id) = tx.series_id(&key, "test", TICK).unwrap() else { panic!("taken") };
            let datum = value.map_or(Datum::Unknown, |value| Datum::Value(f64::from(value)));
            tx.put_samples(self.now, &[(id, datum, None)]).unwrap();
        }
        let last = tx.last_cycle().unwrap().map(before);
        let follows = tick::follows(self.now, last, TICK);
        let now = Now { tick: follows.tick, passage: follows.passage };
        judge::judge(&tx, &self.config, now, self.now).unwrap();
        fallback::queue(&tx, &self.config, now.tick, self.now).unwrap();
        tx.put_cycle(&CycleRow::quick(self.now, follows.missed)).unwrap();
        while try_due(&tx, self.now, self.health, &mut self.arrived) {}
        tx.commit().unwrap();
    }

    /// Everything works, everything is fine, and nothing is silenced any more.
    fn calm(&mut self) {
        self.health = [Health::Works; 4];
        self.values = [Some(0); 2];
        for silence in self.store.silences(self.now).unwrap() {
            let tx = self.store.begin().unwrap();
            tx.end_silence(silence.number, self.now).unwrap();
            tx.commit().unwrap();
        }
        for _ in 0..4 {
            self.cycle();
        }
    }
}

/// Tries everything that is due once; whether anything was taken, after which more may be due.
fn try_due(tx: &Tx<'_>, now: Time, health: [Health; 4], arrived: &mut Vec<Arrived>) -> bool {
    let mut taken = false;
    for delivery in tx.due(now).unwrap() {
        assert!(tx.mark_sending(delivery.id, None, now).unwrap());
        let place = CHANNELS.iter().position(|channel| *channel == delivery.destination.channel).unwrap();
        let later = |ambiguous| Outcome::Later { why: "down".to_owned(), after: None, ambiguous };
        let outcome = match health[place] {
            Health::Works => Outcome::sent("ok"),
            Health::Down => later(false),
            Health::Gone => Outcome::dead("gone"),
            Health::Cut => later(true),
        };
        let next = retry::next(&outcome, &delivery, false, now);
        tx.finish(delivery.id, Duration::ZERO, &outcome, next.state, next.due).unwrap();
        taken |= next.state == State::Sent;
        if matches!(health[place], Health::Works | Health::Cut) {
            arrives(tx, delivery, arrived);
        }
    }
    taken
}

/// A repeat says that it is one; what comes for the first time is true.
fn arrives(tx: &Tx<'_>, delivery: Delivery, arrived: &mut Vec<Arrived>) {
    let (kind, severity, number) = (delivery.message.kind, delivery.message.severity, delivery.message.number.unwrap());
    if delivery.maybe_repeat {
        // it came before, or another attempt failed between
        if arrived.iter().any(|one| one.delivery == delivery.id) {
            return;
        }
    } else {
        assert!(arrived.iter().all(|one| one.delivery != delivery.id), "{kind:?} comes twice");
        let alert = tx.alert(AlertId(delivery.alert.unwrap())).unwrap().unwrap();
        assert!(kind != Kind::Acknowledged || alert.ack.is_some(), "nobody is at it any more");
        if alert.hold.is_none() && kind != Kind::Resolved {
            assert_eq!(Some(severity), alert.severity(), "{kind:?} to {} is stale", delivery.destination.channel);
        }
    }
    arrived.push(Arrived { delivery: delivery.id, number, to: delivery.destination, kind, severity });
}

/// What a destination heard of one alert must be a story with a beginning and an end, unless it refused to hear the `end`.
fn is_told_well(heard: &[&Arrived], refused_end: bool) -> std::result::Result<(), String> {
    let fail = |why: &str| Err(format!("{why}: {heard:#?}"));
    let (Some(first), Some(last)) = (heard.first(), heard.last()) else { return Ok(()) };
    let ends = heard.iter().filter(|one| one.kind == Kind::Resolved).count();
    if !(last.kind == Kind::Resolved && ends == 1 || refused_end && ends == 0) {
        return fail("it does not end once");
    }
    if !matches!(first.kind, Kind::Firing | Kind::Resolved) || (first.kind == Kind::Resolved && heard.len() > 1) {
        return fail("it does not begin with the beginning");
    }
    let mut before = first;
    for after in &heard[1..] {
        let terse = after.to.channel == "sms";
        let fits = match after.kind {
            Kind::Raised => after.severity > before.severity || terse,
            Kind::Eased => after.severity < before.severity && !terse,
            Kind::Reminder => after.severity == before.severity,
            Kind::Acknowledged => !terse,
            Kind::Firing | Kind::Escalated | Kind::Test => false,
            Kind::Resolved => true,
        };
        if !fits {
            return fail("one word does not follow from the other");
        }
        // that somebody is at it says nothing of the alert itself
        before = if after.kind == Kind::Acknowledged { before } else { after };
    }
    Ok(())
}

fn play(moves: &[Move], flapping: Option<Flapping>) -> World {
    let mut world = World::new(flapping);
    for this in moves {
        world.happens(this);
        world.cycle();
    }
    world.calm();
    world
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whoever_hears_it_begin_hears_it_end_and_nothing_waits(moves in moves()) {
        let world = play(&moves, Some(Flapping::default()));
        prop_assert_eq!(world.store.outbox_counts().unwrap().pending, 0);
        let alerts = world.store.alerts(&crate::store::alerts::AlertFilter::default()).unwrap();
        for (id, alert) in alerts {
            prop_assert!(alert.ended.is_some());
            let queued = world.store.queued_of(id).unwrap();
            for channel in CHANNELS {
                let of_it = |one: &&Arrived| Some(one.number) == alert.number && one.to.channel == channel;
                let heard: Vec<&Arrived> = world.arrived.iter().filter(of_it).collect();
                let is_refused = |word: &Queued| {
                    word.to.channel == channel && word.kind == Kind::Resolved && word.state == State::Dead
                };
                prop_assert_eq!(is_told_well(&heard, queued.iter().any(is_refused)), Ok(()));
            }
        }
    }

    #[test]
    fn where_nothing_withholds_everybody_on_the_route_hears_of_it(moves in moves()) {
        let withholds = |this: &Move| matches!(this, Move::Silence(_) | Move::Routes(_));
        let refuses = |this: &Move| matches!(this, Move::Channel(_, Health::Gone));
        let moves: Vec<Move> = moves.into_iter().filter(|this| !withholds(this) && !refuses(this)).collect();
        let world = play(&moves, None);
        for (_, alert) in world.store.alerts(&crate::store::alerts::AlertFilter::default()).unwrap() {
            for to in &world.config.routes.hears[alert.peak.unwrap()] {
                let has_heard = world.arrived.iter().any(|one| Some(one.number) == alert.number && one.to == *to);
                prop_assert!(has_heard, "{} has not heard of {:?}", to.channel, alert);
            }
        }
    }

    #[test]
    fn where_nothing_withholds_somebody_hears_of_each_alert_whoever_refuses_it(moves in moves()) {
        let works = |this: &Move| !matches!(this, Move::Silence(_) | Move::Routes(_) | Move::Channel(3, _));
        let moves: Vec<Move> = moves.into_iter().filter(works).collect();
        let world = play(&moves, None);
        for (_, alert) in world.store.alerts(&crate::store::alerts::AlertFilter::default()).unwrap() {
            let has_been_heard_of = world.arrived.iter().any(|one| Some(one.number) == alert.number);
            prop_assert!(has_been_heard_of, "nobody has heard of {:?}", alert);
        }
    }
}
