//! A fake Algorand: nodes (algod) that share nothing, so that each can be late, lost or lying on its own, and an indexer.
//! Bodies have the shape that go-algorand's REST interface documents.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use ring::digest;
use serde_json::{Value, json};

/// The address of the account whose key is 32 times this byte.
pub fn address(key: u8) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut bytes = vec![key; 32];
    let sum = digest::digest(&digest::SHA512_256, &bytes);
    bytes.extend(&sum.as_ref()[28..]);
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let letter = |five: &[u8]| {
        let value = (0..5).fold(0, |value, at| value << 1 | five.get(at).copied().unwrap_or(0));
        char::from(ALPHABET[usize::from(value)])
    };
    bits.chunks(5).map(letter).collect()
}

/// An account of a node's ledger.
#[derive(Clone, Debug, Default)]
struct Ledger {
    amount: u64,
    auth: Option<String>,
}

/// How a node is; a test changes it at any time.
#[derive(Clone, Debug)]
struct State {
    genesis: String,
    round: u64,
    /// Rounds that go by with each question for the status.
    pace: u64,
    /// Nanoseconds since the last round.
    since: u64,
    catchup: u64,
    catchpoint: String,
    token: Option<String>,
    accounts: BTreeMap<String, Ledger>,
    /// Answers to accounts are this many rounds old.
    lag: u64,
    /// Every answer comes after this.
    delay: Duration,
    /// Instead of any answer: a status code without a body.
    broken: Option<u16>,
    /// For a question for this account: a status code without a body.
    unreadable: Option<String>,
    /// After so many answers about accounts, this account has this amount.
    later: Option<(usize, String, u64)>,
    paths: Vec<String>,
}

/// A node; it lives until the test program ends.
#[derive(Clone)]
pub struct AlgodFake {
    at: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl AlgodFake {
    /// A healthy node of the main network with an empty ledger.
    pub fn start() -> Self {
        let state = State {
            genesis: "mainnet-v1.0".to_owned(),
            round: 58_605_511,
            pace: 1,
            since: 1_893_402_117,
            catchup: 0,
            catchpoint: String::new(),
            token: None,
            accounts: BTreeMap::new(),
            lag: 0,
            delay: Duration::ZERO,
            broken: None,
            unreadable: None,
            later: None,
            paths: Vec::new(),
        };
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        let at = serve(move |path, token| answer(&shared, path, token));
        Self { at, state }
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.at.port())
    }

    /// Its name as a label: host and port.
    pub fn name(&self) -> String {
        format!("localhost:{}", self.at.port())
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap())
    }

    /// The newest round.
    pub fn round(&self) -> u64 {
        self.change(|state| state.round)
    }

    /// The newest round from now on.
    pub fn set_round(&self, round: u64) {
        self.change(|state| state.round = round);
    }

    /// How many rounds go by with each question for the status.
    pub fn set_pace(&self, pace: u64) {
        self.change(|state| state.pace = pace);
    }

    /// How long ago the newest round arrived, by the node's word.
    pub fn set_since(&self, since: Duration) {
        self.change(|state| state.since = u64::try_from(since.as_nanos()).unwrap());
    }

    /// It is catching up.
    pub fn set_catchup(&self, nanos: u64) {
        self.change(|state| state.catchup = nanos);
    }

    /// The network it belongs to.
    pub fn set_genesis(&self, genesis: &str) {
        self.change(|state| genesis.clone_into(&mut state.genesis));
    }

    /// The token it asks for.
    pub fn set_token(&self, token: Option<&str>) {
        self.change(|state| state.token = token.map(str::to_owned));
    }

    /// What an account holds.
    pub fn set_amount(&self, address: &str, amount: u64) {
        self.change(|state| state.accounts.entry(address.to_owned()).or_default().amount = amount);
    }

    /// Who signs for an account.
    pub fn set_auth(&self, address: &str, auth: Option<&str>) {
        self.change(|state| state.accounts.entry(address.to_owned()).or_default().auth = auth.map(str::to_owned));
    }

    /// After `answers` more answers about accounts, the account holds `amount`.
    pub fn set_amount_later(&self, answers: usize, address: &str, amount: u64) {
        self.change(|state| state.later = Some((answers, address.to_owned(), amount)));
    }

    /// How many rounds what it says of accounts is old.
    pub fn set_lag(&self, rounds: u64) {
        self.change(|state| state.lag = rounds);
    }

    /// How long every answer takes.
    pub fn set_delay(&self, delay: Duration) {
        self.change(|state| state.delay = delay);
    }

    /// It answers everything with this status, or is well again.
    pub fn set_broken(&self, status: Option<u16>) {
        self.change(|state| state.broken = status);
    }

    /// It cannot answer for this account.
    pub fn set_unreadable(&self, address: Option<&str>) {
        self.change(|state| state.unreadable = address.map(str::to_owned));
    }

    /// What it was asked so far.
    pub fn paths(&self) -> Vec<String> {
        self.change(|state| state.paths.clone())
    }
}

