//! Step 4 of a cycle: responses, programs that are run because an alert rose. They are decided with the alerts ([`decide`])
//! and started after the commit, beside the deliveries.
//!
//! Each run is committed as started before it is, by the holder of the `respond` lock alone. So a run that is found without
//! an end was interrupted: nobody knows what it did, and it is never started again.

pub mod decide;
pub mod limit;
pub mod order;

use std::time::Duration;

use super::crew::{self, Crew, Lost, Work};
use super::lock::{self, Name};
use super::stop::Stop;
use crate::config::Config;
use crate::config::responses::Response;
use crate::model::alert::{Deed, DeedKind};
use crate::model::delivery::{Queued, State};
use crate::model::message::Destination;
use crate::model::metric::Unit;
use crate::model::response::{Finish, Planned, Run, RunState};
use crate::model::time::Time;
use crate::model::trouble::Trouble;
use crate::net::program::{Unfit, inspect};
use crate::net::run::{End, Program, Ran, run};
use crate::store::alerts::AlertId;
use crate::store::cycles::NoteKind;
use crate::store::open::Mode;
use crate::store::{Store, Tx};
use crate::text::units;
use crate::world::Clock;

/// How long to wait for another process that runs some, before leaving the rest to it or to the next cycle.
const PATIENCE: Duration = Duration::from_secs(15);
/// How many runs are told of in one message: the last ones.
const MOST_REMARKS: usize = 3;
/// The words about a run of which only its start is known.
const INTERRUPTED: &str = "interrupted, outcome unknown";

/// A run that has come to its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Responded {
    /// The response.
    pub response: String,
    /// How.
    pub finish: Finish,
}

/// Whether there is anything to do.
pub fn is_needed(store: &Store, config: &Config) -> Result<bool, Trouble> {
    Ok(!config.responses.is_empty() && store.has_open_runs()?)
}

/// What is new to a destination of the runs for an alert, given what was queued `before`.
pub fn remarks(runs: &[Run], before: &[Queued], to: &Destination) -> Vec<String> {
    let has_left = |word: &&Queued| {
        word.to == *to && (word.maybe_repeat || matches!(word.state, State::Sent | State::Uncertain | State::Sending))
    };
    let last = before.iter().filter(has_left).map(|word| word.created).max();
    let news: Vec<String> = runs.iter().filter(|run| run.finished > last).filter_map(Run::remark).collect();
    news.iter().skip(news.len().saturating_sub(MOST_REMARKS)).cloned().collect()
}

/// When a run last came to an end that people must know of.
pub fn last_failure(runs: &[Run]) -> Option<Time> {
    runs.iter().filter(|run| !run.well).filter_map(|run| run.finished).max()
}

/// Runs all that is due, with a handle of its own on the database, until nothing is.
pub async fn beside(config: &Config, clock: Clock, stop: Stop) -> Result<Vec<Responded>, Trouble> {
    let mut store = Store::open(&config.database.0, Mode::Write, clock.now())?;
    if !is_needed(&store, config)? {
        return Ok(Vec::new());
    }
    // what runs without anything being due belongs to a living process or is an orphan: the lock tells
    let patience = if store.runs(RunState::Due)?.is_empty() { Duration::ZERO } else { PATIENCE };
    let Some(_lock) = lock::take(&config.database.0, Name::Respond, patience).await? else {
        return Ok(Vec::new());
    };
    take_over(&mut store, clock.now())?;
    let mut runner = Runner { config, clock, ended: Vec::new() };
    crew::work(&mut runner, &mut store, stop).await?;
    Ok(runner.ended)
}

/// Notes what was interrupted, as only the holder of the lock may.
pub fn take_over(store: &mut Store, now: Time) -> Result<(), Trouble> {
    let tx = store.begin()?;
    for run in tx.runs(RunState::Running)? {
        let finish = Finish { state: RunState::Interrupted, well: false, outcome: INTERRUPTED.to_owned() };
        finished(&tx, run.id, &run.plan, &finish, now)?;
    }
    tx.drop_held_runs(now)?;
    tx.commit()
}

/// Keeps how a run came to its end: in its row, in the alert's history, and where it went wrong among the notes.
pub fn finished(tx: &Tx<'_>, id: i64, plan: &Planned, finish: &Finish, now: Time) -> Result<(), Trouble> {
    tx.finish_run(id, finish, now)?;
    let Planned { response, alert, who, .. } = plan;
    let text = format!("{response} {}", finish.outcome);
    if let Some(alert) = alert {
        let deed = Deed { at: now, kind: DeedKind::Responded, who: who.clone(), text: text.clone() };
        tx.put_deed(AlertId(*alert), &deed)?;
    }
    if !finish.well {
        let of = plan.message.number.map(|number| format!(" for alert {number}")).unwrap_or_default();
        tx.note(now, NoteKind::Response, &format!("response {response}{of}: {}", finish.outcome))?;
    }
    Ok(())
}

