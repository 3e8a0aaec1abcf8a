//! Label sets and series identities.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A sorted set of label names and values; cheap to clone. A label with an empty value does not exist, as in Prometheus.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Labels(Arc<[(Arc<str>, Arc<str>)]>);

impl Labels {
    /// The set without labels.
    pub fn empty() -> Self {
        Self(Arc::from([]))
    }

    /// A set of the given pairs; the last value of a repeated name wins, empty values are dropped.
    pub fn new<N: Into<Arc<str>>, V: Into<Arc<str>>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let map: BTreeMap<Arc<str>, Arc<str>> =
            pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self(map.into_iter().filter(|(_, value)| !value.is_empty()).collect())
    }

    /// The value of `name`, or `None` where the label is absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        let at = self.0.binary_search_by(|(have, _)| have.as_ref().cmp(name)).ok()?;
        Some(&self.0[at].1)
    }

    /// Names and values in order of the name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }

    /// This set with `name` set to `value` (removed when `value` is empty).
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let kept = self.0.iter().filter(|(have, _)| have.as_ref() != name).cloned();
        Self::new(kept.chain([(Arc::from(name), Arc::from(value))]))
    }

    /// This set with all of `others`, whose values win.
    #[must_use]
    pub fn overridden(&self, others: &Self) -> Self {
        if others.is_empty() {
            return self.clone();
        }
        Self::new(self.0.iter().chain(others.0.iter()).cloned())
    }

    /// This set reduced to the labels whose name `keep` accepts.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|(name, _)| keep(name)).cloned().collect())
    }

    /// Whether there is no label.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// `{mount="/",host="a"}`; nothing at all for the empty set.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return Ok(());
        }
        for (at, (name, value)) in self.iter().enumerate() {
            f.write_str(if at == 0 { "{" } else { "," })?;
            write!(f, "{name}={value:?}")?;
        }
        f.write_str("}")
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() { f.write_str("{}") } else { fmt::Display::fmt(self, f) }
    }
}

impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeMap::<String, String>::deserialize(deserializer).map(Self::new)
    }
}

/// A metric with its labels: what one series of samples belongs to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SeriesKey {
    /// Metric name, for example `system_disk_free_bytes`.
    pub metric: Arc<str>,
    /// Labels without the name.
    pub labels: Labels,
}

impl SeriesKey {
    /// The series of `metric` with `labels`.
    pub fn new(metric: impl Into<Arc<str>>, labels: Labels) -> Self {
        Self { metric: metric.into(), labels }
    }
}

impl fmt::Display for SeriesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.metric, self.labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_does_not_matter_and_empty_values_do_not_exist() {
        let one = Labels::new([("b", "2"), ("a", "1"), ("c", "")]);
        assert_eq!(one, Labels::new([("a", "1"), ("b", "2")]));
        assert_eq!(one.to_string(), r#"{a="1",b="2"}"#);
        assert_eq!((one.get("a"), one.get("c")), (Some("1"), None));
        assert_eq!(one.with("a", "").to_string(), r#"{b="2"}"#);
    }

    #[test]
    fn survives_json() {
        let labels = Labels::new([("mount", "/a \"b\"\n")]);
        let json = serde_json::to_string(&labels).unwrap();
        assert_eq!(serde_json::from_str::<Labels>(&json).unwrap(), labels);
    }
}
