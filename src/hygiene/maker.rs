//! Calls that make a secret of the text they are given (`String::from("…")`), told from those that
//! fetch one by its name (`getenv("…")`). Reads no further than the quote.

/// Functions that make a secret of the text they are given.
const MAKERS: [&[u8]; 25] = [
    b"from",
    b"some",
    b"ok",
    b"new",
    b"bytes",
    b"byte",
    b"str",
    b"string",
    b"secretstring",
    b"secret",
    b"secretstr",
    b"secretvalue",
    b"fromhex",
    b"decode",
    b"b64decode",
    b"atob",
    b"unhexlify",
    b"decodestring",
    b"getbytes",
    b"wrap",
    b"sensitive",
    b"securestring",
    b"parse",
    b"of",
    b"text",
];

/// Steps over `String::from(`, `[]byte(`, `Some(` and their kin before a quote.
pub(super) fn made_of(text: &[u8], start: usize) -> usize {
    let rest = &text[start..text.len().min(start + 64)];
    let name = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || b"_:.[]<> ".contains(b)).count();
    if name == 0 || !matches!(rest.get(name), Some(b'(' | b'{')) {
        return start;
    }
    let last = rest[..name].rsplit(|b| !b.is_ascii_alphanumeric()).next().unwrap_or_default().to_ascii_lowercase();
    let inside = name + 1 + rest[name + 1..].iter().take_while(|b| **b == b' ').count();
    let quote = inside + rest[inside..].iter().take(2).take_while(|b| b"bruf".contains(b)).count();
    let is_quoted = rest.get(quote).is_some_and(|b| b"\"'`".contains(b));
    // What is fetched under a name is no value: `config('DB_PASSWORD')`.
    const FETCHES: [&[u8]; 12] = [
        b"get",
        b"env",
        b"fetch",
        b"read",
        b"load",
        b"config",
        b"prompt",
        b"input",
        b"lookup",
        b"find",
        b"ref",
        b"secretref",
    ];
    let fetches = FETCHES.iter().any(|word| last.starts_with(word));
    let is_made = MAKERS.contains(&last.as_slice()) || rest[name] == b'(' && last.len() >= 4 && !fetches;
    if is_quoted && is_made { start + inside } else { start }
}

/// Whether the call at `start` surely makes a secret of its text.
pub(super) fn is_maker(text: &[u8], start: usize) -> bool {
    let rest = &text[start..text.len().min(start + 64)];
    let name = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || b"_:.[]<> ".contains(b)).count();
    let last = rest[..name].rsplit(|b| !b.is_ascii_alphanumeric()).next().unwrap_or_default().to_ascii_lowercase();
    MAKERS.contains(&last.as_slice())
}
