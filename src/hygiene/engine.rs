//! Finds secrets. One pass over the text looks for the words that announce one; only where such a
//! word stands is the rule's pattern tried, on that line alone, and only then compiled. So a text
//! without such words costs one pass, and a line of any length costs time in proportion.

use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use regex_automata::util::captures::Captures;
use regex_automata::{Anchored, Input};

use super::assign::{self, By, Only};
use super::keys::Kind;
use super::prefilter::{Prefilter, Word};
use super::rule::{self, Compiled, Confidence, Place, Rule};
use super::weigh::Stands;
use super::{block, companion, key_lines, manifest, pem, prose, table, tongues, value, weigh, word};

/// How much of a long line before and after an announcing word is looked at.
pub(super) const BEFORE: usize = 1 << 10;
const AFTER: usize = 16 << 10;
/// How far from a match a word may stand that the rule wants near.
const NEAR: usize = 4 << 10;
/// No label of a mask is longer, in bytes.
const LONGEST_LABEL: usize = 96;
/// How far a finding may reach beyond the word that announced it: a key block.
pub(super) const REACH: usize = 80 << 10;

/// One secret found: which rule, and where the secret itself stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// The rule's index.
    pub rule: usize,
    /// The bytes of the secret.
    pub secret: Range<usize>,
    /// How sure it is.
    pub confidence: Confidence,
    /// The writing it was found in, empty for the text as it stands.
    pub via: &'static str,
    /// Whether it is a further line of the secret found before it: masked, and not reported again.
    pub continues: bool,
}

/// The rules with their prefilter.
pub(super) struct Engine {
    rules: Vec<Rule>,
    words: Prefilter,
    /// What each word announces, by the word's number.
    announces: Vec<Announced>,
    /// Rules without a word: tried on every line. Only rules of users may be so.
    everywhere: Vec<usize>,
}

/// What a word announces.
struct Announced {
    /// The rules that it may be a part of.
    rules: Vec<usize>,
    /// Its length, in bytes.
    length: usize,
    /// What it announces when it is a name of another language.
    foreign: Option<Kind>,
}

/// The built-in rules; `None` when they cannot be read, and then everything is masked whole.
pub(super) static BUILT_IN: LazyLock<Option<Engine>> = LazyLock::new(|| {
    let rules = rule::built_in().ok()?;
    if rules.is_empty() { None } else { Some(Engine::new(rules)) }
});

/// The built-in rules together with the user's own, once those were read.
static WITH_OWN: OnceLock<Engine> = OnceLock::new();

/// The engine that masks: the user's own rules add to the built-in ones. `None` when the built-in rules
/// cannot be read.
pub(super) fn in_force() -> Option<&'static Engine> {
    WITH_OWN.get().or(BUILT_IN.as_ref())
}

/// Makes `rules` mask for the rest of the process; the first call counts.
pub(super) fn add(rules: Vec<Rule>) {
    WITH_OWN.get_or_init(|| Engine::new(rules));
}

