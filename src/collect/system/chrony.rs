//! Asks chronyd when it last set the clock, over the datagrams that `chronyc tracking` uses (protocol 6, `candm.h` of
//! chrony; the answers in the tests are recorded from chronyd 4.3). Anybody on this machine may ask.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::timeout;

use crate::model::reading::Reason;
use crate::model::time::Time;

/// Where chronyd listens unless its `cmdport` says otherwise.
pub(super) const SERVER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 323);

/// A request is as long as its answer, so that nobody can be flooded by a forged one.
const LENGTH: usize = 104;

/// Protocol 6, a request, the command "tracking" (33), and a sequence number that comes back.
const REQUEST: [u8; 12] = [6, 1, 0, 0, 0, 33, 0, 0, 0, 0, 0, 1];

/// How a good answer begins: protocol 6, an answer, to command 33, of kind "tracking" (5), status 0.
const ANSWER: [u8; 10] = [6, 2, 0, 0, 0, 33, 0, 5, 0, 0];

/// The leap status that says "not synchronized".
const UNSYNCHRONIZED: u16 = 3;

/// The reference of a clock that follows nothing but itself (`local stratum`), written 127.127.1.1.
const ITSELF: u32 = 0x7f7f_0101;

/// When a time server last set the clock; `None` when chronyd says that none does.
pub(super) async fn last_update(server: SocketAddr, wait: Duration) -> Result<Option<Time>, Reason> {
    let silent = || Reason::new(format!("chronyd does not answer on UDP {server}"));
    let answer = timeout(wait, ask(server)).await.map_err(|_| silent())?.map_err(|_| silent())?;
    let strange = || Reason::new("chronyd's answer does not have the expected form");
    let Tracking { reference, leap, seconds } = Tracking::read(&answer).ok_or_else(strange)?;
    let is_set = leap != UNSYNCHRONIZED && reference != ITSELF;
    Ok(is_set.then(|| Time::from_millis(seconds.saturating_mul(1000))))
}

async fn ask(server: SocketAddr) -> std::io::Result<Vec<u8>> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    socket.connect(server).await?;
    let mut request = REQUEST.to_vec();
    request.resize(LENGTH, 0);
    socket.send(&request).await?;
    let mut answer = vec![0; 1024];
    let length = socket.recv(&mut answer).await?;
    answer.truncate(length);
    Ok(answer)
}

/// What we need of an answer.
struct Tracking {
    /// Address of the server that is followed.
    reference: u32,
    /// Leap status.
    leap: u16,
    /// When the clock was last set, since the epoch.
    seconds: i64,
}

impl Tracking {
    /// Reads an answer; `None` for any other datagram.
    fn read(answer: &[u8]) -> Option<Self> {
        if answer.len() != LENGTH || !answer.starts_with(&ANSWER) {
            return None;
        }
        let long = |at: usize| Some(u32::from_be_bytes(answer.get(at..at + 4)?.try_into().ok()?));
        let leap = u16::from_be_bytes(answer.get(54..56)?.try_into().ok()?);
        let seconds = (i64::from(long(56)?) << 32) | i64::from(long(60)?);
        Some(Self { reference: long(28)?, leap, seconds })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Followed another server, last at 2026-11-23T09:27:37Z.
    pub const FOLLOWS: &str = "060200000021000500000000000000001234567800000000000000007f0000017f0000010000000000000000000000000001000000090000000000006b0407092f2f2fe1dd432c5cdb63d95ad8e2b6a4f6f34e0af13ae2aafe8ecb0fe0c65fb1dce4715c04821174";
    /// Had only itself (`local stratum 8`).
    const LOCAL: &str = "060200000021000500000000000000001234567800000000000000007f7f0101000000000000000000000000000000000000000000080000000000006b0406d62e89e800000000000000000000000000000000000000000000000000000000000000000000000000";
    /// Had no server.
    pub const ALONE: &str = "0602000000210005000000000000000012345678000000000000000000000000000000000000000000000000000000000000000000000003000000000000000000000000000000000000000000000000000000000000000000000000048000000480000000000000";

    fn bytes(hex: &str) -> Vec<u8> {
        hex.as_bytes().chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    }

    /// A chronyd that gives one answer.
    pub async fn answering(hex: &str) -> SocketAddr {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (address, answer) = (socket.local_addr().unwrap(), bytes(hex));
        tokio::spawn(async move {
            let mut request = [0; 200];
            let (length, client) = socket.recv_from(&mut request).await.unwrap();
            assert_eq!((length, &request[..12]), (LENGTH, REQUEST.as_slice()));
            socket.send_to(&answer, client).await.unwrap();
        });
        address
    }

    #[tokio::test]
    async fn answers_are_understood() {
        let strange = Err(Reason::new("chronyd's answer does not have the expected form"));
        let refused = FOLLOWS.replacen("0021000500", "0021000100", 1);
        for (answer, expected) in [
            (FOLLOWS, Ok(Some(Time::from_millis(1_795_426_057_000)))),
            (LOCAL, Ok(None)),
            (ALONE, Ok(None)),
            (refused.as_str(), strange.clone()),
            ("0602", strange.clone()),
            ("", strange),
        ] {
            assert_eq!(last_update(answering(answer).await, Duration::from_secs(5)).await, expected, "{answer}");
        }
    }

    #[tokio::test]
    async fn silence_is_not_an_answer() {
        let mute = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = mute.local_addr().unwrap();
        let silent = Err(Reason::new(format!("chronyd does not answer on UDP {address}")));
        assert_eq!(last_update(address, Duration::from_millis(20)).await, silent);
        drop(mute);
        // refused at once
        assert_eq!(last_update(address, Duration::from_mins(1)).await, silent);
    }
}
