//! A look at everything in the database: damage of the file, and rows that contradict each other.

use std::fs;
use std::path::Path;

use rusqlite::{Connection, ErrorCode, Params, Row};

use super::alerts::AlertFilter;
use super::backup::newest_tick;
use super::chunks::at;
use super::deliveries::DeliveryFilter;
use super::{Reader, Result, Store, open, refuse, schema};
use crate::model::delivery::State;
use crate::model::time::Time;
use crate::text::safe;

/// How many findings of one question are told.
const MOST: usize = 20;

/// What a look at the database found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Examined {
    /// The format of the file.
    pub format: usize,
    /// Bytes of the file.
    pub bytes: u64,
    /// Bytes of the write-ahead log beside it.
    pub log_bytes: u64,
    /// The tick of the newest cycle, where there is one that can be read.
    pub tick: Option<Time>,
    /// What is wrong, in sentences; none in a sound database.
    pub findings: Vec<String>,
    /// What each table takes, the largest first.
    pub tables: Vec<TableSize>,
    /// How many samples each series has, the most first.
    pub series: Vec<SeriesSize>,
}

/// What a table takes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TableSize {
    /// Its name.
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// Bytes of its pages and of those of its indexes.
    pub bytes: u64,
}

/// What a series takes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SeriesSize {
    /// Its metric, and its labels as JSON.
    pub series: String,
    /// Its samples.
    pub samples: u64,
    /// Its share of the bytes that all rows of samples take, and its chunks.
    pub bytes: u64,
}

/// Looks at all of the database at `path`, one moment of it, while others may write. What cannot be opened or is not
/// ours is an error; everything else is a finding. Of an older format only the file is looked at, not the rows.
pub fn examine(path: &Path) -> Result<Examined> {
    let connection = open::to_copy(path)?;
    let format = schema::identify(&connection, path)?;
    if format == 0 {
        return Err(refuse::nothing_yet(path));
    }
    let mut store = Store(Reader { connection, path: path.to_owned() });
    let snapshot = store.snapshot()?;
    let mut look = Look { reader: &snapshot, findings: Vec::new(), is_damaged: false };
    look.file();
    let mut sealed = Vec::new();
    if format == schema::STEPS.len() {
        look.samples();
        sealed = look.chunks();
        look.alerts();
        look.outbox();
        look.reserves();
    }
    let tables = look.told("the sizes of the tables", table_sizes(&snapshot.connection)).unwrap_or_default();
    let series = look.told("the sizes of the series", series_sizes(&snapshot.connection, &tables, &sealed));
    let series = series.unwrap_or_default();
    let tick = look.told("table cycle", newest_tick(&snapshot.connection)).flatten().map(Time::from_millis);
    let bytes = fs::metadata(path).map_or(0, |file| file.len());
    Ok(Examined { format, bytes, log_bytes: snapshot.wal_bytes(), tick, findings: look.findings, tables, series })
}

/// The findings so far.
struct Look<'a> {
    reader: &'a Reader,
    findings: Vec<String>,
    /// The file itself is damaged, so that rows may be unreadable.
    is_damaged: bool,
}

