//! What is written -> rules. Every fault is kept, and none hides another.

use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;

use super::depends;
use super::ladder::{Ladder, Worse};
use super::limits::{self, Limit};
use super::lint::{self, Catalogue, Watched};
use super::merge::{Draft, drafts};
use super::promql::{self, ast::Expr, check::Kind};
use super::respond;
use super::rule::{Origin, Rule, Spot, Test, direction, filters, top_comparison};
use super::scope;
use super::settings::{Levels, Names, Settings};
use super::template::Template;
use crate::model::fault::{Fault, Place};
use crate::model::metric::Unit;
use crate::model::severity::{BySeverity, Severity};
use crate::model::verdict::{NoData, Policy};
use crate::text::check::Check;

/// The rules in force: the shipped ones, adjusted or replaced by those of the same name in `user`, then the others of `user`.
pub fn compile(
    user: Vec<Settings>,
    shipped: &[Settings],
    catalogue: Catalogue<'_>,
    check: &mut Check<'_>,
) -> Vec<Rule> {
    let drafts = drafts(user, shipped, check);
    let (mut rules, mut unsaid): (Vec<Rule>, Vec<usize>) = (Vec::new(), Vec::new());
    let mut dependencies = Vec::new();
    for draft in drafts {
        let Some(rule) = compiled(&draft, catalogue, check) else { continue };
        if let Some(names) = &draft.settings.depends_on {
            dependencies.push((rules.len(), names.clone()));
        }
        if draft.settings.no_data.is_none() && rule.policy.severities[Severity::Critical] {
            unsaid.push(rules.len());
        }
        rules.push(rule);
    }
    vanishing(&rules, &unsaid, catalogue, check);
    depends::check(&rules, &dependencies, check);
    rules
}

/// Warns of those CRITICAL rules that do not say what unknown means, where nobody would miss their data.
fn vanishing(rules: &[Rule], unsaid: &[usize], catalogue: Catalogue<'_>, check: &mut Check<'_>) {
    let watched = Watched::by(rules.iter().map(|rule| &rule.expr));
    for rule in unsaid.iter().filter_map(|at| rules.get(*at)) {
        let Origin::Own(Spot { source, expr: Some(outer), .. }) = &rule.origin else { continue };
        if let Some(fault) = watched.fault(&rule.expr, catalogue) {
            check.source.clone_from(source);
            check.fault(lifted(fault, outer));
        }
    }
}

/// The place of `inner` in the string whose literal stands at `outer`.
pub fn lifted(fault: Fault, outer: &Range<usize>) -> Fault {
    let place = match fault.place {
        Place::File(inner) => Place::Inside { outer: outer.clone(), inner },
        place => place,
    };
    Fault { place, ..fault }
}

fn compiled(draft: &Draft, catalogue: Catalogue<'_>, check: &mut Check<'_>) -> Option<Rule> {
    let before = check.faults.len();
    check.source.clone_from(&draft.settings.source);
    let rule = rule(draft, catalogue, check);
    if draft.origin == Origin::Shipped {
        // the places are those of another text
        for located in check.faults.iter_mut().skip(before) {
            located.source = None;
            located.fault.place = Place::Nowhere;
        }
    }
    rule
}

fn rule(draft: &Draft, catalogue: Catalogue<'_>, check: &mut Check<'_>) -> Option<Rule> {
    let settings = &draft.settings;
    let summary = template(settings.summary.as_ref(), check);
    let resolved = template(settings.resolved.as_ref(), check);
    let action = template(settings.action.as_ref(), check);
    let runbook_url = url(settings.runbook_url.as_ref(), check);
    let no_data = no_data(settings.no_data.as_ref(), check);
    let guard = scope::guard(settings.when.as_ref(), catalogue, check);
    let except = scope::excepts(settings.except.as_deref(), check);
    let labels = scope::labels(settings.labels.as_ref(), check);
    let worse_by = limits::worse_by(settings.worse_by.as_ref(), check);
    let text = settings.expr.as_ref()?;
    let expr = expression(text, draft, catalogue, check);
    let (judged_by, unit) = judged_by(draft, expr.as_ref(), catalogue, check)?;
    let severities = match &judged_by {
        Test::Ladder(ladder) => BySeverity::from_fn(|severity| ladder.rungs[severity].is_some()),
        Test::Condition(own) => BySeverity::from_fn(|severity| severity == *own),
    };
    let pending_for = limits::durations("for", settings.pending_for.as_ref(), severities, draft.has_own_for, check);
    let kept = settings.keep_firing_for.as_ref();
    let keep_firing_for = limits::durations("keep_firing_for", kept, severities, draft.has_own_keep, check);
    let expr = expr?;
    let worse = match &judged_by {
        Test::Ladder(ladder) => ladder.worse,
        Test::Condition(_) => direction(&expr),
    };
    let lower_is_worse = worse == Worse::Lower;
    let rule = Rule {
        name: Arc::from(draft.name.as_str()),
        expr,
        text: text.get_ref().clone(),
        guard,
        except,
        labels,
        test: judged_by,
        policy: Policy { severities, pending_for, keep_firing_for, no_data, lower_is_worse },
        summary,
        resolved,
        action,
        runbook_url,
        unit,
        origin: draft.origin.clone(),
        severity_by_label: Vec::new(),
        worse_by,
        route: route(settings.route.as_ref(), severities, check),
        respond: respond::named(settings.respond.as_ref()),
        depends_on: settings.depends_on.iter().flatten().map(|name| Arc::from(name.get_ref().as_str())).collect(),
    };
    for fault in lint::whole(draft, &rule, catalogue, check.interval) {
        check.fault(fault);
    }
    Some(rule)
}

