//! How many may be connected, and who has to go when one more comes: a connection on which nothing is asked costs a place
//! that somebody with a question needs.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::sync::Notify;
use tokio::time::Instant;

/// How many may be connected at the same time.
pub const MOST: usize = 128;

/// After that time an answer that the client does not take counts as nothing asked.
const SLOW: Duration = Duration::from_secs(30);

/// Everybody who is connected.
#[derive(Clone, Default)]
pub struct Crowd(Arc<Mutex<Seats>>);

#[derive(Default)]
struct Seats {
    taken: BTreeMap<u64, Arc<Seat>>,
    next: u64,
}

/// A connection's place; it is free again when this is dropped.
pub struct Taken {
    crowd: Crowd,
    number: u64,
    /// The place.
    pub seat: Arc<Seat>,
}

/// The place of a connection.
pub struct Seat {
    doing: Mutex<Doing>,
    leave: Notify,
}

/// What a connection does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Doing {
    /// Nothing is asked since then.
    Nothing(Instant),
    /// It is answered since then.
    Answered(Instant),
    /// It listens to events, whose number is limited elsewhere.
    Listens,
}

impl Crowd {
    /// A place for one more; where there is none, that of whoever has asked nothing for the longest time. None where all
    /// are being answered.
    pub fn enter(&self) -> Option<Taken> {
        let mut seats = held(&self.0);
        if seats.taken.len() >= MOST {
            let now = Instant::now();
            let idle = seats.taken.iter().filter_map(|(number, seat)| Some((seat.idle_since(now)?, *number)));
            let (_, number) = idle.min()?;
            if let Some(seat) = seats.taken.remove(&number) {
                seat.leave.notify_one();
            }
        }
        let number = seats.next;
        seats.next += 1;
        let seat = Arc::new(Seat { doing: Mutex::new(Doing::Nothing(Instant::now())), leave: Notify::new() });
        seats.taken.insert(number, seat.clone());
        Some(Taken { crowd: self.clone(), number, seat })
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        held(&self.crowd.0).taken.remove(&self.number);
    }
}

impl Seat {
    /// Since when it does nothing that anybody waits for.
    fn idle_since(&self, now: Instant) -> Option<Instant> {
        match *held(&self.doing) {
            Doing::Nothing(since) => Some(since),
            Doing::Answered(since) => (now.duration_since(since) > SLOW).then_some(since),
            Doing::Listens => None,
        }
    }

    /// Something is asked.
    pub fn asks(&self) {
        *held(&self.doing) = Doing::Answered(Instant::now());
    }

    /// Waits until its place is needed.
    pub async fn asked_to_leave(&self) {
        self.leave.notified().await;
    }
}

/// The body of an answer: when all of it is on its way, nothing is asked any more.
pub struct Watched {
    body: Body,
    seat: Arc<Seat>,
}

impl Watched {
    /// The body of an answer that `seat` waits for; `goes_on` if it is one of events.
    pub fn new(body: Body, seat: Arc<Seat>, goes_on: bool) -> Self {
        if goes_on {
            *held(&seat.doing) = Doing::Listens;
        }
        Self { body, seat }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        *held(&self.seat.doing) = Doing::Nothing(Instant::now());
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_has_asked_nothing_for_the_longest_time_leaves_first() {
        let crowd = Crowd::default();
        let mut taken = Vec::new();
        for _ in 0..MOST {
            taken.push(crowd.enter().unwrap());
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        // the oldest is being answered, the second one listens: the third has to go
        taken[0].seat.asks();
        taken[1].seat.asks();
        let events = Watched::new(Body::empty(), taken[1].seat.clone(), true);
        let newest = crowd.enter().unwrap();
        let left = |seat: &Arc<Seat>| {
            let seat = seat.clone();
            async move { tokio::time::timeout(Duration::from_millis(1), seat.asked_to_leave()).await.is_ok() }
        };
        assert_eq!((left(&taken[0].seat).await, left(&taken[1].seat).await), (false, false));
        assert_eq!((left(&taken[2].seat).await, left(&taken[3].seat).await), (true, false));
        drop((events, newest));
    }

    #[tokio::test(start_paused = true)]
    async fn where_all_are_being_answered_there_is_no_place_until_one_is_too_slow() {
        let crowd = Crowd::default();
        let taken: Vec<Taken> = (0..MOST).map(|_| crowd.enter().unwrap()).collect();
        for taken in &taken {
            taken.seat.asks();
        }
        assert!(crowd.enter().is_none());
        tokio::time::advance(SLOW + Duration::from_secs(1)).await;
        assert!(crowd.enter().is_some());
        drop(taken);
        assert_eq!(held(&crowd.0).taken.len(), 0);
    }
}
