//! The other half of a pair of keys. A key's id is recognised by its prefix; the key itself is a run of
//! random characters that nothing announces, except that it is near the id and has the right length.

use std::ops::Range;

/// How far before and after the id the other half is looked for, in bytes.
const NEAR: usize = 300;

/// Returns the runs of exactly `length` base64 characters near `id` that look random.
pub(super) fn near(text: &[u8], id: &Range<usize>, length: usize) -> Vec<Range<usize>> {
    let window = id.start.saturating_sub(NEAR)..text.len().min(id.end + NEAR);
    let mut found = Vec::new();
    let mut at = window.start;
    while at < window.end {
        let run = text[at..window.end].iter().take_while(|b| is_digit(**b)).count();
        let begins = at == 0 || !is_digit(text[at - 1]);
        let ends = text.get(at + run).is_none_or(|b| !is_digit(*b) && *b != b'=');
        if run == length && begins && ends && is_random(&text[at..at + run]) {
            found.push(at..at + run);
        }
        at += run + 1;
    }
    found
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'/' || byte == b'+'
}

/// Whether all three classes of characters occur, as they do in nearly every random run of 40, and it is
/// not a path.
fn is_random(run: &[u8]) -> bool {
    let has = |class: fn(&u8) -> bool| run.iter().any(class);
    has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_digit)
        && super::weigh::entropy(run) > 3.5
}

#[cfg(test)]
mod tests {
    use super::super::sample::random;
    use super::*;

    #[test]
    fn only_a_random_run_of_the_right_length_is_the_other_half() {
        let secret = format!("aB3/{}", random("alnum", 36, &mut 5).unwrap());
        let text = format!("id = \"ID\"\nkey = \"{secret}\"\nsha1 {}\n", "0a1b2c3d".repeat(5));
        let found = near(text.as_bytes(), &(6..8), 40);
        assert_eq!(found.iter().map(|run| &text[run.clone()]).collect::<Vec<_>>(), [secret.as_str()]);
        let longer = format!("ID {secret}x");
        assert!(near(longer.as_bytes(), &(0..2), 40).is_empty());
    }
}
