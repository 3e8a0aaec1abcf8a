//! Several calls at the same time, on the task that asks: bounded, and without a task of their own that could outlive it.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use tokio::sync::Semaphore;

enum Slot<F: Future> {
    Waiting(Pin<Box<F>>),
    Done(F::Output),
}

/// Runs all of them at the same time; their results in their order.
pub async fn all<F: Future>(calls: impl IntoIterator<Item = F>) -> Vec<F::Output>
where
    F::Output: Unpin,
{
    let mut slots: Vec<Slot<F>> = calls.into_iter().map(|call| Slot::Waiting(Box::pin(call))).collect();
    poll_fn(|context| {
        let mut is_done = true;
        for slot in &mut slots {
            if let Slot::Waiting(call) = slot {
                match call.as_mut().poll(context) {
                    Poll::Ready(result) => *slot = Slot::Done(result),
                    Poll::Pending => is_done = false,
                }
            }
        }
        if is_done { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    let result = |slot| match slot {
        Slot::Done(result) => Some(result),
        Slot::Waiting(_) => None,
    };
    slots.into_iter().filter_map(result).collect()
}

/// The same with at most `most` of them on their way.
pub async fn bounded<F: Future>(most: usize, calls: impl IntoIterator<Item = F>) -> Vec<F::Output>
where
    F::Output: Unpin,
{
    let turns = Semaphore::new(most);
    let each = |call: F| async {
        let _turn = turns.acquire().await;
        call.await
    };
    all(calls.into_iter().map(each).collect::<Vec<_>>()).await
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn results_keep_their_order_and_the_bound_holds() {
        let (running, most) = (Cell::new(0), Cell::new(0));
        let call = |at: u64| {
            let (running, most) = (&running, &most);
            async move {
                running.set(running.get() + 1);
                most.set(most.get().max(running.get()));
                tokio::time::sleep(Duration::from_millis(100 - at)).await;
                running.set(running.get() - 1);
                at
            }
        };
        assert_eq!(bounded(3, (0..10).map(call)).await, (0..10).collect::<Vec<_>>());
        assert_eq!(most.replace(0), 3);
        assert_eq!(all((0..10).map(call)).await, (0..10).collect::<Vec<_>>());
        assert_eq!(most.get(), 10);
        assert!(all(Vec::<std::future::Ready<u8>>::new()).await.is_empty());
    }
}
