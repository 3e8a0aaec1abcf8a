//! A node of Algorand, asked over its REST interface. One node is one opinion: whether it can be used is judged in
//! [`super::freshness`], and what several of them say together in [`super::custody`].

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::address::Address;
use crate::model::reading::Reason;
use crate::model::secret::Secret;
use crate::net::Net;
use crate::net::http::{FailureKind, Request, Response};
use crate::text::safe;

/// Header that carries the token.
const TOKEN: &str = "X-Algo-API-Token";
/// An answer is a few hundred bytes; with `exclude=all` no stranger can make it grow.
const MAX_BODY: usize = 64 * 1024;

/// A node, as the configuration names it.
#[derive(Clone, PartialEq, Debug)]
pub struct Node {
    /// The label `node` of its series: host, and port where it is not the usual one.
    pub name: String,
    /// The address without a slash at its end; may hold a key.
    pub url: Secret,
    /// Sent only to this node.
    pub token: Option<Secret>,
}

/// What a node says of itself (`/v2/status`). Durations arrive in nanoseconds.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Status {
    /// The newest round it knows.
    pub last_round: u64,
    /// Since that round arrived, by the node's own clock.
    #[serde(with = "nanos")]
    pub time_since_last_round: Duration,
    /// How long it has been catching up; zero when it is not.
    #[serde(with = "nanos")]
    pub catchup_time: Duration,
    /// The snapshot it is fetching; empty when it is not.
    #[serde(default)]
    pub catchpoint: String,
    /// It is too old for the protocol that the network uses now.
    #[serde(default)]
    pub stopped_at_unsupported_round: bool,
    /// Whether it knows the protocol that comes next.
    pub next_version_supported: bool,
}

/// An account (`/v2/accounts/{address}?exclude=all`). An unknown one has an amount of 0, and that is a measurement.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Account {
    /// Whose it is.
    pub address: String,
    /// Micro-algos.
    pub amount: u64,
    /// Micro-algos that cannot leave it.
    pub min_balance: u64,
    /// The round this was true at.
    pub round: u64,
    /// Who signs for it, where that is another key than its own.
    pub auth_addr: Option<String>,
}

#[derive(Deserialize)]
struct Versions {
    genesis_id: String,
}

mod nanos {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer};

    /// A whole number of nanoseconds; a node with a strange clock may send a negative one, which is no time at all.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        Ok(Duration::from_nanos(u64::try_from(i64::deserialize(deserializer)?).unwrap_or(0)))
    }
}

impl Node {
    /// The network it belongs to: `mainnet-v1.0`.
    pub async fn genesis(&self, net: &Net, limit: Duration) -> Result<String, Reason> {
        self.get::<Versions>("/versions", net, limit).await.map(|versions| versions.genesis_id)
    }

    /// How far it is.
    pub async fn status(&self, net: &Net, limit: Duration) -> Result<Status, Reason> {
        self.get("/v2/status", net, limit).await
    }

    /// An account as this node sees it.
    pub async fn account(&self, address: &Address, net: &Net, limit: Duration) -> Result<Account, Reason> {
        let account: Account = self.get(&format!("/v2/accounts/{address}?exclude=all"), net, limit).await?;
        if account.address != address.as_str() {
            let other = safe::answer(&account.address);
            return Err(Reason::new(format!("it answered for another account, {other}")));
        }
        Ok(account)
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, net: &Net, limit: Duration) -> Result<T, Reason> {
        let token = self.token.iter().map(|token| (TOKEN.to_owned(), token.clone())).collect();
        ask(&self.url, path, token, net, limit).await
    }
}

/// Asks for a JSON document; any other answer is a reason in words.
pub(super) async fn ask<T: DeserializeOwned>(
    base: &Secret,
    path: &str,
    headers: Vec<(String, Secret)>,
    net: &Net,
    limit: Duration,
) -> Result<T, Reason> {
    let url = Secret::new(&format!("{}{path}", base.expose()));
    let request = Request { headers, timeout: limit, max_body: MAX_BODY, ..Request::get(url) };
    let response = net.http(request).await.map_err(|failure| match failure.kind {
        FailureKind::Timeout => Reason::TIMEOUT,
        _ => Reason::new(failure.text),
    })?;
    read(&response)
}

fn read<T: DeserializeOwned>(response: &Response) -> Result<T, Reason> {
    if response.status.as_u16() != 200 {
        return Err(Reason::new(refused(response)));
    }
    serde_json::from_slice(&response.body)
        .map_err(|error| Reason::new(format!("not the JSON that was expected: {}", safe::answer(&error.to_string()))))
}

