//! The connection below the SMTP library, which reads lines without a bound and keeps what it has read ahead when TLS
//! begins. Here the server's bytes are counted, and handed over one line at a time: whatever somebody slips in behind
//! the answer to `STARTTLS` is then left for the TLS handshake to choke on.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use lettre::transport::smtp::client::AsyncTokioStream;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, BufReader, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// More than a server ever says in one conversation, certificates included.
const MAX_READ: usize = 256 * 1024;

/// How long one address may take, so that a dead IPv6 road leaves time for the IPv4 one.
const CONNECT: Duration = Duration::from_secs(3);
const UNRESOLVED: &str = "the host's name could not be resolved";

/// A TCP connection whose input is counted.
#[derive(Debug)]
pub struct Wire {
    inner: BufReader<TcpStream>,
    left: usize,
}

/// The same inside TLS.
#[derive(Debug)]
pub struct Encrypted(TlsStream<Wire>);

impl Wire {
    /// Connects to the first of the host's addresses that answers.
    pub async fn open(host: &str, port: u16) -> io::Result<Self> {
        let found = lookup_host((host, port)).await.map_err(|_| io::Error::other(UNRESOLVED))?;
        let mut last = io::Error::other(UNRESOLVED);
        for address in found {
            match tokio::time::timeout(CONNECT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(Self { inner: BufReader::new(stream), left: MAX_READ }),
                Ok(Err(error)) => last = error,
                Err(_) => last = io::ErrorKind::TimedOut.into(),
            }
        }
        Err(last)
    }

    /// Begins TLS and verifies that the other end is `host`.
    pub async fn encrypted(self, host: &str, config: Arc<ClientConfig>) -> io::Result<Encrypted> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        TlsConnector::from(config).connect(name, self).await.map(Encrypted)
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let ahead = ready!(Pin::new(&mut this.inner).poll_fill_buf(context))?;
        let line = ahead.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
        let taken = line.len().min(out.remaining());
        let Some(left) = this.left.checked_sub(taken) else {
            let what = format!("the server sent more than {} KiB", MAX_READ / 1024);
            return Poll::Ready(Err(io::Error::other(what)));
        };
        this.left = left;
        out.put_slice(line.get(..taken).unwrap_or_default());
        Pin::new(&mut this.inner).consume(taken);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.inner.get_ref().peer_addr()
    }
}

impl AsyncRead for Encrypted {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, out)
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

impl AsyncTokioStream for Encrypted {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().0.peer_addr()
    }
}