fn answer(state: &Mutex<State>, path: &str, token: Option<&str>) -> (u16, String) {
    let delay = state.lock().unwrap().delay;
    thread::sleep(delay);
    let mut state = state.lock().unwrap();
    state.paths.push(path.to_owned());
    let refusal = |status, message: &str| (status, json!({ "message": message }).to_string());
    if let Some(status) = state.broken {
        return (status, String::new());
    }
    if path == "/versions" {
        return (200, versions(&state).to_string());
    }
    if state.token.is_some() && state.token.as_deref() != token {
        return refusal(401, "Invalid API Token");
    }
    if path == "/v2/status" {
        let body = status(&state).to_string();
        state.round += state.pace;
        return (200, body);
    }
    let Some(address) = path.strip_prefix("/v2/accounts/").and_then(|rest| rest.strip_suffix("?exclude=all")) else {
        return (404, "404 page not found".to_owned());
    };
    if address.len() != 58 {
        return refusal(400, "failed to parse the address");
    }
    if state.unreadable.as_deref() == Some(address) {
        return refusal(500, "failed to retrieve information from the ledger");
    }
    let body = account(&state, address).to_string();
    match state.later.take() {
        Some((0 | 1, who, amount)) => state.accounts.entry(who).or_default().amount = amount,
        Some((left, who, amount)) => state.later = Some((left - 1, who, amount)),
        None => {}
    }
    (200, body)
}

fn versions(state: &State) -> Value {
    json!({
        "build": {"branch": "rel/stable", "build_number": 3, "channel": "stable", "commit_hash": "0f0f0f0f", "major": 4, "minor": 3},
        "genesis_hash_b64": "wGHE2Pwdvd7S12BL5FaOP20EGYesN73ktiC1qzkkit8=",
        "genesis_id": state.genesis,
        "versions": ["v2"],
    })
}

fn status(state: &State) -> Value {
    let protocol = "https://github.com/algorandfoundation/specs/tree/0000000000000000000000000000000000000041";
    json!({
        "catchpoint": state.catchpoint,
        "catchpoint-acquired-blocks": 0,
        "catchpoint-processed-accounts": 0,
        "catchpoint-total-accounts": 0,
        "catchpoint-total-blocks": 0,
        "catchpoint-verified-accounts": 0,
        "catchup-time": state.catchup,
        "last-catchpoint": "",
        "last-round": state.round,
        "last-version": protocol,
        "next-version": protocol,
        "next-version-round": state.round + 1,
        "next-version-supported": true,
        "stopped-at-unsupported-round": false,
        "time-since-last-round": state.since,
    })
}

fn account(state: &State, address: &str) -> Value {
    let held = state.accounts.get(address).cloned().unwrap_or_default();
    let mut account = json!({
        "address": address,
        "amount": held.amount,
        "amount-without-pending-rewards": held.amount,
        "apps-total-schema": {"num-byte-slice": 0, "num-uint": 0},
        "min-balance": 100_000,
        "pending-rewards": 0,
        "reward-base": 218_288,
        "rewards": 0,
        "round": state.round.saturating_sub(state.lag),
        "status": "Offline",
        "total-apps-opted-in": 0,
        "total-assets-opted-in": 0,
        "total-created-apps": 0,
        "total-created-assets": 0,
    });
    if let Some(auth) = held.auth {
        account["auth-addr"] = json!(auth);
    }
    account
}

/// Serves answers on a free port of loopback, a thread for each connection.
fn serve(answer: impl Fn(&str, Option<&str>) -> (u16, String) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let answer = Arc::clone(&answer);
            // a client that goes away in the middle is part of the game
            thread::spawn(move || drop(one(&stream, &*answer)));
        }
    });
    at
}

fn one(stream: &TcpStream, answer: &(impl Fn(&str, Option<&str>) -> (u16, String) + ?Sized)) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split_whitespace().nth(1).unwrap_or_default().to_owned();
    let mut token = None;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && ["x-algo-api-token", "x-indexer-api-token"].contains(&name.to_ascii_lowercase().as_str())
        {
            token = Some(value.trim().to_owned());
        }
    }
    let (status, body) = answer(&path, token.as_deref());
    let head = format!(
        "HTTP/1.1 {status} Fake\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let mut stream = stream;
    stream.write_all(&[head.as_bytes(), body.as_bytes()].concat())
}

