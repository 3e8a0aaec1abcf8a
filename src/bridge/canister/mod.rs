//! Canisters of the Internet Computer, asked from outside and believed only where a signature holds: a query by the
//! signature of a node of the canister's own subnet, a call and the state tree by a certificate of that subnet, and all of
//! them in the end by the root key. `ic-agent` does the checking; it speaks through our own HTTP client.

mod fault;
mod leg;
mod reply;
mod state;
mod wire;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use candid::Principal;
use ic_agent::Agent;
use tokio::time::{Instant, timeout};

use self::wire::Wire;
use super::supply::{SupplyFault, SupplyLeg};
use crate::model::time::Time;
use crate::net::Net;

pub use self::state::State;

/// How long a request stays valid, and how old a certificate may be. A replica refuses more than five minutes.
const EXPIRY: Duration = Duration::from_mins(4);
/// How far ahead of this machine's clock a signature may be.
const AHEAD: Duration = Duration::from_mins(1);
/// What a BLS public key in DER begins with (RFC draft-irtf-cfrg-bls-signature, as the Internet Computer has it).
const DER_PREFIX: [u8; 37] = *b"\x30\x81\x82\x30\x1d\x06\x0d\x2b\x06\x01\x04\x01\x82\xdc\x7c\x05\x03\x01\x02\x01\x06\x0c\x2b\x06\x01\x04\x01\x82\xdc\x7c\x05\x03\x02\x01\x03\x61\x00";
/// Bytes of a public key without what it begins with.
const KEY: usize = 96;

/// The network that canisters live in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Network {
    /// Addresses of its boundary nodes, asked in this order; any of them may lie, none can forge.
    pub hosts: Vec<String>,
    /// Who may sign for it; the main network's key where none is given.
    pub root_key: Option<RootKey>,
}

/// A public key that signs for a whole network, in DER.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RootKey(Vec<u8>);

impl RootKey {
    /// Reads hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, String> {
        let digits: Option<Vec<u8>> =
            text.trim().chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
        let digits = digits.ok_or("it is not written in hexadecimal digits")?;
        let bytes: Vec<u8> = digits.chunks(2).map(|pair| pair.iter().fold(0, |sum, digit| sum << 4 | digit)).collect();
        if digits.len() != 2 * (DER_PREFIX.len() + KEY) || !bytes.starts_with(&DER_PREFIX) {
            return Err(format!("it is not a public key of {} bytes in DER form", DER_PREFIX.len() + KEY));
        }
        Ok(Self(bytes))
    }
}

/// Whether `text` names a canister; its checksum is checked.
pub fn parse_id(text: &str) -> Result<(), String> {
    Principal::from_text(text).map(|_| ()).map_err(|error| error.to_string())
}

/// The instant of a read: the wall clock at its beginning and how long ago that was.
#[derive(Clone, Copy, Debug)]
struct Moment {
    time: Time,
    began: Instant,
}

impl Moment {
    fn now(self) -> Time {
        self.time + self.began.elapsed()
    }

    /// How long ago a signature was made; one of the future is refused.
    fn age(self, signed: Time) -> Result<Duration, SupplyFault> {
        if signed > self.now() + AHEAD {
            let ahead = signed.since(self.now()).as_secs();
            let why = format!("it was signed {ahead} s in the future: is this machine's clock right?");
            return Err(SupplyFault::Untrusted(why));
        }
        Ok(self.now().since(signed))
    }
}

/// The road to one host.
type Road = (Agent, Arc<Wire>);

/// One read on the road to a host.
#[derive(Clone)]
struct Line {
    agent: Agent,
    wire: Arc<Wire>,
    moment: Moment,
}

/// A canister, as one reader sees it: reads of one handle wait for each other.
#[derive(Debug)]
pub struct Canister {
    /// Its name in the configuration.
    pub name: String,
    id: Principal,
    network: Arc<Network>,
    agents: OnceLock<Result<Vec<Road>, String>>,
    turn: tokio::sync::Mutex<()>,
    doubts: Mutex<Vec<String>>,
}

/// A clone is another reader: it has a turn and doubts of its own.
impl Clone for Canister {
    fn clone(&self) -> Self {
        Self::of(self.name.clone(), self.id, self.network.clone())
    }
}

impl Canister {
    /// The canister `id`. Nothing is set up before the first read.
    pub fn new(name: &str, id: &str, network: Arc<Network>) -> Result<Self, String> {
        let id = Principal::from_text(id).map_err(|error| error.to_string())?;
        Ok(Self::of(name.to_owned(), id, network))
    }

    fn of(name: String, id: Principal, network: Arc<Network>) -> Self {
        Self {
            name,
            id,
            network,
            agents: OnceLock::new(),
            turn: tokio::sync::Mutex::default(),
            doubts: Mutex::default(),
        }
    }

