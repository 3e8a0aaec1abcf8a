//! Runs of responses: what was decided, what is to be started, how it ended.

use std::collections::BTreeMap;
use std::time::Duration;

use super::alerts::AlertId;
use super::rows::{Cells, Unread, json_of};
use super::{Reader, Result, Tx};
use crate::model::response::{Finish, Planned, Run, RunState};
use crate::model::time::Time;
use crate::text::safe;

const COLUMNS: &str = "id, name, alert, severity, message, state, who, decided, finished, well, outcome";

/// The run in a row of [`COLUMNS`].
fn run(cells: &Cells<'_>) -> std::result::Result<Run, Unread> {
    Ok(Run {
        id: cells.get("id")?,
        plan: Planned {
            response: cells.get("name")?,
            alert: cells.get("alert")?,
            severity: cells.word("severity", |word| word.parse().ok())?,
            message: cells.json("message")?,
            state: cells.word("state", |word| RunState::ALL.into_iter().find(|state| state.name() == word))?,
            who: cells.get("who")?,
            decided: cells.time("decided")?,
        },
        finished: cells.time_if_any("finished")?,
        well: cells.get("well")?,
        outcome: cells.get("outcome")?,
    })
}

impl Reader {
    /// Runs in this state, oldest first.
    pub fn runs(&self, state: RunState) -> Result<Vec<Run>> {
        let sql = format!("SELECT {COLUMNS} FROM response WHERE state = ?1 ORDER BY id");
        self.all("response", &sql, [state.name()], run)
    }

    /// The runs of each alert that is not over, oldest first.
    pub fn runs_of_open_alerts(&self) -> Result<BTreeMap<AlertId, Vec<Run>>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM response WHERE alert IN (SELECT id FROM alert WHERE ended_at IS NULL) ORDER BY id"
        );
        let mut all: BTreeMap<AlertId, Vec<Run>> = BTreeMap::new();
        for run in self.all("response", &sql, [], run)? {
            all.entry(AlertId(run.plan.alert.unwrap_or_default())).or_default().push(run);
        }
        Ok(all)
    }

    /// The runs for one alert, oldest first.
    pub fn runs_of(&self, alert: AlertId) -> Result<Vec<Run>> {
        self.all("response", &format!("SELECT {COLUMNS} FROM response WHERE alert = ?1 ORDER BY id"), [alert.0], run)
    }

    /// How often the monitor itself started a response, or is about to, in the `time` before `now`. A run that is decided
    /// so little later was, too, and the clock went back since.
    pub fn runs_within(&self, response: &str, time: Duration, now: Time) -> Result<u32> {
        let sql = "SELECT count(*) AS size FROM response WHERE name = ?1 AND decided > ?2 AND decided < ?3
                     AND who = '' AND state IN ('due', 'running', 'ended', 'interrupted')";
        let params = (response, (now - time).millis(), (now + time).millis());
        Ok(self.first("response", sql, params, |cells| cells.get("size"))?.unwrap_or(0))
    }

    /// Whether a run is to be started, or was and has no end.
    pub fn has_open_runs(&self) -> Result<bool> {
        let sql = "SELECT 1 AS found FROM response WHERE state IN ('due', 'running') LIMIT 1";
        Ok(self.first("response", sql, [], |cells| cells.get::<i64>("found"))?.is_some())
    }
}

