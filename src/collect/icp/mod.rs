//! `[sources.icp]`: the canisters of the bridge, as the Internet Computer itself shows them to anybody.

#[cfg(feature = "icp")]
mod role;
mod settings;
#[cfg(feature = "icp")]
mod source;
#[cfg(not(feature = "icp"))]
#[path = "absent.rs"]
mod source;

pub use self::settings::Settings;
pub use self::source::Icp;

/// The name of the source.
pub const NAME: &str = "icp";

/// What a person should know of a canister, from what the source remembers of its last cycle.
pub fn why<'a>(memory: &'a serde_json::Value, canister: &str) -> Option<&'a str> {
    memory.get("of")?.get(canister)?.as_str()
}