impl Engine {
    /// An engine with `rules`.
    pub fn new(rules: Vec<Rule>) -> Self {
        let mut numbers = std::collections::BTreeMap::<(Vec<u8>, bool), (Vec<usize>, u32)>::new();
        let mut everywhere = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            let usable = rule.words().iter().filter(|w| w.len() >= 3).count();
            if usable == 0 || usable < rule.words().len() {
                everywhere.push(index);
                continue;
            }
            for word in rule.words() {
                let bytes = if rule.folds() { word.to_ascii_lowercase() } else { word.clone() }.into_bytes();
                let (rules, next) = numbers.entry((bytes, rule.folds())).or_default();
                *next |= rule.follows(word);
                if rules.last() != Some(&index) {
                    rules.push(index);
                }
            }
        }
        let (words, announces): (Vec<_>, Vec<_>) = numbers
            .into_iter()
            .map(|((bytes, fold), (rules, next))| {
                let foreign = std::str::from_utf8(&bytes).ok().and_then(tongues::names);
                let announced = Announced { rules, length: bytes.len(), foreign };
                (Word { bytes, fold, next }, announced)
            })
            .unzip();
        Self { rules, words: Prefilter::new(words), announces, everywhere }
    }

    /// Whether the byte at `at` belongs to the label of a mask: `***rule-id***`, `***rule-id-7***`. What
    /// a label says about the masked value announces nothing about the text after it.
    fn is_in_label(&self, text: &[u8], at: usize) -> bool {
        let is_label = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-';
        let before = text[..at].iter().rev().take(LONGEST_LABEL).take_while(|b| is_label(b)).count();
        if !text[..at - before].ends_with(b"***") {
            return false;
        }
        let after = text[at..].iter().take(LONGEST_LABEL).take_while(|b| is_label(b)).count();
        let label = &text[at - before..at + after];
        let number = label.iter().rev().take_while(|b| b.is_ascii_digit()).count();
        let name = label[..label.len() - number].strip_suffix(b"-").filter(|_| number > 0).unwrap_or(label);
        text[at + after..].starts_with(b"***")
            && self.rules.iter().any(|rule| rule.id.as_bytes() == name || rule.id.as_bytes() == label)
    }

    /// The rules, in order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The first pass.
    #[cfg(test)]
    pub fn words(&self) -> &Prefilter {
        &self.words
    }

    /// Every secret in `text`, in order, none overlapping another.
    pub fn find(&self, text: &[u8]) -> Vec<Finding> {
        merge(self.find_all(text))
    }

    /// Every secret in `text`, as each rule sees it.
    pub fn find_all(&self, text: &[u8]) -> Vec<Finding> {
        let mut search = Search { engine: self, text, searched: Vec::new(), named: (usize::MAX, 0), found: Vec::new() };
        self.words.each(text, |word, at| {
            let announced = &self.announces[word];
            for &rule in &announced.rules {
                search.at(rule, at, announced);
            }
        });
        for &rule in &self.everywhere {
            search.everywhere(rule);
        }
        let mut found = search.found;
        found.retain(|f| !f.secret.is_empty());
        found
    }
}

/// One search through one text.
struct Search<'a> {
    engine: &'a Engine,
    text: &'a [u8],
    /// For rules that are no longer tried before a place: rule and place.
    searched: Vec<(usize, usize)>,
    /// The last name whose assignment was read: rule and beginning.
    named: (usize, usize),
    found: Vec<Finding>,
}

