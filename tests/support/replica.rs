//! A fake subnet of the Internet Computer on loopback, with a root key of its own: one node that signs queries, a subnet
//! key that signs certificates and is delegated by the root key. Each lie that a host, a node or a subnet can tell is one
//! value of [`Lie`].

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use candid::{CandidType, Encode, Nat, Principal};
use ic_certification::hash_tree::{HashTree, empty, fork, label, leaf, pruned};
use ic_certification::{Certificate, Delegation};
use ic_ed25519::PrivateKey as NodeKey;
use ic_transport_types::{
    Envelope, EnvelopeContent, NodeSignature, QueryResponse, ReadStateResponse, RejectCode, RejectResponse,
    ReplyResponse, RequestId, SubnetMetrics, TransportCallResponse,
};
use ic_verify_bls_signature::PrivateKey as BlsKey;

use super::http::{Answer, HttpFake, Manner, Seen};

/// What a BLS public key in DER begins with.
const DER: &[u8] = b"\x30\x81\x82\x30\x1d\x06\x0d\x2b\x06\x01\x04\x01\x82\xdc\x7c\x05\x03\x01\x02\x01\x06\x0c\x2b\x06\x01\x04\x01\x82\xdc\x7c\x05\x03\x02\x01\x03\x61\x00";

/// The canisters of the bridge, whose ids are public.
pub const BRIDGE: &str = "hldvt-2yaaa-aaaak-qulxa-cai";
/// Its signer.
pub const SIGNER: &str = "vj7ly-diaaa-aaaae-abvoq-cai";

/// A lie, or another way in which an answer is no good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lie {
    /// Certificates and signatures are this old.
    Old(Duration),
    /// They are of the future.
    Early(Duration),
    /// The delegation does not cover the canisters.
    OutOfRange,
    /// A stranger's key signed the delegation.
    StrangersDelegation,
    /// A stranger's key signed the certificate.
    StrangersCertificate,
    /// The delegation was itself delegated.
    DelegatedTwice,
    /// A bit of the node's signature is wrong.
    BrokenSignature,
    /// No node signed.
    NoSignature,
    /// A node signed that the subnet does not have.
    StrangersSignature,
    /// The reply is not the one that was signed.
    ChangedReply,
    /// The node signs a supply that is this much larger than the subnet's.
    LyingNode(u128),
    /// The state tree lacks what was asked.
    Pruned,
    /// The answer is a page of a proxy.
    Html,
    /// The answer is this HTTP status.
    Status(u16),
    /// There is no answer.
    Silence,
}

/// How a canister is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Health {
    /// It answers.
    Runs,
    /// It refuses everybody with this class, code and text.
    Refuses(u64, &'static str, &'static str),
    /// The state tree knows nothing of it, and it refuses.
    Gone,
}

impl Health {
    /// Out of cycles.
    pub const FROZEN: Self = Self::Refuses(2, "IC0207", "Canister is out of cycles");
    /// Stopped by its controllers.
    pub const STOPPED: Self = Self::Refuses(5, "IC0508", "Canister is stopped");
    /// Without code.
    pub const EMPTY: Self = Self::Refuses(5, "IC0537", "Canister has no wasm module");
}

/// A canister.
#[derive(Clone, Debug)]
pub struct Canister {
    pub health: Health,
    /// All in circulation, micro-units.
    pub supply: u128,
    /// Locked by its books.
    pub locked: u128,
    /// Minted for ckETH.
    pub cketh_backed: u128,
    pub decimals: u8,
    /// The hash of its code; none without code.
    pub code: Option<[u8; 32]>,
    pub controllers: Vec<String>,
    /// Shown to everybody where there is a number.
    pub cycles: Option<u128>,
    /// A method that it does not know any more.
    pub forgets: Option<&'static str>,
    /// The replies to this method are this instead.
    pub answers: Option<(&'static str, Vec<u8>)>,
}

impl Default for Canister {
    fn default() -> Self {
        Self {
            health: Health::Runs,
            supply: 28_814_549,
            locked: 23_419_000,
            cketh_backed: 5_395_549,
            decimals: 6,
            code: Some([0x11; 32]),
            controllers: vec!["2vxsx-fae".to_owned()],
            cycles: None,
            forgets: None,
            answers: None,
        }
    }
}

/// Something that happens to the subnet.
type Event = Box<dyn FnOnce(&mut World) + Send>;

/// What is true on the subnet, and how its host tells it.
pub struct World {
    pub canisters: BTreeMap<String, Canister>,
    pub lie: Option<Lie>,
    /// A call is answered with 202, and its result is to be polled for.
    pub polls: bool,
    /// Messages executed.
    pub updates: u64,
    /// Before a question for this method is answered, this happens; the first of the list, once.
    events: VecDeque<(&'static str, Event)>,
    results: BTreeMap<Vec<u8>, Result<Vec<u8>, RejectResponse>>,
}

impl World {
    /// The canister that `id` names.
    pub fn canister(&mut self, id: &str) -> &mut Canister {
        self.canisters.get_mut(id).unwrap()
    }

