//! `alert test`: the real road to people, and what each provider answered.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::severity;
use crate::alert::message::{self, Occasion};
use crate::cli;
use crate::cmd::{Context, Ended, block_on};
use crate::config::Config;
use crate::cycle::deliver;
use crate::cycle::stop::Stop;
use crate::model::alert::{Alert, AlertKey, Phase};
use crate::model::delivery::{Attempt, Delivery, State};
use crate::model::labels::Labels;
use crate::model::message::{Destination, Kind as What, Message};
use crate::model::severity::{BySeverity, Severity};
use crate::model::time::Time;
use crate::model::trouble::{Kind, Trouble};
use crate::model::verdict::{Judgement, Says};
use crate::notify::{Channel, Sort, render};
use crate::output::alerts;
use crate::output::{self, terminal};
use crate::rules::{self, Rule, Windows};
use crate::store::Store;
use crate::store::open::Mode;
use crate::text::nearest::nearest;
use crate::text::safe;

/// Sends a test alert on the road that real ones take, and says what each provider answered.
pub fn run(context: &Context, args: &cli::Test) -> Ended {
    let config = context.config()?;
    let (message, destinations) = plan(context, &config, args)?;
    if args.dry_run {
        return rehearse(context, &config, args, &message, &destinations);
    }
    let destinations = without_unwanted_sms(context, &config, args, destinations)?;
    let (ids, attempts) = block_on(send(context, &config, &message, &destinations))?;
    let ours: Vec<&Attempt> = attempts.iter().filter(|attempt| ids.contains(&attempt.delivery.id)).collect();
    let sent: BTreeSet<i64> =
        ours.iter().filter(|attempt| attempt.state == State::Sent).map(|attempt| attempt.delivery.id).collect();
    if context.global.json {
        crate::cmd::print_json(&results(&config, &ours))?;
    } else {
        told(context, &config, &ours, sent.len(), ids.len())?;
    }
    Ok(u8::from(sent.len() < ids.len()))
}

/// What is sent, and who hears it: every channel, the named ones, or those that hear of a severity.
fn plan(context: &Context, config: &Config, args: &cli::Test) -> Result<(Message, Vec<Destination>), Trouble> {
    if config.channels.is_empty() {
        let help = "set SLACK_WEBHOOK_URL, or SMTP_HOST and ALERT_EMAIL_RECIPIENTS, or add [channels.NAME.slack] to the configuration";
        return Err(Trouble::new(Kind::Config, "there is no channel to test").help(help));
    }
    refuse_unknown_channels(config, &args.channel)?;
    let now = context.clock.now();
    let asked = args.severity.as_deref().map(|text| severity("--severity", text)).transpose()?;
    let (message, followed) = match &args.rule {
        Some(name) => {
            let message = of_rule(config, name, asked, now)?;
            let followed = Some(message.severity);
            (message, followed)
        }
        None => (message::test(asked.unwrap_or(Severity::Medium), &config.identity, now), asked),
    };
    let named = |channel: &&Channel| args.channel.iter().any(|name| name == channel.name());
    let destinations = match followed.filter(|_| args.channel.is_empty()) {
        None if args.channel.is_empty() => config.channels.iter().flat_map(Channel::destinations).collect(),
        None => config.channels.iter().filter(named).flat_map(Channel::destinations).collect(),
        Some(severity) => config.routes.hears[severity].clone(),
    };
    if destinations.is_empty() {
        let what = format!("no channel hears of {}", message.severity);
        return Err(Trouble::new(Kind::Config, what).help("see [routes]"));
    }
    Ok((message, destinations))
}

fn refuse_unknown_channels(config: &Config, asked: &[String]) -> Result<(), Trouble> {
    let names = || config.channels.iter().map(Channel::name);
    let Some(name) = asked.iter().find(|name| !names().any(|have| have == name.as_str())) else { return Ok(()) };
    let trouble = Trouble::new(Kind::Usage, format!("there is no channel {}", safe::one_line(name)));
    Err(match nearest(name, names()) {
        Some(near) => trouble.help(format!("did you mean {near}?")),
        None => trouble.help(format!("the channels are: {}", names().collect::<Vec<_>>().join(", "))),
    })
}

