//! From a rule file to verdicts.

mod explain;
mod lints;
mod scope;

use std::time::Duration;

use serde::Deserialize;

use super::rule::Origin;
use super::windows::Windows;
use super::{Catalogue, Rule, Settings, compile, judge, needs, shipped};
use crate::model::fault::{Fault, Place, Weight};
use crate::model::labels::{Labels, SeriesKey};
use crate::model::metric::{Metric, Shape, Unit};
use crate::model::reading::{Datum, Point, Reason, Window};
use crate::model::secret::Secret;
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::model::verdict::{Judgement, Level, Missing, NoData, Says};
use crate::text::check::Check;

const fn metric(name: &'static str, unit: Unit, labels: &'static [&'static str]) -> Metric {
    Metric { name, help: "", unit, shape: Shape::Gauge, labels, source: "test" }
}

/// The metrics that the shipped rules look at.
const METRICS: &[Metric] = &[
    metric("system_memory_usage_ratio", Unit::Ratio, &[]),
    metric("system_cpu_usage_ratio", Unit::Ratio, &[]),
    metric("system_disk_usage_ratio", Unit::Ratio, &["mount"]),
    metric("system_disk_free_bytes", Unit::Bytes, &["mount"]),
    metric("system_inodes_usage_ratio", Unit::Ratio, &["mount"]),
    metric("service_up", Unit::Bool, &["service"]),
    metric("probe_success", Unit::Bool, &["probe"]),
    metric("probe_duration_seconds", Unit::Seconds, &["probe"]),
    metric("probe_ssl_earliest_cert_expiry", Unit::Timestamp, &["probe"]),
    metric("source_up", Unit::Bool, &["source"]),
    metric("monitor_channel_proven_age_seconds", Unit::Seconds, &["channel"]),
    metric("monitor_channel_up", Unit::Bool, &["channel"]),
    Metric { source: "icp", ..metric("canister_certificate_age_seconds", Unit::Seconds, &["canister"]) },
    Metric { source: "icp", ..metric("canister_code_changed", Unit::Bool, &["canister"]) },
    Metric { source: "icp", ..metric("canister_controllers_changed", Unit::Bool, &["canister"]) },
    Metric { source: "icp", ..metric("canister_untrusted_replies", Unit::Count, &["canister"]) },
    Metric { source: "icp", ..metric("canister_up", Unit::Bool, &["canister"]) },
    metric("monitor_config_broken", Unit::Bool, &[]),
    metric("monitor_gap_seconds", Unit::Seconds, &[]),
    Metric { source: "network", ..metric("monitor_network_up", Unit::Bool, &[]) },
    metric("monitor_rule_failed", Unit::Bool, &["rule"]),
    Metric { source: "backend", ..metric("bridge_failed_registrations", Unit::Count, &[]) },
    metric("algorand_node_up", Unit::Bool, &["node"]),
    metric("custody_nodes_disagree", Unit::Bool, &["address"]),
    metric("custody_rekeyed", Unit::Bool, &["address"]),
    metric("reserves_books_gap_algo", Unit::Algo, &[]),
    metric("reserves_claim_deviation_ratio", Unit::Ratio, &[]),
    metric("reserves_proof_age_seconds", Unit::Seconds, &[]),
    metric("reserves_shortfall_algo", Unit::Algo, &[]),
    metric("reserves_supply_vanished", Unit::Bool, &[]),
    metric("reserves_unmatched_mint_algo", Unit::Algo, &[]),
    metric("reserves_unmatched_outflow_algo", Unit::Algo, &[]),
    metric("bridge_job_processing_seconds", Unit::Seconds, &["queue"]),
    metric("bridge_jobs", Unit::Count, &["queue", "state"]),
    Metric { shape: Shape::Counter, ..metric("bridge_jobs_total", Unit::Count, &["outcome", "queue"]) },
];

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    rule: Vec<Settings>,
}

/// The rules of `text` beside the shipped ones, and what is wrong with them.
pub(super) fn compiled(text: &str, is_open: bool) -> (Vec<Rule>, Vec<Fault>) {
    let file: File = toml::from_str(text).unwrap();
    let resolve = |_: &str| -> Result<Secret, String> { Err("no secrets here".to_owned()) };
    let mut check = Check::new(Duration::from_mins(1), &resolve);
    let catalogue = Catalogue { metrics: METRICS, is_open, sources: &[] };
    let rules = compile(file.rule, &shipped::settings().unwrap(), catalogue, &mut check);
    (rules, check.faults.into_iter().map(|located| located.fault).collect())
}