impl Search<'_> {
    /// Tries a rule at the word at `hit`.
    fn at(&mut self, index: usize, hit: usize, word: &Announced) {
        let rule = &self.engine.rules[index];
        match rule.place {
            Place::Value | Place::Flag => return self.assigned(index, hit, word),
            Place::Manifest => return self.manifest(index, hit),
            _ => {}
        }
        // A service's name stands at the beginning of a word, not within one.
        let within = |at: usize| self.text[at].is_ascii_lowercase() && self.text[at - 1].is_ascii_alphabetic();
        if !rule.names.is_empty() && hit > 0 && within(hit) {
            return;
        }
        let Some(compiled) = rule.compiled() else { return };
        if compiled.anchored && compiled.bounded && hit > 0 && is_word(self.text[hit - 1]) && is_word(self.text[hit]) {
            return;
        }
        let line = line_around(self.text, hit);
        if compiled.anchored {
            let input = Input::new(self.text).span(hit..line.end.min(hit + AFTER)).anchored(Anchored::Yes);
            self.attempt(index, compiled, input);
        } else {
            self.window(index, compiled, line, hit);
        }
    }

    /// Tries a rule on the part of the line around `hit` that was not tried before.
    fn window(&mut self, index: usize, compiled: &Compiled, line: Range<usize>, hit: usize) {
        let known = self.searched.iter().position(|(rule, _)| *rule == index);
        let from = known.map_or(0, |i| self.searched[i].1);
        if hit < from {
            return;
        }
        let limit = line.end.min(hit + AFTER);
        let mut at = line.start.max(hit.saturating_sub(BEFORE));
        while at <= limit {
            let Some(next) = self.attempt(index, compiled, Input::new(self.text).span(at..limit)) else { break };
            at = next;
        }
        // The last stretch of a long line is looked at again from the next word on.
        let until = if limit == hit + AFTER { limit - BEFORE } else { limit }.max(hit + 1);
        match known {
            Some(i) => self.searched[i].1 = until,
            None => self.searched.push((index, until)),
        }
    }

    /// Tries a rule that no word announces on every line.
    fn everywhere(&mut self, index: usize) {
        let Some(compiled) = self.engine.rules[index].compiled() else { return };
        let mut at = 0;
        while at <= self.text.len() {
            let Some(next) = self.attempt(index, compiled, Input::new(self.text).span(at..self.text.len())) else {
                break;
            };
            at = next;
        }
    }

    /// Matches once; gives where to go on, `None` when there is no match.
    fn attempt(&mut self, index: usize, compiled: &Compiled, input: Input<'_>) -> Option<usize> {
        if !compiled.regex.is_match(input.clone().earliest(true)) {
            return None;
        }
        let mut groups = compiled.regex.create_captures();
        compiled.regex.search_captures(&input, &mut groups);
        let whole = groups.get_match()?.range();
        if let Some(end) = self.block_with_prefixes(index, whole.clone()) {
            return Some(end);
        }
        match self.secret_of(index, compiled, &groups, whole.clone()) {
            Ok(secret) => {
                let end = secret.end.max(whole.start + 1);
                self.weigh(index, compiled, whole, secret);
                Some(end)
            }
            Err(resume) => Some(resume.max(whole.start + 1)),
        }
    }

    /// Finds the material of a key block whose lines have prefixes, and returns where it ends.
    fn block_with_prefixes(&mut self, index: usize, whole: Range<usize>) -> Option<usize> {
        let rule = &self.engine.rules[index];
        if rule.place != Place::Block {
            return None;
        }
        let again = rule.literals.first().map_or("-----BEGIN ", String::as_str);
        let until = rule.until.as_deref().unwrap_or("-----END");
        let lines = key_lines::after_marker(self.text, whole.end, until, again)?;
        let body: Vec<&[u8]> = lines.iter().map(|run| &self.text[run.clone()]).collect();
        let confidence = pem::weigh(&self.text[whole], &body.join(&b'\n'), rule.confidence)?;
        let end = lines.last()?.end;
        self.push_lines(index, confidence, lines);
        Some(end)
    }

    /// Keeps the lines of one secret: the first as a finding, the others as its continuation.
    fn push_lines(&mut self, rule: usize, confidence: Confidence, lines: Vec<Range<usize>>) {
        self.found.extend(lines.into_iter().enumerate().map(|(number, secret)| Finding {
            rule,
            secret,
            confidence,
            via: "",
            continues: number > 0,
        }));
    }

    /// Where the secret of a match stands, or where to look on when there is none.
    fn secret_of(
        &self,
        index: usize,
        compiled: &Compiled,
        groups: &Captures,
        whole: Range<usize>,
    ) -> Result<Range<usize>, usize> {
        let (rule, text) = (&self.engine.rules[index], self.text);
        let secret = match rule.place {
            Place::Group | Place::Value | Place::Flag | Place::Manifest => {
                compiled.groups.iter().find_map(|g| groups.get_group(*g)).map_or(whole, |span| span.range())
            }
            Place::Argument => value::argument(text, whole.end),
            Place::Block => {
                let again = rule.literals.first().map_or("-----BEGIN ", String::as_str);
                block::body(text, whole.end, rule.until.as_deref().unwrap_or("-----END"), again)
            }
        };
        let is_next_flag = rule.place == Place::Argument
            && text[secret.clone()].starts_with(b"-")
            && text[..secret.start].last().is_some_and(u8::is_ascii_whitespace);
        if is_next_flag || value::is_placeholder(&text[secret.clone()]) { Err(secret.end) } else { Ok(secret) }
    }

    /// Keeps a finding with the confidence that its value earns.
    fn weigh(&mut self, index: usize, compiled: &Compiled, whole: Range<usize>, secret: Range<usize>) {
        let rule = &self.engine.rules[index];
        let seen = &self.text[secret.clone()];
        let around = &self.text[whole.start.saturating_sub(NEAR)..self.text.len().min(whole.end + NEAR)];
        let has = |word: &String| memchr::memmem::find(around, word.as_bytes()).is_some();
        if !rule.near.is_empty() && !rule.near.iter().any(has) {
            return;
        }
        let mut confidence = rule.confidence;
        if rule.place == Place::Block {
            match pem::weigh(&self.text[whole.clone()], seen, confidence) {
                Some(weighed) => confidence = weighed,
                None => return,
            }
        }
        if let Some(check) = rule.check {
            match check.weigh(&self.text[whole.clone()], seen, confidence) {
                Some(weighed) => confidence = weighed,
                None => return,
            }
        }
        if rule.place == Place::Group && rule.min_entropy > 0.0 && weigh::entropy(seen) < rule.min_entropy {
            if rule.confidence == Confidence::High {
                return;
            }
            confidence = Confidence::Low;
        }
        if rule.place == Place::Group && weigh::is_dummy(seen) {
            confidence = Confidence::Low;
        }
        if rule.place == Place::Argument && weigh::assigned(Kind::Password, seen, Stands::Alone) == Confidence::Low {
            confidence = Confidence::Low;
        }
        let excepted = |allow: &regex_automata::meta::Regex| allow.is_match(Input::new(self.text).span(whole.clone()));
        if compiled.allow.as_ref().is_some_and(excepted) {
            return;
        }
        if rule.companion > 0 && confidence > Confidence::Low {
            let halves = companion::near(self.text, &secret, rule.companion);
            let finding = |secret| Finding { rule: index, secret, confidence, via: "", continues: false };
            self.found.extend(halves.into_iter().map(finding));
        }
        let further = if rule.continues { key_lines::after_line(self.text, &secret) } else { Vec::new() };
        self.push_lines(index, confidence, std::iter::once(secret).chain(further).collect());
    }

    /// The values of a secret's manifest.
    fn manifest(&mut self, index: usize, hit: usize) {
        for secret in manifest::values(self.text, hit) {
            if !value::is_placeholder(&self.text[secret.clone()]) {
                let confidence = self.engine.rules[index].confidence;
                self.found.push(Finding { rule: index, secret, confidence, via: "", continues: false });
            }
        }
    }

    /// The value after a name, if the name announces a secret and the value is one.
    fn assigned(&mut self, index: usize, hit: usize, word: &Announced) {
        if self.engine.is_in_label(self.text, hit) {
            return;
        }
        let Some(named) = assign::name_at(self.text, hit, word.length, word.foreign) else { return };
        let is_flag = self.engine.rules[index].place == Place::Flag;
        // Several words announce the same name: `db_password_token`.
        if assign::is_flag(self.text, &named.range) != is_flag || self.named == (index, named.range.start) {
            return;
        }
        self.named = (index, named.range.start);
        let seen = assign::to(self.text, &named).filter(|seen| seen.by != By::Word);
        let Some(seen) = seen else { return self.beside(index, &named) };
        let value = &self.text[seen.value.clone()];
        // Names that announce much else too: mostly their values say at once that they are no secrets.
        if seen.only == Only::Key && !prose::is_key(value) {
            return;
        }
        // `["--password", "--verbose"]`: the next item of a list; in quotes after a blank it is the value.
        let listed = self.text[seen.name.end..seen.value.start].contains(&b',');
        let is_next = if seen.quoted { listed && value.starts_with(b"--") } else { value.starts_with(b"-") };
        if seen.by == By::Flag && is_next {
            return;
        }
        let bare = !seen.quoted && !matches!(seen.by, By::Element | By::Cell);
        let head = &self.text[..seen.value.start];
        let spaced_colon = head.last().is_some_and(u8::is_ascii_whitespace) && head.trim_ascii_end().ends_with(b":");
        let name = &self.text[seen.name.clone()];
        let is_result = spaced_colon
            && bare
            && (name == b"PASS" || (name == b"pass" || name == b"passwd") && value.contains(&b' '));
        let is_folder = name.eq_ignore_ascii_case(b"pwd") && value.first().is_none_or(|b| b"/.~$`".contains(b));
        // `Status::Pass => "holds"`: an arm of code.
        let is_arm = matches!(name, b"Pass" | b"PASS")
            && head.strip_suffix(b"\"").unwrap_or(head).trim_ascii_end().ends_with(b"=>");
        if is_result
            || is_arm
            || is_folder
            || value.len() < 2
            || bare && seen.kind == Kind::Password && word::describes(value)
            || value::is_placeholder(value)
            || bare && value::is_harmless(value, seen.kind, spaced_colon)
        {
            return;
        }
        // `/srv/token: does not exist`: what is said of a file.
        let is_file = seen.name.start > 0 && self.text[seen.name.start - 1] == b'/' && spaced_colon && bare;
        if is_file && weigh::assigned(seen.kind, value, Stands::Bare) == Confidence::Low {
            return;
        }
        // In a string of code the value of a line ends where its `\n` stands; masked is all of it.
        let line = memchr::memmem::find(value, b"\\n").filter(|at| bare && *at > 0).unwrap_or(value.len());
        let mut confidence = weigh::assigned(seen.kind, &value[..line], seen.stands);
        if weigh::is_dummy(value) || self.interpolates(&seen.value) {
            confidence = Confidence::Low;
        }
        // A call of a method with a word, and a comparison with one, is code, not a leak.
        // `secret "db-credentials-7f8h2k9m4t"`, `<td>varchar(255)</td>`.
        let is_resource = seen.by == By::Call && seen.kind == Kind::Token && prose::is_resource(value);
        if is_resource || seen.by == By::Cell && value.contains(&b'(') {
            return;
        }
        let is_doubtful = seen.only != Only::Any || matches!(seen.by, By::Call | By::Comparison | By::Cell);
        if confidence == Confidence::Low && is_doubtful {
            return;
        }
        let is_fit = match seen.only {
            Only::Any | Only::Key => true,
            Only::Foreign if value.contains(&b' ') => return self.beside(index, &named),
            Only::Foreign => value.is_ascii(),
            Only::Chosen if !prose::is_chosen(value) => return self.beside(index, &named),
            Only::Chosen => true,
            Only::Pin => (4..=8).contains(&value.len()) && value.iter().all(u8::is_ascii_digit),
            Only::Session => value.len() >= 16 && prose::is_key(value) || value.len() == 32,
        };
        if !is_fit {
            return;
        }
        self.found.push(Finding { rule: index, secret: seen.value, confidence, via: "", continues: false });
    }

    /// The values that a sentence or a table gives to a name to which nothing is assigned.
    fn beside(&mut self, index: usize, name: &assign::Name) {
        let next = self.text.get(name.range.end);
        let is_near = next.is_none_or(|b| b" \t\"'`*|,;\r\n<)".contains(b) || *b >= 0x80);
        if self.engine.rules[index].place != Place::Value || !is_near {
            return;
        }
        let Some(kind) = assign::announces(self.text, name) else { return };
        let name = name.range.clone();
        let confidence = Confidence::Medium;
        let before = self.found.len();
        for (secret, kind) in table::column(self.text, &name) {
            let value = &self.text[secret.clone()];
            let is_one = value.iter().all(|b| b.is_ascii_graphic() && !b"(){}[]<>;".contains(b))
                && !value::is_placeholder(value)
                && !weigh::is_dummy(value)
                && weigh::assigned(kind, value, Stands::Quoted) > Confidence::Low;
            if is_one {
                self.found.push(Finding { rule: index, secret, confidence, via: "", continues: false });
            }
        }
        if self.found.len() == before
            && let Some(secret) = prose::told(self.text, &name, kind)
        {
            self.found.push(Finding { rule: index, secret, confidence, via: "", continues: false });
        }
    }

    /// Whether a value is put together from others: `${A}:${B}`, `" + name + "`.
    fn interpolates(&self, value: &Range<usize>) -> bool {
        let seen = &self.text[value.clone()];
        let has = |mark: &str| memchr::memmem::find(seen, mark.as_bytes()).is_some();
        let named = seen.split(|b| *b == b'{').skip(1).any(|rest| {
            let name = rest.iter().take_while(|b| b.is_ascii_lowercase() || **b == b'_').count();
            name >= 3 && rest.get(name) == Some(&b'}')
        });
        seen.len() < 512
            && (named && !value::is_marked(seen)
                || has("${")
                || has("{{")
                || has("$(")
                || has("#{")
                || has("%s") && (seen.len() < 32 || seen.contains(&b' '))
                || seen.starts_with(b"$"))
    }
}

