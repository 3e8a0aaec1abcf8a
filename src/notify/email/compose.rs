//! The mail itself: headers that let receivers sort, thread and recognise it, plain text first, HTML second.

use std::time::{Duration, UNIX_EPOCH};

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, Message as Mail};

use crate::model::delivery::Delivery;
use crate::model::message::Message as Content;
use crate::model::time::Time;
use crate::notify::render;
use crate::text::safe::clip;

/// Longer subjects are cut; mail readers show far less.
const MAX_SUBJECT: usize = 200;

/// The mail for one recipient.
pub fn mail(delivery: &Delivery, from: &Mailbox, to: Address, now: Time) -> Result<Mail, String> {
    let domain = from.email.domain();
    let since_epoch = Duration::from_millis(u64::try_from(now.millis()).unwrap_or(0));
    let mut builder = Mail::builder()
        .message_id(Some(format!("<sippar-mon.{}.{}@{domain}>", delivery.id, delivery.created.millis())))
        .date(UNIX_EPOCH + since_epoch)
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(subject(delivery))
        // RFC 3834: no vacation notes, please
        .raw_header(header("Auto-Submitted", "auto-generated"))
        .raw_header(header("X-Auto-Response-Suppress", "All"))
        .raw_header(header("List-Id", &format!("<alerts.sippar-mon.{domain}>")));
    if let Some(number) = delivery.message.number {
        // a root that was never sent: all mails about one alert hang below it, whichever arrives first
        let root = format!("<sippar-mon.alert.{number}@{domain}>");
        builder = builder.in_reply_to(root.clone()).references(root);
    }
    builder
        .multipart(MultiPart::alternative_plain_html(render::plain(delivery), html(delivery)))
        .map_err(|error| format!("the mail cannot be put together: {error}"))
}

/// The headline without runs of blanks: a folded line of nothing but blanks would end the headers for some readers.
fn subject(delivery: &Delivery) -> String {
    let headline = render::headline(&delivery.message);
    clip(&headline.split_whitespace().collect::<Vec<_>>().join(" "), MAX_SUBJECT)
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// One table, no style sheet, no picture: it looks the same everywhere and loads nothing.
fn html(delivery: &Delivery) -> String {
    let message = &delivery.message;
    let rows: Vec<_> = render::rows(message)
        .iter()
        .map(|row| {
            let (name, value) = (escaped(&row.name), escaped(&row.value));
            format!("<tr><th align=\"left\" valign=\"top\">{name}</th><td>{value}</td></tr>\n")
        })
        .collect();
    let runbook = render::runbook(message)
        .map(|url| format!("<p><a href=\"{0}\">Runbook</a></p>\n", escaped(url)))
        .unwrap_or_default();
    format!(
        "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"></head><body>\n<h2>{}</h2>\n\
         <table cellpadding=\"4\">\n{}</table>\n{}<p><strong>Action required:</strong> {}</p>\n{runbook}<p><small>{}</small></p>\n\
         </body></html>\n",
        escaped(&render::title(message)),
        rows.concat(),
        listed(message),
        escaped(&render::action(message)),
        escaped(&render::id(delivery)),
    )
}

/// The alerts of a message that stands for several.
fn listed(message: &Content) -> String {
    let lines = render::list(message, render::MAX_PLAIN_LIST);
    let items: Vec<_> = lines.iter().map(|line| format!("<li>{}</li>\n", escaped(line))).collect();
    if items.is_empty() { String::new() } else { format!("<ul>\n{}</ul>\n", items.concat()) }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
