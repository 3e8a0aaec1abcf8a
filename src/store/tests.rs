//! Tests of the store as a whole: crash, concurrency, refusals, measures.

use super::kit::{at, firing, key, store};
use super::series::Claim;
use crate::model::reading::Datum;
use crate::model::severity::Severity;
use std::time::Duration;

#[test]
fn a_transaction_that_is_not_committed_leaves_nothing() {
    let (_folder, mut store) = store();
    let tx = store.begin().unwrap();
    let Claim::Own(id) = tx.series_id(&key("m", "/"), "system", Duration::from_mins(1)).unwrap() else { panic!() };
    tx.put_samples(at(0), &[(id, Datum::Value(1.0), None)]).unwrap();
    tx.save_alert(None, &mut firing("R", Severity::High)).unwrap();
    drop(tx);
    assert_eq!(store.latest(at(0)).unwrap(), []);
    assert_eq!(store.open_alerts().unwrap(), []);
}
