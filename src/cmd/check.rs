//! `check`: measure, judge, store, tell.

mod looping;
mod told;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::complain::{complain, complain_each};
use super::{Context, Ended, block_on, summary};
use crate::cli;
use crate::config::{self, Broken, Config, last_good};
use crate::cycle::emergency::{self, Emergency};
use crate::cycle::lock::{self, Lock, Name};
use crate::cycle::stop::Stop;
use crate::cycle::{Cycle, Road, tidy};
use crate::cycle::{deliver, heartbeat, respond};
use crate::model::delivery::Attempt;
use crate::model::fault::{Fault, Located, Place};
use crate::model::time::Time;
use crate::model::trouble::{Kind, Trouble};
use crate::net::Net;
use crate::output::cycle::Done;
use crate::output::{self, terminal};
use crate::store::Store;
use crate::store::open::Mode;
use crate::text::safe;
use crate::view::dashboard::Status;
use crate::view::snapshot::{self, Snapshot};

/// How long a person waits for another check; cron does not.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs one cycle, or with `--repeat` those of a minute.
pub fn run(context: &Context, args: &cli::Check) -> Ended {
    let every = args.every.as_deref().map(config::parse_interval).transpose();
    let every = every.map_err(|why| Trouble::new(Kind::Usage, format!("--every: {why}")))?;
    if args.dry_run {
        let config = context.load(None).map_err(|broken| context.told(broken))?;
        context.remarks(&config);
        let code = block_on(dry_run(context, &config))?;
        return Ok(if args.exit_zero { 0 } else { code });
    }
    let (config, broken) = configure(context, every)?;
    context.remarks(&config);
    let work = async {
        let stop = Stop::listen()?;
        if args.repeat || every.is_some() {
            looping::repeating(context, Arc::new(config), broken.is_some(), stop).await
        } else {
            let ended = once(context, &config, broken.is_some(), stop).await;
            met(context, &config, &ended).await;
            ended
        }
    };
    let code = block_on(work)?;
    match broken {
        Some(trouble) => Err(trouble.into()),
        None => Ok(if args.exit_zero { 0 } else { code }),
    }
}

/// The configuration; where it is broken and the system was watched before, the last one that worked, together with
/// the trouble that the command ends in all the same.
fn configure(context: &Context, every: Option<Duration>) -> Result<(Config, Option<Trouble>), Trouble> {
    let (faults, database) = match context.load(every) {
        Ok(config) => match vanished(&config) {
            None => return Ok((config, None)),
            Some(fault) => (vec![Located { source: None, fault }], Some(config.database.0)),
        },
        Err(Broken::Trouble(trouble)) => return Err(trouble),
        Err(Broken::Faults(faults, database)) => (faults, database),
    };
    let text = context.faults(&faults);
    let last = database.as_deref().and_then(|path| config::load_last_good(path, &context.flags(every), &context.env));
    let cause = database.as_deref().filter(|path| path.exists());
    if let Some(config) = last {
        let word = "the last configuration that worked goes on; correct the faults above";
        complain(context, cause, "config", &format!("{text}sippar-mon: {word}"));
        Ok((config, Some(silent(&summary(&faults)))))
    } else {
        complain(context, cause, "config", text.trim_end());
        Err(silent(&summary(&faults)))
    }
}

/// A system that was watched with a configuration is not watched without one because a home folder is not mounted.
fn vanished(config: &Config) -> Option<Fault> {
    let before = config::last_good_file(&config.database.0).filter(|_| config.path.is_none())?;
    let copy = last_good::path(&config.database.0);
    let what = format!("there is no configuration; this database was used with {}", before.display());
    let help = format!("name it with --config; to go on without one, remove {}", copy.display());
    Some(Fault::error(what, Place::Nowhere).help(help))
}

/// The same trouble, whose words have been said.
fn silent(trouble: &Trouble) -> Trouble {
    Trouble { said: true, ..trouble.clone() }
}

