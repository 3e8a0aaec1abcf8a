//! A fake of the bridge's backend: the endpoints that are asked, in the shapes of the real one, with numbers of its own.
//! What its queues hold is set by the test; faults are answers put in the place of an endpoint's own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};

use super::http::{Answer, HttpFake, Seen};

/// When the fake says it is.
const NOW: &str = "2026-11-23T10:00:00.000Z";
/// The canisters it speaks of.
const BRIDGE: &str = "hldvt-2yaaa-aaaak-qulxa-cai";
const SIGNER: &str = "vj7ly-diaaa-aaaae-abvoq-cai";

/// A queue of jobs.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    /// Waiting.
    pub pending: u64,
    /// Being worked at: minting or burning.
    pub working: u64,
    /// Burned and not sent yet; only of redemptions.
    pub withdrawing: u64,
    /// Done.
    pub completed: u64,
    /// Given up.
    pub failed: u64,
    /// Milliseconds that the completed ones took together.
    pub millis: u64,
}

impl Queue {
    /// One more job is done, after `millis`.
    pub fn complete(&mut self, millis: u64) {
        self.completed += 1;
        self.millis += millis;
    }

    fn mean(&self) -> f64 {
        if self.completed == 0 { 0.0 } else { self.millis as f64 / self.completed as f64 }
    }

    fn total(&self) -> u64 {
        self.pending + self.working + self.withdrawing + self.completed + self.failed
    }
}

/// What the backend is like at the moment.
#[derive(Clone, Debug)]
pub struct State {
    /// Its process.
    pub pid: u64,
    /// Seconds since that started; a second more at each look.
    pub uptime: f64,
    /// Mint jobs.
    pub minting: Queue,
    /// Redeem jobs.
    pub redemption: Queue,
    /// Users that began to migrate.
    pub migrating: u64,
    /// Users that migrated through the bridge.
    pub migrated: u64,
    /// Minutes that a migration took on the average.
    pub migration_minutes: f64,
    /// Deposits that wait for confirmations.
    pub deposits: u64,
    /// Deposits whose registration failed.
    pub failed_registrations: u64,
    /// Whether it looks for deposits.
    pub looks: bool,
    /// What it says it has issued, in ALGO; it says that as much is locked.
    pub supply: f64,
    /// The ratio that it claims.
    pub ratio: f64,
    /// Whether it is paused.
    pub paused: bool,
    /// Operations that it logged, and those of them that failed.
    pub operations: (u64, u64),
    /// Whether it reaches the bridge's canister.
    pub reaches_bridge: bool,
    /// Answers in the place of its own, by path.
    pub faults: BTreeMap<String, Answer>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            pid: 4711,
            uptime: 3600.0,
            minting: Queue { completed: 12, millis: 12 * 40_000, ..Queue::default() },
            redemption: Queue { completed: 5, millis: 5 * 20_000, ..Queue::default() },
            migrating: 9,
            migrated: 7,
            migration_minutes: 15.0,
            deposits: 0,
            failed_registrations: 0,
            looks: true,
            supply: 23.419,
            ratio: 1.0,
            paused: false,
            operations: (250, 3),
            reaches_bridge: true,
            faults: BTreeMap::new(),
        }
    }
}

/// The fake; it lives until the test program ends.
pub struct BackendFake {
    server: HttpFake,
    state: Arc<Mutex<State>>,
}

