//! The runbook: what to do when a shipped rule fires. Its text is compiled in, so that it can be read on a machine that
//! has lost its network.

/// The whole text.
pub const TEXT: &str = include_str!("../../docs/runbook.md");

/// How a section begins; what follows is the rule's name.
const HEAD: &str = "\n## ";

/// The names of its sections, in their order.
pub fn names() -> impl Iterator<Item = &'static str> {
    TEXT.split(HEAD).skip(1).filter_map(|section| section.lines().next())
}

/// The section about the rule `name`, with its heading; in any case of letters.
pub fn section(name: &str) -> Option<&'static str> {
    let known = names().find(|known| known.eq_ignore_ascii_case(name))?;
    let (_, rest) = TEXT.split_at_checked(TEXT.find(&format!("{HEAD}{known}\n"))? + 1)?;
    Some(rest.split(HEAD).next().unwrap_or(rest).trim_end())
}

/// The command that prints the section about the rule `name`, where there is one.
pub fn command(name: &str) -> Option<String> {
    section(name).map(|_| format!("sippar-mon runbook {name}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::rules::shipped;

    /// Alerts that come from no rule: nothing can be judged when they are told.
    const WITHOUT_RULE: [&str; 1] = ["MONITORING_SYSTEM_FAILURE"];

    /// The parts of each section, in their order.
    const PARTS: [&str; 6] = ["Meaning.", "First look.", "Likely causes.", "Do this.", "Escalate", "Test it."];

    #[test]
    fn every_shipped_rule_has_its_section_and_every_section_its_rule() {
        let sections: BTreeSet<&str> = names().collect();
        assert_eq!(sections.len(), names().count(), "a section is there twice");
        let rules = shipped::settings().unwrap();
        let shipped: BTreeSet<&str> =
            rules.iter().map(|rule| rule.alert.as_ref().unwrap().get_ref().as_str()).collect();
        let without: Vec<_> = shipped.difference(&sections).collect();
        assert!(without.is_empty(), "docs/runbook.md has no section about {without:?}");
        let known: BTreeSet<&str> = shipped.iter().copied().chain(WITHOUT_RULE).collect();
        let idle: Vec<_> = sections.difference(&known).collect();
        assert!(idle.is_empty(), "docs/runbook.md has sections about rules that are not there: {idle:?}");
    }

    /// The kinds of baselines that a text accepts: the part before the slash.
    fn accepted(text: &str) -> BTreeSet<&str> {
        text.split("baseline accept ").skip(1).filter_map(|rest| rest.split('/').next()).collect()
    }

    #[test]
    fn a_section_accepts_what_the_alert_says() {
        let mut count = 0;
        for rule in shipped::settings().unwrap() {
            let (name, action) = (rule.alert.unwrap(), rule.action.unwrap());
            let (says, section) = (accepted(action.get_ref()), accepted(section(name.get_ref()).unwrap()));
            assert_eq!(section, says, "{}", name.get_ref());
            count += says.len();
        }
        assert_eq!(count, 6);
    }

    #[test]
    fn every_section_has_all_its_parts_and_ends_where_the_next_begins() {
        for name in names() {
            let section = section(name).unwrap();
            assert!(section.starts_with(&format!("## {name}\n\n**Meaning.** ")), "{section}");
            assert_eq!(section.matches("\n## ").count(), 0, "{name}");
            let parts: Vec<&str> = section.split("\n\n**").skip(1).filter_map(|part| part.split("**").next()).collect();
            assert_eq!(parts, PARTS, "{name}");
            let steps = section.split("**Do this.**").nth(1).unwrap();
            assert!(steps.contains("\n1. ") && section.contains("```sh\n"), "{name} says nothing to do");
        }
        let all: Vec<&str> = names().map(|name| section(name).unwrap()).collect();
        assert!(TEXT.ends_with(&format!("{}\n", all.join("\n\n"))), "nothing is lost between the sections");
        assert_eq!(section("backend_down"), section("BACKEND_DOWN"));
        assert_eq!((section("BACKEND"), command("MINE")), (None, None));
        assert_eq!(command("BACKEND_DOWN").unwrap(), "sippar-mon runbook BACKEND_DOWN");
    }
}
