//! When the state cannot be stored (a full, read-only or broken disk, a damaged database) nothing is judged and nothing
//! is queued. Then one message goes straight to those who hear of everything critical, without the outbox.
//!
//! It is not repeated for [`AGAIN`], by a stamp in a folder other than the database's. Where no stamp can be left, each
//! run tells, but only one channel. Who was told so is told by the outbox when state can be stored again.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use crate::alert::message;
use crate::config::Config;
use crate::model::delivery::{Delivery, Outcome, State};
use crate::model::message::{Destination, Kind, Message};
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::model::trouble::{self, Trouble};
use crate::net::Net;
use crate::notify::{Channel, Sort};
use crate::store::{self, Store};
use crate::text::units;
use crate::world::Env;

/// The alert's name.
const NAME: &str = "MONITORING_SYSTEM_FAILURE";
/// How long the same is not said again.
const AGAIN: Duration = Duration::from_mins(30);

/// What is known of an emergency that people were told of.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
struct Stamp {
    /// When it was told first.
    since: Time,
    /// When it was told last.
    at: Time,
    /// Who was told; while it is being told, everybody who may have heard of it.
    told: BTreeSet<Destination>,
}

/// What an emergency works with.
#[derive(Clone, Copy)]
pub struct Emergency<'a> {
    /// Who can be told.
    pub config: &'a Config,
    /// The way out.
    pub net: &'a Arc<Net>,
    /// Where stamps may be left.
    pub env: &'a Env,
}

/// Whether this trouble means that state cannot be stored.
pub fn is_one(trouble: &Trouble) -> bool {
    use trouble::Kind::{Bug, CannotCreate, Io, Permission};
    matches!(trouble.kind, Io | CannotCreate | Permission | Bug)
}