/// The ledger of the indexer.
#[derive(Default)]
struct Books {
    /// Sender, receiver, amount, round.
    payments: Vec<(String, String, u64, u64)>,
    /// Address, amount, from this round on.
    held: Vec<(String, u64, u64)>,
    tokens: Vec<Option<String>>,
    broken: Option<u16>,
}

/// An indexer; it lives until the test program ends.
#[derive(Clone)]
pub struct IndexerFake {
    at: SocketAddr,
    books: Arc<Mutex<Books>>,
}

impl IndexerFake {
    /// An indexer that knows of nothing.
    pub fn start() -> Self {
        let books = Arc::new(Mutex::new(Books::default()));
        let shared = Arc::clone(&books);
        let at = serve(move |path, token| look_up(&shared, path, token));
        Self { at, books }
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.at.port())
    }

    /// A payment that was made.
    pub fn pay(&self, from: &str, to: &str, amount: u64, round: u64) {
        self.books.lock().unwrap().payments.push((from.to_owned(), to.to_owned(), amount, round));
    }

    /// What an account holds from this round on.
    pub fn hold(&self, address: &str, amount: u64, round: u64) {
        self.books.lock().unwrap().held.push((address.to_owned(), amount, round));
    }

    /// It answers everything with this status, or is well again.
    pub fn set_broken(&self, status: Option<u16>) {
        self.books.lock().unwrap().broken = status;
    }

    /// The tokens it was shown, a question each.
    pub fn tokens(&self) -> Vec<Option<String>> {
        self.books.lock().unwrap().tokens.clone()
    }
}

fn look_up(books: &Mutex<Books>, path: &str, token: Option<&str>) -> (u16, String) {
    let mut books = books.lock().unwrap();
    books.tokens.push(token.map(str::to_owned));
    if let Some(status) = books.broken {
        return (status, String::new());
    }
    let Some((address, query)) = path.strip_prefix("/v2/accounts/").and_then(|rest| rest.split_once('?')) else {
        return (404, json!({"message": "Not Found"}).to_string());
    };
    let value = |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.clone().find(|(have, _)| *have == name).map(|(_, value)| value.parse::<u64>().unwrap())
    };
    match address.strip_suffix("/transactions") {
        Some(address) => (200, transactions(&books, address, &value).to_string()),
        None => held(&books, address, value("round").unwrap()),
    }
}

fn transactions(books: &Books, address: &str, value: &dyn Fn(&str) -> Option<u64>) -> Value {
    let since = value("min-round").unwrap_or(0);
    let limit = usize::try_from(value("limit").unwrap_or(1000)).unwrap();
    let skipped = usize::try_from(value("next").unwrap_or(0)).unwrap();
    let concerned =
        |(from, to, _, round): &&(String, String, u64, u64)| (from == address || to == address) && *round >= since;
    let mut all: Vec<_> = books.payments.iter().filter(concerned).collect();
    all.sort_by_key(|(_, _, _, round)| std::cmp::Reverse(*round));
    let page: Vec<Value> = all.iter().skip(skipped).take(limit).map(|payment| transaction(payment)).collect();
    let mut document = json!({"current-round": 58_700_000, "transactions": page});
    if skipped + limit < all.len() {
        document["next-token"] = json!((skipped + limit).to_string());
    }
    document
}

fn transaction((from, to, amount, round): &(String, String, u64, u64)) -> Value {
    json!({
        "close-rewards": 0,
        "closing-amount": 0,
        "confirmed-round": round,
        "fee": 1000,
        "first-valid": round - 4,
        "genesis-id": "mainnet-v1.0",
        "id": format!("TX{round}"),
        "intra-round-offset": 1,
        "last-valid": round + 996,
        "payment-transaction": {"amount": amount, "close-amount": 0, "receiver": to},
        "receiver-rewards": 0,
        "round-time": 1_795_000_000 + (round - 58_000_000) * 28 / 10,
        "sender": from,
        "sender-rewards": 0,
        "signature": {"sig": "AAAA"},
        "tx-type": "pay",
    })
}

fn held(books: &Books, address: &str, round: u64) -> (u16, String) {
    let mut at: Vec<_> = books.held.iter().filter(|(who, _, from)| who == address && *from <= round).collect();
    at.sort_by_key(|(_, _, from)| *from);
    let Some((_, amount, _)) = at.last() else {
        let message = format!("no accounts found for address: {address}");
        return (404, json!({ "message": message }).to_string());
    };
    let account = json!({"address": address, "amount": amount, "min-balance": 100_000, "round": round});
    (200, json!({"account": account, "current-round": round}).to_string())
}
