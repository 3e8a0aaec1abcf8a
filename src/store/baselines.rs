//! What is taken to be right, who said so, and what the sources saw of it last.

use super::rows::{Cells, Unread};
use super::{Reader, Result, Tx};
use crate::model::baseline::{Baseline, Baselines, Sighting};
use crate::model::time::Time;
use crate::text::safe;

/// Who accepts what was never seen before.
pub const FIRST_SIGHT: (&str, &str) = ("sippar-mon", "first sight");

fn baseline(cells: &Cells<'_>) -> std::result::Result<Baseline, Unread> {
    let (name, value) = (cells.get("name")?, cells.get("value")?);
    Ok(Baseline { name, value, at: cells.time("at")?, who: cells.get("who")?, why: cells.get("why")? })
}

impl Reader {
    /// The baselines that count, in order of their names.
    pub fn baselines(&self) -> Result<Vec<Baseline>> {
        let sql = "SELECT id, name, value, at, who, why FROM baseline
                   WHERE id IN (SELECT max(id) FROM baseline GROUP BY name) ORDER BY name";
        self.all("baseline", sql, [], baseline)
    }

    /// Those that counted before, the newest of a name first.
    pub fn earlier_baselines(&self) -> Result<Vec<Baseline>> {
        let sql = "SELECT id, name, value, at, who, why FROM baseline
                   WHERE id NOT IN (SELECT max(id) FROM baseline GROUP BY name) ORDER BY name, id DESC";
        self.all("baseline", sql, [], baseline)
    }

    /// The accepted values, for the sources.
    pub fn accepted(&self) -> Result<Baselines> {
        Ok(self.baselines()?.into_iter().map(|one| (one.name, one.value)).collect())
    }

    /// What was seen last of each name, and when.
    pub fn sightings(&self) -> Result<Vec<(Sighting, Time)>> {
        let read = |cells: &Cells<'_>| {
            Ok((Sighting { name: cells.get("name")?, value: cells.get("value")? }, cells.time("at")?))
        };
        self.all("sighting", "SELECT name, value, at FROM sighting ORDER BY name", [], read)
    }
}

impl Tx<'_> {
    /// Keeps what was seen at `at`; of a name without a baseline it becomes the baseline.
    pub fn put_sighting(&self, seen: &Sighting, at: Time) -> Result<()> {
        let Sighting { name, value } = seen;
        self.execute(
            "INSERT INTO sighting (name, value, at) VALUES (?1, ?2, ?3)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value, at = excluded.at",
            (name, value, at.millis()),
        )?;
        self.execute(
            "INSERT INTO baseline (name, value, at, who, why) SELECT ?1, ?2, ?3, ?4, ?5
             WHERE NOT EXISTS (SELECT 1 FROM baseline WHERE name = ?1)",
            (name, value, at.millis(), FIRST_SIGHT.0, FIRST_SIGHT.1),
        )?;
        Ok(())
    }

    /// Makes a value the one that counts; who and why are clipped.
    pub fn accept(&self, accepted: &Baseline) -> Result<()> {
        let Baseline { name, value, at, who, why } = accepted;
        self.execute(
            "INSERT INTO baseline (name, value, at, who, why) VALUES (?1, ?2, ?3, ?4, ?5)",
            (name, value, at.millis(), safe::answer(who), safe::answer(why)),
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::kit::{at, store};
    use super::*;

    #[test]
    fn a_baseline_moves_only_when_somebody_accepts() {
        let (_folder, mut store) = store();
        let tx = store.begin().unwrap();
        let first = |name: &str, value: &str, second| Baseline {
            name: name.to_owned(),
            value: value.to_owned(),
            at: at(second),
            who: "sippar-mon".to_owned(),
            why: "first sight".to_owned(),
        };
        for (name, value, second) in [("code/b", "11", 0), ("code/a", "99", 60), ("code/b", "12", 120)] {
            tx.put_sighting(&Sighting::new(name, value), at(second)).unwrap();
        }
        assert_eq!(tx.baselines().unwrap(), [first("code/a", "99", 60), first("code/b", "11", 0)]);
        let seen = [(Sighting::new("code/a", "99"), at(60)), (Sighting::new("code/b", "12"), at(120))];
        assert_eq!(tx.sightings().unwrap(), seen);

        let eva = Baseline { who: "eva".to_owned(), why: "release 2".to_owned(), ..first("code/b", "12", 180) };
        tx.accept(&eva).unwrap();
        assert_eq!(tx.earlier_baselines().unwrap(), [first("code/b", "11", 0)]);
        let accepted = [("code/a", "99"), ("code/b", "12")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(tx.accepted().unwrap(), Baselines::from(accepted));
        tx.put_sighting(&Sighting::new("code/b", "11"), at(240)).unwrap();
        assert_eq!(tx.baselines().unwrap()[1], eva, "back to what it was is a change too");
    }
}
