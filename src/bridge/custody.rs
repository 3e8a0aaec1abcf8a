//! What several nodes say of the custody accounts, each on its own, and what they say together.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::address::Address;
use super::algod::{Account, Node, Status};
use super::freshness::{self, Past};
use super::supply::Trust;
use crate::model::reading::Reason;
use crate::model::time::Time;
use crate::net::Net;
use crate::net::together;
use crate::text::{money, safe};

/// Questions on their way to one node: what free providers allow is twice that.
const AT_ONCE: usize = 5;
/// How many rounds an account may be behind the node's own word: another machine behind the same name answered.
const LAG: u64 = 5;
/// How many rounds may lie between two accounts of one sum.
const SPREAD: u64 = 10;

/// What one node says.
#[derive(Clone, PartialEq, Debug)]
pub struct Said {
    /// The node.
    pub node: String,
    /// The round it claims to be at.
    pub claims: Option<u64>,
    /// The same where it can be used; otherwise why not.
    pub round: Result<u64, Reason>,
    /// Its balances; empty where it cannot be used.
    pub accounts: BTreeMap<Address, Result<Account, Reason>>,
}

/// What the usable nodes say together of one address.
#[derive(Clone, PartialEq, Debug)]
pub struct Holding {
    /// Whose.
    pub address: Address,
    /// What they agree on, or why there is no such number.
    pub account: Result<Agreed, Reason>,
    /// Whether they contradict each other.
    pub disagree: bool,
}

/// What is held at an address, by everybody who could say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Agreed {
    /// Micro-algos.
    pub amount: u64,
    /// Micro-algos that cannot leave it.
    pub min_balance: u64,
    /// Who signs for it, where that is another key than its own.
    pub auth: Option<String>,
    /// The earliest round this was true at.
    pub round: u64,
    /// The nodes that say so.
    pub nodes: Vec<String>,
}

impl Holding {
    /// Whether more than one node says so.
    pub fn is_shared(&self) -> bool {
        self.account.as_ref().is_ok_and(|agreed| agreed.nodes.len() > 1)
    }
}

impl Agreed {
    /// How far it can be believed.
    pub fn trust(&self) -> Trust {
        if self.nodes.len() > 1 { Trust::Verified } else { Trust::SingleNode }
    }
}

/// Whom to ask, and for what.
#[derive(Clone, Copy, Debug)]
pub struct Watch<'a> {
    /// The nodes.
    pub nodes: &'a [Node],
    /// The network they must belong to.
    pub network: &'a str,
    /// Custody, spendable or not.
    pub addresses: &'a [Address],
    /// Time limit of one call.
    pub limit: Duration,
}

impl Watch<'_> {
    /// Asks every node that can be used for every address. `before`: the rounds they were at last time.
    pub async fn read(&self, before: &BTreeMap<String, Past>, now: Time, net: &Net) -> Vec<Said> {
        let heads = heads(self.nodes, self.network, self.limit, net).await;
        let best = best(&heads, self.network);
        let each = self.nodes.iter().zip(&heads).map(|(node, head)| {
            let past = before.get(&node.name).copied();
            self.of_node(node, head, usable(head, self.network, past, best, now), net)
        });
        together::all(each).await
    }

    async fn of_node(&self, node: &Node, head: &Head, round: Result<u64, Reason>, net: &Net) -> Said {
        let claims = head.as_ref().ok().map(|(_, status)| status.last_round);
        let mut accounts = BTreeMap::new();
        if let Ok(round) = round {
            let ask = |address: &Address| {
                let address = address.clone();
                async move {
                    let account = node.account(&address, net, self.limit).await;
                    (address, account.and_then(|account| recent(account, round)))
                }
            };
            accounts = together::bounded(AT_ONCE, self.addresses.iter().map(ask)).await.into_iter().collect();
        }
        Said { node: node.name.clone(), claims, round, accounts }
    }
}

/// What a node says of itself: its network and its state.
pub type Head = Result<(String, Status), Reason>;

/// Asks every node for its network and its state.
pub async fn heads(nodes: &[Node], network: &str, limit: Duration, net: &Net) -> Vec<Head> {
    let ask = |node: &Node| {
        let node = node.clone();
        async move {
            let (genesis, status) = tokio::join!(node.genesis(net, limit), node.status(net, limit));
            let genesis = genesis?;
            // of a foreign network nothing else matters
            if genesis == network {
                Ok((genesis, status?))
            } else {
                Ok((genesis, status.unwrap_or_else(|_| nowhere())))
            }
        }
    };
    together::all(nodes.iter().map(ask)).await
}

/// The state of a node that has not said any.
const fn nowhere() -> Status {
    Status {
        last_round: 0,
        time_since_last_round: Duration::ZERO,
        catchup_time: Duration::ZERO,
        catchpoint: String::new(),
        stopped_at_unsupported_round: false,
        next_version_supported: true,
    }
}

