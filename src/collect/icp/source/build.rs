//! From what is written to the source.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use toml::Spanned;

use super::{Icp, Role, Settings, Watched};
use crate::bridge::canister::{self, Canister, Network, RootKey};
use crate::collect::icp::settings::One;
use crate::collect::settings;
use crate::model::baseline::Sighting;
use crate::model::fault::{Fault, Place};
use crate::text::check::Check;

/// Where the main network is asked.
const HOSTS: [&str; 2] = ["https://icp-api.io/", "https://icp0.io/"];
/// How often, unless the interval is longer.
const EVERY: Duration = Duration::from_mins(1);
/// How often by calls: the canister pays for each.
const CERTIFIED_EVERY: Duration = Duration::from_hours(1);

impl Settings {
    /// The source that these settings describe; what is wrong goes to `check`.
    pub fn build(&self, table: &Range<usize>, check: &mut Check<'_>) -> Option<Icp> {
        let every = settings::every(self.every.as_ref(), EVERY, check);
        let certified_every = check.duration(self.certified_every.as_ref(), CERTIFIED_EVERY);
        let (hosts, root_key) = (self.hosts(check), self.root_key(check));
        if self.canisters.is_empty() {
            let help = "add [sources.icp.canisters.simplified_bridge] with its id";
            check.fault(Fault::error("`[sources.icp]` names no canister", Place::File(table.clone())).help(help));
        }
        // what is wrong with the network does not hide what is wrong with the canisters
        let (known_hosts, known_key) = (hosts.clone().unwrap_or_default(), root_key.clone().flatten());
        let network = Arc::new(Network { hosts: known_hosts, root_key: known_key });
        let canisters: Vec<Option<Watched>> =
            self.canisters.iter().map(|(name, one)| watched(name, one, &network, check)).collect();
        let canisters: Option<Vec<Watched>> = canisters.into_iter().collect();
        let canisters: Vec<Arc<Watched>> = canisters?.into_iter().map(Arc::new).collect();
        hosts.and(root_key)?;
        let (every, certified_every) = (every?, certified_every?);
        (!canisters.is_empty()).then_some(Icp { every, certified_every, canisters })
    }

    fn hosts(&self, check: &mut Check<'_>) -> Option<Vec<String>> {
        let Some(list) = &self.hosts else { return Some(HOSTS.map(str::to_owned).to_vec()) };
        if list.get_ref().is_empty() {
            let help = "leave the key out for the main network, or name at least one address";
            check.fault(Fault::error("`hosts` is empty", Place::File(list.span())).help(help));
            return None;
        }
        let hosts: Vec<Option<String>> = list.get_ref().iter().map(|host| self.host(host, check)).collect();
        hosts.into_iter().collect()
    }

    fn host(&self, host: &Spanned<String>, check: &mut Check<'_>) -> Option<String> {
        let url = settings::address(host, "hosts", Some(self.danger_allow_plaintext), "[sources.icp]", check)?;
        if url.path() != "/" || url.query().is_some() {
            let what = "a host has no path and no query";
            check.fault(Fault::error(what, Place::File(host.span())).help("write it like https://icp-api.io"));
            return None;
        }
        Some(url.to_string())
    }

    #[allow(clippy::option_option, reason = "outer: whether the key is right; inner: whether it is there")]
    fn root_key(&self, check: &mut Check<'_>) -> Option<Option<RootKey>> {
        let Some(key) = self.root_key.as_ref().filter(|key| !key.get_ref().is_empty()) else { return Some(None) };
        let text = check.reference(key)?;
        match RootKey::parse(&text) {
            Ok(key) => Some(Some(key)),
            Err(why) => {
                let help = "leave it out for the main network, whose key is built in; a test network tells its own";
                let what = format!("`root_key` is no root key: {why}");
                check.fault(Fault::error(what, Place::File(key.span())).help(help));
                None
            }
        }
    }
}

