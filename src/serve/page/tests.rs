//! Pages of small documents, and what holds for all of them.

mod colours;

use std::time::Duration;

use super::kit::{Place, favicon, state_named, state_parts};
use super::{CSS, JS, board};
use crate::model::delivery::State as Delivered;
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::store::cycles::CycleRow;
use crate::view::page::alerts::{Line, Standing, Told};
use crate::view::page::checks::{self, Bar};
use crate::view::page::footer::Footer;
use crate::view::page::hero::{Amount, Backing, Hero};
use crate::view::page::span::{Asked, Span};
use crate::view::page::story::{Entry, Sign};
use crate::view::page::{Page, Pulse, Silent, Who, told};
use crate::view::snapshot::State;

/// What a stranger may write wherever a text comes from outside.
const HOSTILE: &str = "<script>alert(1)</script>\"><img src=x onerror=alert(1)>";

fn now() -> Time {
    Time::from_millis(1_795_424_400_000)
}

fn page() -> Page {
    let cycle = CycleRow { finished: now() - Duration::from_secs(12), ..CycleRow::quick(now(), 0) };
    Page {
        at: now(),
        span: Span::of(&Asked::default(), now(), None).unwrap(),
        who: Who { name: "Sippar".to_owned(), environment: "production".to_owned(), host: "h".to_owned() },
        pulse: Pulse { cycle: Some(cycle), interval: Duration::from_mins(1), is_stale: false },
        hero: Hero { state: State::Fine, headline: "All 3 rules are fine".to_owned(), why: Vec::new(), backing: None },
        silent: Vec::new(),
        alerts: Vec::new(),
        more_alerts: 0,
        charts: Vec::new(),
        more_charts: 0,
        checks: Vec::new(),
        told: Vec::new(),
        story: Vec::new(),
        story_goes_on: false,
        footer: Footer {
            version: "1.2.3",
            file: Some("/etc/config.toml".to_owned()),
            rules: 3,
            hash: "abcd0123".to_owned(),
            bytes: 2048,
            most_bytes: 4096,
            kept: Duration::from_hours(48),
            oldest: None,
            done: 1440,
            missed: 2,
        },
    }
}

fn line(number: u64, standing: Standing, text: &str) -> Line {
    Line {
        number: Some(number),
        standing,
        severity: Severity::High,
        name: format!("RULE{{x={text:?}}}"),
        rule: "RULE".to_owned(),
        cause: text.to_owned(),
        value: "91 % > 90 %".to_owned(),
        worst: Some("95 %".to_owned()),
        since: now() - Duration::from_mins(22),
        ended: (standing == Standing::Resolved).then(|| now() - Duration::from_mins(2)),
        lasted: Duration::from_mins(22),
        blind: None,
        ack: (standing == Standing::Acknowledged).then(|| (text.to_owned(), now(), text.to_owned())),
        hold: None,
        told: vec![
            Told { channel: "chat".to_owned(), state: Delivered::Sent, why: None },
            Told { channel: "sms".to_owned(), state: Delivered::Dead, why: Some(text.to_owned()) },
        ],
        action: None,
        has_runbook: false,
        runbook_url: None,
    }
}

fn served(takes_writes: bool) -> Place {
    Place::Served { takes_writes }
}

#[test]
fn a_quiet_page_is_quiet() {
    let main = board::body(&page(), served(false)).into_string();
    let wanted = "<section class=\"hero card ok\" aria-labelledby=\"state\"><div class=\"say\"><p class=\"state\" id=\"state-badge\">\
        <span class=\"badge ok\"><span class=\"sign\" aria-hidden=\"true\">●</span> OK</span></p>\
        <h1 id=\"state\">All 3 rules are fine</h1></div></section>\
        <section class=\"card alerts\" id=\"alerts\" aria-labelledby=\"alerts-head\"><div class=\"head\"><h2 id=\"alerts-head\">Alerts</h2>\
        <p class=\"aside\">none in 24 h</p></div></section>\
        <div class=\"lower\"><section class=\"card checks\" aria-labelledby=\"checks-head\"><div class=\"head\">\
        <h2 id=\"checks-head\">Health checks</h2><p class=\"aside\">last 60 min</p></div></section>\
        <section class=\"card deliveries\" aria-labelledby=\"deliveries-head\"><div class=\"head\"><h2 id=\"deliveries-head\">Deliveries</h2>\
        <p class=\"aside\">24 h</p></div><p>No channel is configured: nobody is told. Add one under <code>[channels]</code>.</p></section>\
        <section class=\"card story\" aria-labelledby=\"story-head\"><div class=\"head\"><h2 id=\"story-head\">Timeline</h2>\
        <p class=\"aside\">24 h, newest first</p></div><p class=\"aside\">Nothing happened.</p></section></div>\
        <script type=\"application/json\" id=\"numbers\">[]</script>";
    assert_eq!(main, wanted);
    let document = board::document(&page(), served(false)).into_string();
    assert!(document.contains("<title>● OK · Sippar</title>"), "{document}");
    assert!(document.contains("checked 12 s ago</span><span id=\"next\"> · next in 48 s"), "{document}");
}

