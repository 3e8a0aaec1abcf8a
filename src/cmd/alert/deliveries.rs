//! `alert deliveries`, `alert resend`, `alert drop`: the outbox in the hands of a person.

use super::test::{results, told};
use crate::cli;
use crate::cmd::{Context, Ended, block_on, print_json, who};
use crate::config::Config;
use crate::cycle::deliver;
use crate::cycle::stop::Stop;
use crate::model::delivery::{Attempt, Delivery, State};
use crate::model::message::Kind as About;
use crate::model::trouble::{Kind, Trouble};
use crate::notify::Channel;
use crate::output::{deliveries, terminal};
use crate::store::alerts::AlertId;
use crate::store::deliveries::DeliveryFilter;
use crate::store::open::Mode;
use crate::store::{Store, Tx};
use crate::text::safe;
use crate::view::deliveries::{DeliveryRow, Tried};

/// Lists deliveries, the newest first.
pub fn list(context: &Context, args: &cli::Deliveries) -> Ended {
    let config = context.config_in_use()?;
    let state = args.state.as_deref().map(state).transpose()?;
    let store = Store::open(&config.database.0, Mode::Read, context.clock.now())?;
    let filter = DeliveryFilter { state, channel: args.channel.clone(), limit: Some(args.limit), alert: None };
    let found = store.deliveries(&filter)?;
    if context.global.json {
        let mut tried = Vec::with_capacity(found.len());
        for delivery in &found {
            tried.push(Tried::of(&store, delivery)?);
        }
        let rows: Vec<_> =
            found.iter().zip(&tried).map(|(delivery, tried)| DeliveryRow::new(delivery, tried)).collect();
        print_json(&rows)?;
        return Ok(0);
    }
    let now = context.clock.now();
    let text = if context.terminal.out {
        deliveries::table(&found, now, &context.terminal)
    } else {
        deliveries::lines(&found)
    };
    terminal::print(&text)?;
    Ok(0)
}

fn state(word: &str) -> Result<State, Trouble> {
    let wanted = word.to_lowercase();
    State::ALL.into_iter().find(|state| state.name() == wanted).ok_or_else(|| {
        let names: Vec<&str> = State::ALL.into_iter().map(State::name).collect();
        Trouble::new(Kind::Usage, format!("--state {}: there is no such state", safe::one_line(word)))
            .help(format!("the states are: {}", names.join(", ")))
    })
}

/// Sends a delivery now, and says what the provider answered.
pub fn resend(context: &Context, args: &cli::Resend) -> Ended {
    let config = context.config()?;
    let attempts = block_on(send_again(context, &config, args.id))?;
    let ours: Vec<&Attempt> = attempts.iter().filter(|attempt| attempt.delivery.id == args.id).collect();
    let sent = ours.iter().filter(|attempt| attempt.state == State::Sent).count();
    if context.global.json {
        print_json(&results(&config, &ours))?;
    } else {
        told(context, &config, &ours, sent, 1)?;
    }
    Ok(u8::from(sent < 1))
}

async fn send_again(context: &Context, config: &Config, id: i64) -> Result<Vec<Attempt>, Trouble> {
    let now = context.clock.now();
    let mut store = Store::open(&config.database.0, Mode::Write, now)?;
    let tx = store.begin()?;
    let delivery = tx.delivery(id)?.ok_or_else(|| unknown(id))?;
    let channel = &delivery.destination.channel;
    if !config.channels.iter().map(Channel::name).any(|name| name == channel) {
        let what = format!("delivery {id} goes through channel {channel}, which is not configured");
        return Err(Trouble::new(Kind::Config, what).help("configure it again, or send a test through another one"));
    }
    if let Some(trouble) = too_late(&tx, &delivery)? {
        return Err(trouble);
    }
    if !tx.resend(id, now)? {
        return Err(refused(&delivery, "sent again"));
    }
    tx.commit()?;
    deliver::deliver(&mut store, config, &context.net(config), context.clock, Stop::never()).await
}

/// That an alert fires must not arrive after it ended: nobody would be told of the end any more. What waits is followed by
/// that word.
fn too_late(tx: &Tx<'_>, delivery: &Delivery) -> Result<Option<Trouble>, Trouble> {
    if delivery.message.kind == About::Resolved || delivery.state == State::Pending {
        return Ok(None);
    }
    let alert = delivery.alert.map_or(Ok(None), |id| tx.alert(AlertId(id)))?;
    let ended = alert.and_then(|alert| Some((alert.number?, alert.ended?)));
    Ok(ended.map(|(number, (at, _))| {
        let what = format!("delivery {} says that alert {number} fires, which ended at {at}", delivery.id);
        let help = format!("`sippar-mon alert show {number}` shows who was told of it; tell the others yourself");
        Trouble::new(Kind::Usage, what).help(help)
    }))
}

/// Gives up a delivery that waits.
pub fn drop(context: &Context, args: &cli::Drop) -> Ended {
    let why = args.message.trim();
    if why.is_empty() {
        return Err(Trouble::new(Kind::Usage, "--message is empty").help("say in a few words why").into());
    }
    let config = context.config_in_use()?;
    let now = context.clock.now();
    let mut store = Store::open(&config.database.0, Mode::Write, now)?;
    let tx = store.begin()?;
    let delivery = tx.delivery(args.id)?.ok_or_else(|| unknown(args.id))?;
    let word = format!("dropped by {}: {why}", who(context, args.by.as_deref()));
    if !tx.drop_delivery(args.id, &word, now)? {
        return Err(refused(&delivery, "dropped").into());
    }
    tx.commit()?;
    if context.terminal.out {
        let line = format!("{} to {} is given up", delivery.message.alert, delivery.destination.channel);
        terminal::print(&context.terminal.fit(&format!("{}\n", safe::one_line(&line))))?;
    }
    Ok(0)
}

fn unknown(id: i64) -> Trouble {
    Trouble::new(Kind::Usage, format!("there is no delivery {id}")).help("`sippar-mon alert deliveries` lists them")
}

/// Why a delivery is in no state for what was asked.
fn refused(delivery: &Delivery, what: &str) -> Trouble {
    let help = match delivery.state {
        State::Superseded => "a newer message about the same alert has taken its place",
        State::Sending => "it is being sent right now; look again in a few seconds",
        State::Sent | State::Uncertain | State::Dead | State::Pending => "only what still waits can be dropped",
    };
    let state = delivery.state.name();
    Trouble::new(Kind::Usage, format!("delivery {} is {state} and cannot be {what}", delivery.id)).help(help)
}
