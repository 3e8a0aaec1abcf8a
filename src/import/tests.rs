use std::fmt::Write as _;

use super::*;
use crate::model::time::Time;

fn settings() -> Settings {
    Settings {
        format: None,
        metric: Some("load".to_owned()),
        labels: Labels::empty(),
        columns: Columns::default(),
        every: None,
    }
}

fn columns(time: Option<&str>, value: Option<&str>, labels: &[(&str, &str)]) -> Settings {
    let text = |text: &str| text.to_owned();
    let labels =
        labels.iter().map(|(label, column)| LabelColumn { label: text(label), column: text(column) }).collect();
    Settings { columns: Columns { time: time.map(text), value: value.map(text), labels }, ..settings() }
}

/// Each series as `key: seconds=value …`, then the bad lines, then what else was noticed; or the trouble.
fn shown(text: &str, settings: &Settings) -> String {
    let found = match read(text.as_bytes(), settings) {
        Ok(found) => found,
        Err(trouble) => return format!("{:?}: {} ({})", trouble.kind, trouble.what, trouble.help.unwrap_or_default()),
    };
    let mut out = String::new();
    for Series { key, points, .. } in &found.series {
        let point = |(at, value): &(Time, f64)| format!(" {}={value}", at.seconds());
        let _ = writeln!(out, "{key}:{}", points.iter().map(point).collect::<String>());
    }
    for Bad { line, why } in &found.bad {
        let _ = writeln!(out, "{line}: {why}");
    }
    for (count, what) in [(found.empty, "empty"), (found.replaced, "replaced")] {
        if count > 0 {
            let _ = writeln!(out, "{count} {what}");
        }
    }
    out
}

#[test]
fn csv_as_programs_write_it() {
    let plain = "load: 60=0.5 120=NaN 180=-inf\n";
    for (text, settings, wanted) in [
        ("time,value\n60,0.5\n120,NaN\n180,-Inf\n", settings(), plain),
        // no header, another separator, a mark at the beginning, other line ends, comments, blank lines, no end
        ("\u{feff}60;0.5\r\n\r\n# noted\r\n120;NaN\r\n180;-inf", settings(), plain),
        ("60\t0.5\n120\tNaN\n180\t-inf\n", settings(), plain),
        ("\"Time\",\"load\",\"note\"\n60,\"0.5\",\"a,b\"\n120,NaN,\n180,-inf,x\n", settings(), plain),
        ("x,when,y\n0.5,60,7\nNaN,120,7\n-inf,180,7\n", columns(Some("when"), Some("x"), &[]), plain),
        ("0.5,60,7\nNaN,120,7\n-inf,180,7\n", columns(Some("2"), Some("1"), &[]), plain),
        ("time,value\n60,1\n120,\n180, \n240,2\n", settings(), "load: 60=1 240=2\n2 empty\n"),
        // order does not matter; of one tick the later one stays
        ("120,2\n60,1\n180,3\n181,4\n", settings(), "load: 60=1 120=2 180=4\n1 replaced\n"),
        (
            "time,Host,value\n60,a,1\n60,b,2\n120,a,3\n120,,4\n",
            columns(None, None, &[("host", "Host")]),
            "load: 120=4\nload{host=\"a\"}: 60=1 120=3\nload{host=\"b\"}: 60=2\n",
        ),
        (
            "60,\"a \"\"b\"\"\",1\n",
            Settings { labels: Labels::new([("zone", "z")]), ..columns(None, Some("3"), &[("host", "2")]) },
            "load{host=\"a \\\"b\\\"\",zone=\"z\"}: 60=1\n",
        ),
        ("time,value\n", settings(), ""),
        ("", settings(), ""),
    ] {
        assert_eq!(shown(text, &settings), wanted, "{text}");
    }
}

#[test]
fn a_line_that_cannot_be_read_is_named() {
    let text = "time,value\n60,1\nsoon,1\n120\n120,1,\n120,0,5\n120,85%\n120,1e999\n120,\"1\n120000000000,3\n180,4\n";
    let wanted = "load: 60=1 180=4\n\
        3: `soon` is not a time between 1970 and 2200; write it like 2026-11-23T05:44:00Z\n\
        4: 1 cell where the first row has 2\n\
        5: 3 cells where the first row has 2\n\
        6: 3 cells where the first row has 2\n\
        7: `85%` is not a number like 0.5, 1e-3, NaN or -Inf\n\
        8: `1e999` is not a number like 0.5, 1e-3, NaN or -Inf\n\
        9: a quote is opened and not closed\n\
        10: the time `120000000000` would be milliseconds since 1970, and those before are seconds since 1970\n";
    assert_eq!(shown(text, &settings()), wanted);
    let many = read("60,x\n".repeat(50).as_bytes(), &settings()).unwrap();
    assert_eq!((many.bad.len(), many.bad_count), (20, 50));
    let long = format!("time,host,value\n60,{},1\n", "x".repeat(1025));
    let why = "2: the value of a label is longer than 1024 bytes\n";
    assert_eq!(shown(&long, &columns(None, None, &[("host", "host")])), why);
}

