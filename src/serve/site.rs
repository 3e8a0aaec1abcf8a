//! What every handler is given: the configuration, the clock, and the newest picture of the database.
//!
//! Reading is done on a thread of its own, since a database that somebody holds makes its reader wait. One picture is
//! shared by all who ask: it is taken anew when the database has changed, when it has become stale, and every few seconds,
//! so that a thousand requests cost as many looks at the database as one. With it the configuration is read anew where its
//! files have changed: cycles judge by the new one at once, and what is shown must be what they judge by.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use tokio::sync::{OwnedMutexGuard, Semaphore, watch};
use tokio::time::Instant;

use super::answer::{Age, json};
use super::events::Beat;
use crate::config::Config;
use crate::model::time::Time;
use crate::model::trouble::{Kind, Trouble};
use crate::store::open::Trace;
use crate::store::{Reader, Store};
use crate::view::age::{self, is_stale};
use crate::view::dashboard::Dashboard;
use crate::view::snapshot::Snapshot;
use crate::world::Clock;

/// How long a look at the database counts for others who ask.
const FRESH: Duration = Duration::from_millis(200);

/// The same while another request is looking right now.
const NEARLY_FRESH: Duration = Duration::from_secs(2);

/// After that long a picture is taken anew although nothing has changed: ages in it grow.
const LIFE: Duration = Duration::from_secs(5);

/// How long a reader waits for whoever holds the database.
const PATIENCE: Duration = Duration::from_secs(1);

/// How many requests read the database beside the shared picture at the same time.
const READERS: usize = 2;

/// How this program is started again, for what the server itself must not do.
#[derive(Clone, Debug)]
pub struct Own {
    /// The program.
    pub program: PathBuf,
    /// Which configuration and database it uses.
    pub flags: Vec<String>,
    /// Its environment.
    pub env: Vec<(String, String)>,
}

/// The configuration as it is written now, where that is another one than this and has no fault.
pub type Reread = Box<dyn Fn(&Config) -> Option<Config> + Send + Sync>;

/// What every handler is given.
pub struct Site {
    /// The clock.
    pub clock: Clock,
    /// How this program is started again.
    pub own: Own,
    /// Tells of each cycle.
    pub beats: watch::Sender<Beat>,
    /// Whether the server was asked to stop.
    pub stop: watch::Receiver<bool>,
    /// How many more may listen to events.
    pub listeners: Arc<Semaphore>,
    database: PathBuf,
    config: Mutex<Arc<Config>>,
    keeper: Arc<tokio::sync::Mutex<Keeper>>,
    last: Mutex<Option<(Instant, Looked)>>,
    readers: Arc<Semaphore>,
    is_changed: AtomicBool,
}

/// What a look at the database gave.
type Looked = Result<Arc<Moment>, Trouble>;

/// A picture of the database, and the documents made of it so far.
pub struct Moment {
    /// The picture.
    pub snapshot: Snapshot,
    /// With whose rules it was taken.
    pub config: Arc<Config>,
    /// Names this state of the database.
    pub name: String,
    /// Names it with its age in minutes, as a weak `ETag`.
    pub tag: String,
    documents: Mutex<BTreeMap<&'static str, Bytes>>,
}

/// Whoever holds it looks at the database. It is open for no longer than a look takes: whoever wants to put a backup in its
/// place must find nobody there.
struct Keeper {
    config: Arc<Config>,
    reread: Reread,
    last: Option<(Trace, Arc<Moment>)>,
}

impl Site {
    /// A site that nobody has asked yet.
    pub fn new(config: Config, reread: Reread, clock: Clock, own: Own, stop: watch::Receiver<bool>) -> Self {
        let config = Arc::new(config);
        Self {
            database: config.database.0.clone(),
            keeper: Arc::new(tokio::sync::Mutex::new(Keeper { config: config.clone(), reread, last: None })),
            config: Mutex::new(config),
            clock,
            own,
            beats: watch::channel(Beat::default()).0,
            stop,
            listeners: Arc::new(Semaphore::new(super::events::MOST)),
            last: Mutex::new(None),
            readers: Arc::new(Semaphore::new(READERS)),
            is_changed: AtomicBool::new(false),
        }
    }

    /// The database.
    pub fn database(&self) -> &Path {
        &self.database
    }

    /// The configuration as it was at the last look, without secrets but the token.
    pub fn config(&self) -> Arc<Config> {
        held(&self.config).clone()
    }

    /// The newest picture, or why there is none.
    pub async fn moment(&self) -> Looked {
        if let Some(looked) = self.looked(FRESH) {
            return looked;
        }
        let keeper = match self.keeper.clone().try_lock_owned() {
            Ok(keeper) => keeper,
            Err(_) => match self.looked(NEARLY_FRESH) {
                Some(looked) => return looked,
                None => self.keeper.clone().lock_owned().await,
            },
        };
        // somebody else may have looked meanwhile
        if let Some(looked) = self.looked(FRESH) {
            return looked;
        }
        self.look(keeper).await
    }

    /// What the last look gave, if that is not longer ago than this.
    fn looked(&self, within: Duration) -> Option<Looked> {
        let last = held(&self.last);
        last.as_ref().filter(|(at, _)| at.elapsed() < within).map(|(_, looked)| looked.clone())
    }

