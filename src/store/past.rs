//! The past, for those who go through it once more: which cycles there were, and how far samples reach.

use super::cycles::{CycleRow, cycle};
use super::{Reader, Result};
use crate::model::time::Time;

impl Reader {
    /// The cycles whose tick lies from `from` to `to`, both included, in the order in which they were done.
    pub fn cycles(&self, from: Time, to: Time) -> Result<Vec<CycleRow>> {
        self.all(
            "cycle",
            "SELECT * FROM cycle WHERE tick BETWEEN ?1 AND ?2 ORDER BY id",
            (from.millis(), to.millis()),
            cycle,
        )
    }

    /// The ticks of the oldest and of the newest sample; `None` where nothing was ever measured.
    pub fn sampled(&self) -> Result<Option<(Time, Time)>> {
        // of what is sealed the span is known without reading it: its beginning is no later than its first sample
        let sql = "SELECT (SELECT min(tick) FROM sample) AS oldest, (SELECT min(start) FROM chunk) AS sealed,
                          (SELECT max(tick) FROM latest) AS newest";
        let found = self.first("sample", sql, [], |cells| {
            let oldest = [cells.time_if_any("oldest")?, cells.time_if_any("sealed")?].into_iter().flatten().min();
            Ok((oldest, cells.time_if_any("newest")?))
        });
        Ok(found?.and_then(|(oldest, newest)| oldest.zip(newest)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::kit::{at, key, put, store};
    use super::*;
    use crate::model::reading::Datum;

    #[test]
    fn samples_reach_from_the_oldest_to_the_newest() {
        let (_folder, mut store) = store();
        assert_eq!(store.sampled().unwrap(), None);
        for (mount, second) in [("/", 60), ("/", 120), ("/boot", 0)] {
            put(&mut store, &key("m", mount), at(second), Datum::Value(1.0));
        }
        assert_eq!(store.sampled().unwrap(), Some((at(0), at(120))));
    }

    #[test]
    fn cycles_come_in_the_order_in_which_they_were_done() {
        let (_folder, mut store) = store();
        let tx = store.begin().unwrap();
        for second in [0, 60, 120, 90, 180] {
            tx.put_cycle(&CycleRow::quick(at(second), 0)).unwrap();
        }
        let ticks: Vec<Time> = tx.cycles(at(60), at(120)).unwrap().into_iter().map(|cycle| cycle.tick).collect();
        assert_eq!(ticks, [at(60), at(120), at(90)]);
    }
}
