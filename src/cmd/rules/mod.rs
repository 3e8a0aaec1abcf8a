//! `rules …`: one recipe per subcommand.

mod backtest;
mod check;
mod export;
mod list;
mod noise;
mod show;
mod test;

use super::{Context, Ended, explain};
use crate::cli::Rules;
use crate::config::Config;
use crate::model::trouble::{Kind, Trouble};
use crate::rules::Rule;
use crate::text::nearest::nearest;
use crate::text::safe;

/// Runs one of them.
pub fn run(context: &Context, rules: Rules) -> Ended {
    match rules {
        Rules::Backtest(args) => backtest::run(context, &args),
        Rules::Check(args) => check::run(context, args),
        Rules::Explain(args) => explain::rule(context, &args),
        Rules::Export(args) => export::run(context, &args),
        Rules::List(args) => list::run(context, &args),
        Rules::Show(args) => show::run(context, &args),
        Rules::Test(args) => test::run(context, &args),
    }
}

/// The rule called `name`, in any case.
pub(super) fn named<'a>(config: &'a Config, name: &str) -> Result<&'a Rule, Trouble> {
    if let Some(rule) = config.rules.iter().find(|rule| rule.name.eq_ignore_ascii_case(name)) {
        return Ok(rule);
    }
    let trouble = Trouble::new(Kind::Usage, format!("there is no rule `{}`", safe::one_line(name)));
    let known = config.rules.iter().map(|rule| &*rule.name);
    Err(match nearest(&name.to_uppercase(), known) {
        Some(near) => trouble.help(format!("did you mean {near}?")),
        None => trouble.help("`sippar-mon rules list` lists them"),
    })
}