/// The one rule called `name`.
fn rule(text: &str, name: &str) -> Rule {
    let (rules, faults) = compiled(text, false);
    assert_eq!(faults, [], "{text}");
    rules.into_iter().find(|rule| rule.name.as_ref() == name).expect(name)
}

/// Each fault of `text` on one line: weight, what, the text it points at, the way out.
fn faults(text: &str) -> Vec<String> {
    shown(text, compiled(text, false).1)
}

fn shown(text: &str, faults: Vec<Fault>) -> Vec<String> {
    let one = |fault: Fault| {
        let at = match fault.place {
            Place::File(range) => text[range].to_owned(),
            // the strings of these tests have no escapes: the decoded string stands one quote further
            Place::Inside { outer, inner } => {
                text[outer.start + 1 + inner.start..outer.start + 1 + inner.end].to_owned()
            }
            Place::Nowhere => "nowhere".to_owned(),
        };
        let weight = if fault.weight == Weight::Warning { "warning: " } else { "" };
        format!("{weight}{} [{at}] {}", fault.what, fault.help.unwrap_or_default())
    };
    faults.into_iter().map(one).collect()
}

const T0: i64 = 1_200_000_000;

fn window(metric: &str, labels: &[(&str, &str)], data: &[Datum]) -> Window {
    let points = data
        .iter()
        .zip(0..)
        .map(|(datum, minute)| Point { tick: Time::from_millis(T0 + minute * 60_000), datum: *datum });
    let series = SeriesKey::new(metric, Labels::new(labels.iter().copied()));
    Window { series, every: Duration::from_mins(1), points: points.collect(), reason: None }
}

/// Metric, labels, what was measured at the first tick.
type Sample<'a> = (&'a str, &'a [(&'a str, &'a str)], Datum);