/// The highest round that a node of the right network is at.
pub fn best(heads: &[Head], network: &str) -> u64 {
    let right = heads.iter().flatten().filter(|(genesis, _)| genesis == network);
    right.map(|(_, status)| status.last_round).max().unwrap_or(0)
}

/// The round a node is at, where it can be used.
pub fn usable(head: &Head, network: &str, before: Option<Past>, best: u64, now: Time) -> Result<u64, Reason> {
    let (genesis, status) = head.as_ref().map_err(Clone::clone)?;
    freshness::judge(status, genesis, network, before, best, now)?;
    Ok(status.last_round)
}

/// The account, unless it is older than the node itself said.
fn recent(account: Account, round: u64) -> Result<Account, Reason> {
    if account.round.saturating_add(LAG) < round {
        let behind = round - account.round;
        return Err(Reason::new(format!("the answer is {behind} rounds old: another node answered for this one")));
    }
    Ok(account)
}

/// What the usable nodes say together of each address.
pub fn agree(said: &[Said], addresses: &[Address]) -> Vec<Holding> {
    addresses.iter().map(|address| holding(said, address)).collect()
}

fn holding(said: &[Said], address: &Address) -> Holding {
    let voices: Vec<(&str, &Result<Account, Reason>)> =
        said.iter().filter_map(|one| Some((one.node.as_str(), one.accounts.get(address)?))).collect();
    let known: Vec<(&str, &Account)> =
        voices.iter().filter_map(|(node, voice)| Some((*node, voice.as_ref().ok()?))).collect();
    let told: BTreeSet<(u64, &Option<String>)> =
        known.iter().map(|(_, account)| (account.amount, &account.auth_addr)).collect();
    let account = match known.as_slice() {
        [] => Err(nobody(said, &voices)),
        _ if told.len() > 1 => Err(Reason::new(contradiction(&known))),
        [(_, first), ..] => Ok(Agreed {
            amount: first.amount,
            min_balance: known.iter().map(|(_, account)| account.min_balance).max().unwrap_or_default(),
            auth: first.auth_addr.as_ref().map(|auth| safe::answer(auth)),
            round: known.iter().map(|(_, account)| account.round).min().unwrap_or_default(),
            nodes: known.iter().map(|(node, _)| (*node).to_owned()).collect(),
        }),
    };
    Holding { address: address.clone(), account, disagree: told.len() > 1 }
}

/// Why nobody could say.
fn nobody(said: &[Said], voices: &[(&str, &Result<Account, Reason>)]) -> Reason {
    let unusable = said.iter().filter_map(|one| Some((one.node.as_str(), one.round.as_ref().err()?)));
    let silent = voices.iter().filter_map(|(node, voice)| Some((*node, voice.as_ref().err()?)));
    let all: Vec<(&str, &Reason)> = silent.chain(unusable).collect();
    if !all.is_empty() && all.iter().all(|(_, why)| **why == Reason::TIMEOUT) {
        return Reason::TIMEOUT;
    }
    let words: Vec<String> = all.iter().map(|(node, why)| format!("{node}: {why}")).collect();
    Reason::new(if words.is_empty() { "no node was asked".to_owned() } else { words.join("; ") })
}

/// Who says what: `a: 23.5, b: 0`.
fn contradiction(known: &[(&str, &Account)]) -> String {
    let word = |(node, account): &(&str, &Account)| {
        let auth = account.auth_addr.as_ref().map(|auth| format!(" signed for by {}", safe::answer(auth)));
        format!("{node}: {}{}", money::unsigned(account.amount.into()), auth.unwrap_or_default())
    };
    format!("the nodes disagree: {}", known.iter().map(word).collect::<Vec<_>>().join(", "))
}

impl Said {
    /// What it knows of these addresses together, and whether that is all of them at about the same time.
    pub fn sum(&self, addresses: &[Address]) -> (u128, bool) {
        let known: Vec<&Account> =
            addresses.iter().filter_map(|address| self.accounts.get(address)?.as_ref().ok()).collect();
        let rounds = || known.iter().map(|account| account.round);
        let spread = rounds().max().unwrap_or_default() - rounds().min().unwrap_or_default();
        let sum = known.iter().map(|account| u128::from(account.amount)).sum();
        (sum, known.len() == addresses.len() && spread <= SPREAD)
    }
}

#[cfg(test)]
pub mod kit {
    //! What tests of this room say in the name of nodes.

    use super::*;
    use crate::support::algorand;

    /// The address of the account `key`.
    pub fn address(key: u8) -> Address {
        algorand::address(key).parse().unwrap()
    }

