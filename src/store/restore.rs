//! Going back to a backup, so that nothing that was decided since is contradicted in silence.
//!
//! The new file is made beside the database and made ready there: notifications that were waiting in the backup are
//! dropped, numbers go on after those of the database that it replaces. Then it takes the name in one step. The replaced
//! file stays beside it, as does the one replaced before. Samples, sources' memories and alerts are as old as the backup: the next cycle sees a gap, as
//! after a time without any check.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::backup::{Contents, newest_tick};
use super::cycles::NoteKind;
use super::deliveries::{COLUMNS, DeliveryFilter, delivery};
use super::open::Before;
use super::schema::Stamp;
use super::{Reader, Result, Store, Tx, copy, open, refuse, schema};
use crate::model::alert::Alert;
use crate::model::delivery::{Delivery, State};
use crate::model::time::Time;
use crate::model::trouble::{Kind, Trouble};
use crate::text::safe;

/// How far numbers skip when the replaced database cannot say how many it gave.
const UNREADABLE: i64 = 1000;

/// What became of a restore.
#[derive(Clone, PartialEq, Debug)]
pub struct Restored {
    /// What was in the backup.
    pub from: Contents,
    /// Where the replaced database is now; none when there was none.
    pub kept: Option<PathBuf>,
    /// Notifications that were waiting in the backup and, as the replaced database knows, went out since: who was told
    /// is told of the end too.
    pub sent: Vec<Delivery>,
    /// The others that were waiting in the backup. They are not sent.
    pub dropped: Vec<Delivery>,
    /// What only the replaced database knew; none when it cannot be read.
    pub left: Option<Left>,
    /// The next alert's number is the one after this.
    pub last_number: u64,
}

/// What stays behind in the replaced database.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Left {
    /// Notifications that were waiting there. They are not sent.
    pub waiting: Vec<Delivery>,
    /// Alerts that were firing there under numbers that the backup does not know: who was told of one is not told that
    /// it is over.
    pub firing: Vec<Alert>,
}

/// What stands in `file`, if it can be restored over the database at `path`.
pub fn inspect(path: &Path, file: &Path) -> Result<Contents> {
    let bytes = fs::metadata(file).map_err(|error| refuse::io(file, "look at", &error))?.len();
    let real = |path: &Path| fs::canonicalize(path).ok();
    if real(file).is_some() && real(file) == real(path) {
        let what = format!("{} is the database itself", file.display());
        return Err(Trouble::new(Kind::Usage, what).help("name a backup"));
    }
    let unfit = |why: &str| {
        Trouble::new(Kind::Data, format!("{} cannot be restored: {why}", file.display()))
            .help("nothing was changed; name a file that `sippar-mon db backup` made")
    };
    let ask = || -> rusqlite::Result<(Stamp, String)> {
        let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let check = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
        Ok((schema::stamp(&connection)?, check))
    };
    let (stamp, check) = ask().map_err(|error| unfit(&safe::answer(&error.to_string())))?;
    let known = schema::STEPS.len();
    match stamp {
        Stamp::Foreign => Err(unfit("it is a database of another program")),
        Stamp::Blank | Stamp::Ours(0) => Err(unfit("it is empty")),
        Stamp::Ours(format) if format > known => {
            Err(unfit(&format!("it was made by a newer sippar-mon (format {format}; this one knows {known})")))
        }
        Stamp::Ours(_) if check != "ok" => Err(unfit(&format!("it is damaged ({})", safe::answer(&check)))),
        Stamp::Ours(format) => {
            let tick = tick_of(file).map_err(|error| refuse::failure(file, &error))?;
            Ok(Contents { bytes, format, tick })
        }
    }
}

/// The tick of the newest cycle in a file.
fn tick_of(file: &Path) -> rusqlite::Result<Option<Time>> {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    Ok(newest_tick(&connection)?.map(Time::from_millis))
}

/// Puts `file`, which holds what [`inspect`] found, in the place of the database at `path`. The caller holds the locks
/// of those who write.
pub fn restore(path: &Path, file: &Path, from: Contents, now: Time) -> Result<Restored> {
    // a link stays a link; the logs of a database are beside the real file
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let present = Present::seize(&real, now)?;
    // one name for all: what a killed restore left is replaced by the next one
    let part = copy::beside(&real, ".restore.part");
    let restored = make_ready(file, &part, from, &present, now).and_then(|restored| {
        present.give_way(&real, &part)?;
        Ok(restored)
    });
    if restored.is_err() {
        let _ = copy::remove(&part);
    }
    restored
}