#[test]
fn a_file_that_does_not_say_enough_is_refused() {
    let three = "time,host,temperature\n60,a,1\n";
    let help = "(say which holds the value: --value-column NAME, and which tell series apart: --label-column NAME)";
    for (text, settings, wanted) in [
        (three, settings(), format!("Usage: has the columns time, host, temperature {help}")),
        ("60,a,1\n", settings(), format!("Usage: has the columns 1, 2, 3 {help}")),
        (three, columns(None, Some("temprature"), &[]), "Usage: has no column `temprature` (did you mean `temperature`?)".to_owned()),
        (three, columns(Some("x"), None, &[]), "Usage: has no column `x` (the columns are: time, host, temperature)".to_owned()),
        ("60,1\n", columns(Some("time"), None, &[]), "Usage: has no column `time` (it has no header; count the column, from 1 to 2)".to_owned()),
        ("60,1\n", columns(Some("3"), None, &[]), "Usage: has no column `3` (it has no header; count the column, from 1 to 2)".to_owned()),
        ("60\n", settings(), "Data: has no column for the values (a row is a time and a value, with a comma, a semicolon or a tab between them)".to_owned()),
        ("\"60\n", settings(), "Data: cannot be read from its first row on: a quote is opened and not closed ()".to_owned()),
        ("60,1\n", Settings { metric: None, ..settings() }, "Usage: is CSV, which does not say what was measured (name it: --metric NAME)".to_owned()),
    ] {
        assert_eq!(shown(text, &settings), wanted, "{text}");
    }
}

#[test]
fn the_text_formats_of_prometheus() {
    let all = Settings { metric: None, ..settings() };
    let open = Settings { format: Some(Format::OpenMetrics), ..all.clone() };
    let text = "# TYPE load gauge\nload{host=\"a\"} 0.5 1795412640\nload{host=\"b\"} NaN 1795412640.5\n\
        up 1 1795412640 # {trace_id=\"x\"} 0.67 1795412640\n# EOF\n";
    let wanted = "load{host=\"a\"}: 1795412640=0.5\nload{host=\"b\"}: 1795412640=NaN\nup: 1795412640=1\n";
    assert_eq!(shown(text, &all), wanted);
    assert_eq!(shown(text, &open), wanted);
    // milliseconds, as the older format has them
    assert_eq!(shown("up 1 1795412640000\n", &all), "up: 1795412640=1\n");
    let old = Settings { format: Some(Format::Prometheus), ..all.clone() };
    assert_eq!(shown("up 1 60000\n", &old), "up: 60=1\n");
    let picked = Settings { labels: Labels::new([("host", "c"), ("zone", "z")]), ..settings() };
    let both = "load{host=\"c\",zone=\"z\"}: 1795412640=NaN\n1 replaced\n";
    assert_eq!(shown(text, &picked), both, "--metric picks, --label wins");
    let bad = "up 1 60\nup 1\nup 1 2026-11-23\nup 1 60 7\nup one 60\nup 1 # {x=\"1\"} 1\n# EOF\nup 1 60\n";
    let wanted = "up: 60=1\n\
        2: a sample without a timestamp; only those with one can be imported\n\
        3: the timestamp is not a number\n\
        4: text after the timestamp\n\
        5: the value is not a number\n\
        6: a sample without a timestamp; only those with one can be imported\n\
        8: text after # EOF\n";
    assert_eq!(shown(bad, &all), wanted);
    let cut = "Data: is cut off: the last line of OpenMetrics is `# EOF` \
        (fetch it again, or say --format prometheus if its times are milliseconds)";
    assert_eq!(shown("up 1 60\n", &open), cut);
}

#[test]
fn series_are_bounded() {
    let mut text = String::new();
    for series in 0..=MOST_SERIES {
        let _ = writeln!(text, "up{{n=\"{series}\"}} 1 60");
    }
    let found = read(text.as_bytes(), &Settings { metric: None, ..settings() }).unwrap();
    assert_eq!(found.series.len(), MOST_SERIES);
    assert_eq!(found.bad, [Bad { line: 10_001, why: "this would be a series more than 10000".to_owned() }]);
}
