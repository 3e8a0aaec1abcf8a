//! What people say of alerts afterwards.

use std::collections::BTreeMap;

use super::alerts::AlertId;
use super::rows::{Cells, Unread};
use super::{Reader, Result, Tx};
use crate::model::alert::{Mark, Worth};
use crate::text::safe;

/// The mark in a row of `mark`.
fn mark(cells: &Cells<'_>) -> std::result::Result<(AlertId, Mark), Unread> {
    let worth = cells.word("worth", |word| Worth::ALL.into_iter().find(|worth| worth.name() == word))?;
    let mark = Mark { worth, at: cells.time("at")?, who: cells.get("who")?, why: cells.get("why")? };
    Ok((AlertId(cells.get("id")?), mark))
}

impl Reader {
    /// The mark of an alert, where somebody has made one.
    pub fn mark_of(&self, alert: AlertId) -> Result<Option<Mark>> {
        let sql = "SELECT alert AS id, worth, at, who, why FROM mark WHERE alert = ?1";
        Ok(self.first("mark", sql, [alert.0], mark)?.map(|(_, mark)| mark))
    }

    /// All marks.
    pub fn marks(&self) -> Result<BTreeMap<AlertId, Mark>> {
        let rows = self.all("mark", "SELECT alert AS id, worth, at, who, why FROM mark", [], mark)?;
        Ok(rows.into_iter().collect())
    }
}

impl Tx<'_> {
    /// Keeps a mark in place of the one that the alert has; who and why are clipped.
    pub fn put_mark(&self, alert: AlertId, mark: &Mark) -> Result<()> {
        let Mark { worth, at, who, why } = mark;
        self.execute(
            "INSERT INTO mark (alert, worth, at, who, why) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (alert) DO UPDATE SET worth = excluded.worth, at = excluded.at, who = excluded.who,
                 why = excluded.why",
            (alert.0, worth.name(), at.millis(), safe::answer(who), safe::answer(why)),
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::kit::{at, firing, store};
    use super::*;
    use crate::model::severity::Severity;

    #[test]
    fn the_last_mark_of_an_alert_counts() {
        let (_folder, mut store) = store();
        let tx = store.begin().unwrap();
        let id = tx.save_alert(None, &mut firing("A", Severity::High)).unwrap();
        assert_eq!(tx.mark_of(id).unwrap(), None);
        for (worth, second) in Worth::ALL.into_iter().zip(0..) {
            let mark = Mark { worth, at: at(second), who: "eva".to_owned(), why: "a backup ran".to_owned() };
            tx.put_mark(id, &mark).unwrap();
            assert_eq!(tx.mark_of(id).unwrap(), Some(mark.clone()));
            assert_eq!(tx.marks().unwrap(), BTreeMap::from([(id, mark)]));
        }
    }
}