/// What `rule` says of the series at the first tick.
fn says(rule: &Rule, series: &[Sample<'_>]) -> String {
    let data = Windows::new(series.iter().map(|(metric, labels, datum)| window(metric, labels, &[*datum])).collect());
    match judge(rule, &data, Time::from_millis(T0)) {
        Judgement::Unknown(reason) => format!("unknown: {reason}"),
        Judgement::Failed(why) => format!("failed: {why}"),
        Judgement::Judged { verdicts, missing } => {
            let one = |verdict: &crate::model::verdict::Verdict| match &verdict.says {
                Says::Unknown(reason) => format!("{:?} ?{reason}", verdict.labels),
                Says::Measured { value, levels } => {
                    let levels: Vec<String> = levels
                        .iter()
                        .filter(|(_, level)| **level != Level::Within)
                        .map(|(severity, level)| format!(" {severity} {level:?}"))
                        .collect();
                    format!("{:?} {value}{}", verdict.labels, levels.concat())
                }
            };
            let verdicts: Vec<String> = verdicts.iter().map(one).collect();
            let missing = if missing == Missing::Gone { "gone" } else { "false or gone" };
            format!("{}; missing: {missing}", verdicts.join(" | "))
        }
    }
}

#[test]
fn shipped_rules_compile_without_a_word() {
    let (rules, faults) = compiled("", false);
    assert_eq!(faults, []);
    let names: Vec<&str> = rules.iter().map(|rule| rule.name.as_ref()).collect();
    assert_eq!(
        names,
        [
            "HIGH_MEMORY_USAGE",
            "HIGH_CPU_USAGE",
            "HIGH_DISK_USAGE",
            "HIGH_INODE_USAGE",
            "DISK_FILLS_SOON",
            "SERVICE_DOWN",
            "BACKEND_DOWN",
            "SIMPLIFIED_BRIDGE_UNHEALTHY",
            "THRESHOLD_SIGNER_UNHEALTHY",
            "CANISTER_CODE_CHANGED",
            "CANISTER_CONTROLLERS_CHANGED",
            "UNTRUSTED_REPLY",
            "SUBNET_STALLED",
            "PROBE_FAILED",
            "TLS_CERT_EXPIRES",
            "SLOW_RESPONSE",
            "HIGH_MIGRATION_ERROR_RATE",
            "SLOW_MIGRATION_PROCESSING",
            "WITHDRAWAL_STUCK",
            "REGISTRATION_FAILED",
            "SOURCE_DOWN",
            "OWN_NETWORK_DOWN",
            "CONFIG_BROKEN",
            "MISSED_CYCLES",
            "RULE_FAILED",
            "CHANNEL_BROKEN",
            "CHANNEL_UNPROVEN",
            "UNDER_COLLATERALIZED",
            "RESERVE_DATA_STALE",
            "RESERVE_CLAIM_DEVIATES",
            "MINT_WITHOUT_DEPOSIT",
            "OUTFLOW_WITHOUT_BURN",
            "SUPPLY_VANISHED",
            "RESERVE_BOOKS_BROKEN",
            "CUSTODY_REKEYED",
            "ALGORAND_NODE_STALE",
            "ALGORAND_NODES_DISAGREE",
        ]
    );
    assert!(rules.iter().all(|rule| rule.origin == Origin::Shipped && rule.action.is_some()));
}

/// Each 15 s a sample, the first one on a full minute, which is what the subquery of the rule looks at for the minute after.
#[test]
fn a_series_that_begins_is_warming_up_and_one_in_trouble_is_not() {
    let cpu = rule("", "HIGH_CPU_USAGE");
    let says = |data: &[Datum], reason: Option<Reason>| {
        let points =
            data.iter().zip(0..).map(|(datum, at)| Point { tick: Time::from_millis(T0 + at * 15_000), datum: *datum });
        let points: Vec<Point> = points.collect();
        let at = points.last().unwrap().tick;
        let series = SeriesKey::new("system_cpu_usage_ratio", Labels::empty());
        let window = Window { series, every: Duration::from_secs(15), points, reason };
        match judge(&cpu, &Windows::new(vec![window]), at) {
            Judgement::Unknown(reason) => reason.to_string(),
            Judgement::Failed(why) => why,
            Judgement::Judged { verdicts, .. } => format!("{:?}", verdicts[0].says),
        }
    };
    let (unknown, known) = (Datum::Unknown, Datum::Value(0.5));
    let (warming, timeout) = (Some(Reason::WARMING_UP), Some(Reason::TIMEOUT));
    assert_eq!(says(&[unknown], warming.clone()), "warming_up");
    assert_eq!(says(&[unknown, known], warming.clone()), "warming_up");
    assert_eq!(says(&[unknown, unknown, known, known], warming.clone()), "warming_up");
    assert!(says(&[unknown, known, known, known, known], warming.clone()).starts_with("Measured"));
    // trouble stays trouble, also when it is over and when something warms up after it
    assert_eq!(says(&[unknown, known], timeout.clone()), "timeout");
    assert_eq!(says(&[unknown, known, unknown], timeout), "not measured");
    assert_eq!(says(&[unknown, known], None), "not measured");
    assert_eq!(says(&[unknown, known, unknown, known], warming), "not measured");
}

/// The lints of a user's rule hold for the shipped ones too: compiled as a user's they have no fault either.
#[test]
fn shipped_rules_are_what_a_user_could_write() {
    assert_eq!(compiled(shipped::TEXT, false).1, []);
}

#[test]
fn shipped_rules_read_well() {
    let labels =
        [("mount", "/var"), ("probe", "wallet"), ("queue", "minting"), ("service", "nginx"), ("source", "system")];
    let labels = Labels::new(labels.into_iter().chain([("canister", "bridge"), ("state", "withdrawing")]));
    let (rules, _) = compiled("", false);
    let summaries: Vec<String> = rules
        .iter()
        .zip([
            0.86, 0.91, 0.96, 0.91, -5e9, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 2.0, 75.0, 0.0, 90_000.0, 6.5, 0.4, 400.0, 2.0,
            3.0, 0.0,
        ])
        .map(|(rule, value)| rule.summary(&labels, Some(value), rule.policy.severities.highest(|has| *has).unwrap()))
        .collect();
    assert_eq!(
        summaries,
        [
            "Memory at 86 % (> 95 %)",
            "CPU at 91 % over 10 minutes (> 90 %)",
            "Disk /var at 96 % (> 95 %)",
            "Inodes of /var at 91 % (> 95 %)",
            "Disk /var will be full within 4 hours if it goes on filling like this",
            "Service nginx is not running",
            "The bridge's backend does not answer",
            "The token canister of the bridge is out of service",
            "The canister that signs for the custody is out of service: no withdrawal can be paid",
            "The code of the canister bridge is not the one that was accepted",
            "The controllers of the canister bridge are not those that were accepted",
            "Replies about the canister bridge were not to be believed: a signature or certificate did not hold",
            "The newest certificate about the canister bridge is 1 min 15 s old",
            "Probe wallet fails after repeated attempts",
            "The TLS certificate of probe wallet expires in 1 d 1 h",
            "Probe wallet is slow: 95 % of answers within 6.5 s over 10 minutes (> 5 s)",
            "40 % of the mint and redeem jobs of 15 minutes failed (> 25 %)",
            "Jobs of the queue minting take 6 min 40 s (> 10 min)",
            "Redemptions whose ckALGO is burned and whose ALGO is not sent: 2 withdrawing",
            "Deposits that arrived and could not be registered, also after all attempts: 3",
            "Source system yields no data: what it watches is unknown",
        ]
    );
}

#[test]
fn a_rule_without_summary_still_says_what_is_wrong() {
    let text = "[[rule]]\nalert = 'A'\nexpr = 'system_disk_usage_ratio'\nabove = { HIGH = '90%' }\n
                [[rule]]\nalert = 'B'\nexpr = 'probe_success == 0'\nseverity = 'high'";
    let labels = Labels::new([("mount", "/")]);
    let (a, b) = (rule(text, "A"), rule(text, "B"));
    assert_eq!(a.summary(&labels, Some(0.912), Severity::High), r#"A{mount="/"}: 91.2 % (limit > 90 %)"#);
    assert_eq!(a.summary(&labels, None, Severity::High), r#"A{mount="/"}: not measured (limit > 90 %)"#);
    assert_eq!(b.summary(&Labels::empty(), Some(0.0), Severity::High), "B: 0 (limit == 0)");
    assert_eq!((a.action(&labels, None, Severity::High), b.limit_text(Severity::High)), (None, "== 0".to_owned()));
}

#[test]
fn no_comparison_is_printed_that_does_not_hold() {
    let text = "[[rule]]\nalert = 'A'\nexpr = 'system_memory_usage_ratio'\nabove = { HIGH = '90%' }\n
                [[rule]]\nalert = 'B'\nexpr = 'probe_success == 0'\nseverity = 'high'\n
                [[rule]]\nalert = 'C'\nexpr = 'system_disk_free_bytes'\nbelow = { HIGH = '1GiB' }\n
                [[rule]]\nalert = 'D'\nexpr = 'bridge_job_processing_seconds'\nabove = { HIGH = '2h' }\n
                [[rule]]\nalert = 'E'\nexpr = 'count(service_up) > scalar(count(probe_success))'\nseverity = 'high'";
    for (name, value, wanted) in [
        ("A", 0.95, "95 % > 90 %"),
        ("A", 0.8852, "88.52 % (limit > 90 %)"),
        ("A", 0.900_001, "90.0001 % > 90 %"),
        ("A", 0.9, "90 % (limit > 90 %)"),
        ("B", 0.0, "0 == 0"),
        ("B", 1.0, "1 (limit == 0)"),
        ("C", 1_073_741_823.0, "1073741823 B < 1 GiB"),
        ("D", 7200.4, "2 h 0.4 s > 2 h"),
        ("E", 5.0, "5 (limit > scalar(count(probe_success)))"),
    ] {
        let rule = rule(text, name);
        assert_eq!(rule.against(value, Severity::High, rule.value_text(value)), wanted, "{name}");
    }
    let disk = rule(text, "C");
    assert_eq!(
        disk.summary(&Labels::empty(), Some(1_073_741_823.0), Severity::High),
        "C: 1073741823 B (limit < 1 GiB)"
    );
}

#[test]
fn units_come_from_the_metric_or_the_limits() {
    for (expr, limit, unit, wanted) in [
        ("system_memory_usage_ratio", "0.9", Unit::Ratio, "> 90 %"),
        ("max(avg_over_time(system_memory_usage_ratio[5m]))", "'90%'", Unit::Ratio, "> 90 %"),
        ("probe_ssl_earliest_cert_expiry - time()", "'2d'", Unit::Seconds, "> 2 d"),
        ("time() - probe_ssl_earliest_cert_expiry", "3600", Unit::Seconds, "> 1 h"),
        ("deriv(system_disk_free_bytes[5m])", "'10GiB'", Unit::Bytes, "> 10 GiB"),
        ("count(service_up)", "3", Unit::Count, "> 3"),
        ("system_disk_free_bytes / system_disk_free_bytes", "0.5", Unit::Ratio, "> 50 %"),
        ("system_disk_usage_ratio + 0.1", "0.5", Unit::Ratio, "> 50 %"),
    ] {
        let rule = rule(&format!("[[rule]]\nalert = 'A'\nexpr = '{expr}'\nabove = {{ HIGH = {limit} }}"), "A");
        assert_eq!((rule.unit, rule.limit_text(Severity::High).as_str()), (unit, wanted), "{expr}");
    }
}

#[test]
fn a_ladder_judges_each_label_set() {
    let rule = rule("", "HIGH_DISK_USAGE");
    let disk = |mount: &'static [(&'static str, &'static str)], datum| ("system_disk_usage_ratio", mount, datum);
    assert_eq!(
        says(
            &rule,
            &[
                disk(&[("mount", "/a")], Datum::Value(0.5)),
                disk(&[("mount", "/b")], Datum::Value(0.93)),
                disk(&[("mount", "/c")], Datum::Value(0.99)),
                disk(&[("mount", "/d")], Datum::Unknown),
                disk(&[("mount", "/e")], Datum::Gone),
                disk(&[("mount", "/f")], Datum::Value(f64::NAN)),
            ]
        ),
        "{mount=\"/a\"} 0.5 | {mount=\"/b\"} 0.93 HIGH Beyond CRITICAL Band | {mount=\"/c\"} 0.99 HIGH Beyond CRITICAL \
         Beyond | {mount=\"/d\"} ?not measured | {mount=\"/f\"} NaN; missing: gone"
    );
}

#[test]
fn a_comparison_is_judged_whether_it_holds_or_not() {
    let mut failed = rule("", "PROBE_FAILED");
    failed.set_severity("probe", "wallet", Severity::Critical);
    let probe = |probe: &'static [(&'static str, &'static str)], datum| ("probe_success", probe, datum);
    assert_eq!(
        says(
            &failed,
            &[
                probe(&[("probe", "site")], Datum::Value(0.0)),
                probe(&[("probe", "wallet")], Datum::Value(0.0)),
                probe(&[("probe", "fine")], Datum::Value(1.0)),
                probe(&[("probe", "dark")], Datum::Unknown),
            ]
        ),
        "{probe=\"site\"} 0 HIGH Beyond | {probe=\"wallet\"} 0 CRITICAL Beyond | {probe=\"fine\"} 1 | {probe=\"dark\"} ?not \
         measured; missing: gone"
    );
    assert!(failed.policy.severities[Severity::Critical] && failed.policy.severities[Severity::High]);
    let mirrored = rule("[[rule]]\nalert='A'\nexpr='0.5 < system_memory_usage_ratio'\nseverity='LOW'", "A");
    assert_eq!(
        says(&mirrored, &[("system_memory_usage_ratio", &[], Datum::Value(0.6))]),
        "{} 0.6 LOW Beyond; missing: gone"
    );
    assert_eq!(mirrored.limit_text(Severity::Low), "> 50 %");
}

#[test]
fn other_conditions_only_say_what_is_true() {
    let fills = rule("", "DISK_FILLS_SOON");
    let data = |usage: Datum| {
        Windows::new(vec![
            window(
                "system_disk_free_bytes",
                &[("mount", "/")],
                &[Datum::Value(9e9), Datum::Value(6e9), Datum::Value(3e9)],
            ),
            window("system_disk_usage_ratio", &[("mount", "/")], &[usage; 3]),
        ])
    };
    let at = Time::from_millis(T0 + 120_000);
    let Judgement::Judged { verdicts, missing: Missing::FalseOrGone } = judge(&fills, &data(Datum::Value(0.9)), at)
    else {
        panic!("judged")
    };
    assert!(matches!(&verdicts[..], [one] if one.labels.get("mount") == Some("/")), "{verdicts:?}");
    let fine = Judgement::Judged { verdicts: Vec::new(), missing: Missing::FalseOrGone };
    assert_eq!(judge(&fills, &data(Datum::Value(0.5)), at), fine);
    assert!(matches!(judge(&fills, &data(Datum::Unknown), at), Judgement::Unknown(_)));
}

#[test]
fn two_bad_results_with_the_same_labels_fail_the_rule() {
    let text = "[[rule]]\nalert='A'\nexpr='{__name__=~\"service_up|probe_success\"}'\nbelow={HIGH=1}";
    let both = compiled(text, false).0.pop().unwrap();
    let labels: &[(&str, &str)] = &[("host", "a")];
    let with = |service, probe| says(&both, &[("service_up", labels, service), ("probe_success", labels, probe)]);
    let (up, down) = (Datum::Value(1.0), Datum::Value(0.0));
    assert_eq!(with(up, up), "{host=\"a\"} 1; missing: gone");
    assert_eq!(with(up, down), "{host=\"a\"} 0 HIGH Beyond; missing: gone");
    assert_eq!(with(down, up), "{host=\"a\"} 0 HIGH Beyond; missing: gone");
    assert_eq!(with(down, down), "failed: two results have the same labels: {host=\"a\"}");
    assert_eq!(with(up, Datum::Unknown), "{host=\"a\"} ?not measured; missing: gone");
    assert_eq!(with(down, Datum::Unknown), "failed: two results have the same labels: {host=\"a\"}");
}

#[test]
fn a_shipped_rule_is_adjusted_key_by_key_or_replaced() {
    let text = "[[rule]]\nalert = 'HIGH_MEMORY_USAGE'\nabove = { high = '70%' }\nno_data = 'fire'\n
                [[rule]]\nalert = 'HIGH_CPU_USAGE'\nexpr = 'system_cpu_usage_ratio'\nabove = { LOW = 0.5 }\n
                [[rule]]\nalert = 'SLOW_RESPONSE'\nenabled = false\n
                [[rule]]\nalert = 'MINE'\nexpr = 'service_up == 0'\nseverity = 'LOW'\nfor = '2m'";
    let (rules, faults) = compiled(text, false);
    assert_eq!(faults, []);
    let find = |name: &str| rules.iter().find(|rule| rule.name.as_ref() == name);
    let memory = find("HIGH_MEMORY_USAGE").unwrap();
    assert_eq!(memory.text, "system_memory_usage_ratio");
    assert_eq!(memory.limit_text(Severity::High), "> 70 %");
    assert_eq!(memory.limit_text(Severity::Critical), "");
    assert_eq!(memory.policy.no_data, NoData::Fire);
    assert_eq!(memory.policy.pending_for[Severity::High], Duration::from_mins(5));
    // the shipped clear of 80 % would stand above the new limit: it is left out
    let ladder = |rule: &Rule| match &rule.test {
        super::rule::Test::Ladder(ladder) => ladder.clone(),
        super::rule::Test::Condition(_) => panic!("a ladder"),
    };
    assert_eq!(ladder(memory).rungs[Severity::High].unwrap().clear, None);
    let cpu = find("HIGH_CPU_USAGE").unwrap();
    assert!(cpu.action.is_none() && cpu.limit_text(Severity::High).is_empty(), "replaced as a whole");
    assert!(find("SLOW_RESPONSE").is_none());
    assert_eq!(find("MINE").unwrap().policy.pending_for[Severity::Low], Duration::from_mins(2));
    assert!(matches!(&find("MINE").unwrap().origin, Origin::Own(spot) if &text[spot.span.clone()] == "'MINE'"));
    assert_eq!(rules.len(), shipped::settings().unwrap().len(), "one is off, one is new");
}

/// The beginning of a rule whose expression is a value.
const VALUE: &str = "alert = 'A'\nexpr = 'system_memory_usage_ratio'\n";

/// A rule in two pieces, and its one fault.
const TAUGHT: &[(&str, &str, &str)] = &[
    ("", "expr = 'service_up == 0'", "a rule has no name ['service_up == 0'] add alert = \"NAME\" to each [[rule]]"),
    (
        "",
        "alert = 'my rule'\nexpr = 'a'",
        "`my rule` cannot be the name of an alert ['my rule'] it has letters, digits and underscores, and begins with no digit: HIGH_MEMORY_USAGE",
    ),
    (
        "",
        "alert = 'HIGH_MEMROY_USAGE'\nabove = { HIGH = 1 }",
        "HIGH_MEMROY_USAGE has no `expr`, and no shipped rule is called so ['HIGH_MEMROY_USAGE'] to adjust the shipped rule, call it HIGH_MEMORY_USAGE; a rule of your own needs `expr`",
    ),
    (
        VALUE,
        "above = { HIGH = 1 }\nbelow = { HIGH = 0 }",
        "`above` and `below` exclude each other [{ HIGH = 0 }] make two rules of it",
    ),
    (
        "",
        "alert = 'A'\nexpr = 'service_up == 0'\nbelow = { HIGH = 1 }",
        "the expression compares already, and the rule has limits as well [== 0] or keep it, remove the limits and give the rule a `severity`",
    ),
    (
        "",
        "alert = 'A'\nexpr = 'service_up == 0'",
        "`severity` is missing: A does not say how bad it is ['service_up == 0'] add severity = \"HIGH\" (or LOW, MEDIUM, CRITICAL)",
    ),
    (
        VALUE,
        "",
        "this is a value, not a condition: the rule would always fire ['system_memory_usage_ratio'] give it limits, above = { HIGH = … } or below = { HIGH = … }; or compare it",
    ),
    (
        "",
        "alert = 'A'\nexpr = 'service_up == bool 0'\nseverity = 'HIGH'",
        "this is a value, not a condition: the rule would always fire ['service_up == bool 0'] give it limits, above = { HIGH = … } or below = { HIGH = … }; or compare it",
    ),
    (VALUE, "above = { HIGH = nan }", "a limit is a finite number [nan] "),
    (
        VALUE,
        "above = { HIGH = 'inf' }",
        "`inf` is not a number, percentage, duration or size; write it like 0.85, 85%, 5m or 10GiB ['inf'] ",
    ),
    (
        VALUE,
        "above = { HIGH = 85 }",
        "HIGH can never fire: the value is between 0 and 1 [85] a ratio is a part of one; is this a percentage? write \"85%\"",
    ),
    (
        VALUE,
        "above = { HIGH = '5m' }",
        "HIGH can never fire: the value is between 0 and 1 ['5m'] the value is a ratio, this limit is a time in seconds",
    ),
    (
        VALUE,
        "above = 0.85",
        "`above` does not say for which severity [0.85] write above = { HIGH = 0.85 }, or add severity = \"HIGH\"",
    ),
    (
        VALUE,
        "above = { HIGH = 0.8 }\nseverity = 'LOW'",
        "`severity` is not needed: `above` names each severity ['LOW'] remove it",
    ),
    (
        VALUE,
        "above = { HIGH = '85%' }\nclear = '90%'",
        "HIGH clears at 90 %, which is above its limit of 85 % ['90%'] `clear` stands below the limit: the alert holds until the value is back there",
    ),
    (
        VALUE,
        "above = { HIGH = 0.8, CRITICAL = 0.9 }\nclear = '70%'",
        "`clear` does not say for which severity ['70%'] name it for each: clear = { HIGH = \"70%\" }",
    ),
    (
        VALUE,
        "above = { HIGH = 0.8 }\nclear = { CRITICAL = 0.7 }",
        "CRITICAL has no limit to clear [0.7] remove it, or give the severity a limit",
    ),
    (
        VALUE,
        "above = { HIGH = 0.9, CRITICAL = 0.8 }",
        "CRITICAL has a milder limit than HIGH [0.8] swap them: the higher severity has the limit that is reached later",
    ),
    (
        "",
        "alert = 'A'\nexpr = 'service_up == 0'\nseverity = 'HIGH'\nclear = 1",
        "`clear` belongs to `above` or `below` [1] give the limit that it clears, or remove it",
    ),
    (
        VALUE,
        "above = { HIGH = 0.9 }\nfor = { LOW = '5m' }",
        "the rule has no limit or condition of severity LOW ['5m'] remove it from `for`, or add its limit",
    ),
    (
        VALUE,
        "above = { HIGH = 0.9 }\nfor = '5 minutes'",
        "`5 minutes` is not a duration; write it like 90s, 5m, 1h30m or 500ms ['5 minutes'] ",
    ),
    (
        "",
        "alert = 'A'\nexpr = 'service_up == 0'\nseverity = 'SEVERE'",
        "a severity is one of LOW, MEDIUM, HIGH, CRITICAL ['SEVERE'] ",
    ),
    (
        VALUE,
        "above = { HIGH = 0.9 }\nno_data = 'ok'",
        "`no_data` cannot be `ok` ['ok'] it is \"hold\", \"fire\" or \"resolve\"",
    ),
    (
        VALUE,
        "above = { HIGH = 0.9 }\nrunbook_url = 'wiki/memory'",
        "`runbook_url` is not a web address ['wiki/memory'] it begins with https://",
    ),
    (
        VALUE,
        "above = { HIGH = 0.9 }\nsummary = 'at {{ value | percnt }}'",
        "there is no format `percnt` [{{ value | percnt }}] did you mean `percent`?",
    ),
    (
        "",
        "alert = 'A'\nexpr = 'rate(service_up) == 0'\nseverity = 'HIGH'",
        "rate needs a range vector (metric[5m]) here, this is an instant vector [service_up] give it a range: service_up[5m]",
    ),
    (
        "",
        "alert = 'A'\nexpr = 'sytem_memory_usage_ratio > 0.9'\nseverity = 'HIGH'",
        "there is no metric `sytem_memory_usage_ratio` [sytem_memory_usage_ratio] did you mean `system_memory_usage_ratio`?",
    ),
    (
        "",
        "alert = 'A'\nexpr = 'service_up{servce=\"x\"} == 0'\nseverity = 'HIGH'",
        "service_up has no label `servce`: this selects nothing, ever [servce] did you mean `service`?",
    ),
    (
        "",
        "alert = 'HIGH_MEMROY_USAGE'\nenabled = false",
        "HIGH_MEMROY_USAGE has no `expr`, and no shipped rule is called so ['HIGH_MEMROY_USAGE'] to adjust the shipped rule, call it HIGH_MEMORY_USAGE; a rule of your own needs `expr`",
    ),
    (
        "",
        "alert = 'A'\nexpr = 'probe_ssl_earliest_cert_expiry'\nbelow = { HIGH = '7d' }",
        "warning: the value is a date and the limit a duration ['7d'] subtract the time first: metric - time() is how long it is until then",
    ),
    (
        "",
        "alert = 'A'\nexpr = 'sum(deriv(system_disk_free_bytes[1m]))'\nabove = { HIGH = 1 }",
        "deriv needs two samples, and this range never holds more than one [system_disk_free_bytes[1m]] a sample is taken every 1m: write [4m] or more",
    ),
];

#[test]
fn faults_teach() {
    for (head, rest, wanted) in TAUGHT {
        assert_eq!(faults(&format!("[[rule]]\n{head}{rest}\n")), [*wanted], "{head}{rest}");
    }
}

#[test]
fn no_fault_hides_another() {
    let text = "[[rule]]\nalert = 'A'\nexpr = 'service_up => 0'\nseverity = 'BAD'\naction = '{{ value'\nroute = ['x']\n
                [[rule]]\nalert = 'A'\nexpr = 'service_up'\n
                [[rule]]\nalert = 'B'\nexpr = 'nothing'\nabove = { HIGH = 1 }";
    assert_eq!(
        faults(text),
        [
            "there are two rules named A ['A'] give one of them another name; two severities of one alert are one rule with two limits",
            "this `{{` is never closed [{{] close it with `}}`, as in {{ value }}",
            "unexpected `=` after the expression [=] write `>=`",
            "a severity is one of LOW, MEDIUM, HIGH, CRITICAL ['BAD'] ",
            "there is no metric `nothing` [nothing] `sippar-mon rules list --metrics` shows the metrics there are",
        ]
    );
}

#[test]
fn where_metrics_may_come_from_outside_an_unknown_one_is_a_warning() {
    let text = "[[rule]]\nalert = 'A'\nexpr = 'queue_length'\nabove = { HIGH = 1 }";
    let (rules, found) = compiled(text, true);
    assert_eq!(
        shown(text, found),
        [
            "warning: there is no metric `queue_length` [queue_length] `sippar-mon rules list --metrics` shows the metrics there are (an exec probe may yield it)"
        ]
    );
    assert!(rules.iter().any(|rule| rule.name.as_ref() == "A"));
}

#[test]
fn needs_reach_as_far_back_as_the_longest_range() {
    let text = "[[rule]]\nalert='A'\nexpr='max_over_time(rate(jobs[5m] offset 1m)[1h:1m]) + jobs'\nabove={HIGH=1}\n
                [[rule]]\nalert='B'\nexpr='{a=\"b\"} @ 1199990'\nabove={HIGH=1}";
    let (rules, _) = compiled(text, true);
    let own = rules.iter().filter(|rule| rule.name.len() == 1).map(|rule| &rule.expr);
    let needs = needs(own, Time::from_millis(T0));
    let shown: Vec<_> = needs.iter().map(|need| (need.metric.as_deref(), need.back.as_secs(), need.lookback)).collect();
    assert_eq!(shown, [(None, 10, true), (Some("jobs"), 66 * 60, true)]);
}
