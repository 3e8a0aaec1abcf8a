//! Stories of alerts and people, told by the whole program: `tests/stories/life/*.toml`. A story is a script of what happens
//! when, and everything that each channel hears. The program's clock is set for each run, so a night takes a second.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use serde::Deserialize;

use crate::support::http::{Answer, HttpFake, Manner};
use crate::support::smtp::{Behaviour, SmtpFake};
use crate::world::{Ran, World};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    story: Vec<Story>,
}

/// One story. Times are hours and minutes after Monday, 2026-11-23, 09:00 UTC.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Story {
    name: String,
    /// Between two checks.
    #[serde(default = "five_minutes")]
    interval: String,
    /// Beside the probe, the rule and the channels; the rule is left out with `# without QUEUE_LONG`, or one of its name.
    #[serde(default)]
    config: String,
    /// What happens before the check of a time, a line each:
    /// `queue 20` · `other 1` (a second value) · `run alert ack 1 -m "on it"` (prints what it says) ·
    /// `chat down` (not now), `chat gone` (refuses for good), `chat cut` (hears, its answer is lost), `chat up` (also `boss`,
    /// `sms`) · `response 3` (what the program of `@respond.sh` ends with from now on) · `asleep`, `awake` (no checks between) ·
    /// `config NAME` (that of `configs` in place of `config`) · `end`.
    script: String,
    /// Other configurations.
    #[serde(default)]
    configs: BTreeMap<String, String>,
    /// What every channel hears, and what commands print.
    heard: String,
}

fn five_minutes() -> String {
    "5m".to_owned()
}

/// 2026-11-23T09:00:00Z, a Monday, in minutes.
const BEGIN: u64 = 1_795_424_400_000 / 60_000;

const RULE: &str = r#"
[[rule]]
alert = "QUEUE_LONG"
expr = "queue_depth"
above = { HIGH = 10, CRITICAL = 50 }
summary = "{{ value }} are waiting"
"#;

/// What happens around the program.
struct Stage {
    world: World,
    chat: HttpFake,
    boss: HttpFake,
    sms: HttpFake,
    mail: SmtpFake,
    /// How much each of them has been told already.
    told: [usize; 5],
    /// The channels that refuse everything.
    down: BTreeSet<&'static str>,
    values: (u32, Option<u32>),
}

impl Stage {
    fn new(story: &Story) -> Self {
        let http = || HttpFake::start([Answer::new(200, "ok")]);
        let mail = SmtpFake::start(Behaviour::default());
        let sms = HttpFake::start([taken()]);
        let stage = Self {
            world: World::empty(),
            chat: http(),
            boss: http(),
            sms,
            mail,
            told: [0; 5],
            down: BTreeSet::new(),
            values: (0, None),
        };
        stage.configure(story, &story.config);
        stage.measure();
        stage.respond("0");
        stage
    }

    fn configure(&self, story: &Story, more: &str) {
        // a place that answers
        let more = &more.replace("{chat}", self.chat.url("").trim_start_matches("http://"));
        let has_own = more.contains("alert = \"QUEUE_LONG\"") || more.contains("# without QUEUE_LONG");
        let rule = if has_own { "" } else { RULE };
        let twilio =
            "account_sid = \"AC00000000000000000000000000000001\"\nauth_token = \"hush\"\nfrom = \"+15550001\"\n";
        self.world.configure(&format!(
            r#"
[monitor]
interval = "{}"
[sources.system]
enabled = false
[probes.queue.exec]
command = ["/bin/cat", "@queue.prom"]
attempts = 1
[channels.chat.slack]
webhook_url = "{}"
[channels.boss.slack]
webhook_url = "{}"
[channels.mail.email]
host = "127.0.0.1"
port = {}
tls = "none"
from = "mon@example.org"
to = ["ops@example.org"]
[channels.sms.sms]
{twilio}to = ["+15550002"]
base_url = "{}"
{rule}
{more}
"#,
            story.interval,
            self.chat.url("/services/T0/B0/chat"),
            self.boss.url("/services/T0/B0/boss"),
            self.mail.port(),
            self.sms.url(""),
        ));
    }

    fn measure(&self) {
        let (queue, other) = self.values;
        let other = other.map(|value| format!("other_depth {value}\n")).unwrap_or_default();
        self.world.write("queue.prom", &format!("queue_depth {queue}\n{other}"), 0o644);
    }

