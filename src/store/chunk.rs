//! A chunk: the samples of one series in one span, as a blob.
//!
//! ```text
//! version  u8    1
//! checksum u32   CRC-32 of series (i64), start of the span (i64) and all that follows
//! count    u32   samples, 1 to 131,072
//! runs     u32   runs of equal marks
//! ticks    u32   bytes of the ticks
//!          runs x (mark u8, length u16)
//!          the ticks, compressed by pco as i64
//!          the values of those with mark 0, compressed by pco as f64; nothing where there are none
//! ```
//! Numbers are little-endian. Marks are those of the table `sample`: NaN is a mark and so is minus zero, hence every datum
//! comes back bit by bit. The checksum covers the place of the chunk, so that a blob in the wrong row is refused like a
//! damaged one. pco, because it takes 1.4 to 2.5 bytes for a sample where Gorilla's encoding takes 3.5, and reads a day
//! in 30 us. What is refused is refused before anything of its size is allocated: the count has a limit, and the limit
//! of a day at one sample a second is below it.

use pco::ChunkConfig;
use pco::standalone::{simple_compress, simple_decompress_into};

use super::series::{datum_of, parts_of};
use crate::model::reading::{Datum, Point};
use crate::model::time::Time;

/// The only layout there is so far.
const VERSION: u8 = 1;

/// Most samples of one chunk: a day has 86,400 seconds, and no interval is shorter.
const MAX_COUNT: usize = 1 << 17;

/// pco unpacks no fewer numbers at a time, unless it is all.
const PCO_BATCH: usize = 256;

/// The place a chunk belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    /// The series.
    pub(super) series: i64,
    /// The beginning of the span, in milliseconds.
    pub(super) start: i64,
}

/// Why a blob is no chunk, or samples cannot become one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Flaw(pub(super) String);

impl From<&str> for Flaw {
    fn from(what: &str) -> Self {
        Self(what.to_owned())
    }
}

/// Seals `points`, which are in order of their tick. What is sealed was read back and found equal.
pub(super) fn encode(place: Place, points: &[Point]) -> Result<Vec<u8>, Flaw> {
    if points.is_empty() || points.len() > MAX_COUNT {
        return Err(Flaw(format!("{} samples do not make a chunk", points.len())));
    }
    let config = ChunkConfig::default();
    let packed = |error: pco::errors::PcoError| Flaw(format!("pco: {error}"));
    let ticks: Vec<i64> = points.iter().map(|point| point.tick.millis()).collect();
    let ticks = simple_compress(&ticks, &config).map_err(packed)?;
    let values: Vec<f64> = points.iter().filter_map(|point| parts_of(point.datum).0).collect();
    let values = if values.is_empty() { Vec::new() } else { simple_compress(&values, &config).map_err(packed)? };
    let runs = runs(points);
    let mut body = Vec::with_capacity(12 + runs.len() * 3 + ticks.len() + values.len());
    for length in [points.len(), runs.len(), ticks.len()] {
        body.extend(u32::try_from(length).map_err(|_| Flaw::from("too long"))?.to_le_bytes());
    }
    for (mark, length) in runs {
        body.push(mark);
        body.extend(length.to_le_bytes());
    }
    body.extend(ticks);
    body.extend(values);
    let mut blob = vec![VERSION];
    blob.extend(checksum(place, &body).to_le_bytes());
    blob.extend(body);
    let again = decode(place, &blob)?;
    let same = |(one, two): (&Point, &Point)| one.tick == two.tick && same_bits(one.datum, two.datum);
    if again.len() == points.len() && again.iter().zip(points).all(same) {
        Ok(blob)
    } else {
        Err("samples out of order, or read back otherwise than written".into())
    }
}

/// A blob whose checksum agrees, taken apart.
struct Parts<'a> {
    count: usize,
    runs: &'a [u8],
    ticks: &'a [u8],
    values: &'a [u8],
}

