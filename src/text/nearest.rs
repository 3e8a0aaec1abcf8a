//! "Did you mean …?"

/// The candidate most like `word`, if any is close enough to be worth naming (at most a third of its letters differ).
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let length = lower.chars().count();
    let near = candidates.into_iter().filter_map(|candidate| {
        let candidate_length = candidate.chars().count();
        let limit = candidate_length.max(3) / 3;
        // each letter too many or too few is a difference: most candidates need no closer look
        if candidate_length.abs_diff(length) > limit {
            return None;
        }
        let distance = distance(&lower, &candidate.to_lowercase());
        (distance <= limit).then_some((distance, candidate))
    });
    near.min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

/// Edit distance in which swapping two neighbours counts once (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let change = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + change);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_likely_word_or_none() {
        let words = ["system_memory_usage_ratio", "system_disk_usage_ratio", "for"];
        assert_eq!(nearest("sytem_memroy_usage_ratio", words), Some("system_memory_usage_ratio"));
        assert_eq!(nearest("fro", words), Some("for"));
        assert_eq!(nearest("quantum", words), None);
    }
}
