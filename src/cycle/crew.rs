//! What deliveries and responses have in common: work that waits in the database is done side by side, and how each piece
//! ends is recorded, until none is left.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use tokio::task::{Id, JoinSet, yield_now};
use tokio::time::{Instant, sleep};

use super::stop::Stop;
use crate::model::trouble::{Kind, Trouble};
use crate::store::Store;

/// How often more work is looked for while some is under way: a cycle may have decided on more.
const LOOK: Duration = Duration::from_millis(500);
/// What is under way when the process is asked to stop has so long to end.
pub const FAREWELL: Duration = Duration::from_secs(5);
/// So long another process may keep the database busy before the end of a piece is given up: the next process then takes it
/// for interrupted. Each try waits for some seconds by itself.
const PATIENCE: Duration = Duration::from_mins(1);

/// Why it is not known how a piece of work ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lost {
    /// Its code panicked, which stops nobody else.
    Panicked,
    /// The process was asked to stop, and it did not end in time.
    Stopped,
}

/// Work of one kind.
pub trait Work {
    /// What is known of a piece while it is under way.
    type Piece;
    /// How a piece ends.
    type End: Send + 'static;

    /// Commits that what is due begins, then lets it begin.
    fn start_what_is_due(&mut self, store: &mut Store, crew: &mut Crew<Self::Piece, Self::End>) -> Result<(), Trouble>;

    /// Commits how a piece ended; asked once more where another process kept the database busy.
    fn record(&mut self, store: &mut Store, piece: &Self::Piece, end: &Result<Self::End, Lost>) -> Result<(), Trouble>;
}

/// The pieces that are under way, each on a task of its own; with the crew they are ended.
pub struct Crew<P, E> {
    tasks: JoinSet<E>,
    under_way: HashMap<Id, P>,
}

impl<P, E: Send + 'static> Crew<P, E> {
    /// Lets a piece begin.
    pub fn begin(&mut self, piece: P, doing: impl Future<Output = E> + Send + 'static) {
        let task = self.tasks.spawn(doing);
        self.under_way.insert(task.id(), piece);
    }

    /// The pieces that are under way.
    pub fn under_way(&self) -> impl Iterator<Item = &P> {
        self.under_way.values()
    }

    /// Waits for one to end; `None` when none is left.
    async fn next(&mut self) -> Option<(P, Result<E, Lost>)> {
        let (id, end) = match self.tasks.join_next_with_id().await? {
            Ok((id, end)) => (id, Ok(end)),
            Err(error) => (error.id(), Err(Lost::Panicked)),
        };
        self.under_way.remove(&id).map(|piece| (piece, end))
    }
}

/// Does all that is due until nothing is, or the process is asked to stop. Where the database fails, nothing new begins and
/// what is under way comes to its end all the same.
pub async fn work<W: Work>(work: &mut W, store: &mut Store, mut stop: Stop) -> Result<(), Trouble> {
    let mut crew = Crew { tasks: JoinSet::new(), under_way: HashMap::new() };
    let (mut farewell, mut failed) = (None, Ok(()));
    loop {
        if farewell.is_none() && failed.is_ok() {
            failed = work.start_what_is_due(store, &mut crew);
        }
        tokio::select! {
            ended = crew.next() => match ended {
                None => return failed,
                Some((piece, end)) => failed = failed.and(recorded(work, store, &piece, &end).await),
            },
            _ = stop.asked(), if farewell.is_none() => farewell = Some(Instant::now() + FAREWELL),
            () = sleep(LOOK) => {}
        }
        if farewell.is_some_and(|end| Instant::now() >= end) {
            crew.tasks.abort_all();
            for piece in crew.under_way.into_values() {
                failed = failed.and(recorded(work, store, &piece, &Err(Lost::Stopped)).await);
            }
            return failed;
        }
    }
}

/// What has ended happens only once, and nobody else knows of it: so it is recorded with patience.
async fn recorded<W: Work>(
    work: &mut W,
    store: &mut Store,
    piece: &W::Piece,
    end: &Result<W::End, Lost>,
) -> Result<(), Trouble> {
    let patience = Instant::now() + PATIENCE;
    loop {
        match work.record(store, piece, end) {
            Err(trouble) if trouble.kind == Kind::Busy && Instant::now() < patience => yield_now().await,
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::model::time::Time;
    use crate::store::open::Mode;

    /// Pieces that end at once, and how many were recorded.
    struct Pieces {
        due: Vec<&'static str>,
        recorded: Vec<&'static str>,
    }

    impl Work for Pieces {
        type Piece = &'static str;
        type End = ();

        fn start_what_is_due(&mut self, _: &mut Store, crew: &mut Crew<&'static str, ()>) -> Result<(), Trouble> {
            for piece in self.due.drain(..) {
                crew.begin(piece, async {});
            }
            Ok(())
        }

        fn record(&mut self, store: &mut Store, piece: &&'static str, _: &Result<(), Lost>) -> Result<(), Trouble> {
            store.begin()?.commit()?;
            if *piece == "bad" {
                return Err(Trouble::new(Kind::Io, "the disk is full"));
            }
            self.recorded.push(piece);
            Ok(())
        }
    }

    fn store(path: &Path) -> Store {
        Store::open(path, Mode::Write, Time::from_millis(0)).unwrap()
    }

    #[tokio::test]
    async fn what_has_ended_is_recorded_although_somebody_keeps_the_database_busy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let (mut ours, theirs) = (store(&path), rusqlite::Connection::open(&path).unwrap());
        theirs.execute_batch("BEGIN IMMEDIATE").unwrap();
        let other = std::thread::spawn(move || {
            // longer than one try waits
            std::thread::sleep(Duration::from_secs(7));
            theirs.execute_batch("COMMIT").unwrap();
        });
        let mut pieces = Pieces { due: vec!["sent"], recorded: Vec::new() };
        assert_eq!(work(&mut pieces, &mut ours, Stop::never()).await, Ok(()));
        assert_eq!(pieces.recorded, ["sent"]);
        other.join().unwrap();
    }

    #[tokio::test]
    async fn one_that_cannot_be_recorded_costs_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let mut ours = store(&folder.path().join("state.db"));
        let mut pieces = Pieces { due: vec!["a", "bad", "b"], recorded: Vec::new() };
        let trouble = work(&mut pieces, &mut ours, Stop::never()).await.unwrap_err();
        assert_eq!(trouble.to_string(), "the disk is full");
        pieces.recorded.sort_unstable();
        assert_eq!(pieces.recorded, ["a", "b"]);
    }
}
