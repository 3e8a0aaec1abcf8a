use std::fmt::Write as _;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::model::reading::Datum;
use crate::model::time::Time;

/// Series of one metric by the value of a label, each with samples by tick in minutes.
type Given = Vec<(String, Vec<(u16, f64)>)>;

fn given() -> impl Strategy<Value = Given> {
    let value =
        prop_oneof![any::<f64>(), Just(f64::NAN), Just(f64::INFINITY), Just(-0.0), (0..9_i32).prop_map(f64::from)];
    let points = prop::collection::btree_map(0..2000_u16, value, 1..40);
    let label = "[a-z,;\"\\\\ üé]{0,6}".prop_map(|text| format!("x{text}x"));
    let series = prop::collection::btree_map(label, points, 1..5);
    series.prop_map(|all| all.into_iter().map(|(label, points)| (label, points.into_iter().collect())).collect())
}

fn minute(tick: u16) -> Time {
    Time::from_millis(1_795_412_640_000 + i64::from(tick) * 60_000)
}

fn csv(given: &Given) -> String {
    let mut text = "time,host,value\n".to_owned();
    for (host, points) in given {
        for (tick, value) in points {
            let _ = writeln!(text, "{},\"{}\",{value}", minute(*tick), host.replace('"', "\"\""));
        }
    }
    text
}

fn open_metrics(given: &Given) -> String {
    let mut text = "# TYPE load gauge\n".to_owned();
    // newest first: order does not matter
    for (host, points) in given {
        let host = host.replace('\\', r"\\").replace('"', "\\\"");
        for (tick, value) in points.iter().rev() {
            let _ = writeln!(text, "load{{host=\"{host}\"}} {value} {}", minute(*tick).seconds());
        }
    }
    text + "# EOF\n"
}

/// Imports, and reads from the database what it then holds.
fn imported(text: &str) -> Vec<(String, Vec<(Time, u64)>)> {
    let column = LabelColumn { label: "host".to_owned(), column: "host".to_owned() };
    let settings = Settings {
        format: None,
        metric: Some("load".to_owned()),
        labels: Labels::empty(),
        columns: Columns { labels: vec![column], ..Columns::default() },
        every: Some(Duration::from_mins(1)),
    };
    let found = import::read(text.as_bytes(), &settings).unwrap();
    assert_eq!((found.bad, found.replaced), (vec![], 0));
    let mut store = Store::in_memory(minute(0)).unwrap();
    fill::fill(&mut store, &found.series, Path::new("trial.db")).unwrap();
    let mut windows = store.history("load", None, minute(0), minute(u16::MAX)).unwrap();
    windows.sort_by(|a, b| a.series.cmp(&b.series));
    let host = |labels: &Labels| labels.get("host").unwrap_or_default().to_owned();
    let bits = |datum| match datum {
        Datum::Value(value) if value.is_nan() => f64::NAN.to_bits(),
        Datum::Value(value) => value.to_bits(),
        other => panic!("{other:?}"),
    };
    windows
        .into_iter()
        .map(|window| {
            let points = window.points.into_iter().map(|point| (point.tick, bits(point.datum)));
            (host(&window.series.labels), points.collect())
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_what_is_read(given in given()) {
        let bits = |value: f64| if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() };
        let wanted: Vec<(String, Vec<(Time, u64)>)> = given
            .iter()
            .map(|(host, points)| {
                (host.clone(), points.iter().map(|(tick, value)| (minute(*tick), bits(*value))).collect())
            })
            .collect();
        prop_assert_eq!(&imported(&csv(&given)), &wanted);
        prop_assert_eq!(&imported(&open_metrics(&given)), &wanted);
    }
}

#[test]
fn more_than_a_batch_is_stored_whole() {
    let points: Vec<(u16, f64)> = (0..26_000).map(|tick| (tick, f64::from(tick))).collect();
    let given: Given = ["a", "b"].map(|host| (host.to_owned(), points.clone())).into();
    let found = imported(&open_metrics(&given));
    assert_eq!(found.iter().map(|(_, points)| points.len()).collect::<Vec<_>>(), [26_000, 26_000]);
}

#[test]
fn flags_are_checked_before_anything_is_read() {
    use clap::Parser;
    for (flags, wanted) in [
        (&["--metric", "1a"][..], "--metric: `1a` is not the name of a metric: letters, digits, _ and :"),
        (&["--label", "host"], "--label: `host` is not a label; write it like host=a"),
        (&["--label", "__x=a"], "--label: `__x=a` is not a label; write it like host=a"),
        (&["--every", "500ms"], "--every: `500ms` is shorter than a second"),
        (&["--every", "often"], "--every: `often` is not a duration; write it like 90s, 5m, 1h30m or 500ms"),
        (
            &["--label-column", "Host name"],
            "--label-column: `Host name` is not the name of a label; say which label the column holds, as in \
             host=\"Host name\" or host=2",
        ),
    ] {
        let words = ["sippar-mon", "db", "import", "x.csv"].iter().chain(flags);
        let crate::cli::Command::Db(crate::cli::Db::Import(args)) = crate::cli::Cli::parse_from(words).command else {
            panic!("not an import");
        };
        assert_eq!(settings(&args).unwrap_err().what, wanted);
    }
}
