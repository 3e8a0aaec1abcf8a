//! `respond`: runs a response by hand.

use std::fmt::Write as _;
use std::time::Duration;

use super::alert::unknown;
use super::{Context, Ended, block_on, who};
use crate::alert::message::{self, Occasion};
use crate::cli;
use crate::config::Config;
use crate::config::responses::Response;
use crate::cycle::lock::{self, Name};
use crate::cycle::respond::{self, order};
use crate::cycle::stop::Stop;
use crate::model::alert::Alert;
use crate::model::message::{Kind as What, Message, Texts};
use crate::model::response::{Finish, Planned, RunState};
use crate::model::severity::Severity;
use crate::model::trouble::{Kind, Trouble};
use crate::net::run::Program;
use crate::output::terminal;
use crate::store::Store;
use crate::store::alerts::AlertId;
use crate::store::open::Mode;
use crate::text::nearest::nearest;
use crate::text::{safe, units};

/// How long a person waits for a response that runs already.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs the command.
pub fn run(context: &Context, args: &cli::Respond) -> Ended {
    let config = context.config()?;
    let response = named(&config, &args.name)?;
    let (who, now) = (who(context, args.by.as_deref()), context.clock.now());
    let mode = if args.dry_run { Mode::Read } else { Mode::Write };
    // without an alert there need not be a database to show what would be run
    let store = match Store::open(&config.database.0, mode, now) {
        Err(_) if args.dry_run && args.alert.is_none() => None,
        store => Some(store?),
    };
    let found = match (&store, args.alert) {
        (Some(store), Some(number)) => Some(store.alert_by_number(number)?.ok_or_else(|| unknown(number))?),
        _ => None,
    };
    let mut plan = Planned {
        response: response.name.clone(),
        alert: found.as_ref().map(|(id, _)| id.0),
        severity: Severity::Low,
        message: message(&config, found.as_ref(), &who, now),
        state: RunState::Due,
        who,
        decided: now,
    };
    plan.severity = plan.message.severity;
    let Some(store) = store.filter(|_| !args.dry_run && !response.dry_run) else {
        return rehearsed(context, response, &plan);
    };
    if !args.yes && !agreed(response, &plan)? {
        return Err(Trouble::new(Kind::Usage, "nothing was started").into());
    }
    let finish = block_on(started(context, &config, store, response, &plan))?;
    told(context, response, &finish)
}

fn named<'a>(config: &'a Config, name: &str) -> Result<&'a Response, Trouble> {
    let names = || config.responses.iter().map(|response| response.name.as_str());
    if let Some(found) = config.responses.iter().find(|response| response.name == name) {
        return Ok(found);
    }
    let trouble = Trouble::new(Kind::Usage, format!("there is no response {}", safe::one_line(name)));
    Err(match nearest(name, names()) {
        Some(near) => trouble.help(format!("did you mean {near}?")),
        None if config.responses.is_empty() => trouble.help("add a table [responses.NAME] to the configuration"),
        None => trouble.help(format!("the responses are: {}", names().collect::<Vec<_>>().join(", "))),
    })
}

/// What the program is told: what the alert says, or that somebody runs it without one.
fn message(config: &Config, found: Option<&(AlertId, Alert)>, who: &str, now: crate::model::time::Time) -> Message {
    let Some((_, alert)) = found else {
        let plain = message::test(Severity::Low, &config.identity, now);
        let summary = format!("Run by hand by {who}, for no alert.");
        return Message { kind: What::Firing, alert: "BY_HAND".to_owned(), summary, ..plain };
    };
    let severity = alert.severity().or(alert.peak).unwrap_or(Severity::Low);
    let rule = config.rules.iter().find(|rule| rule.name == alert.key.rule);
    let plain = || Texts { summary: alert.key.to_string(), ..Texts::default() };
    let texts = rule.map_or_else(plain, |rule| rule.texts(alert, severity));
    let kind = if alert.ended.is_some() { What::Resolved } else { What::Firing };
    let occasion = Occasion { kind, severity, first_word: false, at: now, remarks: &[] };
    message::build(&occasion, alert, texts, &config.identity)
}

