//! A fake mail server (RFC 5321, STARTTLS, AUTH PLAIN and LOGIN) that fails where it is told to.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A point of the conversation at which the server has the word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// The connection was opened.
    Greeting,
    /// After `EHLO`.
    Ehlo,
    /// After `STARTTLS`.
    StartTls,
    /// After `AUTH`.
    Auth,
    /// After `MAIL FROM`.
    Mail,
    /// After `RCPT TO`.
    Rcpt,
    /// After `DATA`.
    Data,
    /// After the final dot; the mail has been taken.
    Content,
    /// After `QUIT`.
    Quit,
}

/// What the server does instead of what it should.
#[derive(Clone, Debug)]
pub enum Play {
    /// Says this line (without its end).
    Say(String),
    /// Says nothing until the client gives up.
    Hang,
    /// Ends the connection.
    Drop,
    /// Says a good answer, one byte at a time with this pause between two.
    Drip(Duration),
    /// Sends a line of this many bytes without an end.
    Flood(usize),
}

/// Where TLS begins.
#[derive(Clone, Default)]
pub enum Tls {
    /// Nowhere.
    #[default]
    None,
    /// After `STARTTLS`.
    Start(Arc<ServerConfig>),
    /// At once.
    Implicit(Arc<ServerConfig>),
}

/// How the server behaves; by default without TLS, without login, and flawless.
#[derive(Clone, Default)]
pub struct Behaviour {
    /// Where TLS begins.
    pub tls: Tls,
    /// Who may log in; without a login it then takes no mail.
    pub login: Option<(String, String)>,
    /// The mechanisms it offers, `PLAIN LOGIN` unless said otherwise.
    pub mechanisms: Option<String>,
    /// What goes wrong.
    pub plays: Vec<(Stage, Play)>,
    /// Recipients that are refused, with the answer.
    pub refused: Vec<(String, String)>,
}

/// A mail that was taken.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Received {
    /// The envelope's sender.
    pub from: String,
    /// The envelope's recipients.
    pub to: Vec<String>,
    /// Headers and body as they stood before dot-stuffing.
    pub content: String,
    /// Whether it came over TLS.
    pub encrypted: bool,
}

impl Received {
    /// The unfolded value of a header.
    pub fn header(&self, name: &str) -> Option<String> {
        let head = self.content.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n ", " ");
        head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")).map(str::to_owned))
    }
}

#[derive(Default)]
struct Log {
    mails: Vec<Received>,
    commands: Vec<String>,
}

/// The server; it lives until the test program ends.
pub struct SmtpFake {
    address: SocketAddr,
    log: Arc<Mutex<Log>>,
}

impl SmtpFake {
    /// Starts on a free port.
    pub fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Mutex::new(Log::default()));
        let shared = Arc::clone(&log);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (behaviour, log) = (behaviour.clone(), Arc::clone(&shared));
                thread::spawn(move || {
                    let wire = match &behaviour.tls {
                        Tls::Implicit(config) => Wire::Plain(stream).encrypted(config),
                        Tls::None | Tls::Start(_) => Wire::Plain(stream),
                    };
                    let mail = Received::default();
                    // a client that goes away in the middle is part of the game
                    let _ = Session { wire, behaviour, log, mail, known: false }.run();
                });
            }
        });
        Self { address, log }
    }

    /// Its port on `localhost`.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The mails it took.
    pub fn mails(&self) -> Vec<Received> {
        self.log.lock().unwrap().mails.clone()
    }

    /// The commands it was sent, without their arguments.
    pub fn commands(&self) -> Vec<String> {
        self.log.lock().unwrap().commands.clone()
    }
}

/// The connection before and after TLS began. Read byte by byte, so that nothing is taken that belongs to TLS.
enum Wire {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
    Closed,
}

impl Wire {
    fn encrypted(self, config: &Arc<ServerConfig>) -> Self {
        match self {
            Self::Plain(stream) => {
                let server = ServerConnection::new(Arc::clone(config)).unwrap();
                Self::Tls(Box::new(StreamOwned::new(server, stream)))
            }
            other => other,
        }
    }

    fn line(&mut self) -> std::io::Result<String> {
        let mut line = Vec::new();
        let mut byte = [0];
        loop {
            let count = match self {
                Self::Plain(stream) => stream.read(&mut byte)?,
                Self::Tls(stream) => stream.read(&mut byte)?,
                Self::Closed => 0,
            };
            match (count, byte[0]) {
                (0, _) => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                (_, b'\n') => return Ok(String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned()),
                (_, byte) => line.push(byte),
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Plain(stream) => stream.write_all(bytes),
            Self::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
            Self::Closed => Err(std::io::ErrorKind::NotConnected.into()),
        }
    }
}

struct Session {
    wire: Wire,
    behaviour: Behaviour,
    log: Arc<Mutex<Log>>,
    mail: Received,
    known: bool,
}

impl Session {
    fn run(mut self) -> std::io::Result<()> {
        self.answer(Stage::Greeting, "220 fake.example ESMTP")?;
        loop {
            let line = self.wire.line()?;
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            self.log.lock().unwrap().commands.push(verb.clone());
            match verb.as_str() {
                "EHLO" => self.ehlo()?,
                "STARTTLS" => self.start_tls()?,
                "AUTH" => self.auth(&line)?,
                "MAIL" => self.sender(&line)?,
                "RCPT" => self.recipient(&line)?,
                "DATA" => self.data()?,
                "QUIT" => return self.answer(Stage::Quit, "221 bye"),
                _ => self.wire.write(b"500 what?\r\n")?,
            }
        }
    }

