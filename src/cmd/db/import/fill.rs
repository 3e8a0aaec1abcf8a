//! Series into the database: in the order of their ticks, as the table of samples is ordered, and in batches, so that
//! the write-ahead log stays small. A process that is killed leaves the batches before; the same import again goes over
//! them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::Path;

use crate::import::Series;
use crate::model::reading::{Datum, Reason};
use crate::model::time::Time;
use crate::model::trouble::{Kind, Trouble};
use crate::store::series::{Claim, SeriesId};
use crate::store::{Reader, Store, Tx};

/// Whose series they are, for the database.
const SOURCE: &str = "import";
/// Samples of a transaction, about 2 MB of write-ahead log.
const BATCH: usize = 50_000;

/// Refuses a database in which a monitor keeps its cycles: its next check would take what was imported for series of a
/// source that it no longer has, and mark them as gone.
pub(super) fn refuse_live(store: &Reader, path: &Path) -> Result<(), Trouble> {
    if store.last_cycle()?.is_none() {
        return Ok(());
    }
    let what = format!("{} is the database of a monitor; nothing is imported into it", path.display());
    Err(Trouble::new(Kind::Usage, what).help("name a new file: --db trial.db"))
}

/// Stores all samples; one that is there already is replaced.
pub(super) fn fill(store: &mut Store, series: &[Series], path: &Path) -> Result<(), Trouble> {
    let mut merge = Merge::of(series);
    let mut ids = Vec::new();
    loop {
        let tx = store.begin()?;
        refuse_live(&tx, path)?;
        if ids.is_empty() {
            ids = series.iter().map(|one| claim(&tx, one)).collect::<Result<Vec<_>, _>>()?;
        }
        let mut count = 0;
        while count < BATCH
            && let Some((tick, found)) = merge.next()
        {
            count += found.len();
            let sample = |(at, value): &(usize, f64)| -> Option<(SeriesId, Datum, Option<&Reason>)> {
                Some((*ids.get(*at)?, Datum::Value(*value), None))
            };
            tx.put_samples(tick, &found.iter().filter_map(sample).collect::<Vec<_>>())?;
        }
        tx.commit()?;
        if count == 0 {
            return Ok(());
        }
    }
}

fn claim(tx: &Tx<'_>, series: &Series) -> Result<SeriesId, Trouble> {
    match tx.series_id(&series.key, SOURCE, series.every)? {
        Claim::Own(id) => Ok(id),
        Claim::Taken { by } => Err(Trouble::new(Kind::Data, format!("{} is reported by {by} already", series.key))
            .help("name a new file: --db trial.db")),
    }
}

/// All samples of several series, tick by tick.
struct Merge<'a> {
    series: &'a [Series],
    /// The next sample of each series that has one: its tick, the series, its place in it.
    heads: BinaryHeap<Reverse<(Time, usize, usize)>>,
}

impl<'a> Merge<'a> {
    fn of(series: &'a [Series]) -> Self {
        let mut merge = Self { series, heads: BinaryHeap::new() };
        for at in 0..series.len() {
            merge.push(at, 0);
        }
        merge
    }

    fn point(&self, series: usize, at: usize) -> Option<&'a (Time, f64)> {
        self.series.get(series)?.points.get(at)
    }

    fn push(&mut self, series: usize, at: usize) {
        if let Some((tick, _)) = self.point(series, at) {
            self.heads.push(Reverse((*tick, series, at)));
        }
    }

    /// The next tick with its samples, each with the place of its series.
    fn next(&mut self) -> Option<(Time, Vec<(usize, f64)>)> {
        let Reverse((tick, ..)) = *self.heads.peek()?;
        let mut found = Vec::new();
        while let Some(Reverse((head, series, at))) = self.heads.peek().copied()
            && head == tick
        {
            self.heads.pop();
            found.extend(self.point(series, at).map(|(_, value)| (series, *value)));
            self.push(series, at + 1);
        }
        Some((tick, found))
    }
}
