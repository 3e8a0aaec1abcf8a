//! The canisters of the bridge, watched by the whole program: a subnet that signs, and breaks.

#[cfg(feature = "icp")]
mod with {
    use serde_json::{Value, json};

    use crate::support::http::{Answer, HttpFake};
    use crate::support::replica::{BRIDGE, Health, Lie, Replica, SIGNER};
    use crate::world::{Ran, World, slack, told, until};
    use std::cell::Cell;
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    /// Long enough for the signatures of a cycle on a busy machine, unoptimised.
    const TICK: Duration = Duration::from_secs(4);

    /// A world with nothing but the two canisters.
    struct Canisters {
        world: World,
        replica: Replica,
        last: Cell<u64>,
    }

    impl Canisters {
        fn new(more: &str) -> Self {
            let replica = Replica::start();
            let (url, key) = (replica.url(), Replica::root_key());
            let at_once = ["SIMPLIFIED_BRIDGE_UNHEALTHY", "THRESHOLD_SIGNER_UNHEALTHY", "SOURCE_DOWN"]
                .map(|rule| format!("[[rule]]\nalert = \"{rule}\"\nfor = \"0s\"\n"));
            let world = World::new(&format!(
                "[monitor]\ninterval = \"{0}s\"\n[sources.system]\nenabled = false\n\
                 [sources.icp]\nhosts = [\"{url}\"]\nroot_key = \"{key}\"\nevery = \"{0}s\"\n\
                 [sources.icp.canisters.threshold_signer]\nid = \"{SIGNER}\"\n\
                 [sources.icp.canisters.simplified_bridge]\nid = \"{BRIDGE}\"\n{more}\n{1}",
                TICK.as_secs(),
                at_once.concat(),
            ));
            Self { world, replica, last: Cell::new(0) }
        }

        /// One cycle in a tick of its own.
        fn check(&self) -> Ran {
            let tick = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / TICK.as_secs();
            until("the next tick", || tick() > self.last.get());
            self.last.set(tick());
            self.world.run(&["check"])
        }

        /// What fires now: rule, canister and severity.
        fn firing(&self) -> Vec<(String, String, String)> {
            let alerts = self.world.run(&["alert", "list", "--json"]).json();
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let one =
                |alert: &Value| (text(&alert["type"]), text(&alert["labels"]["canister"]), text(&alert["severity"]));
            let mut all: Vec<_> = alerts.as_array().unwrap().iter().map(one).collect();
            all.sort();
            all
        }

        fn baseline(&self, name: &str) -> Value {
            let all = self.world.run(&["baseline", "list", "--json"]).json();
            all.as_array().unwrap().iter().find(|row| row["name"] == name).cloned().unwrap_or_default()
        }
    }

    fn alert(rule: &str, canister: &str, severity: &str) -> (String, String, String) {
        (rule.to_owned(), canister.to_owned(), severity.to_owned())
    }

    #[test]
    fn a_canister_out_of_service_is_told_of_and_so_is_its_return() {
        let chat = HttpFake::start([Answer::new(200, "ok")]);
        let canisters = Canisters::new(&slack(&chat));
        assert_eq!(canisters.check().code, 0);
        canisters.replica.set(|world| world.bridge().health = Health::FROZEN);
        canisters.replica.set(|world| world.canister(SIGNER).health = Health::STOPPED);
        assert_eq!(canisters.check().code, 2);
        let expected = [
            alert("SIMPLIFIED_BRIDGE_UNHEALTHY", "simplified_bridge", "CRITICAL"),
            alert("THRESHOLD_SIGNER_UNHEALTHY", "threshold_signer", "CRITICAL"),
        ];
        assert_eq!(canisters.firing(), expected);
        let told = told(&chat);
        assert_eq!(told.len(), 2, "{told:?}");
        for (seen, health) in chat.seen().iter().zip(["FROZEN: IC0207", "STOPPED: IC0508"]) {
            let said = seen.json().to_string();
            assert!(said.contains(&format!("Cause: the canister is {health} ")), "{said}");
        }
        // while nobody answers, nothing is over
        canisters.replica.lie(Lie::Status(503));
        canisters.check();
        let down = alert("SOURCE_DOWN", "", "HIGH");
        assert_eq!(canisters.firing(), [expected.as_slice(), &[down]].concat().tap_sorted());
        canisters.replica.lie(None);
        canisters.replica.set(|world| {
            world.bridge().health = Health::Runs;
            world.canister(SIGNER).health = Health::Runs;
        });
        assert_eq!(canisters.check().code, 0);
        assert_eq!(canisters.firing(), []);
    }