/// Makes the file that takes the place, in one transaction.
fn make_ready(file: &Path, part: &Path, from: Contents, present: &Present, now: Time) -> Result<Restored> {
    copy::fill(&open::connect(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?, file, part)?;
    // with a rollback journal, which is gone with the transaction: the file must be one when it is renamed
    let mut connection = open::connect(part, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(|error| refuse::failure(part, &error))?;
    schema::upgrade(&mut connection, part, schema::STEPS, Before::Filled, now)?;
    let mut store = Store(Reader { connection, path: part.to_owned() });
    let tx = store.begin()?;
    let own = Given::of(&tx)?;
    let sent = present.sent_since(&waiting(&tx)?);
    for delivery in &sent {
        tx.finish_as(delivery, now)?;
    }
    let dropped = waiting(&tx)?;
    tx.drop_waiting(now)?;
    tx.drop_open_runs(now)?;
    let (given, left) = present.given(&own);
    tx.go_on_after(&given)?;
    let kept = present.is_there.then(|| present.aside.clone());
    let restored = Restored { from, kept, sent, dropped, left, last_number: tx.counter(NUMBER)? };
    tx.note(now, NoteKind::Restored, &sentence(&restored, file))?;
    tx.commit()?;
    Ok(restored)
}

/// The note that stays.
fn sentence(restored: &Restored, file: &Path) -> String {
    let Restored { from, kept, sent: _, dropped, left: _, last_number: _ } = restored;
    let until = from.tick.map_or_else(|| "before the first cycle".to_owned(), |tick| format!("up to {tick}"));
    let kept = kept.as_ref().map(|kept| format!("; what came after is in {}", kept.display())).unwrap_or_default();
    format!("restored from {}, {until}{kept}; {} waiting notifications were dropped", file.display(), dropped.len())
}

/// Notifications that are not finished.
fn waiting(reader: &Reader) -> Result<Vec<Delivery>> {
    let mut found = Vec::new();
    for state in [State::Pending, State::Sending] {
        found.extend(reader.deliveries(&DeliveryFilter { state: Some(state), ..DeliveryFilter::default() })?);
    }
    found.sort_by_key(|delivery| delivery.id);
    Ok(found)
}

/// The counter of alerts' numbers.
const NUMBER: &str = "alert_number";

/// Tables whose ids are known outside: to people, in messages, in the files beside the database.
const KNOWN_OUTSIDE: [&str; 3] = ["alert", "outbox", "silence"];

/// How many numbers and ids a database has given.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Given {
    number: u64,
    ids: [i64; KNOWN_OUTSIDE.len()],
}

impl Given {
    fn of(reader: &Reader) -> Result<Self> {
        let last = |table: &str| {
            let sql = "SELECT seq FROM sqlite_sequence WHERE name = ?1";
            Ok(reader.first("sqlite_sequence", sql, [table], |cells| cells.get::<i64>("seq"))?.unwrap_or(0))
        };
        let [alert, outbox, silence] = KNOWN_OUTSIDE;
        Ok(Self { number: reader.counter(NUMBER)?, ids: [last(alert)?, last(outbox)?, last(silence)?] })
    }

    /// Far enough after these that a database that cannot be asked has hardly given more.
    fn far_ahead(&self) -> Self {
        let far = |last: i64| last.saturating_add(UNREADABLE);
        Self { number: self.number.saturating_add(UNREADABLE.unsigned_abs()), ids: self.ids.map(far) }
    }
}

impl Tx<'_> {
    /// Takes over how a delivery ended.
    fn finish_as(&self, delivery: &Delivery, now: Time) -> Result<()> {
        let Delivery { id, state, attempts, last_answer, maybe_repeat, .. } = delivery;
        self.execute(
            "UPDATE outbox SET state = ?2, attempts = ?3, last_answer = ?4, maybe_repeat = ?5, finished = ?6
             WHERE id = ?1",
            (id, state.name(), attempts, last_answer, maybe_repeat, now.millis()),
        )?;
        Ok(())
    }

    /// Gives up what waits: it was decided at a time that is over, and may have been sent since.
    fn drop_waiting(&self, now: Time) -> Result<()> {
        let why = "dropped: the database was restored from a backup";
        self.execute("UPDATE attempt SET outcome = 'interrupted', answer = ?1 WHERE outcome IS NULL", [why])?;
        self.execute(
            "UPDATE outbox SET state = 'dead', last_answer = ?1, finished = ?2 WHERE state IN ('pending', 'sending')",
            (why, now.millis()),
        )?;
        Ok(())
    }

    /// Lets numbers and ids go on after those that were `given`.
    fn go_on_after(&self, given: &Given) -> Result<()> {
        self.execute(
            "INSERT INTO counter (name, value) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)",
            (NUMBER, i64::try_from(given.number).unwrap_or(i64::MAX)),
        )?;
        for (table, last) in KNOWN_OUTSIDE.into_iter().zip(given.ids) {
            let raised =
                self.execute("UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1", (table, last))?;
            if raised == 0 {
                self.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)", (table, last))?;
            }
        }
        Ok(())
    }
}

