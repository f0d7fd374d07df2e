//! Amounts with units, as people write them in policies (`1 MB`, `30h`) and as records show them.
//! A unit is never guessed: a bare number is a bare number.

use std::fmt;

/// What a written quantity measures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Quantity {
    /// A bare number.
    Number(f64),
    /// Bytes, from `kB`, `MB`, `GB`, `TB` (powers of 1000) or `KiB`, `MiB`, `GiB`, `TiB`.
    Bytes(u64),
    /// Seconds, from `s`, `m`, `h`, `d`, also combined: `1h30m`.
    Seconds(f64),
}

/// Why a text is no quantity.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum QuantityError {
    /// The text does not begin with a number.
    #[error("expected a number with an optional unit, e.g. `20`, `1 MiB`, `30h`")]
    NoNumber,
    /// The unit is not known.
    #[error("unknown unit, or none; bytes: B kB MB GB TB KiB MiB GiB TiB, times: ms s m h d")]
    UnknownUnit,
    /// Negative, not finite, or too large.
    #[error("a quantity is finite, not negative and fits in 64 bits")]
    OutOfRange,
}

/// Reads `20`, `1.5 MB`, `1 MiB`, `60m`, `1h30m`.
///
/// # Errors
/// When the number or the unit cannot be read.
pub fn parse(text: &str) -> Result<Quantity, QuantityError> {
    let text = text.trim();
    let (number, rest) = leading_number(text)?;
    let unit = rest.trim_start();
    if unit.is_empty() {
        return Ok(Quantity::Number(number));
    }
    if let Some(factor) = byte_factor(unit) {
        return to_bytes(number, factor);
    }
    parse_seconds(text).map(Quantity::Seconds)
}

/// Reads a duration such as `90s`, `60m`, `1h30m`, in seconds.
///
/// # Errors
/// When a part has no known time unit.
pub fn parse_seconds(text: &str) -> Result<f64, QuantityError> {
    let mut rest = text.trim();
    let mut seconds = 0.0;
    if rest.is_empty() {
        return Err(QuantityError::NoNumber);
    }
    while !rest.is_empty() {
        let (number, tail) = leading_number(rest)?;
        let tail = tail.trim_start();
        let end = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        seconds += number * second_factor(&tail[..end]).ok_or(QuantityError::UnknownUnit)?;
        rest = tail[end..].trim_start();
    }
    if seconds.is_finite() { Ok(seconds) } else { Err(QuantityError::OutOfRange) }
}

fn leading_number(text: &str) -> Result<(f64, &str), QuantityError> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number: f64 = text[..end].parse().map_err(|_| QuantityError::NoNumber)?;
    Ok((number, &text[end..]))
}

fn to_bytes(number: f64, factor: u64) -> Result<Quantity, QuantityError> {
    #[expect(clippy::cast_precision_loss, reason = "factors are small powers")]
    let bytes = (number * factor as f64).round();
    if !(0.0..9.0e18).contains(&bytes) {
        return Err(QuantityError::OutOfRange);
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "range checked")]
    Ok(Quantity::Bytes(bytes as u64))
}

fn byte_factor(unit: &str) -> Option<u64> {
    Some(match unit {
        "B" | "byte" | "bytes" => 1,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return None,
    })
}

fn second_factor(unit: &str) -> Option<f64> {
    Some(match unit {
        "ms" => 0.001,
        "s" | "sec" | "second" | "seconds" => 1.0,
        "m" | "min" | "minute" | "minutes" => 60.0,
        "h" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        _ => return None,
    })
}

/// A number of bytes for people: `63511944 bytes (60.6 MiB)`; under 1 KiB just `20 bytes`.
#[must_use]
pub fn show_bytes(bytes: u64) -> String {
    let plain = if bytes == 1 { "1 byte".to_owned() } else { format!("{bytes} bytes") };
    match iec(bytes) {
        Some(iec) => format!("{plain} ({iec})"),
        None => plain,
    }
}

/// The IEC form with one decimal, e.g. `60.6 MiB`; `None` under 1 KiB.
#[must_use]
pub fn iec(bytes: u64) -> Option<String> {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut index = 0;
    // In tenths, rounded half up, so that 1048575 bytes show as 1.0 MiB and not as 1024.0 KiB.
    let tenths = |index: usize| {
        let unit = 1u128 << (10 * (index + 1));
        (u128::from(bytes) * 20 + unit) / (unit * 2)
    };
    if bytes < 1024 {
        return None;
    }
    while tenths(index) >= 10_240 && index + 1 < UNITS.len() {
        index += 1;
    }
    let value = tenths(index);
    Some(format!("{}.{} {}", value / 10, value % 10, UNITS[index]))
}

/// Seconds for people: `45s`, `1h 30m 0s`, `2d 3h 0m 5s`; milliseconds under one second.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
pub fn show_seconds(seconds: f64) -> String {
    let seconds = seconds.clamp(0.0, 1.0e15);
    if seconds > 0.0 && seconds < 1.0 {
        return format!("{}ms", (seconds * 1000.0).round() as u64);
    }
    let whole = seconds.round() as u64;
    let (d, h, m, s) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60, whole % 60);
    match (d, h, m) {
        (0, 0, 0) => format!("{s}s"),
        (0, 0, _) => format!("{m}m {s}s"),
        (0, _, _) => format!("{h}h {m}m {s}s"),
        _ => format!("{d}d {h}h {m}m {s}s"),
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Bytes(bytes) => f.write_str(&show_bytes(*bytes)),
            Self::Seconds(seconds) => f.write_str(&show_seconds(*seconds)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        assert_eq!(parse("1 MB"), Ok(Quantity::Bytes(1_000_000)));
        assert_eq!(parse("1 MiB"), Ok(Quantity::Bytes(1 << 20)));
        assert_eq!(parse("60m"), Ok(Quantity::Seconds(3600.0)));
        assert_eq!(parse("1h30m"), Ok(Quantity::Seconds(5400.0)));
        assert_eq!(parse("30h"), Ok(Quantity::Seconds(108_000.0)));
        assert_eq!(parse("20"), Ok(Quantity::Number(20.0)));
    }

    #[test]
    fn refuses_unknown_units_and_nonsense() {
        assert_eq!(parse("1 Mb"), Err(QuantityError::UnknownUnit));
        assert_eq!(parse("many"), Err(QuantityError::NoNumber));
        assert_eq!(parse("99999999999999999999 TB"), Err(QuantityError::OutOfRange));
    }

    #[test]
    fn shows_the_right_iec_unit() {
        assert_eq!(show_bytes(63_511_944), "63511944 bytes (60.6 MiB)");
        assert_eq!(show_bytes(20), "20 bytes");
        assert_eq!(show_bytes(1_048_575), "1048575 bytes (1.0 MiB)");
        assert_eq!(iec(667_414_820).unwrap(), "636.5 MiB");
    }

    #[test]
    fn shows_durations() {
        assert_eq!(show_seconds(45.0), "45s");
        assert_eq!(show_seconds(108_000.0), "1d 6h 0m 0s");
        assert_eq!(show_seconds(0.25), "250ms");
    }
}
