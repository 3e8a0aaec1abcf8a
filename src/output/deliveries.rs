//! `alert deliveries` for people and for scripts.

use std::fmt::Write as _;

use comfy_table::Cell;

use super::terminal::Terminal;
use crate::model::delivery::{Delivery, State};
use crate::model::time::Time;
use crate::text::{safe, units};

/// The table.
pub fn table(deliveries: &[Delivery], now: Time, terminal: &Terminal) -> String {
    if deliveries.is_empty() {
        return "no deliveries\n".to_owned();
    }
    let mut table = terminal.table(&["ID", "STATE", "TO", "WHAT", "DECIDED (UTC)", "TRIES", "ANSWER"]);
    for delivery in deliveries {
        let next = match delivery.state {
            State::Pending if delivery.due > now => {
                format!(", next try in {}", units::duration(delivery.due.since(now)))
            }
            _ => String::new(),
        };
        table.add_row([
            Cell::new(delivery.id),
            Cell::new(format!("{}{next}", delivery.state.name())),
            Cell::new(to(delivery)),
            Cell::new(what(delivery)),
            Cell::new(delivery.created.short()),
            Cell::new(delivery.attempts),
            Cell::new(answer(delivery)),
        ]);
    }
    terminal.fit(&format!("{table}\n"))
}

/// Lines for scripts: id, state, channel, address, kind, alert, number, decided, next try, attempts, message, answer.
pub fn lines(deliveries: &[Delivery]) -> String {
    let mut out = String::new();
    for delivery in deliveries {
        let Delivery { id, destination, message, attempts, created, .. } = delivery;
        let due = if delivery.state == State::Pending { delivery.due.rfc3339() } else { String::new() };
        let number = message.number.map(|number| number.to_string()).unwrap_or_default();
        let parcel = delivery.parcel.map(|parcel| parcel.to_string()).unwrap_or_default();
        let words = [
            delivery.state.name(),
            &safe::one_line(&destination.channel),
            &safe::one_line(&destination.address),
            message.kind.name(),
            &safe::one_line(&message.alert),
        ]
        .join("\t");
        let answer = answer(delivery);
        let _ = writeln!(out, "{id}\t{words}\t{number}\t{created}\t{due}\t{attempts}\t{parcel}\t{answer}");
    }
    out
}

/// Channel and address.
pub fn to(delivery: &Delivery) -> String {
    let address = safe::one_line(&delivery.destination.address);
    if address.is_empty() {
        delivery.destination.channel.clone()
    } else {
        format!("{} {address}", delivery.destination.channel)
    }
}

fn what(delivery: &Delivery) -> String {
    let message = &delivery.message;
    let number = message.number.map(|number| format!("#{number} ")).unwrap_or_default();
    safe::one_line(&format!("{} {number}{}", message.kind.name(), message.alert))
}

fn answer(delivery: &Delivery) -> String {
    safe::answer(delivery.last_answer.as_deref().unwrap_or_default())
}