impl BackendFake {
    /// Starts on a free port.
    pub fn start() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let server = HttpFake::serving(move |request| {
            let mut state = shared.lock().unwrap();
            let given = answer(&state, request);
            state.uptime += if request.path == "/metrics" { 1.0 } else { 0.0 };
            given
        });
        Self { server, state }
    }

    /// Its address, without a slash at the end.
    pub fn url(&self) -> String {
        self.server.url("")
    }

    /// What it is like, to be changed.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// From now on `path` is answered like this.
    pub fn fail(&self, path: &str, answer: Answer) {
        self.state().faults.insert(path.to_owned(), answer);
    }

    /// From now on every endpoint is answered like this.
    pub fn fail_all(&self, answer: &Answer) {
        for path in PATHS {
            self.fail(path, answer.clone());
        }
    }

    /// It answers as it should again.
    pub fn heal(&self) {
        self.state().faults.clear();
    }

    /// A new process: everything that is only in memory is gone.
    pub fn restart(&self) {
        let mut state = self.state();
        let (pid, supply) = (state.pid + 1, state.supply);
        let none = Queue::default();
        *state = State {
            pid,
            supply,
            uptime: 0.5,
            minting: none.clone(),
            redemption: none,
            migrating: 0,
            migrated: 0,
            migration_minutes: 0.0,
            operations: (0, 0),
            ..State::default()
        };
    }

    /// The paths that were asked for so far.
    pub fn asked(&self) -> Vec<String> {
        self.server.seen().into_iter().map(|seen| seen.path).collect()
    }

    /// The requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.server.seen()
    }
}

/// What it answers.
pub const PATHS: [&str; 9] = [
    "/health",
    "/metrics",
    "/migration/stats",
    "/reserves/status",
    "/ck-algo/minting/stats",
    "/ck-algo/redemption/stats",
    "/deposits/monitoring-stats",
    "/api/v1/threshold/status",
    "/swap/metrics",
];

fn answer(state: &State, request: &Seen) -> Answer {
    if let Some(fault) = state.faults.get(&request.path) {
        return fault.clone();
    }
    match body(state, &request.path) {
        Some(body) => json_answer(200, &body),
        None => json_answer(404, &not_found()),
    }
}

/// An answer of the backend itself.
pub fn json_answer(status: u16, body: &Value) -> Answer {
    Answer::new(status, body.to_string()).header("content-type", "application/json; charset=utf-8")
}

/// The page of the proxy before it.
pub fn bad_gateway() -> Answer {
    let page = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1>\
                </center>\r\n<hr><center>nginx/1.26.0</center>\r\n</body>\r\n</html>\r\n";
    Answer::new(502, page).header("content-type", "text/html")
}

/// What the backend says of a path that it does not know.
pub fn not_found() -> Value {
    json!({
        "success": false,
        "error": "Endpoint not found",
        "service": "Sippar Algorand Chain Fusion Backend - Phase 3",
        "available_endpoints": PATHS.map(|path| format!("GET {path}")),
        "timestamp": NOW,
    })
}

/// What the backend says when an endpoint breaks.
pub fn broken(what: &str) -> Value {
    json!({ "success": false, "error": what, "details": "canister unreachable" })
}

/// The body of `path` in the shape of the real one.
pub fn body(state: &State, path: &str) -> Option<Value> {
    let jobs = |operation: &str, stats: Value| json!({ "success": true, "operation": operation, "stats": stats, "timestamp": NOW });
    Some(match path {
        "/health" => health(state),
        "/metrics" => metrics(state),
        "/migration/stats" => json!({ "success": true, "data": migration(state), "timestamp": NOW }),
        "/reserves/status" => json!({
            "success": true, "operation": "get_reserve_status", "data": reserves(state), "timestamp": NOW,
        }),
        "/ck-algo/minting/stats" => jobs("minting_stats", minting(&state.minting)),
        "/ck-algo/redemption/stats" => jobs("redemption_stats", redemption(&state.redemption)),
        "/deposits/monitoring-stats" => json!({ "success": true, "data": deposits(state), "timestamp": NOW }),
        "/api/v1/threshold/status" => json!({
            "success": true, "canister_id": SIGNER, "network": "icp-mainnet", "integration_status": "operational",
            "healthy": true, "canister_status": { "version": "2.0.0", "signature_scheme": "Schnorr Ed25519" },
            "last_check": 1_795_428_000_000_u64,
        }),
        "/swap/metrics" => json!({
            "success": true,
            "metrics": {
                "localCache": {
                    "totalDepositsProcessed": 4, "swappedDeposits": 3, "failedDeposits": 1,
                    "totalCkethProcessed": "310000000000000", "totalCkethProcessedFormatted": "0.00031 ETH",
                },
                "canister": { "ckethBackedCkalgo": "5395549", "totalCkethReceived": "310000000000000" },
            },
            "duration": 640, "timestamp": NOW,
        }),
        _ => return None,
    })
}

