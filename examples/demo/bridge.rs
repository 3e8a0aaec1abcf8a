//! The chains of the bridge: custody on two nodes of Algorand, ckALGO on a subnet that signs what it says.

use std::time::Duration;

use crate::support::algorand::{AlgodFake, address};
use crate::support::replica::{BRIDGE, Canister, Health, Lie, Replica, SIGNER};
use crate::world::{Command, World};

/// ALGO in custody when all is well, micro-units: what the fake canister's supply needs, and 0.1.
const CUSTODY: u64 = 23_519_000;

/// The chains.
pub struct Bridge {
    nodes: [AlgodFake; 2],
    replica: Replica,
}

/// What a real bridge waits minutes for, by rule.
pub const PENDING: [(&str, &str); 5] = [
    ("RESERVE_CLAIM_DEVIATES", "4s"),
    ("SIMPLIFIED_BRIDGE_UNHEALTHY", "4s"),
    ("THRESHOLD_SIGNER_UNHEALTHY", "4s"),
    ("ALGORAND_NODE_STALE", "4s"),
    ("ALGORAND_NODES_DISAGREE", "4s"),
];

/// Everything that can be done to them.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "short",
        what: "2.519 ALGO leave custody (UNDER_COLLATERALIZED, OUTFLOW_WITHOUT_BURN, RESERVE_CLAIM_DEVIATES)",
        run: |world| world.bridge.custody(CUSTODY - 2_519_000),
    },
    Command {
        name: "steal",
        what: "0.09 ALGO of the surplus are taken, which no ratio shows (OUTFLOW_WITHOUT_BURN)",
        run: |world| world.bridge.custody(CUSTODY - 90_000),
    },
    Command {
        name: "mint",
        what: "5 ckALGO are minted for nothing (MINT_WITHOUT_DEPOSIT, UNDER_COLLATERALIZED)",
        run: mint,
    },
    Command { name: "vanish", what: "the canister lost its state: supply 0 (SUPPLY_VANISHED)", run: vanish },
    Command { name: "rekey", what: "another key signs for custody (CUSTODY_REKEYED)", run: rekey },
    Command {
        name: "freeze",
        what: "the token canister is out of cycles (SIMPLIFIED_BRIDGE_UNHEALTHY)",
        run: |world| world.bridge.canister(BRIDGE, |canister| canister.health = Health::FROZEN),
    },
    Command {
        name: "signer",
        what: "the canister that signs is stopped (THRESHOLD_SIGNER_UNHEALTHY)",
        run: |world| world.bridge.canister(SIGNER, |canister| canister.health = Health::STOPPED),
    },
    Command {
        name: "code",
        what: "the token canister runs other code (CANISTER_CODE_CHANGED)",
        run: |world| world.bridge.canister(BRIDGE, |canister| canister.code = Some([0x22; 32])),
    },
    Command {
        name: "controllers",
        what: "the token canister has another controller (CANISTER_CONTROLLERS_CHANGED)",
        run: |world| world.bridge.canister(BRIDGE, |canister| canister.controllers = vec![SIGNER.to_owned()]),
    },
    Command {
        name: "forge",
        what: "signatures of the replica are wrong (UNTRUSTED_REPLY)",
        run: |world| world.bridge.replica.lie(Lie::BrokenSignature),
    },
    Command {
        name: "stale",
        what: "a node of Algorand has had no new round for an hour (ALGORAND_NODE_STALE)",
        run: |world| world.bridge.nodes[1].set_since(Duration::from_hours(1)),
    },
    Command {
        name: "lie",
        what: "a node says that custody is empty; nobody knows who is right (ALGORAND_NODES_DISAGREE)",
        run: |world| world.bridge.nodes[1].set_amount(&address(1), 0),
    },
    Command { name: "silent", what: "no node of Algorand answers (RESERVE_DATA_STALE)", run: silent },
    Command { name: "mend", what: "the chains are as they were", run: |world| world.bridge.mend() },
];

impl Bridge {
    /// Fully backed.
    pub fn start() -> Self {
        let bridge = Self { nodes: [AlgodFake::start(), AlgodFake::start()], replica: Replica::start() };
        bridge.mend();
        bridge
    }

    /// The part of the configuration that watches it.
    pub fn config(&self) -> String {
        let [one, other] = &self.nodes;
        format!(
            "[sources.algorand]\nnodes = [\"{}\", \"{}\"]\nevery = \"4s\"\n\n{}\n[sources.reserves]\ncustody = [\"{}\"]\n\
             every = \"4s\"\nconfirm_after = \"200ms\"\nsettle = \"0s\"\n\n\
             [[rule]]\nalert = \"RESERVE_DATA_STALE\"\nabove = {{ HIGH = \"20s\", CRITICAL = \"40s\" }}\n\n",
            one.url(),
            other.url(),
            self.replica.config("4s"),
            address(1),
        )
    }

    fn custody(&self, amount: u64) {
        for node in &self.nodes {
            node.set_amount(&address(1), amount);
        }
    }

    fn canister(&self, id: &str, change: impl FnOnce(&mut Canister)) {
        self.replica.set(|subnet| change(subnet.canister(id)));
    }

    fn mend(&self) {
        self.custody(CUSTODY);
        for node in &self.nodes {
            node.set_auth(&address(1), None);
            node.set_since(Duration::from_secs(1));
            node.set_broken(None);
        }
        for id in [BRIDGE, SIGNER] {
            self.canister(id, |canister| *canister = Canister::default());
        }
        self.replica.lie(None);
    }
}

fn mint(world: &World) {
    world.bridge.canister(BRIDGE, |canister| {
        canister.supply += 5_000_000;
        canister.locked += 5_000_000;
    });
}

fn vanish(world: &World) {
    world.bridge.canister(BRIDGE, |canister| {
        (canister.supply, canister.locked, canister.cketh_backed) = (0, 0, 0);
    });
}

fn rekey(world: &World) {
    for node in &world.bridge.nodes {
        node.set_auth(&address(1), Some(&address(66)));
    }
}

fn silent(world: &World) {
    for node in &world.bridge.nodes {
        node.set_broken(Some(502));
    }
}