/// Shows what would be run.
fn rehearsed(context: &Context, response: &Response, plan: &Planned) -> Ended {
    let program = program(response, 0, plan)?;
    let Program { argv, env, folder, stdin, limit, max_output: _ } = &program;
    let stdin = stdin.as_deref().unwrap_or_default();
    if context.global.json {
        let input: serde_json::Value = serde_json::from_slice(stdin).unwrap_or_default();
        let env: serde_json::Map<_, _> =
            env.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        super::print_json(&serde_json::json!({
            "dry_run": true, "command": argv, "folder": folder, "timeout_seconds": limit.as_secs_f64(),
            "environment": env, "stdin": input,
        }))?;
        return Ok(0);
    }
    let mut text = "dry run: nothing is started\ncommand\n".to_owned();
    for part in argv {
        let _ = writeln!(text, "  {}", safe::one_line(part));
    }
    let folder = folder.as_ref().map(|folder| folder.display().to_string()).unwrap_or_default();
    let _ = writeln!(text, "in {folder}, for {} at most\nenvironment", units::duration(*limit));
    for (name, value) in env {
        let _ = writeln!(text, "  {name}={}", safe::one_line(value));
    }
    let _ = writeln!(text, "standard input\n  {}", safe::one_line(&String::from_utf8_lossy(stdin)));
    terminal::print(&context.terminal.fit(&text))?;
    Ok(0)
}

fn program(response: &Response, id: i64, plan: &Planned) -> Result<Program, Trouble> {
    order::program(response, id, plan).map_err(|why| Trouble::new(Kind::Bug, why))
}

/// Whether the person at the terminal agrees.
fn agreed(response: &Response, plan: &Planned) -> Result<bool, Trouble> {
    let number = plan.message.number.map(|number| format!(" for alert {number}")).unwrap_or_default();
    let question = format!("Start {}{number}: {}?", response.name, response.argv.join(" "));
    terminal::ask(&safe::one_line(&question)).ok_or_else(|| {
        Trouble::new(Kind::Usage, "`respond` asks first, and there is no terminal to ask at")
            .help("--yes starts it without a question, --dry-run shows what would be run")
    })
}

/// Runs it as the monitor does: recorded as started before it is, and how it ended.
async fn started(
    context: &Context,
    config: &Config,
    mut store: Store,
    response: &Response,
    plan: &Planned,
) -> Result<Finish, Trouble> {
    let Some(_lock) = lock::take(&config.database.0, Name::Respond, PATIENCE).await? else {
        let trouble = Trouble::new(Kind::Busy, "another response is running");
        return Err(trouble.help("`sippar-mon alert show N` says what became of it; try again"));
    };
    respond::take_over(&mut store, context.clock.now())?;
    // whoever stops this command stops the program too
    let mut stop = Stop::listen()?;
    let tx = store.begin()?;
    let id = tx.put_run(plan)?;
    let program = program(response, id, plan)?;
    tx.start_run(id)?;
    tx.commit()?;
    let finish = tokio::select! {
        finish = respond::perform(program) => finish,
        _ = stop.asked() => respond::interrupted("killed by hand"),
    };
    let tx = store.begin()?;
    respond::finished(&tx, id, plan, &finish, context.clock.now())?;
    tx.commit()?;
    Ok(finish)
}

/// 0 where it ended as it should, else 1.
fn told(context: &Context, response: &Response, finish: &Finish) -> Ended {
    if context.global.json {
        super::print_json(&serde_json::json!({
            "response": response.name, "state": finish.state.name(), "well": finish.well, "outcome": finish.outcome,
        }))?;
    } else if context.terminal.out || !finish.well || context.global.verbose > 0 {
        let line = safe::one_line(&format!("response {}: {}", response.name, finish.outcome));
        terminal::print(&context.terminal.fit(&format!("{line}\n")))?;
    }
    Ok(u8::from(!finish.well))
}