    /// The token of the bridge.
    pub fn bridge(&mut self) -> &mut Canister {
        self.canister(BRIDGE)
    }
}

/// The fake.
pub struct Replica {
    http: HttpFake,
    world: Arc<Mutex<World>>,
}

impl Replica {
    /// Starts with the bridge's two canisters, all in order.
    pub fn start() -> Self {
        let canisters = [BRIDGE, SIGNER].map(|id| (id.to_owned(), Canister::default()));
        let world = World {
            canisters: canisters.into(),
            lie: None,
            polls: false,
            updates: 1_000_000,
            events: VecDeque::new(),
            results: BTreeMap::new(),
        };
        let world = Arc::new(Mutex::new(world));
        let shared = world.clone();
        Self { http: HttpFake::serving(move |seen| answer(&mut shared.lock().unwrap(), seen)), world }
    }

    /// The address of its host.
    pub fn url(&self) -> String {
        self.http.url("")
    }

    /// The `[sources.icp]` that watches its canisters.
    pub fn config(&self, every: &str) -> String {
        let (host, key) = (self.url(), Self::root_key());
        format!(
            "[sources.icp]\nhosts = [\"{host}\"]\nroot_key = \"{key}\"\nevery = \"{every}\"\n\
             [sources.icp.canisters.simplified_bridge]\nid = \"{BRIDGE}\"\n\
             [sources.icp.canisters.threshold_signer]\nid = \"{SIGNER}\"\n"
        )
    }

    /// Its root key, as the configuration has it.
    pub fn root_key() -> String {
        der(&key(1)).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }

    /// Changes what is true, or how it is told.
    pub fn set(&self, change: impl FnOnce(&mut World)) {
        change(&mut self.world.lock().unwrap());
    }

    /// From now on its host tells this lie.
    pub fn lie(&self, lie: impl Into<Option<Lie>>) {
        self.world.lock().unwrap().lie = lie.into();
    }

    /// When `method` is asked for the next time after earlier events, this happens first.
    pub fn before(&self, method: &'static str, event: impl FnOnce(&mut World) + Send + 'static) {
        self.world.lock().unwrap().events.push_back((method, Box::new(event)));
    }

