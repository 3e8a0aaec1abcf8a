//! `alert list`, `alert show`, `alert test`.

pub mod export;
mod hint;
pub mod mark;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{Context, Ended, block_on};
use crate::alert::message;
use crate::cli;
use crate::config::Config;
use crate::cycle::deliver;
use crate::model::alert::{Alert, Mark};
use crate::model::delivery::{Attempt, State};
use crate::model::message::{Destination, Message};
use crate::model::severity::Severity;
use crate::model::trouble::{Kind, Trouble};
use crate::notify::{Channel, Sort, render};
use crate::output::alerts::{self, Line};
use crate::output::{self, terminal};
use crate::store::alerts::{AlertFilter, AlertId};
use crate::store::open::Mode;
use crate::store::{Reader, Store};
use crate::text::nearest::nearest;
use crate::text::{safe, units};
use crate::view::dashboard::AlertRow;

/// An alert as JSON shows it, with what was said of it.
#[derive(serde::Serialize)]
struct Marked<'a> {
    #[serde(flatten)]
    alert: AlertRow<'a>,
    mark: Option<Mark>,
}

/// Lists alerts: those that are not over, or with `--all` or `--since` also those that are.
pub fn list(context: &Context, args: &cli::List) -> Ended {
    let config = context.config()?;
    let now = context.clock.now();
    let since = args.since.as_deref().map(units::parse_duration).transpose();
    let since = since.map_err(|why| Trouble::new(Kind::Usage, format!("--since: {why}")))?;
    let least = args.severity.as_deref().map(|text| severity("--severity", text)).transpose()?;
    let store = Store::open(&config.database.0, Mode::Read, now)?;
    let filter = AlertFilter { since: since.map(|since| now - since), at_least: least, limit: None };
    let mut found = store.alerts(&filter)?;
    if !args.all && since.is_none() {
        found.retain(|(_, alert)| alert.ended.is_none());
    }
    if context.global.json {
        let mut marks = store.marks()?;
        let row = |(id, alert)| Marked { alert: AlertRow::new(alert), mark: marks.remove(id) };
        let rows: Vec<Marked<'_>> = found.iter().map(|(id, alert)| (id, alert)).map(row).collect();
        super::print_json(&rows)?;
        return Ok(0);
    }
    let mut lines = Vec::new();
    for (id, alert) in &found {
        lines.push(line(&store, &config, *id, alert)?);
    }
    let text = if context.terminal.out { alerts::list(&lines, now, &context.terminal) } else { alerts::lines(&lines) };
    terminal::print(&text)?;
    Ok(0)
}

/// Shows one alert with its history and every attempt to tell people.
pub fn show(context: &Context, args: &cli::Show) -> Ended {
    let config = context.config()?;
    let now = context.clock.now();
    let store = Store::open(&config.database.0, Mode::Read, now)?;
    let Some((id, alert)) = store.alert_by_number(args.number)? else {
        return Err(unknown(args.number).into());
    };
    if context.global.json {
        super::print_json(&Marked { alert: AlertRow::new(&alert), mark: store.mark_of(id)? })?;
        return Ok(0);
    }
    let line = line(&store, &config, id, &alert)?;
    let mut tried = Vec::new();
    for delivery in &line.deliveries {
        tried.push(store.attempts(delivery.id)?);
    }
    let history = store.transitions(id)?;
    terminal::print(&alerts::show(&line, &history, &tried, now, &context.terminal))?;
    Ok(0)
}

/// The trouble of a number that no alert has.
pub fn unknown(number: u64) -> Trouble {
    Trouble::new(Kind::Usage, format!("there is no alert {number}")).help("`sippar-mon alert list --all` lists them")
}

