//! Traffic of the network devices, from `/proc/net/dev`.
//!
//! Counted are devices that carry the machine's own traffic: physical ones, and virtual ones (tunnels, bonds, a
//! container's `eth0`) unless they are down. Left out are the loopback and the virtual wiring of containers and virtual
//! machines, whose traffic is seen a second time on a counted device and whose names come and go.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::readings::Readings;
use super::Elapsed;
use super::counter::Sum;
use super::host::Host;
use crate::model::reading::Reason;

/// How names of virtual wiring begin.
const WIRING: [&str; 11] = ["veth", "docker", "br-", "virbr", "vnet", "lxc", "cni", "cali", "flannel", "ifb", "dummy"];

/// Traffic of one device.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Traffic {
    received: Sum,
    sent: Sum,
}

/// Reads traffic; returns the sums the next cycle goes on from. Those of a device that has vanished are dropped.
pub(super) fn measure(
    host: &Host,
    before: &BTreeMap<String, Traffic>,
    elapsed: &Elapsed,
    out: &mut Readings,
) -> BTreeMap<String, Traffic> {
    let text = match host.read("/proc/net/dev") {
        Ok(text) => text,
        Err(reason) => {
            for device in before.keys() {
                report(device, &Err(reason.clone()), out);
            }
            return before.clone();
        }
    };
    let mut sums = BTreeMap::new();
    for (device, received, sent) in text.lines().filter_map(counters).filter(|(device, ..)| is_counted(host, device)) {
        let before = before.get(device);
        let traffic = Traffic {
            received: Sum::next(before.map(|before| before.received), received, elapsed.same_boot),
            sent: Sum::next(before.map(|before| before.sent), sent, elapsed.same_boot),
        };
        report(device, &Ok(traffic), out);
        sums.insert(device.to_owned(), traffic);
    }
    sums
}

/// The two series of a device.
fn report(device: &str, traffic: &Result<Traffic, Reason>, out: &mut Readings) {
    let each =
        |sum: fn(&Traffic) -> Sum| traffic.as_ref().map(|traffic| sum(traffic).total as f64).map_err(Clone::clone);
    let label = ("device", device);
    out.labelled("system_network_receive_bytes_total", label, each(|traffic| traffic.received));
    out.labelled("system_network_transmit_bytes_total", label, each(|traffic| traffic.sent));
}

/// Device, bytes received and bytes sent of a line; `None` for the two lines of headings.
fn counters(line: &str) -> Option<(&str, u64, u64)> {
    let (device, numbers) = line.rsplit_once(':')?;
    let mut numbers = numbers.split_whitespace().map(str::parse);
    let received = numbers.next()?.ok()?;
    let sent = numbers.nth(7)?.ok()?;
    Some((device.trim(), received, sent))
}

fn is_counted(host: &Host, device: &str) -> bool {
    let is_wiring = device == "lo" || WIRING.iter().any(|prefix| device.starts_with(prefix));
    !is_wiring && (is_physical(host, device) || !is_down(host, device))
}

fn is_physical(host: &Host, device: &str) -> bool {
    host.exists(format!("/sys/class/net/{device}/device"))
}

fn is_down(host: &Host, device: &str) -> bool {
    host.read(format!("/sys/class/net/{device}/operstate")).is_ok_and(|state| state.trim() == "down")
}