    /// A program for responses: it notes that it ran, and ends with this code.
    fn respond(&self, code: &str) {
        let ran = self.world.path("ran.txt");
        let words = "$SIPPAR_RESPONSE at $SIPPAR_SEVERITY: $SIPPAR_ALERT$SIPPAR_LABEL_probe ${SIPPAR_NUMBER:-by hand}";
        let script = format!("#!/bin/sh\necho \"{words}\" >> {}\necho done >&2\nexit {code}\n", ran.display());
        self.world.write("respond.sh", &script, 0o755);
    }

    /// Runs the program at this minute of the story; a check a second later than what people do.
    fn run(&self, minute: u64, args: &[&str]) -> Ran {
        let clock = (BEGIN + minute) * 60_000 + if args == ["check"] { 1000 } else { 0 };
        let mut command = self.world.command(args);
        command.env("SIPPAR_MON_CLOCK", clock.to_string());
        command.output().unwrap().into()
    }

    /// What each channel has heard since the last look, with the time of the story.
    fn news(&mut self, time: &str) -> String {
        let ran = std::fs::read_to_string(self.world.path("ran.txt")).unwrap_or_default();
        let heard: [(&str, Vec<String>); 5] = [
            ("boss", self.boss.seen().iter().map(|post| slack(&post.json())).collect()),
            ("chat", self.chat.seen().iter().map(|post| slack(&post.json())).collect()),
            ("ran", ran.lines().map(str::to_owned).collect()),
            ("mail", self.mail.mails().iter().filter_map(|mail| mail.header("Subject")).collect()),
            ("sms", self.sms.seen().iter().filter(|seen| seen.method == "POST").map(|post| body(&post.body)).collect()),
        ];
        let mut out = String::new();
        for (place, (channel, lines)) in heard.into_iter().enumerate() {
            // what a channel refuses nobody hears
            for line in lines.iter().skip(self.told[place]).filter(|_| !self.down.contains(channel)) {
                let _ = writeln!(out, "{time} {channel:4} {line}");
            }
            self.told[place] = lines.len();
        }
        out
    }
}

/// How Twilio takes a message.
fn taken() -> Answer {
    let body = r#"{"sid":"SM00000000000000000000000000000001","status":"queued","num_segments":"1","error_code":null}"#;
    Answer::new(201, body)
}

/// The headline, and the note where there is one.
fn slack(post: &serde_json::Value) -> String {
    let texts = || post["blocks"].as_array().into_iter().flatten().filter_map(|block| block["text"]["text"].as_str());
    let summary = texts().nth(1).unwrap_or_default().to_owned();
    let note = texts().skip(2).find(|text| !text.starts_with("Action required: ") && *text != summary);
    let note = note.map(|note| format!(" ({})", ageless(&paceless(note)))).unwrap_or_default();
    format!("{}{note}", post["text"].as_str().unwrap_or("?"))
}

/// The text of a message, out of the form.
fn body(form: &[u8]) -> String {
    let form = String::from_utf8_lossy(form);
    let field = form.split('&').find_map(|field| field.strip_prefix("Body=")).expect("a message has a body");
    let field = field.replace('+', " ");
    // `%40` is a byte in hexadecimal digits
    let mut parts = field.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).unwrap()
}

/// The words of a command line; quotes hold words together.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None, None);
    for c in line.chars() {
        match (c, quote) {
            (c, Some(end)) if c == end => quote = None,
            ('"' | '\'', None) => {
                word.get_or_insert_with(String::new);
                quote = Some(c);
            }
            (' ', None) => words.extend(word.take()),
            (c, _) => word.get_or_insert_with(String::new).push(c),
        }
    }
    words.extend(word);
    words
}

fn minute(time: &str) -> u64 {
    let (hours, minutes) = time.split_once(':').unwrap_or_else(|| panic!("no time: {time}"));
    hours.parse::<u64>().unwrap() * 60 + minutes.parse::<u64>().unwrap()
}

/// Does one line of the script; what a command prints is part of what is heard.
fn act(stage: &mut Stage, story: &Story, at: u64, action: &str) -> String {
    let words = words(action);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["queue", value] => stage.values.0 = value.parse().unwrap(),
        ["other", value] => stage.values.1 = Some(value.parse().unwrap()),
        ["response", code] => stage.respond(code),
        ["config", name] => stage.configure(story, &story.configs[*name]),
        [channel @ ("chat" | "boss" | "sms"), how] => fail(stage, channel, how),
        ["run", args @ ..] => {
            let ran = stage.run(at, args);
            let said = format!("{}{}", ran.out, ran.err);
            let code = (ran.code != 0).then(|| format!("[{}]", ran.code));
            let lines = said.lines().map(|line| paceless(&timeless(line))).chain(code);
            return lines.map(|line| format!("{} > {line}", clock(at)).trim_end().to_owned() + "\n").collect();
        }
        other => panic!("no such action: {other:?}"),
    }
    stage.measure();
    String::new()
}

