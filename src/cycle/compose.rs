//! From what is to be told to the outbox: the words for each destination, the same for the cycle and for commands.

use super::respond;
use crate::alert::message::{self, Identity, Occasion};
use crate::alert::route::Telling;
use crate::config::Config;
use crate::model::alert::Alert;
use crate::model::delivery::Queued;
use crate::model::message::{Kind, Message, Texts};
use crate::model::response::Run;
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::store::alerts::AlertId;
use crate::store::{Result, Tx};
use crate::text::units;

/// What there is to say of an alert, whoever hears it.
pub struct Content<'a> {
    /// Its row.
    pub id: AlertId,
    /// What it is.
    pub alert: &'a Alert,
    /// The severity now, or the last one.
    pub severity: Severity,
    /// The rule's words.
    pub texts: &'a Texts,
    /// The runs of responses for it.
    pub runs: &'a [Run],
    /// All that was queued about it before.
    pub before: &'a [Queued],
    /// Sentences about responses beside those about the runs.
    pub responses: &'a [String],
    /// Further sentences.
    pub remarks: &'a [String],
    /// When it is decided: the tick, or the clock of a command.
    pub at: Time,
}

/// Queues a message for each of these.
pub fn enqueue(tx: &Tx<'_>, identity: &Identity, content: &Content<'_>, tell: &[Telling], now: Time) -> Result<()> {
    let Content { id, alert, severity, texts, runs, before, responses, remarks, at } = *content;
    for Telling { to, kind, first_word } in tell {
        let (kind, first_word) = (*kind, *first_word);
        let escalated = (kind == Kind::Escalated).then(|| unheeded(alert, at));
        let responses = [respond::remarks(runs, before, to), responses.to_vec()].concat();
        let remarks = escalated.iter().chain(&responses).chain(remarks).cloned().collect::<Vec<_>>();
        let occasion = Occasion { kind, severity, first_word, at, remarks: &remarks };
        let built = message::build(&occasion, alert, texts.clone(), identity);
        tx.enqueue(Some(id), to, &Message { responses, ..built }, now)?;
    }
    Ok(())
}

/// The words of an alert's rule, also where that is no longer there to find any.
pub fn texts(config: &Config, alert: &Alert, severity: Severity) -> Texts {
    let rule = config.rules.iter().find(|rule| rule.name == alert.key.rule);
    rule.map_or_else(|| removed(alert), |rule| rule.texts(alert, severity))
}

/// The words about an alert whose rule was removed.
pub fn removed(alert: &Alert) -> Texts {
    Texts { summary: format!("{}: the rule is no longer configured", alert.key), ..Texts::default() }
}

fn unheeded(alert: &Alert, at: Time) -> String {
    let since = alert.unacked.max(alert.began()).unwrap_or(at);
    format!("Nobody has acknowledged it for {}.", units::duration(at.since(since)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::alert::AlertKey;
    use crate::model::labels::Labels;
    use crate::model::message::Destination;
    use crate::store::Store;

    #[test]
    fn what_is_said_of_responses_is_kept_for_messages_that_stand_for_several() {
        let at = Time::from_millis(0);
        let mut store = Store::in_memory(at).unwrap();
        let tx = store.begin().unwrap();
        let key = AlertKey { rule: "R".into(), labels: Labels::empty() };
        let mut alert = Alert { fired_at: Some(at), ..Alert::begun(key, at) };
        let id = tx.save_alert(None, &mut alert).unwrap();
        let content = Content {
            id,
            alert: &alert,
            severity: Severity::High,
            texts: &Texts::default(),
            runs: &[],
            before: &[],
            responses: &["Response restart starts now.".to_owned()],
            remarks: &["And more.".to_owned()],
            at,
        };
        let to = Destination { channel: "chat".to_owned(), address: String::new() };
        let tell = [Telling { to, kind: Kind::Firing, first_word: false }];
        enqueue(&tx, &crate::replay::story::identity(), &content, &tell, at).unwrap();
        let message = tx.deliveries_of(id).unwrap().remove(0).message;
        assert_eq!(message.note.as_deref(), Some("Response restart starts now. And more."));
        assert_eq!(message.responses, ["Response restart starts now."]);
    }
}
