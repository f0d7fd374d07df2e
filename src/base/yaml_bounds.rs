//! Bounds of a YAML text before it is decoded. A small text can be large: an alias repeats what its anchor
//! holds, as often as it likes, and the parser's time grows with the square of how deep brackets nest.

use serde::de::{Deserializer as _, EnumAccess, Error, IgnoredAny, MapAccess, SeqAccess, VariantAccess, Visitor};

/// Brackets inside of brackets; people write fewer than ten.
const DEPTH: usize = 500;
/// Nodes after aliases are resolved.
const NODES: u64 = 500_000;
/// Bytes of text after aliases are resolved.
const BYTES: u64 = 16 << 20;
/// What the counter's error says, so that it is told from the parser's.
const REACHED: &str = "bound reached";

/// Whether `text` stays within the bounds.
///
/// # Errors
/// The line, 0 when unknown, and which bound is reached.
pub(super) fn check(text: &str) -> Result<(), (usize, String)> {
    let mut depth = 0_usize;
    for (index, line) in text.lines().enumerate() {
        for byte in line.bytes() {
            match byte {
                b'[' | b'{' => depth += 1,
                b']' | b'}' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        if depth > DEPTH {
            return Err((index + 1, format!("more than {DEPTH} brackets are open; the limit is {DEPTH}")));
        }
    }
    // Without an anchor, a text cannot be larger than it is.
    if !text.contains('&') || !text.contains('*') {
        return Ok(());
    }
    let mut count = Count { nodes: 0, bytes: 0 };
    for document in serde_yaml::Deserializer::from_str(text) {
        match document.deserialize_any(&mut count) {
            Err(error) if error.to_string().contains(REACHED) => {
                let message = format!("its aliases repeat too much: more than {NODES} nodes or {BYTES} bytes");
                return Err((0, message));
            }
            // The decoder reports it better.
            Err(_) => return Ok(()),
            Ok(()) => {}
        }
    }
    Ok(())
}

/// Counts what a decoder would see.
struct Count {
    nodes: u64,
    bytes: u64,
}

impl Count {
    fn add<E: Error>(&mut self, bytes: usize) -> Result<(), E> {
        self.nodes += 1;
        self.bytes += bytes as u64;
        if self.nodes > NODES || self.bytes > BYTES { Err(E::custom(REACHED)) } else { Ok(()) }
    }
}

impl<'de> serde::de::DeserializeSeed<'de> for &mut Count {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Count {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.add(0)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        self.add(0)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        self.add(0)
    }

    fn visit_i128<E: Error>(self, _: i128) -> Result<(), E> {
        self.add(0)
    }

    fn visit_u128<E: Error>(self, _: u128) -> Result<(), E> {
        self.add(0)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        self.add(0)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.add(text.len())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.add(0)
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        self.add(0)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.add(0)?;
        while items.next_element_seed(&mut *self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        self.add(0)?;
        while entries.next_key_seed(&mut *self)?.is_some() {
            entries.next_value_seed(&mut *self)?;
        }
        Ok(())
    }

    fn visit_enum<A: EnumAccess<'de>>(self, tagged: A) -> Result<(), A::Error> {
        let (_, content) = tagged.variant::<IgnoredAny>()?;
        content.newtype_variant_seed(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_large_is_refused_before_it_is_decoded() {
        let long = format!("a: &a \"{}\"\nb: [{}]\n", "x".repeat(100_000), "*a, ".repeat(25_000));
        let many = format!("a: &a [{}]\nb: [{}]\n", "x, ".repeat(1000), "*a, ".repeat(20_000));
        let tagged = format!("a: &a !t \"{}\"\nb: [{}]\n", "x".repeat(100_000), "*a, ".repeat(25_000));
        let flow = "a: ".to_owned() + &"[".repeat(100_000);
        let map = "a: ".to_owned() + &"{a: ".repeat(50_000);
        for text in [long, many, tagged, flow, map] {
            assert!(check(&text).is_err(), "{}", &text[..20]);
        }
    }

    #[test]
    fn what_people_write_passes() {
        let text = "x: &x { a: 1, b: [yes, ~, 2.5, \"t\"] }\ny: *x\nz: !t *x\nre: '[[[[{{'\n";
        assert_eq!(check(text), Ok(()));
        assert_eq!(check("a: *gone & [\n"), Ok(()), "the decoder reports what is wrong");
        assert_eq!(check(&"a: [x]\n".repeat(10_000)), Ok(()));
    }
}