#[test]
fn alerts_stand_with_their_limits_times_and_deliveries() {
    let mut page = page();
    page.alerts = vec![
        line(41, Standing::Firing, "a cause"),
        line(40, Standing::Acknowledged, "eva"),
        line(39, Standing::Resolved, "x"),
    ];
    page.hero.state = State::Firing(Severity::High);
    let document = board::document(&page, served(true)).into_string();
    assert!(document.contains("<title>▲ HIGH (1) · Sippar</title>"), "{document}");
    for part in [
        "1 firing · 1 acknowledged · 1 resolved",
        "<tr class=\"alert\" id=\"alert-41\" data-severity=\"HIGH\" data-standing=\"firing\">",
        "<a href=\"/alert/41\">RULE{x=&quot;a cause&quot;}</a><p>a cause</p>",
        "91 % &gt; 90 %<p>worst 95 %</p>",
        "<p>22 min</p>",
        "data-t=\"1795423080000\" data-f=\"dhm\">Nov 23 08:38</time> – <time",
        "<li class=\"failed\">sms <span class=\"sign\" title=\"not delivered\">",
        "data-act=\"ack\" data-number=\"41\"",
    ] {
        assert!(document.contains(part), "{part} is not in {document}");
    }
    assert_eq!(document.matches("data-act=\"ack\"").count(), 1, "one is acknowledged, one is over");
    assert_eq!(document.matches("data-act=\"silence\"").count(), 2);
    let without = board::document(&page, served(false)).into_string();
    assert!(!without.contains("data-act"), "a server without a token takes no writes");
}

#[test]
fn the_tab_counts_what_needs_somebody_and_says_where_people_are_not_told() {
    let title = |lines: Vec<Line>, state| {
        let mut page = page();
        (page.alerts, page.hero.state) = (lines, state);
        let document = board::document(&page, served(false)).into_string();
        document.split("<title>").nth(1).unwrap().split("</title>").next().unwrap().to_owned()
    };
    let high = |standing| line(1, standing, "x");
    let low = Line { severity: Severity::Low, ..high(Standing::Firing) };
    let fires = State::Firing(Severity::High);
    assert_eq!(title(vec![low.clone()], State::Fine), "● OK · Sippar");
    assert_eq!(title(vec![high(Standing::Firing), low], fires), "▲ HIGH (1) · Sippar");
    assert_eq!(title(vec![high(Standing::Held)], fires), "▲ HIGH · people not told · Sippar");
    assert_eq!(title(vec![high(Standing::Firing), high(Standing::Held)], fires), "▲ HIGH (1) · Sippar");
    assert_eq!(title(vec![high(Standing::Acknowledged)], fires), "▲ HIGH · Sippar");
}

#[test]
fn an_old_number_never_stands_alone() {
    let mut page = page();
    let backing = Backing {
        ratio: None,
        last: Some(("101.23 %".to_owned(), now() - Duration::from_mins(8))),
        amounts: vec![Amount { name: "In custody", text: Err("timeout".to_owned()), trust: None }],
        lowest: None,
        verdict: None,
        voices: None,
        unusable: Vec::new(),
        look: Some((7, now())),
        chart: None,
    };
    page.hero.backing = Some(backing.clone());
    let html = board::body(&page, served(false)).into_string();
    let wanted = "<p class=\"big none\"><strong>—</strong><span> reserve ratio not known; last 101.23 % at <time \
        datetime=\"2026-11-23T08:52:00Z\" data-t=\"1795423920000\" data-f=\"dhm\">Nov 23 08:52</time> UTC</span></p>";
    assert!(html.contains(wanted), "{html}");
    assert!(html.contains("<span class=\"unknown-text\">— timeout</span>"), "{html}");
    page.hero.backing = Some(Backing { ratio: Some("101.23".to_owned()), last: None, ..backing });
    let html = board::body(&page, served(false)).into_string();
    assert!(html.contains("<p class=\"big\"><strong>101.23</strong><span> % reserve ratio</span></p>"), "{html}");
    assert!(html.contains("href=\"/reserves/proof?look=7\""), "{html}");
}