/// The database that is to give way.
struct Present {
    /// Held so that nobody else has it open; none where there is none or it cannot be read.
    held: Option<Reader>,
    /// Whether there is one.
    is_there: bool,
    /// The name it will have.
    aside: PathBuf,
}

impl Present {
    /// Waits a little until nobody else has it open.
    fn seize(path: &Path, now: Time) -> Result<Self> {
        let aside = copy::beside(path, &format!(".replaced-{}", copy::stamp(now)));
        if aside.exists() {
            return Err(Trouble::new(Kind::Busy, format!("{} is there already", aside.display())).help("try again"));
        }
        match fs::metadata(path) {
            Ok(meta) if !meta.is_file() => return Err(refuse::no_file(path, meta.is_dir())),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { held: None, is_there: false, aside });
            }
            Err(error) => return Err(refuse::io(path, "look at", &error)),
        }
        let connection = open::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let held = match hold(&connection) {
            Ok(Stamp::Foreign) => return Err(refuse::foreign(path)),
            Ok(Stamp::Blank | Stamp::Ours(_)) => Some(Reader { connection, path: path.to_owned() }),
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => None,
            Err(error) => return Err(refuse::failure(path, &error)),
        };
        Ok(Self { held, is_there: true, aside })
    }

    /// Those that were `waiting`, as they went out here, where they did.
    fn sent_since(&self, waiting: &[Delivery]) -> Vec<Delivery> {
        let Some(reader) = &self.held else { return Vec::new() };
        let sql = format!(
            "SELECT {COLUMNS} FROM outbox
             WHERE id = ?1 AND created = ?2 AND channel = ?3 AND state IN ('sent', 'uncertain')"
        );
        let ended = |one: &Delivery| {
            let key = (one.id, one.created.millis(), &one.destination.channel);
            // one that cannot be read counts as one that is not known
            reader.first("outbox", &sql, key, delivery).ok().flatten()
        };
        waiting.iter().filter_map(ended).collect()
    }

    /// What it has given, and what stays behind in it. A database that cannot be asked is taken to have given many.
    fn given(&self, own: &Given) -> (Given, Option<Left>) {
        match &self.held {
            Some(reader) => {
                (Given::of(reader).unwrap_or_else(|_| own.far_ahead()), Left::behind(reader, own.number).ok())
            }
            None if self.is_there => (own.far_ahead(), None),
            None => (own.clone(), Some(Left::default())),
        }
    }

    /// Gives its name to `part`. At every moment there is the one or the other, whole, under the name.
    fn give_way(self, path: &Path, part: &Path) -> Result<()> {
        let unmoved = |error: io::Error| refuse::io(path, "move away", &error);
        if self.is_there {
            // some file systems have no second names; there is nothing under the name for a moment there
            fs::hard_link(path, &self.aside).or_else(|_| fs::rename(path, &self.aside)).map_err(unmoved)?;
        }
        if self.held.is_none() {
            // the log of a damaged database, or of one that was moved away, would be taken for the new one's
            for suffix in ["-wal", "-journal", "-shm"] {
                match fs::rename(copy::beside(path, suffix), copy::beside(&self.aside, suffix)) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unmoved(error)),
                    _ => {}
                }
            }
        }
        fs::rename(part, path).map_err(|error| refuse::uncreatable(path, &error))?;
        copy::flush_folder(path);
        copy::prune_replaced(path);
        Ok(())
    }
}

impl Left {
    /// What waits or fires in a database that is given up for one that gave numbers up to `known`.
    fn behind(reader: &Reader, known: u64) -> Result<Self> {
        let alerts = reader.open_alerts()?.into_iter().map(|(_, alert)| alert);
        let firing = alerts.filter(|alert| alert.number.is_some_and(|number| number > known)).collect();
        Ok(Self { waiting: waiting(reader)?, firing })
    }
}

/// Folds the log into the file, which succeeds only when nobody else has the database open, and keeps everybody out
/// until the connection ends. Another program's database is left alone.
fn hold(connection: &Connection) -> rusqlite::Result<Stamp> {
    let stamp = schema::stamp(connection)?;
    if stamp == Stamp::Foreign {
        return Ok(stamp);
    }
    open::set_journal(connection, "delete")?;
    connection.execute_batch("BEGIN EXCLUSIVE")?;
    // somebody may have turned it back in between
    let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    if mode == "delete" { Ok(stamp) } else { Err(busy()) }
}

/// The error of a database that somebody else uses.
fn busy() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY), None)
}

#[cfg(test)]
mod tests;