/// Runs a program to its end, which is never a failure of ours.
pub async fn perform(program: Program) -> Finish {
    // somebody may have changed it since the configuration was read
    let unfit = program.argv.first().and_then(|path| inspect(path.as_ref()).err());
    if let Some(why) = unfit.map(Unfit::why) {
        return Finish { state: RunState::Skipped, well: false, outcome: format!("not started: {why}") };
    }
    match run(&program).await {
        Ok(ran) => judged(&ran),
        Err(why) => Finish { state: RunState::Skipped, well: false, outcome: format!("not started: {why}") },
    }
}

fn judged(ran: &Ran) -> Finish {
    let took = units::value(ran.took.as_secs_f64(), Unit::Seconds);
    let (well, end) = match ran.end {
        End::Exited(code) => (code == 0, format!("ended {code} after {took}")),
        End::Signalled(signal) => (false, format!("ended by signal {signal} after {took}")),
        End::TimedOut => (false, format!("killed at its time limit, after {took}")),
    };
    let outcome = ran.first_line().map_or_else(|| end.clone(), |line| format!("{end}: {line}"));
    Finish { state: RunState::Ended, well, outcome }
}

struct Runner<'a> {
    config: &'a Config,
    clock: Clock,
    ended: Vec<Responded>,
}

impl Work for Runner<'_> {
    /// The row of a run, and what was planned.
    type Piece = (i64, Planned);
    type End = Finish;

    fn start_what_is_due(&mut self, store: &mut Store, crew: &mut Crew<Self::Piece, Finish>) -> Result<(), Trouble> {
        for run in store.runs(RunState::Due)? {
            // none runs twice at once
            if crew.under_way().all(|(_, plan)| plan.response != run.plan.response) {
                self.start(store, crew, run)?;
            }
        }
        Ok(())
    }

    fn record(&mut self, store: &mut Store, piece: &Self::Piece, end: &Result<Finish, Lost>) -> Result<(), Trouble> {
        let (id, plan) = piece;
        let finish = end.clone().unwrap_or_else(|lost| match lost {
            Lost::Panicked => interrupted("internal error"),
            // with the crew its programs and their children are killed
            Lost::Stopped => interrupted("killed, since the monitor was asked to stop"),
        });
        let tx = store.begin()?;
        finished(&tx, *id, plan, &finish, self.clock.now())?;
        tx.commit()?;
        self.ended.push(Responded { response: plan.response.clone(), finish });
        Ok(())
    }
}

impl Runner<'_> {
    /// Commits that the program starts, then starts it; or commits why it does not.
    fn start(&mut self, store: &mut Store, crew: &mut Crew<(i64, Planned), Finish>, run: Run) -> Result<(), Trouble> {
        let tx = store.begin()?;
        let now = self.clock.now();
        let response = self.config.responses.iter().find(|response| response.name == run.plan.response);
        let program = match (obstacle(&tx, response, &run)?, response) {
            (None, Some(response)) => order::program(response, run.id, &run.plan).map_err(|why| Finish {
                state: RunState::Skipped,
                well: false,
                outcome: format!("not started: {why}"),
            }),
            (Some(finish), _) => Err(finish),
            (None, None) => return Ok(()),
        };
        let program = match program {
            Ok(program) if tx.start_run(run.id)? => program,
            // somebody else has dealt with it
            Ok(_) => return Ok(()),
            Err(finish) => {
                finished(&tx, run.id, &run.plan, &finish, now)?;
                self.ended.push(Responded { response: run.plan.response, finish });
                return tx.commit();
            }
        };
        tx.commit()?;
        crew.begin((run.id, run.plan), perform(program));
        Ok(())
    }
}

/// Why a run that is due is not started after all.
fn obstacle(tx: &Tx<'_>, response: Option<&Response>, run: &Run) -> Result<Option<Finish>, Trouble> {
    let skipped = |well, why: &str| Some(Finish { state: RunState::Skipped, well, outcome: why.to_owned() });
    let Some(response) = response else { return Ok(skipped(false, "not started: it is not configured any more")) };
    if response.dry_run {
        return Ok(skipped(true, "dry run, not started"));
    }
    let number = run.plan.message.number;
    let alert = number.map_or(Ok(None), |number| tx.alert_by_number(number))?;
    let still = alert.is_some_and(|(_, alert)| alert.severity() >= Some(run.plan.severity));
    Ok(if still { None } else { skipped(true, "not started: what it was for was over before") })
}

/// The end of a run that was killed.
pub fn interrupted(why: &str) -> Finish {
    Finish { state: RunState::Interrupted, well: false, outcome: format!("{why}, outcome unknown") }
}