fn expression(text: &Spanned<String>, draft: &Draft, catalogue: Catalogue<'_>, check: &mut Check<'_>) -> Option<Expr> {
    let outer = text.span();
    let Settings { above, below, when, .. } = &draft.settings;
    let alone = above.is_none() && below.is_none() && when.is_none();
    match promql::parse(text.get_ref()) {
        Ok(expr) => {
            if draft.has_own_expr {
                for fault in lint::faults(&expr, text.get_ref(), alone, catalogue, check.interval) {
                    check.fault(lifted(fault, &outer));
                }
            }
            Some(expr)
        }
        Err(faults) => {
            for fault in faults {
                check.fault(lifted(fault, &outer));
            }
            None
        }
    }
}

/// What makes a result bad, and the unit of the value. Without an expression the limits are checked all the same.
fn judged_by(
    draft: &Draft,
    expr: Option<&Expr>,
    catalogue: Catalogue<'_>,
    check: &mut Check<'_>,
) -> Option<(Test, Unit)> {
    let settings = &draft.settings;
    let severity = settings.severity.as_ref().and_then(|severity| check.parsed::<Severity>(severity));
    match (&settings.above, &settings.below) {
        (Some(_), Some(below)) => {
            let fault = Fault::error("`above` and `below` exclude each other", Place::File(below.span()));
            check.fault(fault.help("make two rules of it"));
            None
        }
        (None, None) => {
            if let Some(clear) = &settings.clear {
                let fault = Fault::error("`clear` belongs to `above` or `below`", Place::File(clear.span()));
                check.fault(fault.help("give the limit that it clears, or remove it"));
            }
            condition(draft, expr, severity, catalogue, check)
        }
        _ => {
            let (ladder, written, clear) = ladder(draft, severity, check)?;
            let expr = expr.filter(|expr| is_value(expr, settings, check))?;
            let known = catalogue.unit(expr);
            let judged = lint::judged(expr, known, ladder.worse, settings.when.is_none(), catalogue);
            for fault in judged.faults(&written).into_iter().chain(judged.of_clear(&clear)) {
                check.fault(fault);
            }
            let unit = known.or_else(|| written.iter().find_map(|limit| limit.unit)).unwrap_or(Unit::Count);
            Some((Test::Ladder(ladder), unit))
        }
    }
}

/// Whether `expr` is a value that limits can be held against; otherwise a fault.
fn is_value(expr: &Expr, settings: &Settings, check: &mut Check<'_>) -> bool {
    let outer = settings.expr.as_ref().map_or(0..0, Spanned::span);
    if let Some((_, comparison)) = top_comparison(expr) {
        let inner = comparison.op_span.start..comparison.right.span.end;
        let what = "the expression compares already, and the rule has limits as well";
        let fault = Fault::error(what, Place::Inside { outer, inner }).label("remove this comparison");
        check.fault(fault.help("or keep it, remove the limits and give the rule a `severity`"));
        return false;
    }
    if expr.kind() == Kind::Text {
        check.fault(Fault::error("a string has no limits", Place::File(outer)));
        return false;
    }
    true
}

