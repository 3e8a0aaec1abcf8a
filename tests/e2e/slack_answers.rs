//! What Slack can answer, and what becomes of the notification; and the last resort when no channel can deliver.

use crate::support::http::{Answer, HttpFake};
use crate::world::{Ran, World, slack, told, until};

/// The outcomes of all attempts for alert 1, as `alert show` lists them, without their times.
fn attempts(world: &World) -> Vec<String> {
    let show = world.run(&["alert", "show", "1"]).out;
    let rows = show.lines().skip_while(|line| *line != "notifications").skip(1);
    rows.map(|row| {
        row.split_whitespace().filter(|word| !(word.starts_with("20") && word.ends_with('Z'))).collect::<Vec<_>>()
    })
    .map(|words| {
        let is_time = |at: usize| {
            let number = |word: &&&str| word.starts_with(|c: char| c.is_ascii_digit());
            ["ms:", "s:"].contains(&words[at])
                || (words.get(at + 1).is_some_and(|next| ["ms:", "s:"].contains(next))
                    && Some(&words[at]).is_some_and(|word| number(&word)))
        };
        (0..words.len()).filter(|at| !is_time(*at)).map(|at| words[at]).collect::<Vec<_>>().join(" ")
    })
    .collect()
}

fn after(answers: impl IntoIterator<Item = Answer>) -> (HttpFake, World, Ran) {
    let fake = HttpFake::start(answers);
    let world = World::with_queue(&slack(&fake));
    world.queue(50);
    let ran = world.check();
    (fake, world, ran)
}

#[test]
fn a_page_with_status_200_is_no_success() {
    let (_fake, world, ran) = after([Answer::new(200, "<html>log in</html>")]);
    assert_eq!(ran.code, 1);
    assert_eq!(
        attempts(&world),
        ["1 firing to slack: pending", "later in 200 <html>log in</html>: not Slack's answer `ok`", "next attempt"]
    );
}

#[test]
fn a_redirection_is_not_followed() {
    let elsewhere = HttpFake::start([Answer::new(200, "ok")]);
    let (_fake, world, _) = after([Answer::new(302, "").header("location", &elsewhere.url("/x"))]);
    assert_eq!(
        attempts(&world),
        ["1 firing to slack: dead", "dead in 302: redirected, perhaps to a login page; nothing was posted"]
    );
    assert!(elsewhere.seen().is_empty());
}

#[test]
fn a_provider_that_asks_for_patience_gets_it() {
    let (fake, world, _) = after([Answer::new(429, "slow").header("retry-after", "2"), Answer::new(200, "ok")]);
    assert_eq!(attempts(&world)[..2], ["1 firing to slack: pending", "later in 429 slow"]);
    until("the second attempt", || {
        world.check();
        fake.seen().len() > 1
    });
    assert_eq!(attempts(&world), ["1 firing to slack: sent", "later in 429 slow", "sent in 200 ok"]);
    let text = "[HIGH] QUEUE_LONG: 50 are waiting | id 1-1";
    assert_eq!(told(&fake), [text, text], "a refused post is known not to have arrived");
}

#[test]
fn the_first_success_makes_the_rest_due_at_once() {
    let fake = HttpFake::start([Answer::new(500, "oops"), Answer::new(200, "ok")]);
    let second =
        "[[rule]]\nalert = \"QUEUE_OTHER\"\nexpr = \"queue_depth\"\nabove = { HIGH = 20 }\nsummary = \"other\"\n";
    let world = World::with_queue(&format!("{second}{}", slack(&fake)));
    world.queue(50);
    assert_eq!(world.check(), Ran::silent(1));
    let [long, other] = ["[HIGH] QUEUE_LONG: 50 are waiting | id 1-1", "[HIGH] QUEUE_OTHER: other | id 2-2"];
    assert_eq!(told(&fake), [long, other, long]);
    assert_eq!(attempts(&world), ["1 firing to slack: sent", "later in 500 oops", "sent in 200 ok"]);
}

#[test]
fn what_no_channel_can_deliver_is_told_where_cron_mails_it() {
    let (fake, world, ran) = after([Answer::new(403, "invalid_token")]);
    let err =
        "sippar-mon: no channel could deliver alert #1 HIGH QUEUE_LONG: 50 are waiting\n  slack: 403 invalid_token\n";
    assert_eq!(ran, Ran { code: 1, out: String::new(), err: err.to_owned() });
    assert_eq!(world.check(), Ran::silent(1), "once");
    assert_eq!(fake.seen().len(), 1);
}
