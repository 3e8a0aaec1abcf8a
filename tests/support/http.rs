//! A fake HTTP server: answers as it was told, remembers what it was asked.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tokio::net::TcpSocket;

/// How an answer is brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Manner {
    /// At once and whole.
    Whole,
    /// After a pause.
    After(Duration),
    /// The head at once, then the body byte by byte with this pause between two.
    Drip(Duration),
    /// Only so many bytes of the answer (head included), then the connection ends.
    Cut(usize),
    /// The connection is reset after the request was read.
    Reset,
    /// Nothing, until the client gives up.
    Silence,
}

/// One answer.
#[derive(Clone, Debug)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    manner: Manner,
}

impl Answer {
    /// `status` with `body`.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), manner: Manner::Whole }
    }

    /// The same with a further header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same, brought in another manner.
    pub fn manner(self, manner: Manner) -> Self {
        Self { manner, ..self }
    }

    fn head(&self) -> String {
        let headers: Vec<_> = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let headers = headers.concat();
        format!(
            "HTTP/1.1 {} Fake\r\ncontent-length: {}\r\n{headers}connection: close\r\n\r\n",
            self.status,
            self.body.len()
        )
    }
}

/// A request as it arrived.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seen {
    /// `GET`, `POST`, …
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Names in lower case, and values, in their order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Seen {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
    }

    /// The fields of a form.
    pub fn form(&self) -> Vec<(String, String)> {
        let text = String::from_utf8(self.body.clone()).unwrap();
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        pairs.map(|pair| pair.split_once('=').unwrap()).map(|(name, value)| (decoded(name), decoded(value))).collect()
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What decides the answer to a request.
pub type Handler = dyn Fn(&Seen) -> Answer + Send + Sync;

#[derive(Default)]
struct Script {
    seen: Vec<Seen>,
    next: VecDeque<Answer>,
    handler: Option<Arc<Handler>>,
}

/// The server; it lives until the test program ends.
pub struct HttpFake {
    address: SocketAddr,
    secure: bool,
    script: Arc<Mutex<Script>>,
}

impl HttpFake {
    /// Starts on a free port and gives `answers` in turn; after the last one it goes on giving that one.
    pub fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self::launch(Script { next: answers.into_iter().collect(), ..Script::default() }, None)
    }

    /// The same, but `handler` gives each answer.
    pub fn serving(handler: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        Self::launch(Script { handler: Some(Arc::new(handler)), ..Script::default() }, None)
    }

    /// The same over TLS.
    pub fn start_tls(answers: impl IntoIterator<Item = Answer>, tls: Arc<ServerConfig>) -> Self {
        Self::launch(Script { next: answers.into_iter().collect(), ..Script::default() }, Some(tls))
    }

    fn launch(script: Script, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let script = Arc::new(Mutex::new(script));
        let (shared, secure) = (Arc::clone(&script), tls.is_some());
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (shared, tls) = (Arc::clone(&shared), tls.clone());
                thread::spawn(move || {
                    let socket = stream.try_clone().unwrap();
                    // a client that goes away in the middle is part of the game
                    let _ = match tls {
                        None => serve(stream, &socket, &shared),
                        Some(tls) => {
                            serve(StreamOwned::new(ServerConnection::new(tls).unwrap(), stream), &socket, &shared)
                        }
                    };
                });
            }
        });
        Self { address, secure, script }
    }

    /// The address of `path`, such as `/services/T0/B0/x`.
    pub fn url(&self, path: &str) -> String {
        format!("http{}://localhost:{}{path}", if self.secure { "s" } else { "" }, self.address.port())
    }

    /// From now on gives these answers in turn, as if it had been started with them.
    pub fn now_answer(&self, answers: impl IntoIterator<Item = Answer>) {
        self.script.lock().unwrap().next = answers.into_iter().collect();
    }

    /// From now on the service answers again, if there is one.
    pub fn now_serve(&self) {
        self.script.lock().unwrap().next.clear();
    }

    /// The requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.script.lock().unwrap().seen.clone()
    }
}

/// Text that was encoded for a form.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        match (first, after) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, ..]) => {
                let digits = [*high, *low];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
                rest = &rest[3..];
                continue;
            }
            (byte, _) => bytes.push(*byte),
        }
        rest = after;
    }
    String::from_utf8(bytes).unwrap()
}

fn serve<S: Read + Write>(stream: S, socket: &TcpStream, script: &Mutex<Script>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let Some(request) = read_request(&mut stream)? else { return Ok(()) };
    let (answer, handler) = {
        let mut script = script.lock().unwrap();
        script.seen.push(request.clone());
        let next = if script.next.len() > 1 { script.next.pop_front() } else { script.next.front().cloned() };
        (next, script.handler.clone())
    };
    let answer = answer.or_else(|| Some(handler?(&request))).unwrap_or_else(|| Answer::new(200, "ok"));
    bring(stream.get_mut(), socket, &answer)
}

fn bring<S: Read + Write>(stream: &mut S, socket: &TcpStream, answer: &Answer) -> std::io::Result<()> {
    let head = answer.head();
    match answer.manner {
        Manner::Whole => stream.write_all(&[head.as_bytes(), &answer.body].concat())?,
        Manner::After(pause) => {
            thread::sleep(pause);
            stream.write_all(&[head.as_bytes(), &answer.body].concat())?;
        }
        Manner::Drip(pause) => {
            stream.write_all(head.as_bytes())?;
            for byte in &answer.body {
                stream.write_all(&[*byte])?;
                stream.flush()?;
                thread::sleep(pause);
            }
        }
        Manner::Cut(bytes) => {
            let whole = [head.as_bytes(), &answer.body].concat();
            stream.write_all(&whole[..bytes.min(whole.len())])?;
        }
        Manner::Reset => {
            // closing with a linger of zero makes the kernel send RST instead of FIN
            return TcpSocket::from_std_stream(socket.try_clone()?).set_zero_linger();
        }
        Manner::Silence => {
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest)?;
        }
    }
    stream.flush()?;
    socket.shutdown(Shutdown::Write)
}

fn read_request<S: Read>(stream: &mut BufReader<S>) -> std::io::Result<Option<Seen>> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut seen = Seen { method, path, headers, body: Vec::new() };
    let length = seen.header("content-length").map_or(0, |text| text.parse().unwrap());
    seen.body = vec![0; length];
    stream.read_exact(&mut seen.body)?;
    Ok(Some(seen))
}
