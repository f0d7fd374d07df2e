//! A mask begins with stars, and a plain YAML value that begins with one is an alias. So the masks of
//! a YAML text that stand where a plain value begins are put in quotes: a sealed case stays a case.

/// `text` with quotes around every plain value that begins with a mask.
pub(super) fn quoted(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 16);
    for line in text.split_inclusive(|b| *b == b'\n') {
        let mut rest = line;
        let mut done = Vec::new();
        while let Some(at) = begins_value(&done, rest) {
            let end = at + end_of_value(&rest[at..], in_flow(&done, &rest[..at]));
            done.extend_from_slice(&rest[..at]);
            done.push(b'\'');
            rest[at..end].iter().for_each(|b| done.extend(std::iter::repeat_n(*b, 1 + usize::from(*b == b'\''))));
            done.push(b'\'');
            rest = &rest[end..];
        }
        out.extend(done);
        out.extend_from_slice(rest);
    }
    out
}

/// Where in `rest` the next mask stands that begins a plain value.
fn begins_value(done: &[u8], rest: &[u8]) -> Option<usize> {
    memchr::memmem::find_iter(rest, b"***").find(|at| {
        let before = [done, &rest[..*at]].concat();
        let is_closed = |quote: u8| before.iter().filter(|b| **b == quote).count() % 2 == 0;
        let trimmed = before.trim_ascii_end();
        let is_set_apart = trimmed.len() < before.len() || trimmed.last().is_none_or(|b| b"[{,".contains(b));
        let opens = trimmed.last().is_none_or(|b| b":-[{,?".contains(b));
        opens && is_set_apart && is_closed(b'"') && is_closed(b'\'') && !trimmed.contains(&b'#')
    })
}

fn in_flow(done: &[u8], before: &[u8]) -> bool {
    done.iter().chain(before).any(|b| b"[{".contains(b))
}

fn end_of_value(rest: &[u8], in_flow: bool) -> usize {
    let comment = memchr::memmem::find(rest, b" #").unwrap_or(rest.len());
    let flow = if in_flow { rest.iter().position(|b| b",]}".contains(b)).unwrap_or(rest.len()) } else { rest.len() };
    rest[..comment.min(flow)].trim_ascii_end().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_value_that_begins_with_a_mask_is_quoted() {
        for (masked, yaml) in [
            ("title: ***x-y***\n", "title: '***x-y***'\n"),
            ("a: ***x*** it's # why", "a: '***x*** it''s' # why"),
            ("- ***x***", "- '***x***'"),
            ("with: { a: ***x***, b: [***y***] }", "with: { a: '***x***', b: ['***y***'] }"),
            ("a: \"***x***\"", "a: \"***x***\""),
            ("a: b ***x***", "a: b ***x***"),
            ("a: ghp_***x***", "a: ghp_***x***"),
        ] {
            assert_eq!(String::from_utf8(quoted(masked.as_bytes())).unwrap(), yaml);
        }
    }
}
