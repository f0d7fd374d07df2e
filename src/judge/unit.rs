//! Units. A fact's value is a plain number; what it counts stands in its name (`payload_bytes`,
//! `age_seconds`, `took_ms`), so a written quantity such as `1 MB` or `60m` can be compared only
//! with a value whose name says the same unit. A unit is never guessed.

use crate::base::quantity::{self, Quantity};

/// What a number counts, as the last word of its name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// `bytes`, `…_bytes`.
    Bytes,
    /// `seconds`, `…_seconds`.
    Seconds,
    /// `ms`, `…_ms`.
    Millis,
    /// Nothing in the name says.
    Bare,
}

impl Unit {
    /// The unit of the value at `reference`; an index such as `.0` is passed over.
    pub(super) fn of(reference: &str) -> Self {
        let mut names = reference.rsplit('.').filter(|part| part.parse::<usize>().is_err());
        match names.next().unwrap_or("").rsplit('_').next().unwrap_or("") {
            "bytes" => Self::Bytes,
            "seconds" => Self::Seconds,
            "ms" => Self::Millis,
            _ => Self::Bare,
        }
    }

    /// The word that messages use.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Seconds => "seconds",
            Self::Millis => "milliseconds",
            Self::Bare => "a bare number",
        }
    }

    /// `quantity` as a number in this unit; `None` when it measures something else.
    pub(super) fn number(self, quantity: Quantity) -> Option<f64> {
        match (self, quantity) {
            (_, Quantity::Number(number)) => Some(number),
            #[expect(clippy::cast_precision_loss, reason = "beyond 2^53 bytes a rounding does not matter")]
            (Self::Bytes, Quantity::Bytes(bytes)) => Some(bytes as f64),
            (Self::Seconds, Quantity::Seconds(seconds)) => Some(seconds),
            (Self::Millis, Quantity::Seconds(seconds)) => Some(seconds * 1000.0),
            _ => None,
        }
    }

    /// `number` with its unit, short: `20 bytes`, `3600 seconds`, `17`.
    pub(super) fn short(self, number: f64) -> String {
        match self {
            Self::Bytes if number == 1.0 => "1 byte".to_owned(),
            Self::Seconds if number == 1.0 => "1 second".to_owned(),
            Self::Bytes => format!("{number} bytes"),
            Self::Seconds => format!("{number} seconds"),
            Self::Millis => format!("{number} ms"),
            Self::Bare => number.to_string(),
        }
    }

    /// `number` with its unit and, where that helps, in larger units: `43311450 bytes (41.3 MiB)`.
    pub(super) fn show(self, number: f64) -> String {
        let whole = number.fract() == 0.0 && (0.0..9.0e15).contains(&number);
        match self {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and in range")]
            Self::Bytes if whole => quantity::show_bytes(number as u64),
            Self::Seconds if number >= 60.0 => format!("{} ({})", self.short(number), quantity::show_seconds(number)),
            _ => self.short(number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_stands_in_the_name() {
        assert_eq!(Unit::of("fresh.payload_bytes"), Unit::Bytes);
        assert_eq!(Unit::of("sizes.bytes.0"), Unit::Bytes);
        assert_eq!(Unit::of("job.took_ms"), Unit::Millis);
        assert_eq!(Unit::of("kilobytes.count"), Unit::Bare);
        assert_eq!(Unit::of("fresh"), Unit::Bare);
    }

    #[test]
    fn a_quantity_of_another_unit_is_no_number() {
        assert_eq!(Unit::Bytes.number(Quantity::Seconds(60.0)), None);
        assert_eq!(Unit::Seconds.number(Quantity::Bytes(60)), None);
        assert_eq!(Unit::Bare.number(Quantity::Bytes(60)), None);
        assert_eq!(Unit::Millis.number(Quantity::Seconds(2.0)), Some(2000.0));
    }

    #[test]
    fn shows_large_figures_twice() {
        assert_eq!(Unit::Bytes.show(43_311_450.0), "43311450 bytes (41.3 MiB)");
        assert_eq!(Unit::Bytes.show(20.0), "20 bytes");
        assert_eq!(Unit::Seconds.show(5400.0), "5400 seconds (1h 30m 0s)");
        assert_eq!(Unit::Bare.show(302.0), "302");
    }
}