    /// Does what is planned for `stage`, or gives the good answer.
    fn answer(&mut self, stage: Stage, good: &str) -> std::io::Result<()> {
        let play = self.behaviour.plays.iter().find(|(at, _)| *at == stage).map(|(_, play)| play.clone());
        match play {
            None => self.wire.write(format!("{good}\r\n").as_bytes()),
            Some(Play::Say(line)) => self.wire.write(format!("{line}\r\n").as_bytes()),
            Some(Play::Hang) => loop {
                self.wire.line()?;
            },
            Some(Play::Drop) => Err(std::io::ErrorKind::ConnectionAborted.into()),
            Some(Play::Drip(pause)) => format!("{good}\r\n").bytes().try_for_each(|byte| {
                thread::sleep(pause);
                self.wire.write(&[byte])
            }),
            Some(Play::Flood(bytes)) => self.wire.write(&vec![b'2'; bytes]),
        }
    }

    fn is_planned(&self, stage: Stage) -> bool {
        self.behaviour.plays.iter().any(|(at, _)| *at == stage)
    }

    fn is_encrypted(&self) -> bool {
        matches!(self.wire, Wire::Tls(_))
    }

    fn ehlo(&mut self) -> std::io::Result<()> {
        let mut offer = vec!["250-fake.example".to_owned(), "250-SIZE 1000000".to_owned()];
        if matches!(self.behaviour.tls, Tls::Start(_)) && !self.is_encrypted() {
            offer.push("250-STARTTLS".to_owned());
        }
        if self.behaviour.login.is_some() {
            offer.push(format!("250-AUTH {}", self.behaviour.mechanisms.as_deref().unwrap_or("PLAIN LOGIN")));
        }
        offer.push("250 HELP".to_owned());
        self.answer(Stage::Ehlo, &offer.join("\r\n"))
    }

    fn start_tls(&mut self) -> std::io::Result<()> {
        self.answer(Stage::StartTls, "220 go ahead")?;
        if let (Tls::Start(config), false) = (self.behaviour.tls.clone(), self.is_planned(Stage::StartTls)) {
            self.wire = std::mem::replace(&mut self.wire, Wire::Closed).encrypted(&config);
        }
        Ok(())
    }

    fn auth(&mut self, line: &str) -> std::io::Result<()> {
        let Some((user, password)) = self.behaviour.login.clone() else { return self.wire.write(b"502 no AUTH\r\n") };
        let words: Vec<_> = line.split(' ').collect();
        self.known = match words[1..] {
            ["PLAIN", given] => given == base64(format!("\0{user}\0{password}").as_bytes()),
            ["LOGIN"] => {
                self.wire.write(b"334 VXNlcm5hbWU6\r\n")?;
                let given_user = self.wire.line()?;
                self.wire.write(b"334 UGFzc3dvcmQ6\r\n")?;
                given_user == base64(user.as_bytes()) && self.wire.line()? == base64(password.as_bytes())
            }
            _ => return self.wire.write(b"504 unknown mechanism\r\n"),
        };
        // some servers repeat what they were sent; the client must not pass it on
        let refused = format!("535 5.7.8 not you, {user} with {password} alias {line}");
        let good = if self.known { "235 2.7.0 welcome".to_owned() } else { refused };
        self.answer(Stage::Auth, &good)
    }

    fn sender(&mut self, line: &str) -> std::io::Result<()> {
        if self.behaviour.login.is_some() && !self.known {
            return self.wire.write(b"530 5.7.0 log in first\r\n");
        }
        self.mail = Received { from: address(line), encrypted: self.is_encrypted(), ..Received::default() };
        self.answer(Stage::Mail, "250 2.1.0 fine")
    }

    fn recipient(&mut self, line: &str) -> std::io::Result<()> {
        let to = address(line);
        if let Some((_, answer)) = self.behaviour.refused.iter().find(|(refused, _)| *refused == to) {
            return self.wire.write(format!("{answer}\r\n").as_bytes());
        }
        if !self.is_planned(Stage::Rcpt) {
            self.mail.to.push(to);
        }
        self.answer(Stage::Rcpt, "250 2.1.5 fine")
    }

    fn data(&mut self) -> std::io::Result<()> {
        if self.mail.to.is_empty() {
            return self.wire.write(b"503 nobody to send to\r\n");
        }
        self.answer(Stage::Data, "354 go on")?;
        if self.is_planned(Stage::Data) {
            return Ok(());
        }
        loop {
            let line = self.wire.line()?;
            if line == "." {
                break;
            }
            self.mail.content.push_str(line.strip_prefix('.').unwrap_or(&line));
            self.mail.content.push_str("\r\n");
        }
        let mail = std::mem::take(&mut self.mail);
        self.log.lock().unwrap().mails.push(mail);
        self.answer(Stage::Content, "250 2.0.0 queued as 4711")
    }
}

/// What stands between the angle brackets.
fn address(line: &str) -> String {
    line.split(['<', '>']).nth(1).unwrap_or_default().to_owned()
}

/// RFC 4648, enough to compare with what a client sends.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let all = chunk.iter().chain([&0, &0]).take(3).fold(0_u32, |all, byte| all << 8 | u32::from(*byte));
        for at in 0..4 {
            let letter = LETTERS[(all >> (18 - 6 * at) & 63) as usize] as char;
            out.push(if at <= chunk.len() { letter } else { '=' });
        }
    }
    out
}