    /// Paths that were asked for.
    pub fn asked(&self) -> Vec<String> {
        self.http.seen().into_iter().map(|seen| seen.path).collect()
    }
}

fn key(seed: u8) -> BlsKey {
    BlsKey::deserialize(&[seed; 32]).unwrap()
}

fn der(key: &BlsKey) -> Vec<u8> {
    [DER, &key.public_key().serialize()].concat()
}

/// The subnet's name, which its key gives it.
pub fn subnet() -> Principal {
    Principal::self_authenticating(der(&key(2)))
}

fn node(seed: u8) -> (NodeKey, Principal) {
    let key = NodeKey::generate_from_seed(&[seed; 32]);
    let name = Principal::self_authenticating(key.public_key().serialize_rfc8410_der());
    (key, name)
}

fn answer(world: &mut World, seen: &Seen) -> Answer {
    match world.lie {
        Some(Lie::Html) => return Answer::new(200, "<html><body>Sign in to this network</body></html>"),
        Some(Lie::Status(status)) => return Answer::new(status, "no healthy upstream"),
        Some(Lie::Silence) => return Answer::new(200, "").manner(Manner::Silence),
        _ => {}
    }
    let Ok(envelope) = serde_cbor::from_slice::<Envelope<'_>>(&seen.body) else {
        return Answer::new(400, "not an envelope");
    };
    let parts: Vec<&str> = seen.path.split('/').collect();
    let [_, "api", _, kind, effective, _] = parts[..] else { return Answer::new(404, "no such endpoint") };
    let expected = ["canister", "subnet"].contains(&kind) && (kind == "canister" || effective == subnet().to_text());
    if !expected {
        return Answer::new(404, "no such endpoint");
    }
    let content = envelope.content.into_owned();
    let id = content.to_request_id();
    match &content {
        EnvelopeContent::Query { canister_id, method_name, .. } => {
            let outcome = execute(world, *canister_id, effective, method_name, true);
            Answer::new(200, serde_cbor::to_vec(&signed(world, id, outcome)).unwrap())
        }
        EnvelopeContent::Call { canister_id, method_name, .. } => {
            let outcome = execute(world, *canister_id, effective, method_name, false);
            world.updates += 1;
            world.results.insert(id.as_slice().to_vec(), outcome);
            if world.polls {
                return Answer::new(202, "");
            }
            let reply = TransportCallResponse::Replied { certificate: certificate(world) };
            Answer::new(200, serde_cbor::to_vec(&reply).unwrap())
        }
        EnvelopeContent::ReadState { .. } => {
            let reply = ReadStateResponse { certificate: certificate(world) };
            Answer::new(200, serde_cbor::to_vec(&reply).unwrap())
        }
    }
}

type Outcome = Result<Vec<u8>, RejectResponse>;

fn reject(class: u64, code: &str, text: &str) -> RejectResponse {
    RejectResponse {
        reject_code: RejectCode::try_from(class).unwrap(),
        reject_message: text.to_owned(),
        error_code: Some(code.to_owned()),
    }
}

#[derive(CandidType)]
struct ReserveStatus {
    locked_algo_reserves: Nat,
    total_ck_algo_supply: Nat,
    reserve_ratio: f64,
    is_healthy: bool,
    last_verification: u64,
}

#[derive(CandidType)]
struct SwapConfig {
    enabled: bool,
    fee_bps: u64,
    min_cketh: Nat,
    max_cketh: Nat,
    cketh_backed_ckalgo: Nat,
    total_cketh_received: Nat,
}

#[derive(CandidType)]
struct ManagementStatus {
    cycles: Nat,
    idle_cycles_burned_per_day: Nat,
    memory_size: Nat,
}

fn execute(world: &mut World, target: Principal, effective: &str, method: &str, is_query: bool) -> Outcome {
    if world.events.front().is_some_and(|(of, _)| *of == method) {
        let (_, event) = world.events.pop_front().unwrap();
        event(world);
    }
    let is_management = target == Principal::management_canister();
    let name = if is_management { effective.to_owned() } else { target.to_text() };
    let Some(canister) = world.canisters.get(&name) else {
        return Err(reject(3, "IC0301", "Canister not found"));
    };
    match &canister.health {
        Health::Gone => return Err(reject(3, "IC0301", "Canister not found")),
        Health::Refuses(class, code, text) => return Err(reject(*class, code, text)),
        Health::Runs => {}
    }
    if canister.forgets == Some(method) {
        return Err(reject(5, "IC0536", "Canister has no query method of that name"));
    }
    if let Some((of, reply)) = &canister.answers
        && *of == method
    {
        return Ok(reply.clone());
    }
    let lie = match world.lie {
        Some(Lie::LyingNode(more)) if is_query => more,
        _ => 0,
    };
    reply(canister, method, lie)
}

fn reply(canister: &Canister, method: &str, lie: u128) -> Outcome {
    let Canister { supply, locked, cketh_backed, decimals, cycles, .. } = canister.clone();
    let encoded = match method {
        "icrc1_total_supply" => Encode!(&Nat::from(supply + lie)),
        "icrc1_decimals" => Encode!(&decimals),
        "get_reserve_ratio" => Encode!(&ReserveStatus {
            locked_algo_reserves: (locked + lie).into(),
            total_ck_algo_supply: (supply + lie).into(),
            reserve_ratio: locked as f64 / supply as f64,
            is_healthy: true,
            last_verification: 0,
        }),
        "get_swap_config" => Encode!(&SwapConfig {
            enabled: true,
            fee_bps: 30,
            min_cketh: 1_u8.into(),
            max_cketh: 2_u8.into(),
            cketh_backed_ckalgo: cketh_backed.into(),
            total_cketh_received: 248_000_000_000_000_u64.into(),
        }),
        "get_canister_status" => Encode!(&"Simplified Bridge Status: 3 deposits, 0 pending"),
        "canister_status" => {
            let Some(cycles) = cycles else {
                return Err(reject(5, "IC0512", "Only controllers of the canister can call canister_status"));
            };
            let (idle, memory) = (21_344_190_u64.into(), 3_402_112_u64.into());
            Encode!(&ManagementStatus { cycles: cycles.into(), idle_cycles_burned_per_day: idle, memory_size: memory })
        }
        _ => return Err(reject(5, "IC0536", "Canister has no method of that name")),
    };
    Ok(encoded.unwrap())
}

/// Now, in nanoseconds, as the lie has it.
#[allow(clippy::disallowed_methods, reason = "a real network signs with the time of the day")]
fn now(lie: Option<Lie>) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let told = match lie {
        Some(Lie::Old(age)) => now.saturating_sub(age),
        Some(Lie::Early(ahead)) => now + ahead,
        _ => now,
    };
    u64::try_from(told.as_nanos()).unwrap()
}