/// Lets a channel fail in this way, or work again.
fn fail(stage: &mut Stage, channel: &str, how: &str) {
    let (name, fake, good) = match channel {
        "chat" => ("chat", &stage.chat, Answer::new(200, "ok")),
        "boss" => ("boss", &stage.boss, Answer::new(200, "ok")),
        _ => ("sms", &stage.sms, taken()),
    };
    let (answer, hears) = match how {
        // a provider of text messages may have taken what it answers with 503
        "down" => (Answer::new(if name == "sms" { 429 } else { 503 }, ""), false),
        "gone" => (Answer::new(404, "no_service"), false),
        "cut" => (Answer::new(200, "ok").manner(Manner::Reset), true),
        "up" => (good, true),
        other => panic!("no such state of a channel: {other}"),
    };
    if hears {
        stage.down.remove(name)
    } else {
        stage.down.insert(name)
    };
    fake.now_answer([answer]);
}

/// A note without the time that a response took.
fn paceless(note: &str) -> String {
    let parts = note.split(" after ").enumerate().map(|(at, part)| match part.split_once(" ms") {
        Some((count, rest)) if at > 0 && count.parse::<f64>().is_ok() => rest.to_owned(),
        _ if at > 0 => format!(" after {part}"),
        _ => part.to_owned(),
    });
    parts.collect()
}

/// A note without how old it is where that is told to the second, which depends on how fast the machine is.
fn ageless(note: &str) -> String {
    let parts = note.split_once("This is from ").and_then(|(head, rest)| Some((head, rest.split_once(" ago and ")?)));
    match parts {
        Some((head, (age, rest))) if !age.contains(" h") => format!("{head}This is from some minutes ago and {rest}"),
        _ => note.to_owned(),
    }
}

/// A line without the time that a delivery took.
fn timeless(line: &str) -> String {
    match line.split_once(" in ") {
        Some((head, rest)) if rest.split_once(" ms").is_some_and(|(count, _)| count.parse::<u32>().is_ok()) => {
            format!("{head}{}", rest.split_once(" ms").unwrap().1)
        }
        _ => line.to_owned(),
    }
}

fn clock(minute: u64) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn play(story: &Story) -> String {
    let mut stage = Stage::new(story);
    let script: Vec<(u64, &str)> = story
        .script
        .lines()
        .filter_map(|line| line.trim().split_once(' '))
        .map(|(time, action)| (minute(time), action.trim()))
        .collect();
    let end = script.last().expect("a script has lines").0;
    let interval = story.interval.strip_suffix('m').expect("an interval of minutes").parse().unwrap();
    let (mut heard, mut awake) = (String::new(), true);
    for at in (0..=end).step_by(interval) {
        let until = at + u64::try_from(interval).unwrap();
        for (time, action) in script.iter().filter(|(time, _)| (at..until).contains(time)) {
            match *action {
                "asleep" => awake = false,
                "awake" => awake = true,
                "end" => return heard,
                action => heard += &act(&mut stage, story, *time, action),
            }
            heard += &stage.news(&clock(*time));
        }
        if awake {
            let ran = stage.run(at, &["check"]);
            assert!(ran.code <= 3, "{}: at {}: {ran:?}", story.name, clock(at));
            heard += &stage.news(&clock(at));
        }
    }
    heard
}

fn tell(file: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stories/life").join(file);
    let file: File = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut wrong = String::new();
    for story in file.story {
        let heard = play(&story);
        if heard.trim() != story.heard.trim() {
            let _ = write!(wrong, "--- {}\n{heard}", story.name);
        }
    }
    assert!(wrong.is_empty(), "what is heard is not what is written:\n{wrong}");
}

#[test]
fn from_the_first_word_to_the_last() {
    tell("ladder.toml");
}

#[test]
fn people_take_charge() {
    tell("people.toml");
}

#[test]
fn what_withholds() {
    tell("withheld.toml");
}

#[test]
fn routes_and_hours() {
    tell("routes.toml");
}

#[test]
fn the_machines_own_network() {
    tell("network.toml");
}

#[test]
fn responses() {
    tell("responses.toml");
}

#[test]
fn channels_that_fail_for_good_or_perhaps() {
    tell("failing.toml");
}

#[test]
fn outages_and_changes() {
    tell("outages.toml");
}