#[test]
fn the_first_start_says_what_to_do_and_a_stale_monitor_that_its_values_are_old() {
    let mut page = page();
    page.pulse = Pulse { cycle: None, is_stale: true, ..page.pulse };
    page.hero.state = State::Unknown;
    let html = board::document(&page, served(false)).into_string();
    for part in [
        "<code>sippar-mon check</code>",
        "<code>* * * * * sippar-mon check</code>",
        "nothing checked yet",
        "<title>? UNKNOWN",
    ] {
        assert!(html.contains(part), "{part} is not in {html}");
    }
    page.pulse = Pulse { is_stale: true, ..self::page().pulse };
    let html = board::document(&page, served(false)).into_string();
    for part in
        ["data-stale=\"true\"", "<strong>stale</strong>", "The values below are old.", "<code>sippar-mon doctor</code>"]
    {
        assert!(html.contains(part), "{part} is not in {html}");
    }
}

#[test]
fn foreign_texts_are_inert_wherever_they_stand() {
    let mut page = page();
    page.who.name = HOSTILE.to_owned();
    page.who.environment = HOSTILE.to_owned();
    page.hero.headline = HOSTILE.to_owned();
    page.hero.why = vec![HOSTILE.to_owned()];
    page.silent = vec![Silent { source: HOSTILE.to_owned(), reason: HOSTILE.to_owned(), since: None }];
    page.alerts = vec![line(1, Standing::Firing, HOSTILE), line(2, Standing::Acknowledged, HOSTILE)];
    page.checks =
        vec![checks::Row { name: HOSTILE.to_owned(), bars: vec![(now(), Bar::Failed)], each: Duration::from_mins(1) }];
    page.told = vec![told::Row {
        channel: HOSTILE.to_owned(),
        to: HOSTILE.to_owned(),
        sent: 0,
        failed: 1,
        waiting: 0,
        median: None,
        last: Some((false, now(), HOSTILE.to_owned())),
        proven: None,
        works: None,
    }];
    page.story = vec![Entry { at: now(), sign: Sign::Monitor, text: HOSTILE.to_owned(), number: None }];
    page.footer.file = Some(HOSTILE.to_owned());
    for place in [served(true), Place::File] {
        let html = board::document(&page, place).into_string();
        assert!(html.matches("&lt;script&gt;alert(1)").count() >= 14, "{html}");
        for bad in ["<script>alert", "<img", "style=\"", "onerror=alert(1)\""] {
            assert!(!html.contains(bad), "{bad} is in {html}");
        }
        assert_eq!(html.contains("<script src=\"/app.js?v="), place.is_served());
    }
}

#[test]
fn a_file_fetches_nothing() {
    let mut page = page();
    page.alerts = vec![line(1, Standing::Firing, "x")];
    let html = board::document(&page, Place::File).into_string();
    for bad in ["src=", "href=\"/", "http://", "https://", "url(http", "@import", "<script"] {
        // the name of SVG in the picture of the tab is a name and no address
        let html = html.replace("http%3A%2F%2Fwww.w3.org", "");
        assert!(!html.contains(bad), "{bad} is in {html}");
    }
    assert!(html.contains("<style>") && html.contains("href=\"#alert-1-life\""), "{html}");
}

#[test]
fn script_and_styles_keep_to_the_policy() {
    for bad in ["http://", "https://", "eval(", "innerHTML", "document.write", ".style", "@import", "url(http"] {
        assert!(!JS.contains(bad) && !CSS.contains(bad), "{bad}");
    }
    assert!(JS.len() < 25_000, "the script is to stay small: {} bytes", JS.len());
}

#[test]
fn the_picture_in_the_tab_has_a_shape_for_each_state() {
    let states = [State::Fine, State::Unknown].into_iter().chain(Severity::ALL.map(State::Firing));
    let mut shapes = Vec::new();
    for state in states {
        let (_, class, _) = state_parts(state);
        assert_eq!(state_named(class), Some(state));
        let svg = favicon(Some(state), 12);
        assert!(svg.starts_with("<svg xmlns=") && svg.ends_with("</svg>"), "{svg}");
        shapes.push(svg.split('>').nth(2).unwrap().to_owned());
    }
    shapes.sort();
    shapes.dedup();
    assert_eq!(shapes.len(), 6);
    assert_eq!(state_named("<x>"), Some(State::Unknown));
    // a page that is about no state shows none, whatever it is asked
    assert_eq!(state_named("none"), None);
    assert!(favicon(None, 0).contains("><text") && favicon(None, 0).ends_with("></text></svg>"));
}