impl Look<'_> {
    /// What `SQLite` itself can tell: every page, every index, every reference.
    fn file(&mut self) {
        let connection = &self.reader.connection;
        let sql = format!("PRAGMA integrity_check({MOST})");
        let (pages, asked) = some_rows(connection, &sql, [], |row| row.get::<_, String>(0));
        // several lines in one answer, with a title; a sound file has the one line "ok"
        let lines = pages.iter().flat_map(|text| text.lines()).filter(|line| *line != "ok" && !line.starts_with("***"));
        self.findings.extend(lines.map(|line| format!("file: {}", safe::answer(line))));
        self.is_damaged = !self.findings.is_empty();
        self.told("the file", asked);
        let sql = format!("SELECT \"table\", rowid, parent FROM pragma_foreign_key_check LIMIT {MOST}");
        let (loose, asked) = some_rows(connection, &sql, [], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, Option<i64>>(1)?, row.get::<_, String>(2)?))
        });
        for (table, row, target) in loose {
            let row = row.map(|row| format!(", row {row}")).unwrap_or_default();
            self.findings.push(format!("table {table}{row}: belongs to a row of {target} that is not there"));
        }
        self.told("the references", asked);
    }

    fn samples(&mut self) {
        self.count(
            "SELECT count(*) FROM sample WHERE tick > (SELECT tick FROM cycle ORDER BY id DESC LIMIT 1)",
            "samples later than the newest cycle",
        );
        self.count(
            "SELECT count(*) FROM sample WHERE series NOT IN (SELECT id FROM series)",
            "samples that belong to no series",
        );
        self.count(
            "SELECT count(*) FROM sample JOIN latest USING (series)
             WHERE sample.tick = (SELECT max(tick) FROM sample) AND latest.tick < sample.tick",
            "series with a newer sample than the one that is shown",
        );
    }

    /// Reads every chunk, a series at a time, as its samples are read; what each series has sealed.
    fn chunks(&mut self) -> Vec<SealedSize> {
        let sql = "SELECT id, metric || CASE labels WHEN '{}' THEN '' ELSE labels END FROM series
                   WHERE id IN (SELECT series FROM chunk) ORDER BY 2";
        let (all, asked) =
            some_rows(&self.reader.connection, sql, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)));
        self.told("table chunk", asked);
        let (mut sizes, mut damaged) = (Vec::new(), Vec::new());
        for (series, name) in all {
            let read = self.reader.chunks_of(series, Time::from_millis(i64::MIN), Time::from_millis(i64::MAX));
            let mut size = SealedSize { series, samples: 0, bytes: 0 };
            for chunk in read.as_deref().unwrap_or_default() {
                size.bytes += chunk.data.len() as u64;
                match chunk.points() {
                    Ok(points) => size.samples += points.len() as u64,
                    Err(flaw) => {
                        damaged.push(format!("the history of {name} from {}: {}", at(chunk.place.start), flaw.0));
                    }
                }
            }
            self.read("table chunk", read);
            sizes.push(size);
        }
        let more = damaged.len().saturating_sub(MOST);
        self.findings.extend(damaged.into_iter().take(MOST));
        self.findings.extend((more > 0).then(|| format!("further chunks of history that are damaged: {more}")));
        self.count(
            "SELECT count(*) FROM chunk_aside",
            "chunks of history that were set aside because they are damaged",
        );
        sizes
    }

    fn alerts(&mut self) {
        let read = self.reader.alerts(&AlertFilter::default()).and_then(|_| self.reader.open_alerts());
        self.read("table alert", read);
        self.count(
            "SELECT count(*) FROM alert WHERE number IS NOT NULL
             AND NOT EXISTS (SELECT 1 FROM transition WHERE alert = alert.id AND kind = 'fired')",
            "alerts with a number and no word of when they fired",
        );
        self.count(
            "SELECT count(*) FROM alert WHERE number IS NOT NULL AND (ended_at IS NOT NULL) <>
             EXISTS (SELECT 1 FROM transition WHERE alert = alert.id AND kind = 'resolved')",
            "alerts that are over and were not resolved, or the other way round",
        );
        self.count(
            "SELECT count(*) FROM alert
             WHERE number > coalesce((SELECT value FROM counter WHERE name = 'alert_number'), 0)",
            "alerts with a number that would be given again",
        );
    }

    fn outbox(&mut self) {
        for state in [State::Pending, State::Sending] {
            let filter = DeliveryFilter { state: Some(state), ..DeliveryFilter::default() };
            let read = self.reader.deliveries(&filter);
            self.read("table outbox", read);
        }
        let known = State::ALL.map(|state| format!("'{}'", state.name())).join(", ");
        self.count(
            &format!("SELECT count(*) FROM outbox WHERE state NOT IN ({known})"),
            "deliveries in a state that does not exist",
        );
        self.count(
            "SELECT count(*) FROM attempt JOIN outbox ON outbox.id = attempt.outbox
             WHERE attempt.outcome IS NULL AND outbox.state <> 'sending'",
            "attempts without an end although nothing is being sent",
        );
    }

    fn reserves(&mut self) {
        self.count(
            "SELECT max(0, coalesce(max(n), 0) - (SELECT n FROM reserve_anchor) - count(*)) FROM reserve_log
             WHERE n > (SELECT n FROM reserve_anchor)",
            "looks that are missing in the reserve log",
        );
    }

    /// A finding when the number that `sql` selects is not zero.
    fn count(&mut self, sql: &str, what: &str) {
        let count = self.reader.connection.query_row(sql, [], |row| row.get::<_, u32>(0));
        // of a damaged page rows are read that nobody wrote
        if let (Some(count @ 1..), false) = (self.told(what, count), self.is_damaged) {
            self.findings.push(format!("{what}: {count}"));
        }
    }

    /// A finding when rows could not be read, unless the file is known to be damaged.
    fn read<T>(&mut self, place: &str, read: Result<T>) {
        if let (Err(trouble), false) = (read, self.is_damaged) {
            self.findings.push(format!("{place} cannot be read: {}", trouble.what));
        }
    }

    /// The answer; that there is none is a finding, unless the damage behind it has been told.
    fn told<T>(&mut self, place: &str, answer: rusqlite::Result<T>) -> Option<T> {
        match answer {
            Ok(answer) => Some(answer),
            Err(error) if self.is_damaged && error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => None,
            Err(error) => {
                self.findings.push(format!("{place} cannot be read: {}", safe::answer(&error.to_string())));
                None
            }
        }
    }
}

