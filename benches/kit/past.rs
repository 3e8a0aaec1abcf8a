//! A database with a past of rows.

use std::path::Path;

use rusqlite::{Connection, params};

/// Gives every series a sample for each of so many minutes before its first one; how many samples there are.
pub fn fill(database: &Path, minutes: i64) -> usize {
    let mut connection = Connection::open(database).unwrap();
    let transaction = connection.transaction().unwrap();
    let last: i64 = transaction.query_row("SELECT max(tick) FROM sample", [], |row| row.get(0)).unwrap();
    let series: Vec<i64> = {
        let mut statement = transaction.prepare("SELECT id FROM series").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    for minute in 1..=minutes {
        for id in &series {
            let value = 0.5 + f64::from(u32::try_from((minute * id) % 7).unwrap()) / 100.0;
            let row = params![last - minute * 60_000, id, value];
            transaction.execute("INSERT INTO sample (tick, series, value, mark) VALUES (?1, ?2, ?3, 0)", row).unwrap();
        }
    }
    transaction.commit().unwrap();
    series.len() * usize::try_from(minutes).unwrap()
}