impl Emergency<'_> {
    /// Tells of `trouble`, unless that was done lately. Returns who was told.
    pub async fn tell(self, trouble: &Trouble, now: Time) -> Vec<Destination> {
        let folders = self.folders();
        let before = folders.iter().filter(|folder| self.is_ours(folder)).find_map(|folder| read(&self.stamp(folder)));
        if before.as_ref().is_some_and(|stamp| stamp.at <= now && now.since(stamp.at) < AGAIN) {
            return Vec::new();
        }
        let since = before.as_ref().map_or(now, |stamp| stamp.since);
        let told = before.map(|stamp| stamp.told).unwrap_or_default();
        // killed while it sends, it may have told all of them
        let begun = Stamp { since, at: now, told: told.iter().cloned().chain(self.audience(true)).collect() };
        let home = folders.iter().find(|folder| {
            let _ = DirBuilder::new().recursive(true).mode(0o700).create(folder);
            self.is_ours(folder) && keep(&self.stamp(folder), &begun)
        });
        let arrived = self.send(self.audience(home.is_some()), &self.message(trouble, since, now), now).await;
        if let Some(folder) = home {
            let known = Stamp { told: told.into_iter().chain(arrived.iter().cloned()).collect(), ..begun };
            if arrived.is_empty() {
                // nobody knows yet: the next run tries again
                self.put_back(folder, &known);
            } else {
                keep(&self.stamp(folder), &known);
            }
        }
        arrived
    }

    /// State can be stored: whoever was told otherwise is told so, by the outbox.
    pub fn over(self, store: &mut Store, now: Time) -> Result<(), Trouble> {
        let found = self.folders().into_iter().find_map(|folder| {
            let path = self.stamp(&folder);
            let stamp = read(&path)?;
            // where it cannot be taken away, each cycle would find it anew
            let removable = rustix::fs::access(&folder, rustix::fs::Access::WRITE_OK).is_ok();
            (removable && self.is_ours(&folder)).then_some((path, stamp))
        });
        let Some((path, stamp)) = found else { return Ok(()) };
        let lasted = units::duration(now.since(stamp.since));
        let message = Message {
            kind: Kind::Resolved,
            summary: "sippar-mon can store its state again; rules are judged again".to_owned(),
            since: stamp.since,
            note: Some(format!("For {lasted} nothing was judged.")),
            ..self.about(now)
        };
        let tx = store.begin()?;
        for to in &stamp.told {
            tx.enqueue(None, to, &message, now)?;
        }
        tx.commit()?;
        // a crash right here repeats the good news once
        let _ = fs::remove_file(path);
        Ok(())
    }

    /// Everybody who hears of what is critical; only one channel, one that costs nothing if there is one, where it may
    /// be told again and again.
    fn audience(&self, all: bool) -> Vec<Destination> {
        let mut route = self.config.routes.hears[Severity::Critical].clone();
        if !all {
            let costs = |to: &Destination| self.channel(to).is_none_or(|channel| channel.sort() == Sort::Sms);
            route.sort_by_key(costs);
            let first = route.first().map(|to| to.channel.clone());
            route.retain(|to| Some(&to.channel) == first.as_ref());
        }
        route
    }

    fn channel(&self, to: &Destination) -> Option<&Channel> {
        self.config.channels.iter().find(|channel| channel.name() == to.channel)
    }

    fn about(&self, now: Time) -> Message {
        Message { alert: NAME.to_owned(), ..message::test(Severity::Critical, &self.config.identity, now) }
    }

    fn message(&self, trouble: &Trouble, since: Time, now: Time) -> Message {
        let note = "Until this is repaired nothing is judged: alerts neither fire nor resolve. It says nothing about the \
                    watched system.";
        Message {
            kind: Kind::Firing,
            summary: format!("sippar-mon cannot store its state: {}", trouble.what),
            since,
            action: trouble.help.clone(),
            note: Some(note.to_owned()),
            ..self.about(now)
        }
    }

    /// Sends to all at once; those that took it, or may have.
    async fn send(self, to: Vec<Destination>, message: &Message, now: Time) -> Vec<Destination> {
        let mut tasks = JoinSet::new();
        for destination in to {
            let Some(channel) = self.channel(&destination).cloned() else { continue };
            let (net, message) = (self.net.clone(), message.clone());
            let delivery = Delivery {
                // the outbox cannot give one
                id: now.millis(),
                alert: None,
                destination,
                message,
                state: State::Sending,
                attempts: 1,
                maybe_repeat: false,
                created: now,
                due: now,
                last_answer: None,
                parcel: None,
            };
            tasks.spawn(async move { (channel.send(&delivery, &net, now).await, delivery.destination) });
        }
        let mut arrived = Vec::new();
        while let Some(ended) = tasks.join_next().await {
            if let Ok((Outcome::Sent { .. } | Outcome::Later { ambiguous: true, .. }, to)) = ended {
                arrived.push(to);
            }
        }
        arrived
    }

    /// Folders in which a stamp may be left, where they can be used.
    fn folders(&self) -> Vec<PathBuf> {
        let below = |name: &str, rest: &str| self.env.get(name).map(|folder| Path::new(folder).join(rest));
        let us = rustix::process::geteuid().as_raw();
        let candidates = [
            below("RUNTIME_DIRECTORY", ""),
            below("XDG_RUNTIME_DIR", "sippar-mon"),
            below("XDG_STATE_HOME", "sippar-mon"),
            below("HOME", ".local/state/sippar-mon"),
            // in memory: there when every disk is full
            Some(PathBuf::from(format!("/dev/shm/sippar-mon-{us}"))),
            Some(PathBuf::from(format!("/var/tmp/sippar-mon-{us}"))),
        ];
        candidates.into_iter().flatten().collect()
    }

    /// Whether a folder is another one than the database's and nobody else can write to it.
    fn is_ours(&self, folder: &Path) -> bool {
        let database = &self.config.database.0;
        let database = fs::canonicalize(database).unwrap_or_else(|_| database.clone());
        let is_other = fs::canonicalize(folder).is_ok_and(|folder| Some(folder.as_path()) != database.parent());
        is_other && is_private(folder, rustix::process::geteuid().as_raw())
    }

    /// One stamp for each database.
    fn stamp(&self, folder: &Path) -> PathBuf {
        let mut hasher = DefaultHasher::new();
        self.config.database.0.hash(&mut hasher);
        folder.join(format!("emergency-{:016x}.json", hasher.finish()))
    }

    /// Takes away a stamp about which nobody was told, or dates it back.
    fn put_back(&self, folder: &Path, stamp: &Stamp) {
        let path = self.stamp(folder);
        if stamp.told.is_empty() {
            let _ = fs::remove_file(path);
        } else {
            keep(&path, &Stamp { at: stamp.at - AGAIN, ..stamp.clone() });
        }
    }
}

/// Whether a folder belongs to `us` and nobody else can write to it: otherwise others could keep us silent.
fn is_private(folder: &Path, us: u32) -> bool {
    fs::symlink_metadata(folder).is_ok_and(|meta| meta.is_dir() && meta.uid() == us && meta.mode() & 0o022 == 0)
}

fn read(path: &Path) -> Option<Stamp> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

fn keep(path: &Path, stamp: &Stamp) -> bool {
    serde_json::to_vec(stamp).is_ok_and(|json| store::replace_private(path, &json).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_others_can_write_to_is_not_ours() {
        let folder = tempfile::tempdir().unwrap();
        let us = rustix::process::geteuid().as_raw();
        let path = folder.path().join("a");
        assert!(!is_private(&path, us), "it is not there");
        DirBuilder::new().mode(0o700).create(&path).unwrap();
        assert!(is_private(&path, us) && !is_private(&path, us + 1));
        std::os::unix::fs::symlink(&path, folder.path().join("link")).unwrap();
        assert!(!is_private(&folder.path().join("link"), us), "where a link leads may change");
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        assert!(!is_private(&path, us));
    }
}
