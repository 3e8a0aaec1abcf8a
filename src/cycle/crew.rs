//! What deliveries and responses have in common: work that waits in the database is done side by side, and how each piece
//! ends is recorded, until none is left.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use tokio::task::{Id, JoinSet};
use tokio::time::{Instant, sleep};

use super::stop::Stop;
use crate::model::trouble::Trouble;
use crate::store::Store;

/// How often more work is looked for while some is under way: a cycle may have decided on more.
const LOOK: Duration = Duration::from_millis(500);
/// What is under way when the process is asked to stop has so long to end.
pub const FAREWELL: Duration = Duration::from_secs(5);

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

    /// Commits how a piece ended.
    fn record(&mut self, store: &mut Store, piece: Self::Piece, end: Result<Self::End, Lost>) -> Result<(), Trouble>;
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

/// Does all that is due until nothing is, or the process is asked to stop.
pub async fn work<W: Work>(work: &mut W, store: &mut Store, mut stop: Stop) -> Result<(), Trouble> {
    let mut crew = Crew { tasks: JoinSet::new(), under_way: HashMap::new() };
    let mut farewell = None;
    loop {
        if farewell.is_none() {
            work.start_what_is_due(store, &mut crew)?;
        }
        tokio::select! {
            ended = crew.next() => match ended {
                None => return Ok(()),
                Some((piece, end)) => work.record(store, piece, end)?,
            },
            _ = stop.asked(), if farewell.is_none() => farewell = Some(Instant::now() + FAREWELL),
            () = sleep(LOOK) => {}
        }
        if farewell.is_some_and(|end| Instant::now() >= end) {
            crew.tasks.abort_all();
            return crew.under_way.into_values().try_for_each(|piece| work.record(store, piece, Err(Lost::Stopped)));
        }
    }
}
