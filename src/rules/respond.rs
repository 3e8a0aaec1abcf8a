//! `respond`: which response a rise of an alert asks for.

use toml::Spanned;

use super::rule::Rule;
use super::settings::{Levels, Name};
use crate::model::alert::Transition;
use crate::model::severity::{BySeverity, Severity};

/// The responses that a rule names, by the severity that its alerts rise to or past; one name alone is for the lowest: it
/// is run when an alert begins to fire, however badly.
pub fn named(written: Option<&Spanned<Levels<Name>>>) -> BySeverity<Option<Spanned<String>>> {
    let mut respond = BySeverity::default();
    match written.map(|written| (written.get_ref(), written.span())) {
        None => {}
        Some((Levels::One(name), span)) => respond[Severity::Low] = Some(Spanned::new(span, name.0.clone())),
        Some((Levels::Each(each), _)) => {
            for (severity, name) in each {
                respond[*severity] = Some(Spanned::new(name.span(), name.get_ref().0.clone()));
            }
        }
    }
    respond
}

impl Rule {
    /// Whether an alert of it can have this severity or a higher one.
    pub fn may_rise_to(&self, severity: Severity) -> bool {
        let of_labels = self.severity_by_label.iter().map(|(_, _, severity)| *severity);
        let own = self.policy.severities.iter().filter(|(_, has)| **has).map(|(severity, _)| severity);
        own.chain(of_labels).any(|highest| highest >= severity)
    }

    /// The response to a rise, and the severity that it is for: of those that were reached or passed, the highest.
    pub fn response_to(&self, transition: Transition) -> Option<(Severity, &str)> {
        let (from, to) = match transition {
            Transition::Fired(to) => (None, to),
            Transition::Raised(from, to) => (Some(from), to),
            Transition::Eased(..) | Transition::Resolved(..) => return None,
        };
        let passed = self.respond.iter().filter(|(severity, _)| Some(*severity) > from && *severity <= to);
        passed.rev().find_map(|(severity, name)| Some((severity, name.as_ref()?.get_ref().as_str())))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::compiled;
    use super::*;
    use crate::model::alert::Ended;
    use Severity::{Critical, High};

    /// What each step of a life asks for.
    fn responses(respond: &str) -> Vec<Option<String>> {
        let text =
            format!("[[rule]]\nalert = 'R'\nexpr = 'x'\nabove = {{ HIGH = 1, CRITICAL = 2 }}\nrespond = {respond}");
        let rule = compiled(&text, true).0.into_iter().find(|rule| &*rule.name == "R").unwrap();
        let life = [
            Transition::Fired(High),
            Transition::Raised(High, Critical),
            Transition::Eased(Critical, High),
            Transition::Raised(High, Critical),
            Transition::Resolved(Critical, Ended::Cleared),
            Transition::Fired(Critical),
        ];
        life.iter()
            .map(|step| rule.response_to(*step).map(|(severity, name)| format!("{name} at {severity}")))
            .collect()
    }

    #[test]
    fn a_response_is_for_a_rise() {
        let words = |words: [&str; 6]| words.map(|word| (!word.is_empty()).then(|| word.to_owned()));
        assert_eq!(responses("'a'"), words(["a at LOW", "", "", "", "", "a at LOW"]));
        let critical = words(["", "b at CRITICAL", "", "b at CRITICAL", "", "b at CRITICAL"]);
        assert_eq!(responses("{ CRITICAL = 'b' }"), critical);
        assert_eq!(responses("{ HIGH = 'a' }"), words(["a at HIGH", "", "", "", "", "a at HIGH"]), "also past HIGH");
        let both = words(["a at HIGH", "b at CRITICAL", "", "b at CRITICAL", "", "b at CRITICAL"]);
        assert_eq!(responses("{ HIGH = 'a', CRITICAL = 'b' }"), both);
    }
}
