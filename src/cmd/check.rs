//! `check`: measure, judge, store, tell.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::complain::{complain, complain_each, settled};
use super::{Context, Ended, block_on, summary};
use crate::cli;
use crate::config::{self, Broken, Config, last_good};
use crate::cycle::deliver;
use crate::cycle::lock::{self, Lock, Name};
use crate::cycle::{Cycle, Road, repeat, tidy};
use crate::model::alert::{Event, Transition};
use crate::model::delivery::{Attempt, State};
use crate::model::fault::{Fault, Located, Place};
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::model::trouble::{Kind, Trouble};
use crate::net::Net;
use crate::output::cycle::Done;
use crate::output::{self, terminal};
use crate::store::Store;
use crate::store::alerts::AlertId;
use crate::store::open::Mode;
use crate::text::safe;
use crate::view::dashboard::Dashboard;
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
        if args.repeat || every.is_some() {
            repeating(context, Arc::new(config), broken.is_some()).await
        } else {
            once(context, &config, broken.is_some()).await
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
    Trouble::new(trouble.kind, "")
}

async fn once(context: &Context, config: &Config, broken: bool) -> Ended {
    let net = context.net(config);
    let patience = if context.terminal.out { PATIENCE } else { Duration::ZERO };
    let mut store = open(context, config)?;
    let lock = enter(context, config, &store, patience).await?;
    let road = Road { config, net: &net, clock: context.clock, config_broken: broken };
    let cycle = troubled(context, config, road.run(&mut store).await)?;
    settle(context, config, &cycle, broken);
    drop(lock);
    let attempts = troubled(context, config, deliver::deliver(&mut store, config, &net, context.clock).await)?;
    troubled(context, config, undelivered(context, config, &store, &attempts))?;
    tidied(context, config, &mut store);
    if context.global.json {
        let snapshot = Snapshot::take(&mut store, config, context.clock.now())?;
        super::print_json(&Dashboard::new(&snapshot, config))?;
        return Ok(snapshot.state().exit());
    }
    show(context, config, &mut store, &cycle, &attempts)
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
    Done { collected: &cycle.collected, events: cycle.judged.as_ref().map_or(&[], |judged| &judged.events), attempts }
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

/// What a committed cycle means for later runs: the configuration works, trouble is over, remarks are due.
fn settle(context: &Context, config: &Config, cycle: &Cycle, broken: bool) {
    let database = &config.database.0;
    if !broken {
        settled(database, "config");
        if let Err(error) = last_good::keep(database, &config.texts) {
            complain(
                context,
                Some(database),
                "last good",
                &format!("sippar-mon: cannot keep a copy of the configuration: {error}"),
            );
        }
    }
    let trouble: Vec<String> = cycle.trouble().map(|line| format!("sippar-mon: {line}")).collect();
    complain_each(context, Some(database), "trouble of the cycle", &trouble);
    let events = cycle.judged.iter().flat_map(|judged| &judged.events);
    let untold: Vec<String> = events.filter(|event| is_untold(event)).map(untold).collect();
    complain_each(context, Some(database), "untold", &untold);
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

/// The words about an alert that no channel hears of.
fn untold(event: &Event) -> String {
    let (severity, what) = (event.transition.severity(), safe::one_line(&event.summary));
    format!("sippar-mon: {severity} {}: {what}\n  no channel hears of this severity", event.alert.key.rule)
}

/// Something above LOW began or grew worse, and no channel is there to tell: cron's mail is the last resort.
fn is_untold(event: &Event) -> bool {
    let is_bad = matches!(event.transition, Transition::Fired(_) | Transition::Raised(..));
    is_bad && event.told == 0 && event.transition.severity() > Severity::Low
}

/// The last resort: an alert that no channel could deliver is told where cron mails it.
fn undelivered(context: &Context, config: &Config, store: &Store, attempts: &[Attempt]) -> Result<(), Trouble> {
    let mut alerts: Vec<i64> = attempts
        .iter()
        .filter(|attempt| attempt.state != State::Sent)
        .filter_map(|attempt| attempt.delivery.alert)
        .collect();
    alerts.sort_unstable();
    alerts.dedup();
    for alert in alerts {
        let deliveries = store.deliveries_of(AlertId(alert))?;
        if deliveries.iter().any(|delivery| matches!(delivery.state, State::Sent | State::Uncertain)) {
            continue;
        }
        let Some(last) = deliveries.last() else { continue };
        let answers: Vec<String> = deliveries
            .iter()
            .filter_map(|delivery| {
                Some(format!("{}: {}", delivery.destination.channel, delivery.last_answer.as_ref()?))
            })
            .collect();
        let what = &last.message;
        let number = what.number.map(|number| format!("#{number} ")).unwrap_or_default();
        let text = format!(
            "sippar-mon: no channel could deliver alert {number}{} {}: {}\n  {}",
            what.severity,
            what.alert,
            what.summary,
            answers.join("\n  ")
        );
        complain(context, Some(&config.database.0), &format!("undelivered {alert}"), &text);
    }
    Ok(())
}

/// `--repeat`: cycles until the minute ends; delivery runs beside the next cycle.
async fn repeating(context: &Context, config: Arc<Config>, broken: bool) -> Ended {
    let database = config.database.0.clone();
    let mut store = open(context, &config)?;
    let end = repeat::minute_end(context.clock.now());
    let patience = context.clock.until(end);
    let Some(schedule) = lock::take(&database, Name::Schedule, patience).await? else {
        return Err(busy(context, &config, &store)?.into());
    };
    let net = context.net(&config);
    let mut ended = None;
    let last = store.last_cycle()?.map(|last| last.tick);
    let mut upcoming = repeat::first(context.clock.now(), last, config.interval, end);
    let mut deliveries = tokio::task::JoinSet::new();
    while let Some(then) = upcoming {
        tokio::time::sleep(context.clock.until(then)).await;
        // trouble of one cycle (a busy database, a full disk) must cost neither the next one nor what is being sent
        ended = Some(one_of_many(context, &config, &net, &mut store, broken).await);
        if deliver::is_needed(&store, context.clock.now()).unwrap_or(false) {
            deliveries.spawn(deliver_beside(context.clock, config.clone(), net.clone()));
        }
        tidied(context, &config, &mut store);
        upcoming = repeat::next(context.clock.now(), config.interval, end);
    }
    // the next minute's loop need not wait for a slow provider
    drop(schedule);
    while let Some(delivered) = deliveries.join_next().await {
        let attempts = troubled(context, &config, delivered.unwrap_or_else(|_| Ok(Vec::new()))).unwrap_or_default();
        undelivered(context, &config, &store, &attempts)?;
    }
    match ended {
        Some(ended) => ended,
        None => Ok(Snapshot::take(&mut store, &config, context.clock.now())?.state().exit()),
    }
}

async fn one_of_many(context: &Context, config: &Config, net: &Arc<Net>, store: &mut Store, broken: bool) -> Ended {
    let lock = enter(context, config, store, config.interval).await?;
    let road = Road { config, net, clock: context.clock, config_broken: broken };
    let cycle = troubled(context, config, road.run(store).await)?;
    settle(context, config, &cycle, broken);
    drop(lock);
    show(context, config, store, &cycle, &[])
}

async fn deliver_beside(
    clock: crate::world::Clock,
    config: Arc<Config>,
    net: Arc<Net>,
) -> Result<Vec<Attempt>, Trouble> {
    let mut store = Store::open(&config.database.0, Mode::Write, clock.now())?;
    deliver::deliver(&mut store, &config, &net, clock).await
}

/// Measures and judges on a copy of the state that is thrown away.
async fn dry_run(context: &Context, config: &Config) -> Ended {
    let now = context.clock.now();
    let mut store = open_for_dry_run(&config.database.0, now)?;
    let net = context.net(config);
    let road = Road { config, net: &net, clock: context.clock, config_broken: false };
    let (cycle, snapshot) = road.rehearse(&mut store, |state| Snapshot::of(state, config, context.clock.now())).await?;
    if context.global.json {
        super::print_json(&Dashboard::new(&snapshot, config))?;
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
