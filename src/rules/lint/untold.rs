//! Rules that reach nobody.

use crate::model::fault::{Fault, Located, Place};
use crate::model::severity::{BySeverity, Severity};
use crate::rules::rule::{Origin, Rule};

/// The rules above LOW of which nobody is told; `is_heard` says of which severities anybody is who is not named by a rule
/// itself. Where nobody hears of anything, that is one fault.
pub fn untold(rules: &[Rule], is_heard: BySeverity<bool>) -> Vec<Located> {
    let used = |severity: Severity| rules.iter().any(|rule| rule.policy.severities[severity]);
    let above_low = Severity::ALL.into_iter().filter(|severity| *severity > Severity::Low);
    let silent: Vec<Severity> = above_low.clone().filter(|severity| !is_heard[*severity]).collect();
    if silent.len() == above_low.clone().count() && silent.iter().any(|severity| used(*severity)) {
        let what = "nobody is told of any alert: no channel is configured, or none is routed to";
        let help = "add a channel, as in [channels.ops.slack] webhook_url = \"env:SLACK_WEBHOOK_URL\"";
        return vec![Located { source: None, fault: Fault::error(what, Place::Nowhere).help(help) }];
    }
    above_low.flat_map(|severity| of_severity(rules, severity, is_heard[severity])).collect()
}

/// Own rules each at its place; the shipped ones together, for their place is the route that is missing.
fn of_severity(rules: &[Rule], severity: Severity, is_heard: bool) -> Vec<Located> {
    let help = format!("name a channel for it: [routes] {} = […]", severity.name().to_lowercase());
    let fault = |what: String, place| Fault::error(what, place).help(help.clone());
    let mut faults = Vec::new();
    let mut shipped: Vec<&str> = Vec::new();
    let is_told = |rule: &Rule| rule.route[severity].as_ref().map_or(is_heard, |names| !names.is_empty());
    for rule in rules.iter().filter(|rule| rule.policy.severities[severity] && !is_told(rule)) {
        match &rule.origin {
            Origin::Shipped => shipped.push(&rule.name),
            Origin::Adjusted(spot) | Origin::Own(spot) => {
                let what = format!("{severity} of {} reaches nobody", rule.name);
                let fault = fault(what, Place::File(spot.span.clone()));
                faults.push(Located { source: spot.source.clone(), fault });
            }
        }
    }
    if !shipped.is_empty() {
        let what = format!("{severity} of shipped rules reaches nobody: {}", shipped.join(", "));
        faults.push(Located { source: None, fault: fault(what, Place::Nowhere) });
    }
    faults
}
