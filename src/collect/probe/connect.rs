//! Opening a TCP connection the way a browser does: all addresses of a name, the slow ones raced ("happy eyeballs",
//! RFC 8305), so that a broken IPv6 route costs a quarter of a second and not the whole probe.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::net::http::explain_io;

/// How long an address is tried alone before the next one is tried beside it (RFC 8305 section 5).
const HEAD_START: Duration = Duration::from_millis(250);
/// Addresses of one name that are tried; a name with hundreds of them must not open hundreds of sockets.
const MAX_ADDRESSES: usize = 6;

/// A host and a port.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Address {
    /// A name or an IP address, an IPv6 one without its brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl FromStr for Address {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not an address; write it like db.example.org:5432 or [::1]:5432");
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let odd = |c: char| c.is_whitespace() || matches!(c, '[' | ']' | '/' | '@');
        let host = match bare {
            Some(v6) if v6.parse::<std::net::Ipv6Addr>().is_ok() => v6,
            None if !host.is_empty() && !host.contains(':') && !host.contains(odd) => host,
            _ => return Err(wrong()),
        };
        match port.parse() {
            Ok(port) if port > 0 => Ok(Self { host: host.to_owned(), port }),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// A connection to `address`, or in a few words why there is none. The caller sets the time limit.
pub async fn connect(address: &Address) -> Result<TcpStream, String> {
    let found = lookup_host((address.host.as_str(), address.port)).await;
    let found = found.map_err(|_| format!("the name {} cannot be resolved", address.host))?;
    race(alternating(found.collect())).await
}

/// The first connection that any of `addresses` grants; they are tried in their order.
async fn race(addresses: Vec<SocketAddr>) -> Result<TcpStream, String> {
    let mut waiting = addresses.into_iter().take(MAX_ADDRESSES);
    let mut racing = JoinSet::new();
    let mut why = "the name has no address".to_owned();
    loop {
        match waiting.next() {
            Some(next) => drop(racing.spawn(TcpStream::connect(next))),
            None if racing.is_empty() => return Err(why),
            None => {}
        }
        let patience = if waiting.len() == 0 { Duration::MAX } else { HEAD_START };
        match timeout(patience, racing.join_next()).await {
            Ok(Some(Ok(Ok(stream)))) => return Ok(stream),
            Ok(Some(Ok(Err(error)))) => why = explain_io(&error),
            Ok(Some(Err(error))) => why = error.to_string(),
            Ok(None) | Err(_) => {}
        }
    }
}

/// Both address families in turn, beginning with the one the resolver prefers.
fn alternating(found: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = found.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = found.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let mut second = second.into_iter();
    let mut order = Vec::new();
    for address in first {
        order.push(address);
        order.extend(second.next());
    }
    order.extend(second);
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::ports::ReservedPort;

    #[test]
    fn addresses_are_a_host_and_a_port() {
        for text in ["db.example.org:5432", "127.0.0.1:1", "[::1]:65535"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        for text in ["", "db", ":80", "db:", "db:0", "db:65536", "::1:80", "[db]:80", "http://db:80", "a b:1", "u@h:1"]
        {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }

    #[test]
    fn families_take_turns() {
        let parse = |text: &str| text.parse::<SocketAddr>().unwrap();
        let (a, b, c) = (parse("[::1]:1"), parse("[::2]:1"), parse("127.0.0.1:1"));
        assert_eq!(alternating(vec![a, b, c]), [a, c, b]);
        assert_eq!(alternating(vec![c, a, b]), [c, a, b]);
        assert_eq!(alternating(vec![]), []);
    }

    #[tokio::test]
    async fn connects_or_says_why_not() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = Address { host: "localhost".into(), port: listener.local_addr().unwrap().port() };
        assert!(connect(&address).await.is_ok(), "a refused ::1 must not stop 127.0.0.1");
        let closed = ReservedPort::take();
        let refuses = Address { host: "localhost".into(), port: closed.port() };
        assert_eq!(connect(&refuses).await.unwrap_err(), "connection refused");
        let nowhere = Address { host: "no-such-host.invalid".into(), port: 80 };
        assert_eq!(connect(&nowhere).await.unwrap_err(), "the name no-such-host.invalid cannot be resolved");
    }
    /// An address that does not answer: its queue of waiting connections is full, and the kernel drops what comes.
    /// The sockets keep it so.
    async fn black_hole() -> (SocketAddr, tokio::net::TcpListener, Vec<TcpStream>) {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(0).unwrap();
        let (address, mut queue) = (listener.local_addr().unwrap(), Vec::new());
        while let Ok(stream) = timeout(Duration::from_millis(100), TcpStream::connect(address)).await {
            queue.push(stream.unwrap());
        }
        (address, listener, queue)
    }

    #[tokio::test]
    async fn an_address_that_hangs_is_raced_and_not_given_up() {
        let (hangs, _listener, _queue) = black_hole().await;
        let good = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let closed = ReservedPort::take();
        let good = (good.local_addr().unwrap(), good);
        assert_eq!(race(vec![hangs, closed.address(), good.0]).await.unwrap().peer_addr().unwrap(), good.0);
        let undecided = timeout(HEAD_START * 2, race(vec![hangs, closed.address()])).await;
        assert!(undecided.is_err(), "the first may still answer: {undecided:?}");
        assert_eq!(race(vec![]).await.unwrap_err(), "the name has no address");
    }
}
