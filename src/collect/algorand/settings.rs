//! `[sources.algorand]`: the nodes that custody is read from.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use serde::Deserialize;
use toml::Spanned;

use super::Algorand;
use crate::bridge::algod::Node;
use crate::bridge::indexer::Indexer;
use crate::collect::settings;
use crate::model::fault::{Fault, Place};
use crate::model::secret::Secret;
use crate::net::http::parse_url;
use crate::net::loopback::is_loopback;
use crate::text::check::Check;

/// How often, unless `every` says otherwise or the interval is longer.
const EVERY: Duration = Duration::from_mins(1);
/// The network, unless `network` says otherwise.
const NETWORK: &str = "mainnet-v1.0";

/// `[sources.algorand]` as written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Addresses of algod nodes; two of different owners or more.
    pub nodes: Option<Spanned<Vec<Spanned<String>>>>,
    /// Sent to every node.
    pub token: Option<Spanned<String>>,
    /// By the name of a node; wins over `token`.
    pub tokens: BTreeMap<Spanned<String>, Spanned<String>>,
    /// Address of an indexer.
    pub indexer: Option<Spanned<String>>,
    /// Sent to the indexer.
    pub indexer_token: Option<Spanned<String>>,
    /// Genesis id of the network.
    pub network: Option<String>,
    /// How often; default 60s.
    pub every: Option<Spanned<String>>,
    /// Allow plain http to another machine.
    pub danger_allow_plaintext: Option<bool>,
}

impl Settings {
    /// The source these settings describe; what is wrong goes to `check`.
    pub fn build(&self, table: &Range<usize>, check: &mut Check<'_>) -> Option<Algorand> {
        let every = settings::every(self.every.as_ref(), EVERY, check);
        let help = "name two of different owners or more: nodes = [\"https://…\", \"https://…\"]";
        let listed = check.required(self.nodes.as_ref(), table, "nodes", help);
        let nodes = listed.map(|listed| self.nodes(listed, check));
        self.strange_tokens(nodes.as_deref().unwrap_or_default(), check);
        let indexer = self.indexer(check);
        let nodes: Arc<[Node]> = nodes.filter(|nodes| !nodes.is_empty())?.into();
        let network = self.network.clone().unwrap_or_else(|| NETWORK.to_owned());
        Some(Algorand { every: every?, nodes, network, indexer: indexer? })
    }

    fn nodes(&self, listed: &Spanned<Vec<Spanned<String>>>, check: &mut Check<'_>) -> Vec<Node> {
        let mut nodes: Vec<Node> = Vec::new();
        for key in listed.get_ref() {
            let Some((url, name)) = self.address(key, check) else { continue };
            let token = self.token_of(&name, check);
            if nodes.iter().any(|have| have.name == name) {
                let what = format!("the node {name} is named twice");
                let help = "one node asked twice is one opinion; name another one";
                check.fault(Fault::error(what, Place::File(key.span())).help(help));
            } else {
                nodes.push(Node { name, url, token });
            }
        }
        match listed.get_ref().len() {
            0 => {
                let fault = Fault::error("`nodes` is empty", Place::File(listed.span()));
                check.fault(fault.help("name two nodes of different owners or more"));
            }
            1 => {
                let fault = Fault::warning("a single node can be wrong alone", Place::File(listed.span()));
                check.fault(
                    fault.help("name a second node of another owner: what only one says of custody is less trusted"),
                );
            }
            _ => {}
        }
        nodes
    }

    /// Address and name of a node; kept like a secret, since some providers put a key in it.
    fn address(&self, key: &Spanned<String>, check: &mut Check<'_>) -> Option<(Secret, String)> {
        let place = || Place::File(key.span());
        // a plain address is no secret: only one that holds a key is written as a reference
        let is_reference = key.get_ref().starts_with("env:") || key.get_ref().starts_with("file:");
        let secret = if is_reference { check.secret(key)? } else { Secret::new(key.get_ref()) };
        let url = match parse_url(secret.expose()) {
            Ok(url) => url,
            Err(why) => {
                check.fault(Fault::error(format!("this is {why}"), place()));
                return None;
            }
        };
        let is_bare = url.scheme() != "https" && !url.host_str().is_some_and(is_loopback);
        let fault = if !url.username().is_empty() || url.password().is_some() {
            let help = "write the token as `token`, or as `tokens` for one node";
            Fault::error("the address holds a name or password", place()).help(help)
        } else if url.query().is_some() || url.fragment().is_some() {
            Fault::error("the address goes on after its path", place()).help("write it without `?` and `#`")
        } else if is_bare && self.danger_allow_plaintext != Some(true) {
            let what = "plain http to another machine can be read and changed on the way";
            Fault::error(what, place()).help("use https, or set `danger_allow_plaintext = true` in [sources.algorand]")
        } else {
            return Some((Secret::new(secret.expose().trim_end_matches('/')), name_of(&url)));
        };
        check.fault(fault);
        None
    }