    /// The supply, by queries: each reply is signed by a node of the subnet. `now` is the wall clock at the call.
    pub async fn supply(&self, net: &Arc<Net>, now: Time, limit: Duration) -> Result<SupplyLeg, SupplyFault> {
        self.ask(net, now, limit, |line| leg::verified(line, self.id)).await
    }

    /// The supply, by calls: each reply is certified by the whole subnet. Takes some seconds and some of the canister's
    /// cycles, so it is for a schedule and for a confirmation.
    pub async fn certified_supply(&self, net: &Arc<Net>, now: Time, limit: Duration) -> Result<SupplyLeg, SupplyFault> {
        self.ask(net, now, limit, |line| leg::certified(line, self.id)).await
    }

    /// Whether it answers at all: any answer to the query that all canisters of the bridge have.
    pub async fn ping(&self, net: &Arc<Net>, now: Time, limit: Duration) -> Result<(), SupplyFault> {
        self.ask(net, now, limit, |line| state::ping(line, self.id)).await
    }

    /// Its code and controllers, certified.
    pub async fn state(&self, net: &Arc<Net>, now: Time, limit: Duration) -> Result<State, SupplyFault> {
        self.ask(net, now, limit, |line| state::read(line, self.id)).await
    }

    /// Its cycles, where it lets everybody see them.
    pub async fn cycles(&self, net: &Arc<Net>, now: Time, limit: Duration) -> Result<u128, SupplyFault> {
        self.ask(net, now, limit, |line| state::cycles(line, self.id)).await
    }

    /// How many messages its subnet has ever executed, certified.
    pub async fn subnet_updates(&self, net: &Arc<Net>, now: Time, limit: Duration) -> Result<u64, SupplyFault> {
        self.ask(net, now, limit, |line| state::subnet_updates(line, self.id)).await
    }

    /// What was not to be believed since the last look, also where another host then gave a sound reply.
    pub fn doubts(&self) -> Vec<String> {
        std::mem::take(&mut self.doubts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes something that is not to be believed.
    pub fn doubt(&self, why: impl Into<String>) {
        self.doubts.lock().unwrap_or_else(PoisonError::into_inner).push(why.into());
    }

    /// Asks host after host until one gives a sound reply; each has its share of the time.
    async fn ask<T, A>(
        &self,
        net: &Arc<Net>,
        time: Time,
        limit: Duration,
        question: impl Fn(Line) -> A,
    ) -> Result<T, SupplyFault>
    where
        A: Future<Output = Result<T, SupplyFault>>,
    {
        let began = Instant::now();
        let Ok(_turn) = timeout(limit, self.turn.lock()).await else { return Err(SupplyFault::Timeout) };
        let agents = self.agents(net)?;
        let mut worst = SupplyFault::Timeout;
        for (at, (agent, wire)) in agents.iter().enumerate() {
            let left = u32::try_from(agents.len() - at).unwrap_or(u32::MAX);
            let share = limit.saturating_sub(began.elapsed()) / left;
            wire.forget();
            let line = Line { agent: agent.clone(), wire: wire.clone(), moment: Moment { time, began } };
            match timeout(share, question(line)).await.unwrap_or(Err(SupplyFault::Timeout)) {
                Err(fault) if fault.is_of_the_host() => worst = self.worse(worst, fault),
                answer => return answer,
            }
        }
        Err(worst)
    }

    /// The fault to tell where several hosts failed: that somebody may be lying outweighs that somebody is absent.
    fn worse(&self, worst: SupplyFault, fault: SupplyFault) -> SupplyFault {
        if let SupplyFault::Untrusted(why) = &fault {
            self.doubt(why.clone());
        }
        if worst.is_untrusted() { worst } else { fault }
    }

    fn agents(&self, net: &Arc<Net>) -> Result<&[Road], SupplyFault> {
        let agents = self.agents.get_or_init(|| self.network.hosts.iter().map(|host| self.agent(host, net)).collect());
        agents.as_deref().map_err(|why| SupplyFault::Unreachable(why.clone()))
    }

    fn agent(&self, host: &str, net: &Arc<Net>) -> Result<Road, String> {
        let wire = Arc::new(Wire::new(net.clone()));
        let url = crate::net::http::parse_url(host)?;
        let agent = Agent::builder()
            .with_arc_route_provider(Arc::new(url))
            .with_arc_http_middleware(wire.clone())
            .with_ingress_expiry(EXPIRY)
            .with_max_polling_time(EXPIRY)
            .build()
            .map_err(|error| error.to_string())?;
        if let Some(RootKey(key)) = &self.network.root_key {
            agent.set_root_key(key.clone());
        }
        Ok((agent, wire))
    }
}

#[cfg(test)]
mod tests;
