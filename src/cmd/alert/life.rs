//! `alert ack` and `alert close`: people take charge of an alert, or end it.

use super::unknown;
use crate::alert::route::{self, Subject, Telling};
use crate::alert::step;
use crate::cli;
use crate::cmd::{Context, Ended, block_on, who};
use crate::config::Config;
use crate::cycle::compose::{self, Content};
use crate::cycle::deliver;
use crate::cycle::stop::Stop;
use crate::model::alert::{Ack, Alert, Deed, DeedKind};
use crate::model::delivery::{Attempt, State};
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::model::trouble::{Kind, Trouble};
use crate::output::{self, alerts, terminal};
use crate::store::alerts::AlertId;
use crate::store::open::Mode;
use crate::store::{Store, Tx};
use crate::text::safe;

/// Says that somebody is at it: no reminders, no escalation, and whoever was told is told so.
pub fn ack(context: &Context, args: &cli::Ack) -> Ended {
    let why = said(&args.word)?;
    let who = who(context, args.word.by.as_deref());
    let (config, mut store, now) = open(context)?;
    let tx = store.begin()?;
    let (id, mut alert) = living(&tx, args.number)?;
    let Some(severity) = alert.severity() else { return Err(pending(args.number).into()) };
    let value = alert.value.filter(|value| value.is_finite());
    let before = alert.ack.replace(Ack { at: now, who: who.clone(), why: why.clone(), severity, value });
    tx.save_alert(Some(id), &mut alert)?;
    tx.put_deed(id, &Deed { at: now, kind: DeedKind::Acknowledged, who, text: why })?;
    let plan = route::acknowledged(&tx.queued_of(id)?, &config.routes);
    tx.supersede(&plan.supersede, now)?;
    enqueue(&tx, &config, (id, &alert), severity, &plan.tell, &[], now)?;
    tx.commit()?;
    let over = before.map(|ack| format!(", taken over from {}", ack.who)).unwrap_or_default();
    let line = format!("{} {} is acknowledged at {severity}{over}", args.number, alert.key);
    finish(context, &config, &mut store, id, &line)
}

/// Ends an alert. If its rule still finds it true, it fires anew.
pub fn close(context: &Context, args: &cli::Close) -> Ended {
    let why = said(&args.word)?;
    let who = who(context, args.word.by.as_deref());
    let (config, mut store, now) = open(context)?;
    let tx = store.begin()?;
    let (id, mut alert) = living(&tx, args.number)?;
    let Some(severity) = alert.severity() else { return Err(pending(args.number).into()) };
    let transition = step::close(&mut alert, severity, now);
    tx.save_alert(Some(id), &mut alert)?;
    tx.put_transition(id, now, transition, alert.value, Some(&format!("{who}: {why}")))?;
    let remark = format!("{who} closed it: {why}");
    tx.put_deed(id, &Deed { at: now, kind: DeedKind::Closed, who, text: why })?;
    let before = tx.queued_of(id)?;
    let subject = Subject { rule: &alert.key.rule, severity, began: None, before: &before, hold: None, acked: false };
    let plan = route::plan(&subject, &config.routes, now);
    tx.supersede(&plan.supersede, now)?;
    enqueue(&tx, &config, (id, &alert), transition.severity(), &plan.tell, &[remark], now)?;
    tx.commit()?;
    let line = format!("{} {} is closed; if its rule still finds it true, it fires anew", args.number, alert.key);
    finish(context, &config, &mut store, id, &line)
}

/// The words that go with it.
pub fn said(word: &cli::Word) -> Result<String, Trouble> {
    let why = word.message.trim();
    if why.is_empty() {
        return Err(Trouble::new(Kind::Usage, "--message is empty").help("say in a few words why"));
    }
    Ok(why.to_owned())
}

fn open(context: &Context) -> Result<(Config, Store, Time), Trouble> {
    let config = context.config_in_use()?;
    let now = context.clock.now();
    let store = Store::open(&config.database.0, Mode::Write, now)?;
    Ok((config, store, now))
}

/// The alert with this number, unless it is over.
pub fn living(tx: &Tx<'_>, number: u64) -> Result<(AlertId, Alert), Trouble> {
    let Some((id, alert)) = tx.alert_by_number(number)? else { return Err(unknown(number)) };
    match alert.ended {
        None => Ok((id, alert)),
        Some((at, _)) => {
            let what = format!("alert {number} ended at {at}");
            Err(Trouble::new(Kind::Usage, what).help("`sippar-mon alert list` lists those that have not"))
        }
    }
}

fn pending(number: u64) -> Trouble {
    Trouble::new(Kind::Usage, format!("alert {number} does not fire")).help("nobody was told of it yet")
}

fn enqueue(
    tx: &Tx<'_>,
    config: &Config,
    (id, alert): (AlertId, &Alert),
    severity: Severity,
    tell: &[Telling],
    remarks: &[String],
    at: Time,
) -> Result<(), Trouble> {
    let texts = &compose::texts(config, alert, severity);
    let (runs, before) = (&tx.runs_of(id)?, &tx.queued_of(id)?);
    let content = Content { id, alert, severity, texts, runs, before, responses: &[], remarks, at };
    compose::enqueue(tx, &config.identity, &content, tell, at)
}

/// Sends what was queued and says what was done. What cannot be sent now is sent by the next check.
fn finish(context: &Context, config: &Config, store: &mut Store, id: AlertId, line: &str) -> Ended {
    let net = context.net(config);
    let attempts = block_on(deliver::deliver(store, config, &net, context.clock, Stop::never()))?;
    if context.terminal.out {
        let mut text = format!("{}\n", safe::one_line(line));
        let ours = |attempt: &&Attempt| attempt.delivery.alert == Some(id.0) && attempt.state != State::Superseded;
        for attempt in attempts.iter().filter(ours) {
            let place = output::cycle::where_to(config, &attempt.delivery.destination.channel);
            text.push_str(&alerts::attempt(attempt, &place, &context.terminal));
        }
        terminal::print(&context.terminal.fit(&text))?;
    }
    Ok(0)
}