fn line<'a>(store: &Reader, config: &Config, id: AlertId, alert: &'a Alert) -> Result<Line<'a>, Trouble> {
    let rule = config.rules.iter().find(|rule| rule.name == alert.key.rule);
    let severity = alert.severity().or(alert.peak).unwrap_or(Severity::Low);
    let value = match (rule, alert.value) {
        (Some(rule), Some(value)) => {
            format!("{} {}", rule.value_text(value), rule.limit_text(severity)).trim().to_owned()
        }
        (None, Some(value)) => units::number(value),
        (_, None) => "not measured".to_owned(),
    };
    let rule = rule.map(|rule| (rule.text.clone(), safe::one_line(&rule.origin.to_string())));
    Ok(Line { alert, value, deliveries: store.deliveries_of(id)?, rule, mark: store.mark_of(id)? })
}

fn severity(flag: &str, text: &str) -> Result<Severity, Trouble> {
    text.parse().map_err(|why| Trouble::new(Kind::Usage, format!("{flag} {}: {why}", safe::one_line(text))))
}

/// Sends a test alert on the road that real ones take, and says what each provider answered.
pub fn test(context: &Context, args: &cli::Test) -> Ended {
    let config = context.config()?;
    let (severity, destinations) = audience(&config, args)?;
    let message = message::test(severity, &config.identity, context.clock.now());
    if args.dry_run {
        return rehearse(context, &config, &message, &destinations);
    }
    let destinations = without_unwanted_sms(context, &config, args, destinations)?;
    let (ids, attempts) = block_on(send(context, &config, &message, &destinations))?;
    let ours: Vec<&Attempt> = attempts.iter().filter(|attempt| ids.contains(&attempt.delivery.id)).collect();
    let sent: BTreeSet<i64> =
        ours.iter().filter(|attempt| attempt.state == State::Sent).map(|attempt| attempt.delivery.id).collect();
    if context.global.json {
        super::print_json(&results(&config, &ours))?;
    } else {
        told(context, &config, &ours, sent.len(), ids.len())?;
    }
    Ok(u8::from(sent.len() < ids.len()))
}

/// Who hears a test: every channel, the named ones, or those that hear of a severity.
fn audience(config: &Config, args: &cli::Test) -> Result<(Severity, Vec<Destination>), Trouble> {
    if config.channels.is_empty() {
        let help = "set SLACK_WEBHOOK_URL, or SMTP_HOST and ALERT_EMAIL_RECIPIENTS, or add [channels.NAME.slack] to the configuration";
        return Err(Trouble::new(Kind::Config, "there is no channel to test").help(help));
    }
    if let Some(text) = &args.severity {
        let severity = severity("--severity", text)?;
        let route = config.routes[severity].clone();
        if route.is_empty() {
            return Err(Trouble::new(Kind::Config, format!("no channel hears of {severity}")).help("see [routes]"));
        }
        return Ok((severity, route));
    }
    for name in &args.channel {
        if !config.channels.iter().any(|channel| channel.name() == name) {
            let trouble = Trouble::new(Kind::Usage, format!("there is no channel {}", safe::one_line(name)));
            let names = || config.channels.iter().map(Channel::name);
            return Err(match nearest(name, names()) {
                Some(near) => trouble.help(format!("did you mean {near}?")),
                None => trouble.help(format!("the channels are: {}", names().collect::<Vec<_>>().join(", "))),
            });
        }
    }
    let wanted = |channel: &&Channel| args.channel.is_empty() || args.channel.iter().any(|name| name == channel.name());
    Ok((Severity::Medium, config.channels.iter().filter(wanted).flat_map(Channel::destinations).collect()))
}