/// Trouble that keeps state from being stored is told to people directly, where nobody watches. Whether it was such.
async fn met(context: &Context, config: &Config, ended: &Ended) -> bool {
    let trouble = ended.as_ref().err().and_then(|error| error.downcast_ref::<Trouble>());
    // what was said to cron is trouble of the store; trouble of a stream is told where it happens
    let Some(trouble) = trouble.filter(|trouble| trouble.said && emergency::is_one(trouble)) else { return false };
    let net = context.net(config);
    Emergency { config, net: &net, env: &context.env }.tell(trouble, context.clock.now()).await;
    true
}

/// State was stored: whoever was told that it could not be is told so.
fn over(context: &Context, config: &Config, net: &Arc<Net>, store: &mut Store) -> Result<(), Trouble> {
    Emergency { config, net, env: &context.env }.over(store, context.clock.now())
}

async fn once(context: &Context, config: &Config, broken: bool, mut stop: Stop) -> Ended {
    let net = context.net(config);
    let patience = if context.terminal.out { PATIENCE } else { Duration::ZERO };
    let mut store = open(context, config)?;
    let cycle = async {
        let lock = enter(context, config, &store, patience).await?;
        let road = Road { config, net: &net, clock: context.clock, config_broken: broken };
        let cycle = troubled(context, config, road.run(&mut store).await)?;
        told::settle(context, config, &cycle, broken);
        troubled(context, config, over(context, config, &net, &mut store))?;
        drop(lock);
        Ok::<Cycle, Trouble>(cycle)
    };
    let cycle = tokio::select! {
        cycle = cycle => cycle?,
        // nothing was decided yet
        code = stop.asked() => return Ok(code),
    };
    let (ended, responded) = tokio::join!(
        after(context, config, &net, &mut store, &cycle, stop.clone()),
        // beside the deliveries: a provider that does not answer must not hold it up, nor it the deliveries
        responded(context, config, stop),
    );
    responded?;
    ended
}

/// What follows a committed cycle.
async fn after(
    context: &Context,
    config: &Config,
    net: &Arc<Net>,
    store: &mut Store,
    cycle: &Cycle,
    stop: Stop,
) -> Ended {
    let delivered = deliver::deliver(store, config, net, context.clock, stop.clone()).await;
    let attempts = troubled(context, config, delivered)?;
    troubled(context, config, told::undelivered(context, config, store, &attempts))?;
    if let Some(code) = stop.code() {
        return Ok(code);
    }
    if let Some(beat) = troubled(context, config, heartbeat::due(store, config, cycle, context.clock.now()))? {
        told::heartbeat(context, config, beat.send(net).await);
    }
    tidied(context, config, store);
    if context.global.json {
        let snapshot = Snapshot::take(store, config, context.clock.now())?;
        super::print_json(&Status::new(&snapshot, config))?;
        return Ok(snapshot.state().exit());
    }
    show(context, config, store, cycle, &attempts)
}

/// Runs the responses that are due, and says on a terminal how they ended.
async fn responded(context: &Context, config: &Config, stop: Stop) -> Result<(), Trouble> {
    if config.responses.is_empty() {
        return Ok(());
    }
    let ended = troubled(context, config, respond::beside(config, context.clock, stop).await)?;
    if context.terminal.out && context.global.quiet == 0 && !context.global.json {
        for one in ended {
            let line = safe::one_line(&format!("response {}: {}", one.response, one.finish.outcome));
            terminal::print(&context.terminal.fit(&format!("  {line}\n")))?;
        }
    }
    Ok(())
}

/// The report on a terminal; without one only the exit code, which needs no second look at the samples.
fn show(context: &Context, config: &Config, store: &mut Store, cycle: &Cycle, attempts: &[Attempt]) -> Ended {
    let silent = !context.terminal.out || context.global.quiet > 0;
    if let Some(judged) = cycle.judged.as_ref().filter(|_| silent) {
        let worst = store.open_alerts()?.iter().filter_map(|(_, alert)| alert.severity()).max();
        return Ok(snapshot::State::of(worst, judged.blind).exit());
    }
    let snapshot = Snapshot::take(store, config, context.clock.now())?;
    if !silent {
        terminal::print(&output::cycle::report(&done(cycle, attempts), &snapshot, config, &context.terminal))?;
    }
    Ok(snapshot.state().exit())
}