/// The message of a rule as it would be now, with what is measured where something is.
fn of_rule(config: &Config, name: &str, asked: Option<Severity>, now: Time) -> Result<Message, Trouble> {
    let Some(rule) = config.rules.iter().find(|rule| &*rule.name == name) else {
        let trouble = Trouble::new(Kind::Usage, format!("there is no rule {}", safe::one_line(name)));
        return Err(match nearest(name, config.rules.iter().map(|rule| &*rule.name)) {
            Some(near) => trouble.help(format!("did you mean {near}?")),
            None => trouble.help("`sippar-mon rules list` lists them"),
        });
    };
    let (labels, value) = match Store::open(&config.database.0, Mode::Read, now) {
        Ok(store) => measured(&store, rule, now)?,
        // nothing was ever measured, which is no reason not to show the words
        Err(_) => (Labels::empty(), None),
    };
    let has = rule.severities_of(&labels);
    let severity = asked.or_else(|| has.iter().copied().max()).unwrap_or(Severity::Medium);
    if !has.contains(&severity) {
        let names: Vec<&str> = has.iter().map(|severity| severity.name()).collect();
        let what = format!("{} never has the severity {severity}", rule.name);
        return Err(Trouble::new(Kind::Usage, what).help(format!("it has {}", names.join(", "))));
    }
    let alert = Alert {
        phases: BySeverity::from_fn(|one| if one == severity { Phase::Firing(now) } else { Phase::Inactive }),
        fired_at: Some(now),
        value,
        worst: value,
        peak: Some(severity),
        ..Alert::begun(AlertKey { rule: rule.name.clone(), labels }, now)
    };
    let occasion = Occasion { kind: What::Test, severity, first_word: false, at: now, remarks: &[] };
    let built = message::build(&occasion, &alert, rule.texts(&alert, severity), &config.identity);
    Ok(Message { note: Some("This is a test of what the rule says. Nothing is wrong.".to_owned()), ..built })
}

/// Labels and value of the first result that the rule has now.
fn measured(store: &Store, rule: &Rule, now: Time) -> Result<(Labels, Option<f64>), Trouble> {
    let tick = store.last_tick()?.unwrap_or(now);
    let mut windows = Windows::new(store.windows(&rules::needs(rule.exprs(), tick), tick)?);
    let open = store.open_alerts()?;
    windows.set_alerts(open.iter().map(|(_, alert)| alert), tick);
    let Judgement::Judged { verdicts, .. } = rules::judge(rule, &windows, tick) else {
        return Ok((Labels::empty(), None));
    };
    let first = verdicts.into_iter().next().map(|verdict| match verdict.says {
        Says::Measured { value, .. } => (verdict.labels, Some(value)),
        Says::Unknown(_) => (verdict.labels, None),
    });
    Ok(first.unwrap_or((Labels::empty(), None)))
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

fn rehearse(
    context: &Context,
    config: &Config,
    args: &cli::Test,
    message: &Message,
    destinations: &[Destination],
) -> Ended {
    let mut text = format!("dry run: nothing is sent\n{}\n", render::title(message));
    for to in destinations {
        let place = output::cycle::where_to(config, &to.channel);
        let _ = writeln!(text, "  {}  {} {}", to.channel, place, safe::one_line(&to.address));
    }
    if let Some(to) = destinations.first().filter(|_| args.rule.is_some()) {
        let delivery = Delivery {
            id: 0,
            alert: None,
            destination: to.clone(),
            message: message.clone(),
            state: State::Pending,
            attempts: 0,
            maybe_repeat: false,
            created: message.at,
            due: message.at,
            last_answer: None,
            parcel: None,
        };
        let _ = write!(text, "\n{}", render::plain(&delivery));
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
    let attempts = deliver::deliver(&mut store, config, &context.net(config), context.clock, Stop::never()).await?;
    Ok((ids, attempts))
}

/// Says what became of the attempts.
pub fn told(context: &Context, config: &Config, attempts: &[&Attempt], sent: usize, all: usize) -> Result<(), Trouble> {
    let mut text = String::new();
    for attempt in attempts {
        let place = output::cycle::where_to(config, &attempt.delivery.destination.channel);
        text.push_str(&alerts::attempt(attempt, &place, &context.terminal));
    }
    if attempts.len() < all {
        text.push_str("the rest waits for its turn, or another process is delivering: sippar-mon alert deliveries\n");
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

/// One result of `alert test --json` and `alert resend --json`.
#[derive(serde::Serialize)]
pub struct Outcome<'a> {
    channel: &'a str,
    to: String,
    state: &'static str,
    answer: &'a str,
    seconds: f64,
}

/// The attempts as a document.
pub fn results<'a>(config: &Config, attempts: &[&'a Attempt]) -> Vec<Outcome<'a>> {
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