/// What `\b` takes for a part of a word.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn line_around(text: &[u8], at: usize) -> Range<usize> {
    let start = memchr::memrchr(b'\n', &text[at.saturating_sub(BEFORE)..at]);
    let start = start.map_or(at.saturating_sub(BEFORE), |i| at.saturating_sub(BEFORE) + i + 1);
    let end = memchr::memchr(b'\n', &text[at..text.len().min(at + AFTER)]);
    start..end.map_or(text.len().min(at + AFTER), |i| at + i)
}

/// Sorted, with overlapping findings made one under the rule that stands first in the files: the
/// specific ones come before the general. A sure finding lends its name to the whole.
pub(super) fn merge(mut found: Vec<Finding>) -> Vec<Finding> {
    found.sort_by_key(|f| (f.secret.start, f.secret.end, f.rule));
    let mut merged: Vec<Finding> = Vec::with_capacity(found.len());
    for next in found {
        match merged.last_mut() {
            Some(last) if next.secret.start < last.secret.end => {
                last.secret.end = last.secret.end.max(next.secret.end);
                let better =
                    (next.confidence, std::cmp::Reverse(next.rule)) > (last.confidence, std::cmp::Reverse(last.rule));
                if better {
                    last.rule = next.rule;
                    last.confidence = next.confidence;
                    last.via = next.via;
                }
                last.continues &= next.continues;
            }
            _ => merged.push(next),
        }
    }
    merged
}