/// A refusal in words; of free providers 429 is too many requests at once, 403 those of a day used up.
fn refused(response: &Response) -> String {
    #[derive(Deserialize)]
    struct Refusal {
        message: String,
    }
    let status = response.status.as_u16();
    let what = match serde_json::from_slice::<Refusal>(&response.body) {
        Ok(refusal) => safe::clip(&safe::one_line(&refusal.message), 120),
        Err(_) => match status {
            403 => "forbidden, or the requests of this day are used up".to_owned(),
            429 => "too many requests".to_owned(),
            _ => String::new(),
        },
    };
    if what.is_empty() { format!("HTTP {status}") } else { format!("HTTP {status}: {what}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::algorand::{AlgodFake, address};
    use crate::support::http::{Answer, HttpFake, Manner};

    const LIMIT: Duration = Duration::from_secs(5);

    fn node(url: &str, token: Option<&str>) -> Node {
        Node { name: "fake".to_owned(), url: Secret::new(url), token: token.map(Secret::new) }
    }

    #[tokio::test]
    async fn a_node_is_asked_with_its_token_and_for_no_more_than_is_needed() {
        let fake = AlgodFake::start();
        let net = Net::new(None, None);
        let custody = address(1);
        fake.set_amount(&custody, 9_007_199_254_740_993);
        fake.set_token(Some("letmein"));
        fake.set_pace(0);
        let node = node(&fake.url(), Some("letmein"));
        assert_eq!(node.genesis(&net, LIMIT).await.as_deref(), Ok("mainnet-v1.0"));
        let status = node.status(&net, LIMIT).await.unwrap();
        assert_eq!((status.last_round, status.catchup_time), (fake.round(), Duration::ZERO));
        let account = node.account(&custody.parse().unwrap(), &net, LIMIT).await.unwrap();
        assert_eq!((account.amount, account.min_balance, account.auth_addr), (9_007_199_254_740_993, 100_000, None));
        let unknown = node.account(&address(2).parse().unwrap(), &net, LIMIT).await.unwrap();
        assert_eq!(unknown.amount, 0, "an account that never was is empty, which is a measurement");
        let paths = fake.paths();
        assert_eq!(paths[2], format!("/v2/accounts/{custody}?exclude=all"), "{paths:?}");
        let wrong = Node { token: Some(Secret::new("other")), ..node };
        assert_eq!(wrong.status(&net, LIMIT).await.unwrap_err().as_str(), "HTTP 401: Invalid API Token");
    }

    #[tokio::test]
    async fn every_other_answer_is_a_reason_and_never_a_number() {
        let net = Net::new(None, None);
        let address: Address = address(1).parse().unwrap();
        let other = r#"{"address":"X\u001b","amount":1,"min-balance":1,"round":1}"#;
        for (answer, wanted) in [
            (Answer::new(429, "slow down"), "HTTP 429: too many requests"),
            (Answer::new(403, ""), "HTTP 403: forbidden, or the requests of this day are used up"),
            (Answer::new(502, "<html>bad gateway</html>"), "HTTP 502"),
            (Answer::new(302, "").header("location", "/else"), "HTTP 302"),
            (
                Answer::new(500, r#"{"message":"failed to look up \u001b ledger"}"#),
                r"HTTP 500: failed to look up \u{1b} ledger",
            ),
            (Answer::new(200, "<html></html>"), "not the JSON that was expected: expected value at line 1 column 1"),
            (
                Answer::new(200, "null"),
                "not the JSON that was expected: invalid type: null, expected struct Account at line 1 column 4",
            ),
            (
                Answer::new(200, r#"{"address":"X","amount":"1"}"#),
                "not the JSON that was expected: invalid type: string \"1\", expected u64 at line 1 column 27",
            ),
            (Answer::new(200, other), r"it answered for another account, X\u{1b}"),
            (Answer::new(200, "x".repeat(70_000)), "the answer is longer than 65536 bytes"),
            (Answer::new(200, "").manner(Manner::Reset), "the connection was reset"),
        ] {
            let fake = HttpFake::start([answer]);
            let told = node(&fake.url(""), None).account(&address, &net, LIMIT).await.unwrap_err();
            assert_eq!(told.as_str(), wanted);
        }
        let silent = HttpFake::start([Answer::new(200, "").manner(Manner::Silence)]);
        let told = node(&silent.url(""), None).account(&address, &net, Duration::from_millis(50)).await;
        assert_eq!(told.unwrap_err(), Reason::TIMEOUT);
    }
}
