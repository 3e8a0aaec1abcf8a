//! The difference of two texts, line by line, as a unified diff.

use std::fmt::Write as _;

use similar::{Algorithm, DiffOp, DiffTag, capture_diff_slices, group_diff_ops};

/// Lines shown round a difference.
const CONTEXT: usize = 3;

/// What must be taken from `expected` and added to it to have `found`; empty where they are the same. How much blank
/// there is between words does not matter: columns move with the widest word in them.
pub fn unified(expected: &str, found: &str) -> String {
    let (expected, found) = (lines(expected), lines(found));
    let words = |lines: &[&str]| -> Vec<String> { lines.iter().map(|line| bare(line)).collect() };
    let ops = capture_diff_slices(Algorithm::Myers, &words(&expected), &words(&found));
    let mut out = String::new();
    for group in group_diff_ops(ops, CONTEXT).iter().filter(|group| group.iter().any(is_change)) {
        out.push_str(&head(group));
        for op in group {
            let mut put = |sign: char, lines: &[&str], range: std::ops::Range<usize>| {
                for line in lines.get(range).unwrap_or_default() {
                    let _ = writeln!(out, "{sign}{line}");
                }
            };
            match op.tag() {
                DiffTag::Equal => put(' ', &found, op.new_range()),
                DiffTag::Delete | DiffTag::Insert | DiffTag::Replace => {
                    put('-', &expected, op.old_range());
                    put('+', &found, op.new_range());
                }
            }
        }
    }
    out
}

/// `@@ -1,4 +1,5 @@`, lines counted from 1.
fn head(group: &[DiffOp]) -> String {
    let range = |of: fn(&DiffOp) -> std::ops::Range<usize>| {
        let start = group.first().map_or(0, |op| of(op).start);
        let length = group.last().map_or(0, |op| of(op).end) - start;
        // as in every unified diff, an empty range names the line before it
        format!("{},{length}", if length == 0 { start } else { start + 1 })
    };
    format!("@@ -{} +{} @@\n", range(DiffOp::old_range), range(DiffOp::new_range))
}

fn is_change(op: &DiffOp) -> bool {
    op.tag() != DiffTag::Equal
}

/// The lines that have words on them.
fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect()
}

/// The words of a line, one blank between them.
fn bare(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_shown() {
        let expected = "a\nb\nc\nd\n1m  X   fired\ne\nf\ng\nh\n";
        let found = "a\nb\nc\nd\n2m  X   fired\ne\nf\ng\nh\nnew\n";
        assert_eq!(
            unified(expected, found),
            "@@ -2,8 +2,9 @@\n b\n c\n d\n-1m  X   fired\n+2m  X   fired\n e\n f\n g\n h\n+new\n"
        );
        assert_eq!(unified("", "a\n"), "@@ -0,0 +1,1 @@\n+a\n");
        assert_eq!(unified("a\n", ""), "@@ -1,1 +0,0 @@\n-a\n");
    }

    #[test]
    fn blanks_and_empty_lines_do_not_matter() {
        assert_eq!(unified("\n1m  X  pending\n  -> chat\n\n", "1m    X pending\r\n    -> chat"), "");
        assert_eq!(unified("", "\n"), "");
        assert_ne!(unified("1 m", "1m"), "");
    }
}
