//! `alert silence`, `alert unsilence`, `alert silences`: nobody needs to be told of some alerts for a time.

use super::life::{living, said};
use crate::cli;
use crate::cmd::{Context, Ended, print_json, who};
use crate::config::Config;
use crate::model::hold::Silence;
use crate::model::scope::Scope;
use crate::model::time::Time;
use crate::model::trouble::{Kind, Trouble};
use crate::output::{silences, terminal};
use crate::rules::scope;
use crate::store::open::Mode;
use crate::store::{Store, Tx};
use crate::text::nearest::nearest;
use crate::text::{instant, safe, units};
use crate::view::silences::Row;

/// Keeps a silence, and shows what it mutes.
pub fn silence(context: &Context, args: &cli::Silence) -> Ended {
    let why = said(&args.word)?;
    let config = context.config_in_use()?;
    let now = context.clock.now();
    let until = until(args, now)?;
    let mut store = Store::open(&config.database.0, Mode::Write, now)?;
    let tx = store.begin()?;
    let scope = scope_of(&args.what, &config, &tx)?;
    let mut silence = Silence { number: 0, scope, from: now, until, who: who(context, args.word.by.as_deref()), why };
    let mutes = silences::mutes(&silence, &tx.open_alerts()?);
    if !args.dry_run {
        silence.number = tx.put_silence(&silence.scope, now, until, &silence.who, &silence.why)?;
        tx.commit()?;
    }
    if context.global.json {
        print_json(&Row::new(&silence))?;
    } else if context.terminal.out || args.dry_run {
        terminal::print(&silences::made(&silence, &mutes, args.dry_run, &context.terminal))?;
    }
    Ok(0)
}

/// Ends a silence now.
pub fn unsilence(context: &Context, args: &cli::Unsilence) -> Ended {
    let config = context.config_in_use()?;
    let now = context.clock.now();
    let mut store = Store::open(&config.database.0, Mode::Write, now)?;
    let tx = store.begin()?;
    if !tx.end_silence(args.number, now)? {
        let what = match tx.silence(args.number)? {
            Some(silence) => format!("silence {} ended at {}", args.number, silence.until),
            None => format!("there is no silence {}", args.number),
        };
        return Err(Trouble::new(Kind::Usage, what).help("`sippar-mon alert silences` lists them").into());
    }
    tx.commit()?;
    if context.terminal.out {
        terminal::print(&format!("silence {} is over; the next check tells of what still fires\n", args.number))?;
    }
    Ok(0)
}

/// Lists the silences that have not ended.
pub fn silences(context: &Context) -> Ended {
    let config = context.config_in_use()?;
    let now = context.clock.now();
    let store = Store::open(&config.database.0, Mode::Read, now)?;
    let silences = store.silences(now)?;
    if context.global.json {
        print_json(&silences.iter().map(Row::new).collect::<Vec<_>>())?;
    } else if context.terminal.out {
        terminal::print(&silences::table(&silences, now, &context.terminal))?;
    } else {
        terminal::print(&silences::lines(&silences))?;
    }
    Ok(0)
}

/// When it ends.
fn until(args: &cli::Silence, now: Time) -> Result<Time, Trouble> {
    let (flag, read) = match (&args.lasts, &args.until) {
        (Some(text), _) => ("--for", units::parse_duration(text).and_then(|lasts| instant::known(now + lasts, text))),
        (None, Some(text)) => ("--until", instant::upcoming(text, now)),
        // clap requires one of the two
        (None, None) => return Err(Trouble::new(Kind::Usage, "say how long: --for 2h, or --until 07:00")),
    };
    let until = read.map_err(|why| Trouble::new(Kind::Usage, format!("{flag}: {why}")))?;
    if until <= now {
        return Err(Trouble::new(Kind::Usage, format!("{flag}: a silence of no time mutes nothing")));
    }
    Ok(until)
}

/// Which alerts are meant: a number, or a rule with labels.
fn scope_of(text: &str, config: &Config, tx: &Tx<'_>) -> Result<Scope, Trouble> {
    if let Ok(number) = text.trim().parse() {
        living(tx, number)?;
        return Ok(Scope { number: Some(number), ..Scope::default() });
    }
    let scope = scope::alerts(text).map_err(|faults| {
        let fault = faults.into_iter().next();
        let trouble = |what: String| Trouble::new(Kind::Usage, format!("`{}`: {what}", safe::one_line(text)));
        match fault {
            Some(fault) => {
                fault.help.map_or_else(|| trouble(fault.what.clone()), |help| trouble(fault.what.clone()).help(help))
            }
            None => trouble("this does not say which alerts are meant".to_owned()),
        }
    })?;
    if let Some(rule) = scope.rule.as_ref().filter(|rule| !config.rules.iter().any(|have| *have.name == ***rule)) {
        let trouble = Trouble::new(Kind::Usage, format!("there is no rule {rule}"));
        return Err(match nearest(rule, config.rules.iter().map(|rule| &*rule.name)) {
            Some(near) => trouble.help(format!("did you mean {near}?")),
            None => trouble.help("`sippar-mon rules list` lists them"),
        });
    }
    Ok(scope)
}