fn parts(place: Place, blob: &[u8]) -> Result<Parts<'_>, Flaw> {
    const SHORT: &str = "truncated";
    let (version, rest) = blob.split_first().ok_or(SHORT)?;
    if *version != VERSION {
        return Err(Flaw(format!("layout {version} is not known")));
    }
    let (sum, body) = rest.split_first_chunk::<4>().ok_or(SHORT)?;
    if u32::from_le_bytes(*sum) != checksum(place, body) {
        return Err("the checksum does not agree".into());
    }
    let (count, rest) = length(body).ok_or(SHORT)?;
    let (runs, rest) = length(rest).ok_or(SHORT)?;
    let (tick_bytes, rest) = length(rest).ok_or(SHORT)?;
    if count == 0 || count > MAX_COUNT || runs > count {
        return Err(Flaw(format!("{count} samples in {runs} runs")));
    }
    let (runs, rest) = rest.split_at_checked(runs * 3).ok_or(SHORT)?;
    let (ticks, values) = rest.split_at_checked(tick_bytes).ok_or(SHORT)?;
    Ok(Parts { count, runs, ticks, values })
}

/// The samples of a chunk, oldest first.
pub(super) fn decode(place: Place, blob: &[u8]) -> Result<Vec<Point>, Flaw> {
    let Parts { count, runs, ticks, values } = parts(place, blob)?;
    let marks = marks(runs, count)?;
    let ticks = unpack::<i64>(ticks, count)?;
    let values = unpack::<f64>(values, marks.iter().map(|mark| usize::from(*mark == 0)).sum())?;
    join(&ticks, &marks, values)
}

/// When the first sample of a chunk was taken; little more than the beginning of it is unpacked.
pub(super) fn first_tick(place: Place, blob: &[u8]) -> Result<Time, Flaw> {
    let Parts { count, ticks, .. } = parts(place, blob)?;
    let mut first = vec![0_i64; count.min(PCO_BATCH)];
    let unpacked = simple_decompress_into(ticks, &mut first);
    let progress = unpacked.map_err(|error| Flaw(format!("not readable: {error}")))?;
    let tick = first.first().filter(|_| progress.n_processed > 0).ok_or("no ticks")?;
    Ok(Time::from_millis(*tick))
}

/// Ticks, marks and values side by side.
fn join(ticks: &[i64], marks: &[u8], values: Vec<f64>) -> Result<Vec<Point>, Flaw> {
    if !ticks.is_sorted_by(|one, two| one < two) {
        return Err("ticks out of order".into());
    }
    let mut values = values.into_iter();
    let points = ticks.iter().zip(marks).map(|(tick, mark)| {
        let value = if *mark == 0 { values.next() } else { None };
        let datum = datum_of(value, i64::from(*mark)).ok_or_else(|| Flaw(format!("unknown mark {mark}")))?;
        Ok(Point { tick: Time::from_millis(*tick), datum })
    });
    points.collect()
}

/// Equal marks in a row, with how many of them there are.
fn runs(points: &[Point]) -> Vec<(u8, u16)> {
    let mut runs: Vec<(u8, u16)> = Vec::new();
    for point in points {
        let mark = u8::try_from(parts_of(point.datum).1).unwrap_or(u8::MAX);
        match runs.last_mut() {
            Some((last, length)) if *last == mark && *length < u16::MAX => *length += 1,
            _ => runs.push((mark, 1)),
        }
    }
    runs
}

/// The mark of each of `count` samples.
fn marks(runs: &[u8], count: usize) -> Result<Vec<u8>, Flaw> {
    let mut marks = Vec::with_capacity(count);
    for run in runs.as_chunks::<3>().0 {
        let [mark, low, high] = *run;
        let length = usize::from(u16::from_le_bytes([low, high]));
        if length > count - marks.len() {
            return Err("more marks than samples".into());
        }
        marks.resize(marks.len() + length, mark);
    }
    if marks.len() == count { Ok(marks) } else { Err("fewer marks than samples".into()) }
}

/// Exactly `count` numbers out of `bytes`.
fn unpack<T: pco::data_types::Number + Default>(bytes: &[u8], count: usize) -> Result<Vec<T>, Flaw> {
    if count == 0 {
        return if bytes.is_empty() { Ok(Vec::new()) } else { Err("values without samples".into()) };
    }
    let mut numbers = vec![T::default(); count];
    let progress =
        simple_decompress_into(bytes, &mut numbers).map_err(|error| Flaw(format!("not readable: {error}")))?;
    if progress.finished && progress.n_processed == count {
        Ok(numbers)
    } else {
        Err(Flaw(format!("not {count} numbers")))
    }
}

fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    Some((usize::try_from(u32::from_le_bytes(*number)).ok()?, rest))
}

fn checksum(place: Place, body: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&place.series.to_le_bytes());
    sum.update(&place.start.to_le_bytes());
    sum.update(body);
    sum.finalize()
}