/// The answer to a query, signed by the node.
fn signed(world: &World, id: RequestId, outcome: Outcome) -> QueryResponse {
    let with = |outcome: &Outcome, signatures| match outcome.clone() {
        Ok(arg) => QueryResponse::Replied { reply: ReplyResponse { arg }, signatures },
        Err(reject) => QueryResponse::Rejected { reject, signatures },
    };
    let timestamp = now(world.lie);
    let (key, identity) = node(if world.lie == Some(Lie::StrangersSignature) { 9 } else { 3 });
    let mut signature = key.sign_message(&with(&outcome, Vec::new()).signable(id, timestamp)).to_vec();
    if world.lie == Some(Lie::BrokenSignature) {
        signature[7] ^= 1;
    }
    let signatures = match world.lie {
        Some(Lie::NoSignature) => Vec::new(),
        _ => vec![NodeSignature { timestamp, signature, identity }],
    };
    let told = match (world.lie, outcome) {
        (Some(Lie::ChangedReply), Ok(mut reply)) => {
            *reply.last_mut().unwrap() ^= 1;
            Ok(reply)
        }
        (_, outcome) => outcome,
    };
    with(&told, signatures)
}

/// A tree of labels before it is hashed.
#[derive(Default)]
struct Tree(BTreeMap<Vec<u8>, Branch>);

enum Branch {
    Leaf(Vec<u8>),
    Tree(Tree),
    /// Only its hash is told.
    Pruned(Tree),
}

impl Tree {
    fn put(&mut self, path: &[&[u8]], value: Vec<u8>) {
        let (first, rest) = path.split_first().unwrap();
        if rest.is_empty() {
            self.0.insert(first.to_vec(), Branch::Leaf(value));
            return;
        }
        let below = self.0.entry(first.to_vec()).or_insert_with(|| Branch::Tree(Self::default()));
        let Branch::Tree(below) = below else { panic!("a leaf has nothing below it") };
        below.put(rest, value);
    }

    fn hashed(self) -> HashTree<Vec<u8>> {
        let one = |(name, branch): (Vec<u8>, Branch)| match branch {
            Branch::Leaf(value) => label(name, leaf(value)),
            Branch::Tree(tree) => label(name, tree.hashed()),
            Branch::Pruned(tree) => label(name, pruned(tree.hashed().digest())),
        };
        joined(self.0.into_iter().map(one).collect())
    }
}

fn joined(mut all: Vec<HashTree<Vec<u8>>>) -> HashTree<Vec<u8>> {
    if all.len() < 2 {
        return all.pop().unwrap_or_else(empty);
    }
    let right = all.split_off(all.len() / 2);
    fork(joined(all), joined(right))
}

fn leb128(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).unwrap();
        number >>= 7;
        bytes.push(if number == 0 { low } else { low | 0x80 });
        if number == 0 {
            return bytes;
        }
    }
}

