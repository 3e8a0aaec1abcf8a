//! `depends_on`: the rules must be there, and none may be its own consequence.

use std::collections::HashSet;

use toml::Spanned;

use super::rule::Rule;
use crate::model::fault::{Fault, Place};
use crate::text::check::Check;
use crate::text::nearest::nearest;

/// Checks what the rules at these places of `rules` depend on. What is shipped may name a rule that is switched off.
pub fn check(rules: &[Rule], dependencies: &[(usize, Vec<Spanned<String>>)], check: &mut Check<'_>) {
    for (at, names) in dependencies {
        let Some(rule) = rules.get(*at) else { continue };
        let Some(spot) = rule.origin.spot() else { continue };
        check.source.clone_from(&spot.source);
        for name in names {
            if let Some(fault) = fault(rules, rule, name) {
                check.fault(fault);
            }
        }
    }
}

fn fault(rules: &[Rule], rule: &Rule, name: &Spanned<String>) -> Option<Fault> {
    let place = Place::File(name.span());
    let Some(cause) = find(rules, name.get_ref()) else {
        let fault = Fault::error(format!("there is no rule {}", name.get_ref()), place);
        return Some(match nearest(name.get_ref(), rules.iter().map(|rule| &*rule.name)) {
            Some(near) => fault.help(format!("did you mean {near}?")),
            None => fault.help("name a rule that is in effect; `sippar-mon rules list` shows them"),
        });
    };
    let help = "an alert that is its own consequence would never be told; remove one of the two";
    leads_to(rules, cause, rule).then(|| {
        let what = if cause.name == rule.name {
            format!("{} depends on itself", rule.name)
        } else {
            format!("{} and {} depend on each other", rule.name, cause.name)
        };
        Fault::error(what, place).help(help)
    })
}

fn find<'a>(rules: &'a [Rule], name: &str) -> Option<&'a Rule> {
    rules.iter().find(|rule| *rule.name == *name)
}

/// Whether `from` depends on `to`, directly or by others, or is it.
fn leads_to(rules: &[Rule], from: &Rule, to: &Rule) -> bool {
    let (mut seen, mut next) = (HashSet::new(), vec![from]);
    while let Some(rule) = next.pop() {
        if rule.name == to.name {
            return true;
        }
        if seen.insert(&rule.name) {
            next.extend(rule.depends_on.iter().filter_map(|name| find(rules, name)));
        }
    }
    false
}
