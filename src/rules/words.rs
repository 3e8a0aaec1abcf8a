//! A value and its limit as people read them side by side: never a comparison that does not hold.

use super::Rule;
use super::ladder::Worse;
use super::promql::ast::Node;
use super::promql::ops::Compare;
use super::rule::{Compared, Test, compared};
use crate::model::severity::Severity;
use crate::text::{safe, units};

impl Rule {
    /// The limit of a severity: `> 85 %`, `== 0`; empty where the rule has none in one number.
    pub fn limit_text(&self, severity: Severity) -> String {
        match &self.test {
            Test::Ladder(ladder) => ladder.rungs[severity]
                .map(|rung| format!("{} {}", ladder.worse.symbol(), self.value_text(rung.limit)))
                .unwrap_or_default(),
            Test::Condition(_) => self.condition_text(),
        }
    }

    /// A value as it stands beside the limit of a severity: where both would read the same and are not, with more digits.
    pub fn value_beside(&self, value: f64, severity: Severity) -> String {
        self.told_apart(value, severity, self.value_text(value))
    }

    /// The same for a text of the value that was made already.
    fn told_apart(&self, value: f64, severity: Severity, text: String) -> String {
        match self.limit(severity) {
            Some((_, limit)) if limit.to_bits() != value.to_bits() && self.value_text(limit) == text => {
                units::exact(value, self.unit)
            }
            _ => text,
        }
    }

    /// A value against the limit of a severity: `91 % > 85 %`. Where that does not hold, as of what ended or falls back
    /// slowly, or where nobody knows, the limit stands aside: `1 (limit > 1000)`.
    pub fn against(&self, value: f64, severity: Severity, text: String) -> String {
        let (text, limit) = (self.told_apart(value, severity, text), self.limit_text(severity));
        match self.limit(severity) {
            _ if limit.is_empty() => text,
            Some((op, number)) if op.holds(value, number) => format!("{text} {limit}"),
            _ => format!("{text} (limit {limit})"),
        }
    }

    /// What a value is compared with at a severity, where that is one number.
    fn limit(&self, severity: Severity) -> Option<(Compare, f64)> {
        if let Test::Ladder(ladder) = &self.test {
            let op = match ladder.worse {
                Worse::Higher => Compare::Above,
                Worse::Lower => Compare::Below,
            };
            return Some((op, ladder.rungs[severity]?.limit));
        }
        let Compared { op, limit, .. } = compared(&self.expr)?;
        match limit.bare().node {
            Node::Number(number) => Some((op, number)),
            _ => None,
        }
    }

    fn condition_text(&self) -> String {
        let Some(Compared { op, limit, .. }) = compared(&self.expr) else { return String::new() };
        let limit = match limit.bare().node {
            Node::Number(value) => self.value_text(value),
            _ => safe::clip(&safe::one_line(self.text.get(limit.span.clone()).unwrap_or_default()), 60),
        };
        format!("{} {limit}", op.symbol())
    }
}