    async fn look(&self, mut keeper: OwnedMutexGuard<Keeper>) -> Looked {
        let now = self.clock.now();
        if self.is_changed.swap(false, Ordering::Relaxed) {
            keeper.last = None;
        }
        let looked = tokio::task::spawn_blocking(move || {
            let looked = keeper.look(now);
            if looked.is_err() {
                keeper.last = None;
            }
            (looked, keeper.config.clone())
        });
        let looked = match looked.await {
            Ok((looked, config)) => {
                *held(&self.config) = config;
                looked
            }
            Err(error) => Err(bug(&error)),
        };
        *held(&self.last) = Some((Instant::now(), looked.clone()));
        looked
    }

    /// The next one who asks looks at the database: something was just changed.
    pub fn forget(&self) {
        *held(&self.last) = None;
        self.is_changed.store(true, Ordering::Relaxed);
    }

    /// Reads what is no part of the picture, in one moment of the database.
    pub async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader, &Config, Time) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, Trouble> {
        let permit = self.readers.clone().acquire_owned().await.map_err(|error| bug(&error))?;
        let (config, now) = (self.config(), self.clock.now());
        let reading = tokio::task::spawn_blocking(move || {
            // whoever asked may have gone; the thread still reads
            let _permit = permit;
            let mut store = Store::open_briefly(&config.database.0, PATIENCE)?;
            let moment = store.snapshot()?;
            read(&moment, &config, now)
        });
        reading.await.unwrap_or_else(|error| Err(bug(&error)))
    }

    /// How old what a picture shows is by now.
    pub fn age(&self, moment: &Moment) -> Age {
        let now = self.clock.now();
        let cycle = moment.snapshot.cycle;
        let stale = cycle.is_none_or(|cycle| is_stale(&cycle, moment.config.interval, now));
        Age { stale, seconds: cycle.and_then(|cycle| Some(age::age(&cycle, now)?.as_secs_f64())), now }
    }
}

impl Keeper {
    /// The picture that is right now.
    fn look(&mut self, now: Time) -> Looked {
        let path = self.config.database.0.clone();
        // before the picture is taken: what changes meanwhile is seen the next time
        let trace = Store::trace(&path);
        if let Some((_, moment)) = self.last.as_ref().filter(|(of, moment)| *of == trace && moment.is_good(now)) {
            return Ok(moment.clone());
        }
        if let Some(config) = (self.reread)(&self.config) {
            self.config = Arc::new(config);
        }
        let moment = Arc::new(Moment::take(&mut Store::open_briefly(&path, PATIENCE)?, &self.config, now)?);
        self.last = Some((trace, moment.clone()));
        Ok(moment)
    }
}

impl Moment {
    fn take(store: &mut Store, config: &Arc<Config>, now: Time) -> Result<Self, Trouble> {
        let snapshot = Snapshot::take(store, config, now)?;
        let mut document = Dashboard::new(&snapshot, config);
        let dashboard = json(&document)?;
        document.forget_ages();
        let mut lasting = crc32fast::Hasher::new();
        lasting.update(&json(&document)?);
        config.texts.all().for_each(|text| lasting.update(text.text.as_bytes()));
        let (done, stale) = (snapshot.counts.done, u8::from(snapshot.stale));
        // where cycles no longer come, what was said of the age is wrong a minute later
        let minutes = snapshot.age().map_or(0, |age| age.as_secs() / 60);
        let name = format!("{done}-{stale}-{:08x}", lasting.finalize());
        let tag = format!("W/\"{name}-{minutes}\"");
        let documents = Mutex::new(BTreeMap::from([(DASHBOARD, dashboard)]));
        Ok(Self { snapshot, config: config.clone(), name, tag, documents })
    }

    /// Whether it still shows what is, in a database that has not changed.
    fn is_good(&self, now: Time) -> bool {
        let stale = self.snapshot.cycle.is_none_or(|cycle| is_stale(&cycle, self.config.interval, now));
        now >= self.snapshot.at && now.since(self.snapshot.at) < LIFE && stale == self.snapshot.stale
    }

    /// The document of this name, where it was made already.
    pub fn kept(&self, name: &'static str) -> Option<Bytes> {
        held(&self.documents).get(name).cloned()
    }

    /// Keeps a document for others who ask.
    pub fn keep(&self, name: &'static str, document: Bytes) {
        held(&self.documents).insert(name, document);
    }

    /// The document of this name, made once.
    pub fn document(
        &self,
        name: &'static str,
        make: impl FnOnce(&Snapshot, &Config) -> Result<Bytes, Trouble>,
    ) -> Result<Bytes, Trouble> {
        if let Some(document) = held(&self.documents).get(name) {
            return Ok(document.clone());
        }
        let document = make(&self.snapshot, &self.config)?;
        held(&self.documents).insert(name, document.clone());
        Ok(document)
    }
}

/// The name of the dashboard's document.
pub const DASHBOARD: &str = "dashboard";

/// A lock whose content no panic leaves half done.
fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

fn bug(error: &dyn std::fmt::Display) -> Trouble {
    Trouble::new(Kind::Bug, format!("internal error: {error}"))
}
