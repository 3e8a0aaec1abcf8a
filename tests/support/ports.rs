//! Ports that stay what they are while a test looks at them.

use std::fmt;
use std::net::SocketAddr;

use tokio::net::TcpSocket;

/// A port of 127.0.0.1 that nobody gets by chance while this is held: it is bound, but nobody listens there, so that it
/// refuses connections. A port that was only free a moment ago may meanwhile belong to another test's fake. A server that
/// is told of it by its number can listen there, if it sets `SO_REUSEADDR` as servers do.
pub struct ReservedPort(TcpSocket);

impl ReservedPort {
    /// Takes a free one.
    pub fn take() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Self(socket)
    }

    /// The whole address.
    pub fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// Its number.
    pub fn port(&self) -> u16 {
        self.address().port()
    }
}

impl fmt::Display for ReservedPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address().fmt(f)
    }
}