/// The rows up to the first one that cannot be read, and whether that was the end.
fn some_rows<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> (Vec<T>, rusqlite::Result<()>) {
    let mut found = Vec::new();
    let run = || {
        let mut statement = connection.prepare(sql)?;
        let mut rows = statement.query(params)?;
        while let Some(row) = rows.next()? {
            found.push(read(row)?);
        }
        Ok(())
    };
    let asked = run();
    (found, asked)
}

/// What each table takes with its indexes.
fn table_sizes(connection: &Connection) -> rusqlite::Result<Vec<TableSize>> {
    let sql = "SELECT part.tbl_name, sum(size.pgsize) FROM dbstat AS size JOIN sqlite_schema AS part USING (name)
               WHERE size.aggregate = 1 GROUP BY part.tbl_name ORDER BY 2 DESC, 1";
    let (found, asked) = some_rows(connection, sql, [], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)));
    asked?;
    let rows = |name: &str| {
        let sql = format!("SELECT count(*) FROM \"{}\"", name.replace('"', "\"\""));
        connection.query_row(&sql, [], |row| row.get::<_, i64>(0))
    };
    let size =
        |(name, bytes): (String, i64)| Ok(TableSize { rows: natural(rows(&name)?), bytes: natural(bytes), name });
    found.into_iter().map(size).collect()
}

/// What a series has sealed.
struct SealedSize {
    series: i64,
    samples: u64,
    bytes: u64,
}

/// What each series takes: its share of the rows, and its chunks.
fn series_sizes(
    connection: &Connection,
    tables: &[TableSize],
    sealed: &[SealedSize],
) -> rusqlite::Result<Vec<SeriesSize>> {
    let sql = "SELECT id, metric || CASE labels WHEN '{}' THEN '' ELSE labels END, coalesce(samples, 0)
               FROM series LEFT JOIN (SELECT series, count(*) AS samples FROM sample GROUP BY series) ON series = id";
    let (found, asked) = some_rows(connection, sql, [], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?))
    });
    asked?;
    let all = tables.iter().find(|table| table.name == "sample");
    let share = |samples| all.map_or(0, |all| samples * all.bytes / all.rows.max(1));
    let size = |(id, series, rows): (i64, String, i64)| {
        let rows = natural(rows);
        let (samples, bytes) =
            sealed.iter().find(|sealed| sealed.series == id).map_or((0, 0), |sealed| (sealed.samples, sealed.bytes));
        SeriesSize { series, samples: rows + samples, bytes: share(rows) + bytes }
    };
    let mut sizes: Vec<SeriesSize> = found.into_iter().map(size).filter(|size| size.samples > 0).collect();
    sizes.sort_by(|a, b| b.samples.cmp(&a.samples).then_with(|| a.series.cmp(&b.series)));
    Ok(sizes)
}

/// A count of `SQLite`, which has no unsigned numbers.
fn natural(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

#[cfg(test)]
mod tests;