fn watched(
    name: &Spanned<String>,
    one: &Spanned<One>,
    network: &Arc<Network>,
    check: &mut Check<'_>,
) -> Option<Watched> {
    let (table, one) = (one.span(), one.get_ref());
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let good_name = (1..=64).contains(&name.get_ref().len()) && name.get_ref().chars().all(fits);
    if !good_name {
        let what = format!("`{}` cannot be the name of a canister", name.get_ref().escape_debug());
        let help = "use 1 to 64 letters, digits, `_`, `.` or `-`";
        check.fault(Fault::error(what, Place::File(name.span())).help(help));
    }
    let role = role(name.get_ref(), one, check);
    let (code, controllers) = (code(one, check), controllers(one, check));
    let id = check.required(one.id.as_ref(), &table, "id", "write its id: id = \"hldvt-2yaaa-aaaak-qulxa-cai\"")?;
    let canister = Canister::new(name.get_ref(), id.get_ref(), network.clone());
    let canister = canister.map_err(|why| {
        let what = format!("`{}` is not the id of a canister: {why}", id.get_ref().escape_debug());
        check.fault(Fault::error(what, Place::File(id.span())).help("copy it as a whole: it has a checksum"));
    });
    let named = |kind: &str, value: Option<String>| {
        value.map(|value| Sighting::new(format!("{kind}/{}", name.get_ref()), value))
    };
    let pins = named("code", code?).into_iter().chain(named("controllers", controllers?)).collect();
    let role = role?;
    good_name.then_some(Watched { canister: canister.ok()?, role, pins })
}

/// The role, which the name must fit: the shipped rules know these canisters by their names.
fn role(name: &str, one: &One, check: &mut Check<'_>) -> Option<Role> {
    let by_name = Role::of(name);
    let Some(key) = &one.role else { return Some(by_name) };
    let role: Role = check.parsed(key)?;
    if role == by_name {
        return Some(role);
    }
    let (what, help) = match role.name() {
        Some(right) => (
            format!("the canister of the role {} is called {right}", role.word()),
            format!("write [sources.icp.canisters.{right}]: the shipped rules know it by that name"),
        ),
        None => (
            format!("the canister {name} has the role {}", by_name.word()),
            "give a canister that is something else another name".to_owned(),
        ),
    };
    check.fault(Fault::error(what, Place::File(key.span())).help(help));
    None
}

/// The hash of the code that is right.
#[allow(clippy::option_option, reason = "outer: whether the key is right; inner: whether it is there")]
fn code(one: &One, check: &mut Check<'_>) -> Option<Option<String>> {
    let Some(key) = one.code.as_ref().filter(|key| !key.get_ref().is_empty()) else { return Some(None) };
    let code = key.get_ref().trim().trim_start_matches("0x").to_ascii_lowercase();
    if code.len() == 64 && code.chars().all(|c| c.is_ascii_hexdigit()) {
        return Some(Some(code));
    }
    let what = "`code` is not the hash of a canister's code";
    let help = "write its 64 hexadecimal digits, as `sippar-mon baseline list` shows them";
    check.fault(Fault::error(what, Place::File(key.span())).help(help));
    None
}

/// Who may change it, in order of their names.
#[allow(clippy::option_option, reason = "outer: whether the key is right; inner: whether it is there")]
fn controllers(one: &One, check: &mut Check<'_>) -> Option<Option<String>> {
    let Some(list) = one.controllers.as_ref().filter(|list| !list.get_ref().is_empty()) else { return Some(None) };
    let mut names: Vec<String> = Vec::new();
    for name in list.get_ref() {
        if let Err(why) = canister::parse_id(name.get_ref()) {
            let what = format!("`{}` is not a principal: {why}", name.get_ref().escape_debug());
            check.fault(Fault::error(what, Place::File(name.span())).help("copy it as a whole: it has a checksum"));
            return None;
        }
        names.push(name.get_ref().clone());
    }
    names.sort();
    Some(Some(names.join(", ")))
}