fn sign(tree: Tree, key: &BlsKey, delegation: Option<Delegation>) -> Vec<u8> {
    let tree = tree.hashed();
    let message = [b"\x0Dic-state-root".as_slice(), &tree.digest()].concat();
    let certificate = Certificate { tree, signature: key.sign(&message).serialize().to_vec(), delegation };
    let mut serializer = serde_cbor::Serializer::new(Vec::new());
    serializer.self_describe().unwrap();
    serde::Serialize::serialize(&certificate, &mut serializer).unwrap();
    serializer.into_inner()
}

/// The whole state tree, certified.
fn certificate(world: &World) -> Vec<u8> {
    let mut tree = Tree::default();
    let subnet = subnet();
    let (node_key, node_name) = node(3);
    tree.put(&[b"time"], leb128(now(world.lie)));
    tree.put(&[b"subnet", subnet.as_slice(), b"public_key"], der(&key(2)));
    let node_der = node_key.public_key().serialize_rfc8410_der();
    tree.put(&[b"subnet", subnet.as_slice(), b"node", node_name.as_slice(), b"public_key"], node_der);
    let metrics = SubnetMetrics {
        num_canisters: 2,
        canister_state_bytes: 1 << 20,
        consumed_cycles_total: 1 << 70,
        update_transactions_total: world.updates,
    };
    tree.put(&[b"subnet", subnet.as_slice(), b"metrics"], serde_cbor::ser::to_vec_packed(&metrics).unwrap());
    for (name, canister) in &world.canisters {
        if canister.health == Health::Gone {
            continue;
        }
        let id = Principal::from_text(name).unwrap();
        if let Some(code) = canister.code {
            tree.put(&[b"canister", id.as_slice(), b"module_hash"], code.to_vec());
        }
        let controllers: Vec<Principal> =
            canister.controllers.iter().map(|name| Principal::from_text(name).unwrap()).collect();
        let mut bytes = Vec::new();
        serde_cbor::to_writer(&mut bytes, &serde_cbor::tags::Tagged::new(Some(55_799), controllers)).unwrap();
        tree.put(&[b"canister", id.as_slice(), b"controllers"], bytes);
    }
    for (id, result) in &world.results {
        let mut put = |leaf: &[u8], value: Vec<u8>| tree.put(&[b"request_status", id, leaf], value);
        match result {
            Ok(reply) => {
                put(b"status", b"replied".to_vec());
                put(b"reply", reply.clone());
            }
            Err(reject) => {
                put(b"status", b"rejected".to_vec());
                put(b"reject_code", leb128(reject.reject_code as u64));
                put(b"reject_message", reject.reject_message.clone().into_bytes());
                put(b"error_code", reject.error_code.clone().unwrap_or_default().into_bytes());
            }
        }
    }
    if world.lie == Some(Lie::Pruned)
        && let Some(Branch::Tree(canisters)) = tree.0.remove(b"canister".as_slice())
    {
        tree.0.insert(b"canister".to_vec(), Branch::Pruned(canisters));
    }
    let signer = key(if world.lie == Some(Lie::StrangersCertificate) { 8 } else { 2 });
    sign(tree, &signer, Some(delegation(world.lie)))
}

/// The root key's word that the subnet's key speaks for the canisters.
fn delegation(lie: Option<Lie>) -> Delegation {
    let subnet = subnet();
    let mut tree = Tree::default();
    tree.put(&[b"time"], leb128(now(None)));
    tree.put(&[b"subnet", subnet.as_slice(), b"public_key"], der(&key(2)));
    let (low, high) = match lie {
        Some(Lie::OutOfRange) => ([0_u8; 10], [0_u8; 10]),
        _ => ([0_u8; 10], [0xff_u8; 10]),
    };
    let ranges = vec![(Principal::from_slice(&low), Principal::from_slice(&high))];
    tree.put(&[b"canister_ranges", subnet.as_slice(), &low], serde_cbor::to_vec(&ranges).unwrap());
    let signer = key(if lie == Some(Lie::StrangersDelegation) { 8 } else { 1 });
    let above = (lie == Some(Lie::DelegatedTwice)).then(|| delegation(None));
    Delegation { subnet_id: subnet.as_slice().to_vec(), certificate: sign(tree, &signer, above) }
}
