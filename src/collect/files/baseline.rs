//! How the sizes of a set of files compare: what is usual, what came before, what is far from it.
//! Arithmetic only; whether a small file is a bad one is for a policy to say.

use super::entry::Entry;

/// The ends of a set of files by age; of the same age, by place.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Ages {
    /// Where the oldest stands.
    pub oldest: Option<usize>,
    /// Where the one before the newest stands.
    pub previous: Option<usize>,
    /// Where the newest stands.
    pub newest: Option<usize>,
}

/// The ends by age of the regular files among `entries`.
#[must_use]
pub fn ages(entries: &[Entry]) -> Ages {
    let mut ages = Ages::default();
    let key = |at: usize| (entries[at].file().map(|about| about.changed), at);
    for at in (0..entries.len()).filter(|at| entries[*at].file().is_some()) {
        if ages.oldest.is_none_or(|oldest| key(at) < key(oldest)) {
            ages.oldest = Some(at);
        }
        if ages.newest.is_none_or(|newest| key(at) > key(newest)) {
            ages.previous = ages.newest.replace(at);
        } else if ages.previous.is_none_or(|previous| key(at) > key(previous)) {
            ages.previous = Some(at);
        }
    }
    ages
}

/// The median size of every regular file but the one at `newest`, and how many those are. For an
/// even number it is the middle between the two, rounded down.
#[must_use]
pub fn median(entries: &[Entry], newest: usize) -> Option<(u64, usize)> {
    let others = entries.iter().enumerate().filter(|(at, _)| *at != newest);
    let mut sizes: Vec<u64> = others.filter_map(|(_, entry)| Some(entry.file()?.size)).collect();
    let count = sizes.len();
    if count == 0 {
        return None;
    }
    let (below, upper, _) = sizes.select_nth_unstable(count / 2);
    let upper = *upper;
    let lower = if count % 2 == 1 { upper } else { below.iter().copied().max().unwrap_or(upper) };
    Some((u64::midpoint(lower, upper), count))
}

/// `part` as a share of `whole` with four digits that count; `None` when `whole` is nothing.
#[must_use]
pub fn share(part: u64, whole: u64) -> Option<f64> {
    if whole == 0 {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "four digits are kept")]
    let share = part as f64 / whole as f64;
    // Through text, so that every machine has the same digits.
    format!("{share:.3e}").parse().ok()
}

/// Whether `part` is so far from `whole` that it stands out.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a limit that people set is not that sharp")]
pub fn stands_out(part: u64, whole: u64, tolerance: f64) -> bool {
    let (part, whole) = (part as f64, whole as f64);
    whole > 0.0 && (part < whole * tolerance || part * tolerance > whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_keep_four_digits_and_the_limits_themselves_are_inside() {
        assert_eq!(share(20, 43_763_755), Some(4.57e-7));
        assert_eq!(share(2, 3), Some(0.6667));
        assert_eq!(share(1, 0), None);
        assert!(stands_out(49, 100, 0.5) && stands_out(201, 100, 0.5));
        assert!(!stands_out(200, 100, 0.5) && !stands_out(50, 100, 0.5) && !stands_out(1, 0, 0.5));
    }
}