    trait Sorted {
        fn tap_sorted(self) -> Self;
    }

    impl<T: Ord> Sorted for Vec<T> {
        fn tap_sorted(mut self) -> Self {
            self.sort();
            self
        }
    }

    #[test]
    fn a_change_stays_until_somebody_accepts_it() {
        let canisters = Canisters::new("");
        assert_eq!(canisters.check().code, 0);
        let first = canisters.baseline("code/simplified_bridge");
        assert_eq!(
            (&first["changed"], &first["who"], &first["why"]),
            (&json!(false), &json!("sippar-mon"), &json!("first sight"))
        );
        canisters.replica.set(|world| {
            world.bridge().code = Some([0x22; 32]);
            world.canister(SIGNER).controllers.push("aaaaa-aa".to_owned());
        });
        let code = alert("CANISTER_CODE_CHANGED", "simplified_bridge", "HIGH");
        let controllers = alert("CANISTER_CONTROLLERS_CHANGED", "threshold_signer", "CRITICAL");
        for _ in 0..2 {
            assert_eq!(canisters.check().code, 2);
            assert_eq!(canisters.firing(), [code.clone(), controllers.clone()]);
        }
        let accept =
            |name: &str, why: &str| canisters.world.run(&["baseline", "accept", name, "-m", why, "--by", "eva"]);
        assert_eq!(accept("code/simplified_bridge", " ").code, 64, "it must be said why");
        let unknown = accept("code/simplified_brige", "a slip");
        assert_eq!((unknown.code, unknown.err.contains("did you mean code/simplified_bridge?")), (64, true));
        assert_eq!(accept("code/simplified_bridge", "release 2"), Ran::silent(0));
        let accepted = canisters.baseline("code/simplified_bridge");
        assert_eq!(accepted["value"], "22".repeat(32));
        assert_eq!((&accepted["who"], &accepted["why"]), (&json!("eva"), &json!("release 2")));
        assert_eq!(accepted["earlier"][0]["value"], "11".repeat(32));
        assert_eq!(canisters.check().code, 2);
        assert_eq!(canisters.firing(), [controllers]);
        // back to what was accepted is no change
        canisters.replica.set(|world| world.canister(SIGNER).controllers.truncate(1));
        assert_eq!(canisters.check().code, 0);
    }

    #[test]
    fn a_pin_counts_from_the_first_look_and_no_command_overrules_it() {
        let canisters = Canisters::new(&format!("code = \"{}\"", "33".repeat(32)));
        assert_eq!(canisters.check().code, 1);
        assert_eq!(canisters.firing(), [alert("CANISTER_CODE_CHANGED", "simplified_bridge", "HIGH")]);
        let row = canisters.baseline("code/simplified_bridge");
        assert_eq!((&row["pinned"], &row["changed"]), (&json!(true), &json!(true)));
        let refused = canisters.world.run(&["baseline", "accept", "code/simplified_bridge", "-m", "no"]);
        assert_eq!((refused.code, refused.err.contains("is pinned in the configuration")), (78, true));
    }

    #[test]
    fn a_reply_that_does_not_verify_is_told_and_gives_no_number() {
        let canisters = Canisters::new("");
        assert_eq!(canisters.check().code, 0);
        // frozen, but who says so?
        canisters.replica.set(|world| world.bridge().health = Health::FROZEN);
        canisters.replica.lie(Lie::BrokenSignature);
        let ran = canisters.check();
        let untrusted = |canister: &str| alert("UNTRUSTED_REPLY", canister, "HIGH");
        assert_eq!(canisters.firing(), [untrusted("simplified_bridge"), untrusted("threshold_signer")], "{ran:?}");
        let rows = canisters.world.run(&["collect", "--json", "--source", "icp"]).json();
        let rows = rows.as_array().unwrap();
        let up = rows.iter().find(|row| row["metric"] == "canister_up").unwrap();
        assert_eq!(
            (&up["value"], &up["reason"]),
            (&Value::Null, &json!("untrusted reply: the node's signature does not hold"))
        );
    }
}

#[cfg(not(feature = "icp"))]
#[test]
fn a_build_without_the_feature_says_so() {
    let world =
        crate::world::World::new("[sources.icp.canisters.simplified_bridge]\nid = \"hldvt-2yaaa-aaaak-qulxa-cai\"\n");
    let ran = world.run(&["check"]);
    assert_eq!(ran.code, 78);
    assert!(
        ran.err.contains("`[sources.icp]` needs the feature `icp`, and this program was built without it"),
        "{ran:?}"
    );
}
