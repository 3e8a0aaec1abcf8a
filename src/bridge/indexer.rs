//! Algorand's indexer, where one is configured: what left an account, and what an account held at a round of the past.

use std::time::Duration;

use serde::Deserialize;

use super::address::Address;
use super::algod::ask;
use crate::model::reading::Reason;
use crate::model::secret::Secret;
use crate::model::time::Time;
use crate::net::Net;
use crate::text::safe;

/// Header that carries the token.
const TOKEN: &str = "X-Indexer-API-Token";
/// How many payments are asked for at once.
const PAGE: usize = 100;
/// How many pages are read.
const PAGES: usize = 5;

/// An indexer, as the configuration names it.
#[derive(Clone, PartialEq, Debug)]
pub struct Indexer {
    /// The address without a slash at its end; may hold a key.
    pub url: Secret,
    /// Sent only to it.
    pub token: Option<Secret>,
}

/// A payment that left an account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Payment {
    /// Its transaction.
    pub id: String,
    /// The round it was made in.
    pub round: u64,
    /// When, by the block.
    pub at: Time,
    /// To whom.
    pub receiver: String,
    /// Micro-algos, with what closing the account took along.
    pub amount: u128,
    /// Micro-algos.
    pub fee: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Page {
    transactions: Vec<Transaction>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(clippy::struct_field_names, reason = "the indexer calls it so")]
struct Transaction {
    id: String,
    sender: String,
    fee: u64,
    confirmed_round: u64,
    round_time: Option<i64>,
    payment_transaction: Option<Paid>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Paid {
    receiver: String,
    amount: u64,
    #[serde(default)]
    close_amount: u64,
}

#[derive(Deserialize)]
struct Held {
    account: Amount,
}

#[derive(Deserialize)]
struct Amount {
    amount: u64,
}

impl Indexer {
    /// Payments out of `address` since `round`, the newest first, and whether there are more than were read.
    pub async fn payments(
        &self,
        address: &Address,
        round: u64,
        net: &Net,
        limit: Duration,
    ) -> Result<(Vec<Payment>, bool), Reason> {
        let (mut payments, mut token) = (Vec::new(), None::<String>);
        for _ in 0..PAGES {
            let more = token.as_deref().filter(|token| is_plain(token)).map(|token| format!("&next={token}"));
            let path = format!(
                "/v2/accounts/{address}/transactions?tx-type=pay&min-round={round}&limit={PAGE}{}",
                more.unwrap_or_default()
            );
            let page: Page = ask(&self.url, &path, self.headers(), net, limit).await?;
            let is_last = page.transactions.len() < PAGE || page.next_token.is_none();
            payments.extend(page.transactions.into_iter().filter_map(|one| outgoing(one, address)));
            if is_last {
                return Ok((payments, false));
            }
            token = page.next_token;
        }
        Ok((payments, true))
    }

    /// What `address` held at `round`. The indexer knows no account that never was, and that is 0.
    pub async fn held(&self, address: &Address, round: u64, net: &Net, limit: Duration) -> Result<u64, Reason> {
        let path = format!("/v2/accounts/{address}?round={round}&exclude=all");
        match ask::<Held>(&self.url, &path, self.headers(), net, limit).await {
            Ok(held) => Ok(held.account.amount),
            Err(why) if why.as_str().starts_with("HTTP 404: no accounts found") => Ok(0),
            Err(why) => Err(why),
        }
    }

    fn headers(&self) -> Vec<(String, Secret)> {
        self.token.iter().map(|token| (TOKEN.to_owned(), token.clone())).collect()
    }
}

/// Whether a token of a page can stand in an address as it is.
fn is_plain(token: &str) -> bool {
    token.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

fn outgoing(transaction: Transaction, address: &Address) -> Option<Payment> {
    let Transaction { id, sender, fee, confirmed_round, round_time, payment_transaction } = transaction;
    let Paid { receiver, amount, close_amount } = payment_transaction.filter(|_| sender == address.as_str())?;
    Some(Payment {
        id: safe::answer(&id),
        round: confirmed_round,
        at: Time::from_millis(round_time.unwrap_or_default().saturating_mul(1000)),
        receiver: safe::answer(&receiver),
        amount: u128::from(amount) + u128::from(close_amount),
        fee,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::algorand::{IndexerFake, address};

    const LIMIT: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn what_left_an_account_is_found_page_by_page() {
        let fake = IndexerFake::start();
        let (custody, user) = (address(1), address(7));
        for at in 0..120 {
            fake.pay(&custody, &user, 500_000 + at, 58_569_000 + at);
        }
        // what came in is none of it
        fake.pay(&user, &custody, 7, 58_570_000);
        let net = Net::new(None, None);
        let indexer = Indexer { url: Secret::new(&fake.url()), token: Some(Secret::new("letmein")) };
        let custody: Address = custody.parse().unwrap();
        let (payments, is_more) = indexer.payments(&custody, 58_569_010, &net, LIMIT).await.unwrap();
        assert_eq!((payments.len(), is_more), (110, false));
        let first = &payments[0];
        assert_eq!((first.round, first.amount, first.fee), (58_569_119, 500_119, 1000));
        assert_eq!(first.receiver, user);
        assert_eq!(fake.tokens(), vec![Some("letmein".to_owned()); 2]);
    }

    #[tokio::test]
    async fn the_past_of_an_account_is_asked_by_round_and_an_unknown_one_is_empty() {
        let fake = IndexerFake::start();
        let custody = address(1);
        fake.hold(&custody, 23_519_000, 100);
        fake.hold(&custody, 23_000_000, 200);
        let net = Net::new(None, None);
        let indexer = Indexer { url: Secret::new(&fake.url()), token: None };
        let custody: Address = custody.parse().unwrap();
        for (round, amount) in [(150, 23_519_000), (200, 23_000_000), (99, 0)] {
            assert_eq!(indexer.held(&custody, round, &net, LIMIT).await, Ok(amount));
        }
        fake.set_broken(Some(500));
        assert_eq!(indexer.held(&custody, 1, &net, LIMIT).await.unwrap_err().as_str(), "HTTP 500");
    }
}
