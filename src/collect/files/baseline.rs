//! How the sizes of a set of files compare: what is usual, what came before, what is far from it.
//! Arithmetic only; whether a small file is a bad one is for a policy to say.

use super::entry::Entry;

/// What is usual in a set of files.
#[derive(Debug, PartialEq)]
pub struct Baseline {
    /// The median size in bytes of every file but the newest; for an even number the lower half of
    /// the middle.
    pub median: u64,
    /// How many files that is the median of.
    pub of: usize,
    /// Where the newest stands.
    pub newest: usize,
    /// Where the one before the newest stands.
    pub previous: usize,
}

/// The regular files among `entries` by age, oldest first; of the same age by path.
#[must_use]
pub fn by_age(entries: &[Entry]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..entries.len()).filter(|at| entries[*at].is_file()).collect();
    order.sort_by(|a, b| {
        let key = |at: usize| (entries[at].changed, entries[at].path.as_str());
        key(*a).cmp(&key(*b))
    });
    order
}

/// What is usual among the files of `order`, by age; `None` when there are less than two.
#[must_use]
pub fn of(entries: &[Entry], order: &[usize]) -> Option<Baseline> {
    let [.., previous, newest] = order else { return None };
    let mut sizes: Vec<u64> =
        order[..order.len() - 1].iter().map(|at| entries[*at].size_bytes.unwrap_or_default()).collect();
    let count = sizes.len();
    sizes.sort_unstable();
    let median = if count % 2 == 1 { sizes[count / 2] } else { u64::midpoint(sizes[count / 2 - 1], sizes[count / 2]) };
    Some(Baseline { median, of: count, newest: *newest, previous: *previous })
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

/// Whether `share` is so far from one that it stands out.
#[must_use]
pub fn stands_out(share: f64, tolerance: f64) -> bool {
    share < tolerance || share > 1.0 / tolerance
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_keep_four_digits() {
        assert_eq!(share(20, 43_763_755), Some(4.57e-7));
        assert_eq!(share(2, 3), Some(0.6667));
        assert_eq!(share(1, 0), None);
        assert!(stands_out(0.49, 0.5) && stands_out(2.1, 0.5) && !stands_out(2.0, 0.5) && !stands_out(0.5, 0.5));
    }
}