    fn token_of(&self, name: &str, check: &mut Check<'_>) -> Option<Secret> {
        let own = self.tokens.iter().find(|(node, _)| node.get_ref() == name).map(|(_, token)| token);
        own.or(self.token.as_ref()).and_then(|token| token_in(token, check))
    }

    /// A token for a node that is not there would be sent to nobody.
    fn strange_tokens(&self, nodes: &[Node], check: &mut Check<'_>) {
        let names: BTreeSet<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
        for node in self.tokens.keys().filter(|node| !names.contains(node.get_ref().as_str())) {
            let what = format!("no node is called `{}`", node.get_ref().escape_debug());
            let known: Vec<&str> = names.iter().copied().collect();
            let help = format!("a node is called by host and port: {}", known.join(", "));
            check.fault(Fault::error(what, Place::File(node.span())).help(help));
        }
    }

    #[allow(clippy::option_option, reason = "outer: whether the key is right; inner: whether it is there")]
    fn indexer(&self, check: &mut Check<'_>) -> Option<Option<Indexer>> {
        let Some(key) = self.indexer.as_ref().filter(|key| !key.get_ref().is_empty()) else { return Some(None) };
        let (url, _) = self.address(key, check)?;
        let token = self.indexer_token.as_ref().and_then(|token| token_in(token, check));
        Some(Some(Indexer { url, token }))
    }
}

/// The token, where one is written.
fn token_in(key: &Spanned<String>, check: &mut Check<'_>) -> Option<Secret> {
    if key.get_ref().is_empty() { None } else { check.secret(key) }
}

/// Host, and port where it is not the usual one.
fn name_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(text: &str) -> (Option<Algorand>, Vec<String>) {
        let resolve = |text: &str| match text.strip_prefix("env:") {
            Some(name) => Ok(Secret::new(&format!("the value of {name}"))),
            None => Ok(Secret::new(text)),
        };
        let mut check = Check::new(Duration::from_secs(15), &resolve);
        let settings = toml::from_str::<Settings>(text).unwrap();
        let algorand = settings.build(&(0..text.len()), &mut check);
        let faults = check.faults.into_iter().map(|located| located.fault);
        let shown = faults.map(|fault| format!("{} | {}", fault.what, fault.help.unwrap_or_default()));
        (algorand, shown.collect())
    }

    #[test]
    fn nodes_have_names_and_each_its_token() {
        let text = r#"
            nodes = ["https://mainnet-api.example.org/", "http://127.0.0.1:4001"]
            token = "env:SHARED"
            tokens = { "127.0.0.1:4001" = "env:LOCAL" }
            indexer = "https://idx.example.org"
        "#;
        let (algorand, faults) = built(text);
        assert_eq!(faults, [""; 0]);
        let Algorand { every, nodes, network, indexer } = algorand.unwrap();
        assert_eq!((every, network.as_str()), (Duration::from_mins(1), "mainnet-v1.0"));
        let shown: Vec<_> = nodes
            .iter()
            .map(|node| (node.name.as_str(), node.url.expose(), node.token.as_ref().map(Secret::expose)))
            .collect();
        assert_eq!(
            shown,
            [
                ("mainnet-api.example.org", "https://mainnet-api.example.org", Some("the value of SHARED")),
                ("127.0.0.1:4001", "http://127.0.0.1:4001", Some("the value of LOCAL")),
            ]
        );
        let indexer = indexer.unwrap();
        assert_eq!((indexer.url.expose(), indexer.token), ("https://idx.example.org", None));
    }

    #[test]
    fn everything_wrong_is_found_at_once() {
        let text = r#"
            nodes = ["http://10.0.0.1:4001", "https://a:b@c.example", "https://x.example/?k=1", "mainnet", "http://[::1]:1", "http://[::1]:1/"]
            tokens = { "x.example" = "abc" }
            every = "5s"
        "#;
        assert_eq!(
            built(text).1,
            [
                "`every = \"5s\"` is shorter than the interval of 15s | leave it out, or lower `[monitor] interval` to 5s",
                "plain http to another machine can be read and changed on the way | use https, or set `danger_allow_plaintext = true` in [sources.algorand]",
                "the address holds a name or password | write the token as `token`, or as `tokens` for one node",
                "the address goes on after its path | write it without `?` and `#`",
                "this is not an address: relative URL without a base | ",
                "the node [::1]:1 is named twice | one node asked twice is one opinion; name another one",
                "no node is called `x.example` | a node is called by host and port: [::1]:1",
            ]
        );
        let single = built("nodes = [\"https://a.example\"]");
        assert!(single.0.is_some());
        assert_eq!(
            single.1,
            [
                "a single node can be wrong alone | name a second node of another owner: what only one says of custody is less trusted"
            ]
        );
        assert_eq!(built("nodes = []").1, ["`nodes` is empty | name two nodes of different owners or more"]);
        assert!(built("").1[0].starts_with("`nodes` is missing"));
    }
}