fn health(state: &State) -> Value {
    json!({
        "status": "healthy",
        "service": "Sippar Algorand Chain Fusion Backend",
        "version": "1.0.0-alpha",
        "components": {
            "chain_fusion_engine": true, "threshold_ecdsa": true, "algorand_integration": true,
            "ck_algo_minting": true, "icp_canister": true, "simplified_bridge": state.reaches_bridge,
            "simplified_bridge_canister": BRIDGE,
        },
        "metrics": { "total_transactions": state.operations.0, "avg_processing_time_ms": 250, "success_rate": 1 },
        "timestamp": NOW,
    })
}

fn metrics(state: &State) -> Value {
    let (all, failed) = state.operations;
    json!({
        "service": "Sippar Chain Fusion Metrics",
        "timestamp": NOW,
        "uptime_seconds": state.uptime,
        "operations": {
            "total_transactions": all, "total_mints": 12, "total_redeems": 5, "total_chain_fusion": 0,
            "custody_addresses_generated": 1, "failed_operations": failed,
        },
        "performance": {
            "avg_processing_time_ms": 2900, "total_processing_time_ms": all * 2900, "success_rate": 0.99,
            "last_operation_time": NOW,
        },
        "recent_errors": [],
        "system": {
            "memory_usage": { "rss": 71_000_000, "heapTotal": 38_000_000, "heapUsed": 34_000_000 },
            "node_version": "v20.11.1", "platform": "linux", "pid": state.pid,
        },
    })
}

fn migration(state: &State) -> Value {
    json!({
        "totalUsers": state.migrating,
        "migratedUsers": { "freshStart": 0, "migrationBridge": state.migrated, "legacyHold": 0 },
        "tokenSupply": { "oldCkAlgoRemaining": 100, "newCkAlgoIssued": 120.5, "totalAlgoLocked": 120.5 },
        "migrationHealth": {
            "reserveRatio": 1, "emergencyPaused": false, "avgMigrationTime": state.migration_minutes,
            "successRate": 0.78,
        },
    })
}

fn reserves(state: &State) -> Value {
    json!({
        "reserveRatio": state.ratio, "totalCkAlgoSupply": state.supply, "totalLockedAlgo": state.supply,
        "emergencyPaused": state.paused, "lastVerificationTime": 1_795_428_000_000_u64, "custodyAddresses": [],
        "healthStatus": if state.paused { "paused" } else { "healthy" },
    })
}

fn minting(queue: &Queue) -> Value {
    json!({
        "totalJobs": queue.total(), "pendingJobs": queue.pending, "processingJobs": queue.working,
        "completedJobs": queue.completed, "failedJobs": queue.failed, "successRate": 80,
        "totalAmountMinted": 24.019, "averageProcessingTime": queue.mean(),
    })
}

fn redemption(queue: &Queue) -> Value {
    json!({
        "totalJobs": queue.total(), "pendingJobs": queue.pending, "burningJobs": queue.working,
        "withdrawingJobs": queue.withdrawing, "completedJobs": queue.completed, "failedJobs": queue.failed,
        "successRate": 80, "totalAmountRedeemed": 0.6, "averageProcessingTime": queue.mean(),
    })
}

fn deposits(state: &State) -> Value {
    json!({
        "isRunning": state.looks, "pollingIntervalMs": 30000, "registeredAddresses": 1,
        "pendingDeposits": state.deposits, "confirmedDeposits": 0, "failedDeposits": 0,
        "totalDeposits": state.deposits, "failedRegistrations": state.failed_registrations,
        "config": { "mainnetConfirmations": 6, "testnetConfirmations": 3, "pollingIntervalMs": 30000,
            "maxPendingDeposits": 1000 },
    })
}