    /// A node at round 1000 that says these amounts, in order of the keys 1, 2, …; `None` where it cannot say.
    pub fn said(node: &str, amounts: &[Option<u64>]) -> Said {
        let account = |(key, amount): (u8, &Option<u64>)| {
            let account = amount.map(|amount| Account {
                address: address(key).to_string(),
                amount,
                min_balance: 100_000,
                round: 1000,
                auth_addr: None,
            });
            (address(key), account.ok_or(Reason::TIMEOUT))
        };
        Said {
            node: node.to_owned(),
            claims: Some(1000),
            round: Ok(1000),
            accounts: (1..).zip(amounts).map(account).collect(),
        }
    }

    /// A node that cannot be used.
    pub fn lost(node: &str, why: &'static str) -> Said {
        Said { node: node.to_owned(), claims: None, round: Err(Reason::new(why)), accounts: BTreeMap::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::kit::{address, lost, said};
    use super::*;
    use crate::model::secret::Secret;
    use crate::support::algorand::{self, AlgodFake};

    #[test]
    fn a_number_is_what_everybody_says_who_can_say() {
        let addresses = [address(1), address(2)];
        let all = [said("a", &[Some(5), Some(7)]), said("b", &[Some(5), None]), lost("c", "it is catching up")];
        let [one, two] = <[Holding; 2]>::try_from(agree(&all, &addresses)).unwrap();
        let one = one.account.unwrap();
        assert_eq!(
            (one.amount, one.nodes.clone(), one.trust()),
            (5, vec!["a".to_owned(), "b".to_owned()], Trust::Verified)
        );
        let two = two.account.unwrap();
        assert_eq!((two.amount, two.trust()), (7, Trust::SingleNode));
        assert_eq!(all.each_ref().map(|one| one.sum(&addresses)), [(12, true), (5, false), (0, false)]);
    }

    #[test]
    fn a_contradiction_is_no_number() {
        let mut rekeyed = said("b", &[Some(5)]);
        for account in rekeyed.accounts.values_mut().flatten() {
            account.auth_addr = Some("EVE".to_owned());
        }
        for (other, told) in [
            (said("b", &[Some(0)]), "the nodes disagree: a: 0.000005, b: 0"),
            (rekeyed, "the nodes disagree: a: 0.000005, b: 0.000005 signed for by EVE"),
        ] {
            let all = agree(&[said("a", &[Some(5)]), other], &[address(1)]);
            assert_eq!((all[0].account.as_ref().unwrap_err().as_str(), all[0].disagree), (told, true));
        }
    }

    #[test]
    fn what_nobody_can_say_has_every_reason() {
        let told = |said: &[Said]| agree(said, &[address(1)])[0].account.clone().unwrap_err();
        assert_eq!(told(&[said("a", &[None]), said("b", &[None])]), Reason::TIMEOUT);
        let mixed = told(&[said("a", &[None]), lost("b", "it is catching up with the network")]);
        assert_eq!(mixed.as_str(), "a: timeout; b: it is catching up with the network");
        assert_eq!(told(&[]).as_str(), "no node was asked");
    }

    #[tokio::test]
    async fn a_node_is_asked_only_where_it_can_be_used_and_not_believed_about_the_past() {
        let fakes: Vec<AlgodFake> = (0..4).map(|_| AlgodFake::start()).collect();
        let one = algorand::address(1);
        for fake in &fakes {
            fake.set_amount(&one, 23_419_000);
        }
        fakes[1].set_catchup(5);
        fakes[2].set_lag(7);
        fakes[3].set_genesis("testnet-v1.0");
        fakes[3].set_round(99_000_000);
        let nodes: Vec<Node> = fakes
            .iter()
            .zip('a'..)
            .map(|(fake, name)| Node { name: name.to_string(), url: Secret::new(&fake.url()), token: None })
            .collect();
        let (net, addresses) = (Net::new(None, None), [address(1), address(9)]);
        let watch =
            Watch { nodes: &nodes, network: "mainnet-v1.0", addresses: &addresses, limit: Duration::from_secs(5) };
        let all = watch.read(&BTreeMap::new(), Time::from_millis(0), &net).await;
        let words = |one: &Said| match (&one.round, one.accounts.get(&addresses[0])) {
            (Err(why), _) => why.to_string(),
            (Ok(_), Some(Ok(account))) => account.amount.to_string(),
            (Ok(_), other) => format!("{other:?}"),
        };
        assert_eq!(
            all.iter().map(words).collect::<Vec<_>>(),
            [
                "23419000",
                "it is catching up with the network",
                "Some(Err(Reason(\"the answer is 6 rounds old: another node answered for this one\")))",
                "it belongs to testnet-v1.0, not to mainnet-v1.0",
            ]
        );
        assert_eq!(all[0].accounts[&addresses[1]].as_ref().unwrap().amount, 0, "a real zero");
        assert!(fakes[1].paths().iter().all(|path| !path.contains("accounts")), "nothing to ask a lost node for");
    }
}