impl Tx<'_> {
    /// Keeps a run that was decided; its number.
    pub fn put_run(&self, plan: &Planned) -> Result<i64> {
        let Planned { response, alert, severity, message, state, who, decided } = plan;
        self.insert(
            "INSERT INTO response (name, alert, severity, message, state, who, decided, well)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1)",
            (response, alert, severity.name(), json_of(message)?, state.name(), safe::answer(who), decided.millis()),
        )
    }

    /// Records, to be committed before the program starts, that it does. False where it is not due any more: then it
    /// must not be started.
    pub fn start_run(&self, id: i64) -> Result<bool> {
        Ok(self.execute("UPDATE response SET state = 'running' WHERE id = ?1 AND state = 'due'", [id])? == 1)
    }

    /// A run that was kept back is to be started.
    pub fn release_run(&self, id: i64, now: Time) -> Result<()> {
        let sql = "UPDATE response SET state = 'due', decided = ?2 WHERE id = ?1 AND state = 'held'";
        self.execute(sql, (id, now.millis())).map(|_| ())
    }

    /// Records how a run came to its end. Words are clipped.
    pub fn finish_run(&self, id: i64, finish: &Finish, now: Time) -> Result<()> {
        let Finish { state, well, outcome } = finish;
        self.execute(
            "UPDATE response SET state = ?2, well = ?3, outcome = ?4, finished = ?5 WHERE id = ?1",
            (id, state.name(), well, safe::answer(outcome), now.millis()),
        )?;
        Ok(())
    }

    /// Runs that were kept back when their alert ended will never be started.
    pub fn drop_held_runs(&self, now: Time) -> Result<()> {
        self.execute(
            "UPDATE response SET state = 'skipped', outcome = 'not started: the alert is over', finished = ?1
             WHERE state = 'held' AND alert IN (SELECT id FROM alert WHERE ended_at IS NOT NULL)",
            [now.millis()],
        )?;
        Ok(())
    }

    /// What is open in a backup was decided in another time: nothing of it is started.
    pub(super) fn drop_open_runs(&self, now: Time) -> Result<()> {
        self.execute(
            "UPDATE response SET finished = ?1, well = 0,
                 outcome = CASE state WHEN 'running' THEN 'interrupted, outcome unknown'
                                      ELSE 'not started: the database was restored from a backup' END,
                 state = CASE state WHEN 'running' THEN 'interrupted' ELSE 'skipped' END
             WHERE state IN ('held', 'due', 'running')",
            [now.millis()],
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::kit::{at, firing, message, store};
    use super::*;
    use crate::model::alert::{Alert, Ended};
    use crate::model::severity::{BySeverity, Severity};

    fn plan(alert: Option<AlertId>, state: RunState, who: &str, second: i64) -> Planned {
        Planned {
            response: "restart".to_owned(),
            alert: alert.map(|alert| alert.0),
            severity: Severity::High,
            message: message("full"),
            state,
            who: who.to_owned(),
            decided: at(second),
        }
    }

    fn finish(state: RunState) -> Finish {
        Finish { state, well: false, outcome: "ended 3 after 1 s: no\nway".to_owned() }
    }

    #[test]
    fn a_run_is_kept_as_it_was_decided_and_as_it_ended() {
        let (_folder, mut store) = store();
        let tx = store.begin().unwrap();
        let alert = tx.save_alert(None, &mut firing("A", Severity::High)).unwrap();
        for state in RunState::ALL {
            let plan = plan(Some(alert), state, "eva", 1);
            let id = tx.put_run(&plan).unwrap();
            let expected = Run { id, plan: plan.clone(), finished: None, well: true, outcome: None };
            assert_eq!(tx.runs(state).unwrap(), std::slice::from_ref(&expected));
            assert_eq!(expected.remark(), None);
            tx.finish_run(id, &finish(state), at(9)).unwrap();
            let outcome = Some("ended 3 after 1 s: no way".to_owned());
            let expected = Run { finished: Some(at(9)), well: false, outcome, ..expected };
            assert_eq!(tx.runs(state).unwrap(), std::slice::from_ref(&expected));
            assert_eq!(expected.remark().unwrap(), "Response restart, by eva: ended 3 after 1 s: no way.");
        }
        assert_eq!(tx.runs_of_open_alerts().unwrap()[&alert].len(), RunState::ALL.len());
    }

    #[test]
    fn a_run_is_started_once() {
        let (_folder, mut store) = store();
        let tx = store.begin().unwrap();
        let id = tx.put_run(&plan(None, RunState::Held, "", 1)).unwrap();
        assert!(!tx.start_run(id).unwrap() && !tx.has_open_runs().unwrap());
        tx.release_run(id, at(5)).unwrap();
        assert!(tx.has_open_runs().unwrap());
        assert!(tx.start_run(id).unwrap());
        assert!(!tx.start_run(id).unwrap());
        assert!(tx.has_open_runs().unwrap());
        tx.finish_run(id, &finish(RunState::Ended), at(9)).unwrap();
        assert!(!tx.start_run(id).unwrap() && !tx.has_open_runs().unwrap());
    }

    #[test]
    fn what_the_monitor_starts_is_counted_and_what_people_start_is_not() {
        let (_folder, mut store) = store();
        let tx = store.begin().unwrap();
        for state in RunState::ALL {
            tx.put_run(&plan(None, state, "", 60)).unwrap();
            tx.put_run(&plan(None, state, "eva", 60)).unwrap();
        }
        let within = |name, now| tx.runs_within(name, Duration::from_secs(10), at(now)).unwrap();
        assert_eq!([within("restart", 60), within("restart", 69), within("restart", 70)], [4, 4, 0]);
        assert_eq!([within("restart", 51), within("restart", 50)], [4, 0], "the clock went back, a little or far");
        assert_eq!(within("other", 60), 0);
    }

    #[test]
    fn what_can_never_be_started_is_dropped() {
        let (_folder, mut store) = store();
        let tx = store.begin().unwrap();
        let mut alert = firing("A", Severity::High);
        let id = tx.save_alert(None, &mut alert).unwrap();
        tx.put_run(&plan(Some(id), RunState::Held, "", 1)).unwrap();
        tx.drop_held_runs(at(2)).unwrap();
        assert_eq!(tx.runs(RunState::Held).unwrap().len(), 1, "it may still be told of");
        let phases = BySeverity::default();
        tx.save_alert(Some(id), &mut Alert { phases, ended: Some((at(3), Ended::Closed)), ..alert }).unwrap();
        tx.drop_held_runs(at(4)).unwrap();
        assert!(tx.runs(RunState::Held).unwrap().is_empty());
        for state in [RunState::Due, RunState::Running] {
            tx.put_run(&plan(None, state, "", 1)).unwrap();
        }
        tx.drop_open_runs(at(5)).unwrap();
        let left = |state| tx.runs(state).unwrap().into_iter().map(|run| run.outcome.unwrap()).collect::<Vec<_>>();
        assert_eq!(left(RunState::Interrupted), ["interrupted, outcome unknown"]);
        let never = ["not started: the alert is over", "not started: the database was restored from a backup"];
        assert_eq!(left(RunState::Skipped), never);
    }
}