/// Whether the store keeps both in the same way.
fn same_bits(one: Datum, two: Datum) -> bool {
    let bits = |datum: Datum| {
        let (value, mark) = parts_of(datum);
        (value.map(f64::to_bits), mark)
    };
    bits(one) == bits(two)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PLACE: Place = Place { series: 7, start: 0 };

    fn any_points() -> impl Strategy<Value = Vec<Point>> {
        let datum = prop_oneof![
            4 => any::<f64>().prop_map(Datum::Value),
            4 => (0..9_i32).prop_map(|n| Datum::Value(f64::from(n) / 10.0)),
            1 => Just(Datum::Value(f64::NAN)),
            1 => Just(Datum::Value(-0.0)),
            1 => Just(Datum::Value(f64::INFINITY)),
            1 => Just(Datum::Value(f64::NEG_INFINITY)),
            2 => Just(Datum::Unknown),
            2 => Just(Datum::Gone),
        ];
        let tick = prop_oneof![3 => (0..2000_i64).prop_map(|n| n * 60_000), 1 => any::<i64>()];
        prop::collection::btree_map(tick, datum, 1..400).prop_map(|all| {
            all.into_iter().map(|(tick, datum)| Point { tick: Time::from_millis(tick), datum }).collect()
        })
    }

    fn equal(one: &[Point], two: &[Point]) -> bool {
        one.len() == two.len()
            && one.iter().zip(two).all(|(one, two)| one.tick == two.tick && same_bits(one.datum, two.datum))
    }

    proptest! {
        #[test]
        fn any_samples_come_back_bit_by_bit(points in any_points()) {
            let blob = encode(PLACE, &points).unwrap();
            prop_assert!(equal(&decode(PLACE, &blob).unwrap(), &points));
            prop_assert_eq!(first_tick(PLACE, &blob), Ok(points[0].tick));
            let elsewhere = Place { series: 8, ..PLACE };
            prop_assert_eq!(decode(elsewhere, &blob), Err("the checksum does not agree".into()));
        }

        #[test]
        fn a_changed_or_cut_chunk_is_refused(
            points in any_points(), at in any::<prop::sample::Index>(), flip in 1..=255_u8, cut in any::<bool>(),
        ) {
            let mut blob = encode(PLACE, &points).unwrap();
            let at = at.index(blob.len());
            if cut { blob.truncate(at) } else { blob[at] ^= flip }
            prop_assert!(decode(PLACE, &blob).is_err());
        }

        /// A hand that knows the checksum may get wrong numbers through, but neither a panic nor a large allocation.
        #[test]
        fn a_hostile_chunk_does_no_harm(
            points in any_points(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        ) {
            let mut body = encode(PLACE, &points).unwrap().split_off(5);
            for (at, byte) in changes {
                let at = at.index(body.len());
                body[at] = byte;
            }
            let mut blob = vec![VERSION];
            blob.extend(checksum(PLACE, &body).to_le_bytes());
            blob.extend(body);
            let _ = decode(PLACE, &blob);
        }
    }

    #[test]
    fn what_is_no_chunk_is_refused_with_its_reason() {
        let blob = |body: &[u8]| {
            let mut blob = vec![VERSION];
            blob.extend(checksum(PLACE, body).to_le_bytes());
            blob.extend(body);
            blob
        };
        let lengths = |all: [u32; 3]| all.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>();
        let cases = [
            (Vec::new(), "truncated"),
            (vec![2, 0, 0, 0, 0], "layout 2 is not known"),
            (blob(&lengths([0, 0, 0])), "0 samples in 0 runs"),
            (blob(&lengths([u32::MAX, 1, 0])), "4294967295 samples in 1 runs"),
            (blob(&lengths([3, 1, u32::MAX])), "truncated"),
            (blob(&[lengths([3, 1, 0]), vec![2, 4, 0]].concat()), "more marks than samples"),
            (blob(&[lengths([3, 1, 0]), vec![2, 2, 0]].concat()), "fewer marks than samples"),
        ];
        for (blob, why) in cases {
            assert_eq!(decode(PLACE, &blob), Err(why.into()), "{blob:?}");
        }
        assert_eq!(encode(PLACE, &[]), Err("0 samples do not make a chunk".into()));
        let point = Point { tick: Time::from_millis(0), datum: Datum::Gone };
        assert_eq!(encode(PLACE, &[point, point]), Err("ticks out of order".into()));
    }
}
