//! SIGTERM and SIGINT: whoever is asked to stop begins nothing new, ends what is under way, and says so by its code.

use std::future::pending;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::model::trouble::{Kind, Trouble};

/// Whether the process was asked to stop.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<Option<u8>>);

impl Stop {
    /// Of a command that is simply ended by the signal.
    pub fn never() -> Self {
        Self(watch::channel(None).1)
    }

    /// Asked as soon as there is a code.
    #[cfg(test)]
    pub fn on(receiver: watch::Receiver<Option<u8>>) -> Self {
        Self(receiver)
    }

    /// Listens from now on; the signals no longer end the process by themselves.
    pub fn listen() -> Result<Self, Trouble> {
        let handler =
            |kind| signal(kind).map_err(|error| Trouble::new(Kind::Io, format!("cannot listen to signals: {error}")));
        let (mut terminate, mut interrupt) = (handler(SignalKind::terminate())?, handler(SignalKind::interrupt())?);
        let (sender, receiver) = watch::channel(None);
        tokio::spawn(async move {
            let number: u8 = tokio::select! {
                _ = terminate.recv() => 15,
                _ = interrupt.recv() => 2,
            };
            // nobody listens any more when the command has ended
            let _ = sender.send(Some(128 + number));
        });
        Ok(Self(receiver))
    }

    /// The exit code of a process that was asked to stop.
    pub fn code(&self) -> Option<u8> {
        *self.0.borrow()
    }

    /// Waits until it is asked to.
    pub async fn asked(&mut self) -> u8 {
        loop {
            if let Some(code) = self.code() {
                return code;
            }
            if self.0.changed().await.is_err() {
                return pending().await;
            }
        }
    }
}
