//! `[sources.system]`: what a person may write, and what the source makes of it.

use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use crate::model::fault::{Fault, Place};
use crate::text::check::Check;

/// `[sources.system]` as written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Whether the machine is measured at all; default true.
    pub enabled: Option<bool>,
    /// How often; default the interval.
    pub every: Option<Spanned<String>>,
    /// Mount points watched beside the real disks: network file systems, RAM disks.
    pub mounts: Vec<Spanned<String>>,
    /// Mount points not watched.
    pub ignore_mounts: Vec<Spanned<String>>,
    /// systemd units to watch; `nginx` is `nginx.service`.
    pub services: Vec<Spanned<String>>,
    /// Processes to watch, by the kernel's name of them (cut at 15 characters) or by the program's file name.
    pub processes: Vec<Spanned<String>>,
    /// The probe whose duration stands for the network's latency.
    pub latency_probe: Option<Spanned<String>>,
}

/// The system source, ready to collect.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct System {
    /// Whether it is collected at all.
    pub enabled: bool,
    /// How often.
    pub every: Duration,
    /// Mount points watched whatever their kind.
    pub(super) mounts: Vec<String>,
    /// Mount points never watched.
    pub(super) ignore_mounts: Vec<String>,
    /// What `service_up` speaks of.
    pub(super) services: Vec<Service>,
    /// The probe whose duration stands for the network's latency in the JSON API.
    pub latency_probe: Option<String>,
}

/// A service a person asked to watch; the text is the `service` label, as written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Service {
    /// A systemd unit.
    Unit(String),
    /// All processes of this name.
    Process(String),
}

impl Service {
    /// The `service` label.
    pub(super) fn label(&self) -> &str {
        match self {
            Self::Unit(name) | Self::Process(name) => name,
        }
    }
}

impl Settings {
    /// The source these settings describe; what is wrong goes to `check`.
    pub fn build(&self, check: &mut Check<'_>) -> System {
        let every = check.duration(self.every.as_ref(), check.interval).unwrap_or(check.interval);
        let mounts = mount_points("mounts", &self.mounts, check);
        let ignore_mounts = mount_points("ignore_mounts", &self.ignore_mounts, check);
        for key in self.mounts.iter().filter(|key| ignore_mounts.iter().any(|path| path == trimmed(key.get_ref()))) {
            let what = format!("`{}` is in `mounts` and in `ignore_mounts`", key.get_ref());
            check.fault(Fault::error(what, Place::File(key.span())).help("keep it in one of the two lists"));
        }
        let services = self.services(check);
        let latency_probe =
            self.latency_probe.as_ref().map(|key| key.get_ref().clone()).filter(|name| !name.is_empty());
        System { enabled: self.enabled.unwrap_or(true), every, mounts, ignore_mounts, services, latency_probe }
    }

    fn services(&self, check: &mut Check<'_>) -> Vec<Service> {
        let mut services: Vec<Service> = Vec::new();
        let units = self.services.iter().map(|key| (key, Service::Unit(key.get_ref().clone())));
        let processes = self.processes.iter().map(|key| (key, Service::Process(key.get_ref().clone())));
        for (key, service) in units.chain(processes) {
            let name = service.label();
            if name.trim().is_empty() || name.contains('/') {
                let what = format!("`{name}` is not the name of a service");
                let help = "write the unit's name like \"nginx.service\", or the program's name without its folder";
                check.fault(Fault::error(what, Place::File(key.span())).help(help));
            } else if services.iter().any(|have| have.label() == name) {
                let what = format!("the service `{name}` is named twice");
                let help = "its readings would be one series; name it once, in `services` or in `processes`";
                check.fault(Fault::error(what, Place::File(key.span())).help(help));
            } else {
                services.push(service);
            }
        }
        services
    }
}

/// The paths of a list without the slash at their end; what is not absolute is a fault.
fn mount_points(list: &str, keys: &[Spanned<String>], check: &mut Check<'_>) -> Vec<String> {
    for key in keys.iter().filter(|key| !key.get_ref().starts_with('/')) {
        let what = format!("`{}` in `{list}` is not a mount point", key.get_ref());
        check.fault(
            Fault::error(what, Place::File(key.span())).help("write the whole path, as `df` shows it, like \"/srv\""),
        );
    }
    keys.iter().map(|key| trimmed(key.get_ref()).to_owned()).collect()
}

/// `/srv/` as the kernel writes it: `/srv`.
fn trimmed(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" => "/",
        path => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(text: &str) -> (System, Vec<String>) {
        let resolve = |_: &str| Err("no secrets here".to_owned());
        let mut check = Check::new(Duration::from_mins(1), &resolve);
        let system = toml::from_str::<Settings>(text).unwrap().build(&mut check);
        let faults = check.faults.into_iter().map(|located| located.fault);
        (
            system,
            faults
                .map(|fault| {
                    let Place::File(span) = fault.place else { panic!("{fault:?}") };
                    format!("{}: {}", &text[span], fault.what)
                })
                .collect(),
        )
    }

    #[test]
    fn nothing_written_is_every_disk_at_the_interval() {
        let default = System {
            enabled: true,
            every: Duration::from_mins(1),
            mounts: Vec::new(),
            ignore_mounts: Vec::new(),
            services: Vec::new(),
            latency_probe: None,
        };
        assert_eq!(build(""), (default, Vec::new()));
    }

    #[test]
    fn everything_written_is_taken() {
        let text = r#"
            enabled = false
            every = "5m"
            mounts = ["/srv/nfs/"]
            ignore_mounts = ["/boot"]
            services = ["nginx.service"]
            processes = ["node"]
            latency_probe = "ssh"
        "#;
        let system = System {
            enabled: false,
            every: Duration::from_mins(5),
            mounts: vec!["/srv/nfs".to_owned()],
            ignore_mounts: vec!["/boot".to_owned()],
            services: vec![Service::Unit("nginx.service".to_owned()), Service::Process("node".to_owned())],
            latency_probe: Some("ssh".to_owned()),
        };
        assert_eq!(build(text), (system, Vec::new()));
    }

    #[test]
    fn faults_name_the_place_and_the_value() {
        let text = r#"
            every = "often"
            mounts = ["data", "/srv"]
            ignore_mounts = ["/srv/"]
            services = ["nginx.service", "/usr/bin/node", ""]
            processes = ["nginx.service"]
        "#;
        let expected = [
            r#""often": `often` is not a duration; write it like 90s, 5m, 1h30m or 500ms"#,
            r#""data": `data` in `mounts` is not a mount point"#,
            r#""/srv": `/srv` is in `mounts` and in `ignore_mounts`"#,
            r#""/usr/bin/node": `/usr/bin/node` is not the name of a service"#,
            r#""": `` is not the name of a service"#,
            r#""nginx.service": the service `nginx.service` is named twice"#,
        ];
        assert_eq!(build(text).1, expected);
    }

    #[test]
    fn an_unknown_key_is_refused() {
        assert!(toml::from_str::<Settings>("disks = []").is_err());
    }
}
