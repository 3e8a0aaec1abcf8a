//! Which responses are to be run, decided with the alerts in the cycle's transaction; nothing is started here.
//!
//! A run is decided when an alert rises, once. What keeps people from being told of the alert keeps it back, but for quiet
//! hours, in which a program can work; when that is over and the alert still fires, it is run then.

use super::limit;
use crate::config::Config;
use crate::config::responses::Response;
use crate::model::alert::{Alert, Deed, DeedKind, Transition};
use crate::model::hold::Hold;
use crate::model::message::Message;
use crate::model::response::{Finish, Planned, Run, RunState};
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::rules::Rule;
use crate::store::alerts::AlertId;
use crate::store::{Result, Tx};

/// What deciding needs to know.
#[derive(Clone, Copy)]
pub struct Decider<'a> {
    /// The cycle's transaction.
    pub tx: &'a Tx<'a>,
    /// The responses.
    pub config: &'a Config,
    /// The cycle's tick.
    pub tick: Time,
    /// The clock.
    pub real: Time,
}

impl Decider<'_> {
    /// Decides about one alert, of which `runs` are known; the remarks for its messages. `told` builds what the program is
    /// told.
    pub fn decide(
        &self,
        rule: &Rule,
        (id, alert): (AlertId, &Alert),
        transition: Option<Transition>,
        runs: &[Run],
        told: impl Fn() -> Result<Message>,
    ) -> Result<Vec<String>> {
        let mut remarks = Vec::new();
        for run in runs.iter().filter(|run| run.plan.state == RunState::Held) {
            remarks.extend(self.kept_back(id, alert, run)?);
        }
        let asked = transition.and_then(|transition| rule.response_to(transition));
        if let Some((severity, response)) = asked.and_then(|(severity, name)| Some((severity, self.named(name)?))) {
            remarks.extend(self.asked(response, severity, (id, alert), told()?)?);
        }
        Ok(remarks)
    }

    fn named(&self, name: &str) -> Option<&Response> {
        self.config.responses.iter().find(|response| response.name == name)
    }

    /// A run that was kept back: it still is, may be started now, or never will be.
    fn kept_back(&self, id: AlertId, alert: &Alert, run: &Run) -> Result<Option<String>> {
        let name = &run.plan.response;
        if alert.severity() < Some(run.plan.severity) {
            self.skip(id, run.id, name, "not started: what it was for was over before people were told")?;
            return Ok(None);
        }
        if alert.hold.as_ref().is_some_and(holds) {
            return Ok(None);
        }
        let Some(response) = self.named(name) else {
            let why = "not started: it is not configured any more";
            self.skip(id, run.id, name, why)?;
            return Ok(Some(format!("Response {name}: {why}.")));
        };
        if let Some(why) = limit::reached(self.tx, response, self.real)? {
            self.skip(id, run.id, name, &why)?;
            return Ok(Some(format!("Response {name}: {why}.")));
        }
        self.tx.release_run(run.id, self.real)?;
        Ok(Some(starts(response)))
    }

    /// A rise asks for it.
    fn asked(
        &self,
        response: &Response,
        severity: Severity,
        (id, alert): (AlertId, &Alert),
        message: Message,
    ) -> Result<Option<String>> {
        let kept_by = alert.hold.as_ref().filter(|hold| holds(hold));
        let plan = Planned {
            response: response.name.clone(),
            alert: Some(id.0),
            severity,
            message,
            state: if kept_by.is_some() { RunState::Held } else { RunState::Due },
            who: String::new(),
            decided: self.real,
        };
        // before the run itself is one of those that count
        let reached = limit::reached(self.tx, response, self.real)?;
        let run = self.tx.put_run(&plan)?;
        match (kept_by, reached) {
            (Some(hold), _) => {
                self.deed(id, format!("{} kept back: {hold}", response.name))?;
                Ok(None)
            }
            (None, Some(why)) => {
                self.skip(id, run, &response.name, &why)?;
                Ok(Some(format!("Response {}: {why}.", response.name)))
            }
            (None, None) => Ok(Some(starts(response))),
        }
    }

    fn skip(&self, id: AlertId, run: i64, name: &str, why: &str) -> Result<()> {
        // it is told in a message of this cycle, or not worth one
        let finish = Finish { state: RunState::Skipped, well: true, outcome: why.to_owned() };
        self.tx.finish_run(run, &finish, self.real)?;
        self.deed(id, format!("{name} {why}"))
    }

    fn deed(&self, id: AlertId, text: String) -> Result<()> {
        let deed = Deed { at: self.tick, kind: DeedKind::Responded, who: String::new(), text };
        self.tx.put_deed(id, &deed)
    }
}

/// Whether it keeps a program back too.
const fn holds(hold: &Hold) -> bool {
    match hold {
        Hold::Maintenance { .. } | Hold::Silence { .. } | Hold::Dependency { .. } | Hold::Flapping { .. } => true,
        Hold::Quiet { .. } => false,
    }
}

/// The word that goes out with the alert.
fn starts(response: &Response) -> String {
    if response.dry_run {
        format!("Response {} would start now, but for its dry run.", response.name)
    } else {
        format!("Response {} starts now.", response.name)
    }
}