/// The ladder, with the limits as they are written and what is written under `clear`.
fn ladder(
    draft: &Draft,
    severity: Option<Severity>,
    check: &mut Check<'_>,
) -> Option<(Ladder, Vec<Limit>, Vec<Limit>)> {
    let settings = &draft.settings;
    let (worse, key, written) = match (&settings.above, &settings.below) {
        (Some(above), _) => (Worse::Higher, "above", above),
        (None, Some(below)) => (Worse::Lower, "below", below),
        (None, None) => return None,
    };
    if let (Levels::Each(_), Some(severity)) = (written.get_ref(), &settings.severity) {
        let what = format!("`severity` is not needed: `{key}` names each severity");
        check.fault(Fault::error(what, Place::File(severity.span())).help("remove it"));
    }
    let values = limits::read(written, severity, key, check);
    if matches!(written.get_ref(), Levels::Each(each) if each.is_empty()) {
        check.fault(Fault::error(format!("`{key}` has no limit"), Place::File(written.span())).help("name a severity"));
    }
    let lone = match values.as_slice() {
        [only] => Some(only.severity),
        _ => None,
    };
    let clear = settings.clear.as_ref().map(|clear| limits::read(clear, lone, "clear", check)).unwrap_or_default();
    let ladder = limits::ladder(worse, &values, &clear, draft.has_own_clear, check);
    let clear = clear.into_iter().filter(|clear| is_rung(&ladder, clear)).collect();
    (!values.is_empty()).then_some((ladder, values, clear))
}

/// Whether a `clear` was found good for the ladder.
#[allow(clippy::float_cmp, reason = "it is the same number or another one")]
fn is_rung(ladder: &Ladder, clear: &Limit) -> bool {
    ladder.rungs[clear.severity].is_some_and(|rung| rung.clear == Some(clear.value))
}

fn condition(
    draft: &Draft,
    expr: Option<&Expr>,
    severity: Option<Severity>,
    catalogue: Catalogue<'_>,
    check: &mut Check<'_>,
) -> Option<(Test, Unit)> {
    let place = draft.settings.expr.as_ref().map_or(Place::Nowhere, |expr| Place::File(expr.span()));
    let expr = expr?;
    if !filters(expr) {
        let fault = Fault::error("this is a value, not a condition: the rule would always fire", place);
        check.fault(fault.help("give it limits, above = { HIGH = … } or below = { HIGH = … }; or compare it"));
        return None;
    }
    if draft.settings.severity.is_none() {
        let fault = Fault::error(format!("`severity` is missing: {} does not say how bad it is", draft.name), place);
        check.fault(fault.help("add severity = \"HIGH\" (or LOW, MEDIUM, CRITICAL)"));
    }
    Some((Test::Condition(severity?), catalogue.unit(expr).unwrap_or(Unit::Count)))
}

fn template(text: Option<&Spanned<String>>, check: &mut Check<'_>) -> Option<Template> {
    let text = text?;
    Template::parse(text.get_ref()).map_err(|fault| check.fault(lifted(fault, &text.span()))).ok()
}

fn url(text: Option<&Spanned<String>>, check: &mut Check<'_>) -> Option<String> {
    let text = text?;
    let url = text.get_ref();
    if url.starts_with("https://") || url.starts_with("http://") {
        return Some(url.clone());
    }
    let fault = Fault::error("`runbook_url` is not a web address", Place::File(text.span()));
    check.fault(fault.help("it begins with https://"));
    None
}

fn no_data(text: Option<&Spanned<String>>, check: &mut Check<'_>) -> NoData {
    let Some(text) = text else { return NoData::Hold };
    match text.get_ref().as_str() {
        "hold" => NoData::Hold,
        "fire" => NoData::Fire,
        "resolve" => NoData::Resolve,
        other => {
            let fault = Fault::error(format!("`no_data` cannot be `{other}`"), Place::File(text.span()));
            check.fault(fault.help("it is \"hold\", \"fire\" or \"resolve\""));
            NoData::Hold
        }
    }
}

/// The channels that a rule names, by severity.
fn route(
    written: Option<&Spanned<Levels<Names>>>,
    has: BySeverity<bool>,
    check: &mut Check<'_>,
) -> BySeverity<Option<Vec<Spanned<String>>>> {
    let mut route = BySeverity::default();
    match written.map(Spanned::get_ref) {
        None => {}
        Some(Levels::One(names)) => route = BySeverity::from_fn(|severity| has[severity].then(|| names.0.clone())),
        Some(Levels::Each(each)) => {
            for (severity, names) in each {
                route[*severity] = Some(names.get_ref().0.clone());
                if !has[*severity] {
                    let what = format!("the rule has no limit or condition of severity {severity}");
                    let fault = Fault::error(what, Place::File(names.span()));
                    check.fault(fault.help("remove it from `route`, or add its limit"));
                }
            }
        }
    }
    route
}
