//! Names that do not exist: a rule on one is silent for ever.

use super::catalogue::Catalogue;
use crate::model::fault::{Fault, Place};
use crate::model::metric::Metric;
use crate::rules::promql::NAME;
use crate::rules::promql::ast::{Expr, Matcher, Selector, Test};
use crate::rules::windows::ALERTS;
use crate::text::nearest::nearest;

/// Unknown metrics and labels in the selectors of `expr`.
pub fn faults(expr: &Expr, catalogue: Catalogue<'_>) -> Vec<Fault> {
    expr.selectors().into_iter().flat_map(|selector| of_selector(selector, catalogue)).collect()
}

fn of_selector(selector: &Selector, catalogue: Catalogue<'_>) -> Vec<Fault> {
    let Some(name) = selector.metric.as_ref().filter(|name| ***name != *ALERTS) else { return Vec::new() };
    let Some(metric) = catalogue.get(name) else { return vec![unknown_metric(name, selector, catalogue)] };
    let of_matcher = |matcher| unknown_label(metric, matcher).or_else(|| unknown_value(metric, matcher, catalogue));
    selector.matchers.iter().filter_map(of_matcher).collect()
}

fn unknown_metric(name: &str, selector: &Selector, catalogue: Catalogue<'_>) -> Fault {
    let place = Place::File(selector.metric_span.clone());
    let what = format!("there is no metric `{name}`");
    let near = nearest(name, catalogue.metrics.iter().map(|metric| metric.name));
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`sippar-mon rules list --metrics` shows the metrics there are".to_owned(),
    };
    if catalogue.is_open {
        return Fault::warning(what, place).help(format!("{help} (an exec probe may yield it)"));
    }
    Fault::error(what, place).help(help)
}

/// A condition on a label that is never there: it excludes everything, or nothing.
fn unknown_label(metric: &Metric, matcher: &Matcher) -> Option<Fault> {
    if *matcher.label == *NAME || metric.labels.contains(&&*matcher.label) {
        return None;
    }
    let place = Place::File(matcher.span.clone());
    let what = format!("{} has no label `{}`", metric.name, matcher.label);
    let fault = if matcher.test.accepts("") {
        Fault::warning(what, place)
    } else {
        Fault::error(format!("{what}: this selects nothing, ever"), place)
    };
    Some(fault.help(known_labels(&matcher.label, metric.labels)))
}

/// A probe or source that is not configured, by a name in a matcher. A source that the program has is known by name also
/// where it is not configured: rules on it say nothing there.
fn unknown_value(metric: &Metric, matcher: &Matcher, catalogue: Catalogue<'_>) -> Option<Fault> {
    let names = catalogue.values_of(metric, &matcher.label)?;
    let built_in = catalogue.metrics.iter().map(|metric| metric.source).filter(|_| &*matcher.label == "source");
    if names.iter().copied().chain(built_in).any(|name| matcher.test.accepts(name)) {
        return None;
    }
    let label = &matcher.label;
    let fault = |what: String| Fault::warning(what, Place::File(matcher.span.clone()));
    let known = if names.is_empty() { "there is none".to_owned() } else { format!("there are {}", names.join(", ")) };
    match &matcher.test {
        Test::Is(value) => {
            let near = nearest(value, names.iter().copied()).map(|near| format!("did you mean {near:?}?"));
            Some(fault(format!("no {label} is called {value:?}: this selects nothing")).help(near.unwrap_or(known)))
        }
        _ => Some(fault(format!("no {label} fits this: it selects nothing")).help(known)),
    }
}

/// The way out for a label that is not one of `labels`.
pub fn known_labels(label: &str, labels: &[&str]) -> String {
    match nearest(label, labels.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if labels.is_empty() => "it has no labels at all".to_owned(),
        None => format!("its labels are {}", labels.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::kit;
    use super::*;

    fn told(text: &str, is_open: bool) -> Vec<String> {
        let sources = kit::sources();
        let catalogue = Catalogue { sources: &sources, is_open, ..kit::CATALOGUE };
        kit::told(text, |expr| faults(expr, catalogue))
    }

    #[test]
    fn what_exists_passes() {
        for text in [
            "memory_ratio > 0.5 and on () disk_ratio{mount='/'} > 0.5",
            "probe_success{probe='web'} + on () probe_value{probe=~'sl.*'}",
            "source_up{source='probe/web'}",
            "ALERTS{anything='x'}",
            "{__name__=~'disk_.*', mount='/'}",
            "{anything='x'}",
        ] {
            assert_eq!(told(text, false), [""; 0], "{text}");
        }
    }

    #[test]
    fn what_does_not_exist_is_told_with_the_nearest_name() {
        for (text, wanted) in [
            ("memroy_ratio", "error: there is no metric `memroy_ratio` [memroy_ratio] did you mean `memory_ratio`?"),
            (
                "sum(entirely_else)",
                "error: there is no metric `entirely_else` [entirely_else] `sippar-mon rules list --metrics` shows the metrics there are",
            ),
            (
                "disk_ratio{mont='/'}",
                "error: disk_ratio has no label `mont`: this selects nothing, ever [mont] did you mean `mount`?",
            ),
            ("memory_ratio{host!='a'}", "warning: memory_ratio has no label `host` [host] it has no labels at all"),
            (
                "probe_success{probe='wbe'} == 0",
                "warning: no probe is called \"wbe\": this selects nothing [probe] did you mean \"web\"?",
            ),
            (
                "probe_success{probe=~'wallet.*'} == 0",
                "warning: no probe fits this: it selects nothing [probe] there are web, slow",
            ),
            (
                "source_up{source='sytem'} == 0",
                "warning: no source is called \"sytem\": this selects nothing [source] did you mean \"system\"?",
            ),
        ] {
            assert_eq!(told(text, false), [wanted], "{text}");
        }
    }

    #[test]
    fn where_programs_name_metrics_an_unknown_one_is_a_warning() {
        assert_eq!(
            told("queue_length > 5", true),
            ["warning: there is no metric `queue_length` [queue_length] \
              `sippar-mon rules list --metrics` shows the metrics there are (an exec probe may yield it)"]
        );
    }
}