fn done<'a>(cycle: &'a Cycle, attempts: &'a [Attempt]) -> Done<'a> {
    Done { collected: &cycle.collected, events: cycle.judged.as_ref().map(|judged| &judged.events[..]), attempts }
}

fn open(context: &Context, config: &Config) -> Result<Store, Trouble> {
    troubled(context, config, Store::open(&config.database.0, Mode::Write, context.clock.now()))
}

/// Takes the cycle lock, waiting at most `patience` for another check.
async fn enter(context: &Context, config: &Config, store: &Store, patience: Duration) -> Result<Lock, Trouble> {
    match troubled(context, config, lock::take(&config.database.0, Name::Cycle, patience).await)? {
        Some(lock) => Ok(lock),
        None => Err(busy(context, config, store)?),
    }
}

/// Another check holds the lock. That is in order for a while, and nobody is told without a terminal; when no cycle has
/// ended for three intervals, somebody hangs.
fn busy(context: &Context, config: &Config, store: &Store) -> Result<Trouble, Trouble> {
    let trouble = Trouble::new(Kind::Busy, "another check is running");
    if context.terminal.err {
        return Ok(trouble.help("it ends by itself; `sippar-mon status` shows what it found"));
    }
    let limit = config.interval * 3;
    let last = store.last_cycle()?.filter(|last| context.clock.now().since(last.finished) > limit);
    if let Some(last) = last {
        let text = format!(
            "sippar-mon: a check has been running since {} and does not end; find it: pgrep -a sippar-mon",
            last.finished
        );
        complain(context, Some(&config.database.0), "hangs", &text);
    }
    Ok(silent(&trouble))
}

/// Passes trouble of the database on, told at most once an hour where nobody watches.
fn troubled<T>(context: &Context, config: &Config, result: Result<T, Trouble>) -> Result<T, Trouble> {
    result.map_err(|trouble| {
        if context.terminal.err {
            return trouble;
        }
        let help = trouble.help.as_ref().map(|help| format!("\n  help: {help}")).unwrap_or_default();
        let cause = format!("trouble {}", trouble.kind as u8);
        complain(context, Some(&config.database.0), &cause, &format!("sippar-mon: {}{help}", trouble.what));
        silent(&trouble)
    })
}

/// Seals what grew old and lets go of what is too old. The cycle is done and told: trouble here is said, and changes
/// nothing of how it ended.
fn tidied(context: &Context, config: &Config, store: &mut Store) {
    let trouble = tidy::tidy(store, config, context.clock).err();
    let trouble = trouble.map(|trouble| {
        let help = trouble.help.map(|help| format!("\n  help: {help}")).unwrap_or_default();
        format!("sippar-mon: old samples cannot be tidied away: {}{help}", trouble.what)
    });
    complain_each(context, Some(&config.database.0), "old samples", trouble.as_slice());
}

/// Measures and judges on a copy of the state that is thrown away.
async fn dry_run(context: &Context, config: &Config) -> Ended {
    let now = context.clock.now();
    let mut store = open_for_dry_run(&config.database.0, now)?;
    let net = context.net(config);
    let road = Road { config, net: &net, clock: context.clock, config_broken: false };
    let (cycle, snapshot) = road.rehearse(&mut store, |state| Snapshot::of(state, config, context.clock.now())).await?;
    if context.global.json {
        super::print_json(&Status::new(&snapshot, config))?;
    } else if context.global.quiet == 0 {
        let rows = output::cycle::rows(&snapshot, &context.terminal);
        let report = output::cycle::report(&done(&cycle, &[]), &snapshot, config, &context.terminal);
        terminal::print(&format!("dry run: nothing is stored or sent\n{rows}{report}"))?;
    }
    Ok(snapshot.state().exit())
}

/// The database, or where there is none a fresh one in memory: a dry run leaves nothing behind.
fn open_for_dry_run(path: &Path, now: Time) -> Result<Store, Trouble> {
    if path.exists() { Store::open(path, Mode::Write, now) } else { Store::in_memory(now) }
}
