//! `query`: one row for each series.

use std::fmt::Write as _;

use super::terminal::Terminal;
use crate::model::metric::Unit;
use crate::model::reading::Value;
use crate::model::time::Time;
use crate::text::{safe, spark, units};
use crate::view::query::Series;

/// Columns of the small picture.
const SPARK: usize = 32;

/// The table: value and age, with `past` also what lies behind.
pub fn table(series: &[Series], past: bool, now: Time, terminal: &Terminal) -> String {
    let header: &[&str] =
        if past { &["SERIES", "LAST", "LOWEST", "HIGHEST", "HISTORY", "AGE"] } else { &["SERIES", "VALUE", "AGE"] };
    let mut table = terminal.table(header);
    for one in series {
        let mut cells = vec![name(one), value(one)];
        if past {
            let (low, high) = extremes(one, |value| in_unit(value, one.unit));
            cells.extend([low, high, drawn(one, terminal.ascii)]);
        }
        cells.push(age(one.time, now));
        table.add_row(cells);
    }
    format!("{table}\n")
}

/// Lines for scripts: series, value, unit, time, why the value is unknown; with `past` the lowest and the highest value.
pub fn lines(series: &[Series], past: bool) -> String {
    let mut out = String::new();
    for one in series {
        let (value, reason) = match &one.last {
            Some(Value::Known(value)) => (value.to_string(), String::new()),
            Some(Value::Unknown(reason)) => (String::new(), safe::answer(reason.as_str())),
            None => (String::new(), one.absence.word().to_owned()),
        };
        let unit = one.unit.map_or("", Unit::name);
        let _ = write!(out, "{}\t{value}\t{unit}\t{}\t{reason}", name(one), one.time);
        if past {
            let (low, high) = extremes(one, |value| value.to_string());
            let _ = write!(out, "\t{low}\t{high}");
        }
        out.push('\n');
    }
    out
}

/// How old a value is; of one that lies in the future, where the clock went back, nobody knows.
fn age(of: Time, now: Time) -> String {
    let ahead = of.since(now);
    if ahead.is_zero() { units::duration(now.since(of)) } else { format!("in {}", units::duration(ahead)) }
}

fn name(series: &Series) -> String {
    safe::one_line(&series.to_string())
}

fn value(series: &Series) -> String {
    match &series.last {
        Some(Value::Known(value)) => in_unit(*value, series.unit),
        Some(Value::Unknown(reason)) => format!("unknown: {}", safe::answer(reason.as_str())),
        None => series.absence.word().to_owned(),
    }
}

fn in_unit(value: f64, unit: Option<Unit>) -> String {
    match unit {
        // whoever asks for 0 and 1 computes with them
        Some(Unit::Bool) | None => units::number(value),
        Some(unit) => units::value(value, unit),
    }
}

fn extremes(series: &Series, text: impl Fn(f64) -> String) -> (String, String) {
    series.extremes().map_or_else(Default::default, |(low, high)| (text(low), text(high)))
}

/// The picture of its past; several ticks share a column, which is their mean and blank where none was measured.
fn drawn(series: &Series, ascii: bool) -> String {
    let mut finite = series.values.iter().flatten().copied().filter(|value| value.is_finite()).peekable();
    let Some(first) = finite.peek().copied() else { return String::new() };
    let (low, high) = finite.fold((first, first), |(low, high), value| (low.min(value), high.max(value)));
    let each = series.values.len().div_ceil(SPARK).max(1);
    let mean = |values: &[Option<f64>]| {
        let known: Vec<f64> = values.iter().flatten().copied().filter(|value| value.is_finite()).collect();
        (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
    };
    let columns: Vec<Option<f64>> = series.values.chunks(each).map(mean).collect();
    spark::sparkline(&columns, low, high, ascii)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::labels::Labels;
    use crate::model::reading::Reason;
    use crate::view::query::Absence;

    fn series(mount: &str, last: Option<Value>, values: &[Option<f64>], unit: Option<Unit>) -> Series {
        let (metric, labels) = (Some(Arc::from("usage")), Labels::new([("mount", mount)]));
        Series {
            metric,
            labels,
            last,
            time: Time::from_millis(60_000),
            values: values.to_vec(),
            unit,
            absence: Absence::Gone,
        }
    }

    fn three() -> [Series; 3] {
        [
            series("/", Some(Value::Known(0.5)), &[Some(0.25), None, Some(1.0), Some(0.5)], Some(Unit::Ratio)),
            series("/a", Some(Value::Unknown(Reason::TIMEOUT)), &[Some(f64::NAN), None, None, None], Some(Unit::Bool)),
            series("/\n", None, &[Some(7.0), Some(7.0), None, None], None),
        ]
    }

    fn shown(past: bool, ascii: bool) -> Vec<String> {
        let terminal = Terminal { out: true, err: true, color: false, color_err: false, ascii, width: 120 };
        let table = table(&three(), past, Time::from_millis(150_000), &terminal);
        table.lines().map(|line| line.trim_end().to_owned()).collect()
    }

    #[test]
    fn people_see_values_in_their_unit_and_the_past_as_a_picture() {
        assert_eq!(
            shown(false, false),
            [
                " SERIES              VALUE             AGE",
                r#" usage{mount="/"}    50 %              1 min 30 s"#,
                r#" usage{mount="/a"}   unknown: timeout  1 min 30 s"#,
                r#" usage{mount="/\n"}  gone              1 min 30 s"#,
            ]
        );
        assert_eq!(
            shown(true, false),
            [
                " SERIES              LAST              LOWEST  HIGHEST  HISTORY  AGE",
                r#" usage{mount="/"}    50 %              25 %    100 %    ▁ █▃     1 min 30 s"#,
                r#" usage{mount="/a"}   unknown: timeout                            1 min 30 s"#,
                r#" usage{mount="/\n"}  gone              7       7        ▁▁       1 min 30 s"#,
            ]
        );
        assert!(shown(true, true)[1].contains(" _ #. "));
    }

    #[test]
    fn scripts_get_numbers() {
        let time = "1970-01-01T00:01:00Z";
        assert_eq!(
            lines(&three(), true),
            format!(
                "usage{{mount=\"/\"}}\t0.5\tratio\t{time}\t\t0.25\t1\n\
                 usage{{mount=\"/a\"}}\t\tbool\t{time}\ttimeout\t\t\n\
                 usage{{mount=\"/\\n\"}}\t\t\t{time}\tgone\t7\t7\n"
            )
        );
        assert_eq!(lines(&three()[..1], false), format!("usage{{mount=\"/\"}}\t0.5\tratio\t{time}\t\n"));
    }

    #[test]
    fn many_ticks_share_a_column() {
        let values: Vec<Option<f64>> = (0..SPARK * 4).map(|at| (at >= 8).then_some(at as f64)).collect();
        let picture = drawn(&series("/", None, &values, None), false);
        assert_eq!(picture, "  ▁▁▂▂▂▂▃▃▃▃▃▄▄▄▄▅▅▅▅▆▆▆▆▇▇▇▇▇██");
        assert_eq!(picture.chars().count(), SPARK);
    }
}