/// SMS cost money and wake people: unless they are named by `--channel`, by the route of `--severity` or wanted by `--yes`,
/// somebody at the terminal must agree.
fn without_unwanted_sms(
    context: &Context,
    config: &Config,
    args: &cli::Test,
    destinations: Vec<Destination>,
) -> Result<Vec<Destination>, Trouble> {
    let is_sms = |to: &Destination| {
        config.channels.iter().any(|channel| channel.name() == to.channel && channel.sort() == Sort::Sms)
    };
    let (sms, rest): (Vec<Destination>, Vec<Destination>) = destinations.iter().cloned().partition(is_sms);
    if sms.is_empty() || args.yes || !args.channel.is_empty() || args.severity.is_some() {
        return Ok(destinations);
    }
    let noun = if sms.len() == 1 { "message" } else { "messages" };
    let question = format!("Also send {} text {noun} (SMS), which costs money?", sms.len());
    if terminal::ask(&question) == Some(true) {
        return Ok(destinations);
    }
    let names: BTreeSet<&str> = sms.iter().map(|to| to.channel.as_str()).collect();
    let names = names.into_iter().collect::<Vec<_>>().join(", ");
    let help = format!("add --yes, or name it: --channel {}", sms.first().map_or("", |to| &to.channel));
    if rest.is_empty() {
        return Err(
            Trouble::new(Kind::Usage, format!("{names}: SMS cost money and are only sent on request")).help(help)
        );
    }
    if context.global.quiet == 0 {
        terminal::say(&safe::one_line(&format!("{names}: left out, since SMS cost money; {help}")));
    }
    Ok(rest)
}

fn rehearse(context: &Context, config: &Config, message: &Message, destinations: &[Destination]) -> Ended {
    let mut text = format!("dry run: nothing is sent\n{}\n", render::title(message));
    for to in destinations {
        let place = output::cycle::where_to(config, &to.channel);
        let _ = writeln!(text, "  {}  {} {}", to.channel, place, safe::one_line(&to.address));
    }
    terminal::print(&context.terminal.fit(&text))?;
    Ok(0)
}

async fn send(
    context: &Context,
    config: &Config,
    message: &Message,
    destinations: &[Destination],
) -> Result<(Vec<i64>, Vec<Attempt>), Trouble> {
    let mut store = Store::open(&config.database.0, Mode::Write, context.clock.now())?;
    let tx = store.begin()?;
    let mut ids = Vec::new();
    for to in destinations {
        ids.push(tx.enqueue(None, to, message, context.clock.now())?);
    }
    tx.commit()?;
    let attempts = deliver::deliver(&mut store, config, &context.net(config), context.clock).await?;
    Ok((ids, attempts))
}

fn told(context: &Context, config: &Config, attempts: &[&Attempt], sent: usize, all: usize) -> Result<(), Trouble> {
    let mut text = String::new();
    for attempt in attempts {
        let place = output::cycle::where_to(config, &attempt.delivery.destination.channel);
        text.push_str(&alerts::attempt(attempt, &place, &context.terminal));
    }
    if attempts.len() < all {
        text.push_str("another process is delivering; `sippar-mon status` shows what waits\n");
    }
    let ids: Vec<String> = attempts.iter().map(|attempt| render::id(&attempt.delivery)).collect();
    let marks = if ids.is_empty() { "TEST_ALERT".to_owned() } else { ids.join(", ") };
    let _ =
        writeln!(text, "{sent} of {all} delivered. \"Accepted\" is not \"arrived\": look for {marks} in each place.");
    if context.terminal.out || sent < all || context.global.verbose > 0 {
        terminal::print(&context.terminal.fit(&text))?;
    }
    Ok(())
}

/// One result of `alert test --json`.
#[derive(serde::Serialize)]
struct Outcome<'a> {
    channel: &'a str,
    to: String,
    state: &'static str,
    answer: &'a str,
    seconds: f64,
}

fn results<'a>(config: &Config, attempts: &[&'a Attempt]) -> Vec<Outcome<'a>> {
    use crate::model::delivery::Outcome as How;
    let one = |attempt: &&'a Attempt| Outcome {
        channel: &attempt.delivery.destination.channel,
        to: output::cycle::where_to(config, &attempt.delivery.destination.channel),
        state: attempt.state.name(),
        answer: match &attempt.outcome {
            How::Sent { answer, receipt: _ } => answer,
            How::Later { why, .. } | How::Dead { why } => why,
        },
        seconds: attempt.took.as_secs_f64(),
    };
    attempts.iter().map(one).collect()
}
