use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{probe, run, shown, why};
use crate::support::ports::ReservedPort;

/// A service that says `banner` to each visitor and then hangs up or waits, after it has read what it is asked.
async fn service(asked: usize, banner: &'static [u8], hang_up: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut kept: Vec<TcpStream> = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut question = vec![0; asked];
            stream.read_exact(&mut question).await.unwrap();
            stream.write_all(&question).await.unwrap();
            stream.write_all(banner).await.unwrap();
            if !hang_up {
                kept.push(stream);
            }
        }
    });
    port
}

async fn outcome(port: u16, keys: &str) -> Option<String> {
    let report = run(&probe("tcp", &format!("address = 'localhost:{port}'\n{keys}"))).await;
    let success = u8::from(why(&report).is_none());
    assert_eq!(shown(&report), [format!(r#"probe_success{{probe="p"}} {success}"#)]);
    why(&report).map(str::to_owned)
}

#[tokio::test]
async fn a_connection_is_success_and_a_banner_may_be_expected() {
    let ssh = service(0, b"SSH-2.0-x\r\n", false).await;
    let echo = service(4, b"!", true).await;
    let mute = service(0, b"", false).await;
    let curt = service(0, b"", true).await;
    let endless: &[u8] = &[b'x'; 10_000];
    let chatter = service(0, endless, false).await;
    let heard_x = format!("expected `^ok`, heard `{}…`", "x".repeat(79));
    for (port, keys, want) in [
        (ssh, "", None),
        (ssh, "expect = '^SSH-2'", None),
        (ssh, "expect = '^SSH-3'", Some("expected `^SSH-3`, heard `SSH-2.0-x` within 300 ms")),
        (echo, "send = 'ping'\nexpect = '^ping!$'", None),
        (echo, "send = 'ping'\nexpect = 'pong'", Some("expected `pong`, heard `ping!`")),
        (mute, "expect = 'x'", Some("no answer within 300 ms")),
        (curt, "expect = 'x'", Some("connected, but heard nothing; expected `x`")),
        (chatter, "expect = '^ok'", Some(&heard_x)),
    ] {
        assert_eq!(outcome(port, keys).await.as_deref(), want, "{keys}");
    }
}

#[tokio::test]
async fn a_closed_port_is_refused() {
    let closed = ReservedPort::take();
    assert_eq!(outcome(closed.port(), "").await.as_deref(), Some("connection refused"));
}
