//! The nodes of Algorand: whether each can be believed about the present. What they say of custody is read by `reserves`.

mod settings;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::settings::Settings;
use super::Report;
use crate::bridge::algod::Node;
use crate::bridge::custody::{self, Head};
use crate::bridge::freshness::{self, Past};
use crate::bridge::indexer::Indexer;
use crate::model::labels::Labels;
use crate::model::reading::{Reading, Reason};
use crate::model::time::Time;
use crate::net::Net;

/// Time limit of one call.
const CALL: Duration = Duration::from_secs(5);

/// The source, ready to collect.
#[derive(Clone, PartialEq, Debug)]
pub struct Algorand {
    /// How often.
    pub every: Duration,
    /// Whom to ask.
    pub nodes: Arc<[Node]>,
    /// The genesis id they must have.
    pub network: String,
    /// Where the past can be asked for.
    pub indexer: Option<Indexer>,
}

/// What the source keeps between cycles.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Memory {
    /// The round that each node was at.
    rounds: BTreeMap<String, Past>,
    /// Why nodes cannot be used, in a line for people.
    why: Option<String>,
}

/// Asks every node how far it is.
pub async fn collect(
    settings: &Algorand,
    memory: Option<&serde_json::Value>,
    now: Time,
    deadline: Duration,
    net: &Net,
) -> Report {
    let before: Memory = memory.and_then(|memory| Memory::deserialize(memory).ok()).unwrap_or_default();
    let limit = CALL.min(deadline * 3 / 4);
    let heads = custody::heads(&settings.nodes, &settings.network, limit, net).await;
    let best = custody::best(&heads, &settings.network);
    let (mut readings, mut after, mut whys) = (Vec::new(), Memory::default(), Vec::new());
    for (node, head) in settings.nodes.iter().zip(&heads) {
        let past = before.rounds.get(&node.name).copied();
        let usable = custody::usable(head, &settings.network, past, best, now);
        readings.extend(of_node(node, head, &settings.network, past, usable.is_ok(), now));
        if let Err(why) = usable {
            whys.push(format!("{}: {why}", node.name));
        }
        match head {
            Ok((genesis, status)) if *genesis == settings.network => {
                after.rounds.insert(node.name.clone(), Past::next(past, status.last_round, now));
            }
            // one that does not answer has not moved
            _ => after.rounds.extend(past.map(|past| (node.name.clone(), past))),
        }
    }
    after.why = (!whys.is_empty()).then(|| whys.join("; "));
    Report::new(readings, serde_json::to_value(after).ok())
}

fn of_node(node: &Node, head: &Head, network: &str, past: Option<Past>, is_usable: bool, now: Time) -> [Reading; 3] {
    let labels = Labels::new([("node", node.name.as_str())]);
    let status = match head {
        Ok((genesis, status)) if genesis == network => Ok(status),
        Ok(_) => Err(Reason::new("wrong network")),
        Err(why) => Err(why.clone()),
    };
    let reading = |metric: &'static str, value: Result<f64, Reason>| match value {
        Ok(value) => Reading::known(metric, labels.clone(), value),
        Err(why) => Reading::unknown(metric, labels.clone(), why),
    };
    [
        reading("algorand_node_up", Ok(if is_usable { 1.0 } else { 0.0 })),
        reading("algorand_round", status.clone().map(|status| status.last_round as f64)),
        reading("algorand_round_age_seconds", status.map(|status| freshness::age(status, past, now).as_secs_f64())),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::reading::Value;
    use crate::model::secret::Secret;
    use crate::support::algorand::AlgodFake;

    async fn lines(settings: &Algorand, memory: &mut Option<serde_json::Value>, now: Time) -> Vec<String> {
        let net = Net::new(None, None);
        let report = collect(settings, memory.as_ref(), now, Duration::from_secs(20), &net).await;
        *memory = report.memory;
        let line = |reading: Reading| match reading.value {
            Value::Known(value) => format!("{} {value}", reading.series),
            Value::Unknown(why) => format!("{} unknown: {why}", reading.series),
        };
        report.readings.unwrap().into_iter().map(line).collect()
    }

    #[tokio::test]
    async fn each_node_is_judged_by_itself_and_by_the_others() {
        let fakes: Vec<AlgodFake> = (0..4).map(|_| AlgodFake::start()).collect();
        let node = |(fake, name): (&AlgodFake, char)| Node {
            name: name.to_string(),
            url: Secret::new(&fake.url()),
            token: None,
        };
        let settings = Algorand {
            every: Duration::from_mins(1),
            nodes: fakes.iter().zip('a'..).map(node).collect(),
            network: "mainnet-v1.0".to_owned(),
            indexer: None,
        };
        for fake in &fakes {
            fake.set_round(1000);
            fake.set_pace(0);
            fake.set_since(Duration::from_secs(2));
        }
        fakes[1].set_round(980);
        fakes[2].set_genesis("betanet-v1.0");
        fakes[3].set_broken(Some(503));
        let (start, mut memory) = (Time::from_millis(0), None);
        let first = [
            r#"algorand_node_up{node="a"} 1"#,
            r#"algorand_round{node="a"} 1000"#,
            r#"algorand_round_age_seconds{node="a"} 2"#,
            r#"algorand_node_up{node="b"} 0"#,
            r#"algorand_round{node="b"} 980"#,
            r#"algorand_round_age_seconds{node="b"} 2"#,
            r#"algorand_node_up{node="c"} 0"#,
            r#"algorand_round{node="c"} unknown: wrong network"#,
            r#"algorand_round_age_seconds{node="c"} unknown: wrong network"#,
            r#"algorand_node_up{node="d"} 0"#,
            r#"algorand_round{node="d"} unknown: HTTP 503"#,
            r#"algorand_round_age_seconds{node="d"} unknown: HTTP 503"#,
        ];
        assert_eq!(lines(&settings, &mut memory, start).await, first);
        let why = memory.as_ref().unwrap()["why"].clone();
        assert_eq!(
            why,
            "b: it is 20 rounds behind the others; c: it belongs to betanet-v1.0, not to mainnet-v1.0; d: HTTP 503"
        );
        // the first node stays where it was, whatever it claims; the second one went back
        fakes[1].set_round(979);
        let later = lines(&settings, &mut memory, start + Duration::from_mins(1)).await;
        assert_eq!(
            later[0..3],
            [
                r#"algorand_node_up{node="a"} 0"#,
                r#"algorand_round{node="a"} 1000"#,
                r#"algorand_round_age_seconds{node="a"} 60"#,
            ]
        );
        assert!(memory.unwrap()["why"].as_str().unwrap().contains("b: it went back from round 980 to 979"));
    }
}
