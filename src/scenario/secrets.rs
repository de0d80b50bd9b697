//! Masking of secret values in all output and files.

mod forms;
mod on_screen;
mod streamed;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// The replacement of a secret.
const MASK: &str = "***";

/// The minimum length of a part of a secret that is masked at a cut.
const MIN_PART: usize = 3;

/// Shorter texts in base64 would be found by accident.
const MIN_BASE64: usize = 4;

/// Shorter secrets are not looked for across the indentation of a line, where they would be found
/// by accident.
const MIN_INDENTED: usize = 4;

/// A masker, which replaces secret values by `***`. Cheap to clone.
///
/// All occurrences of all secrets are found, including overlapping ones, so that no piece of one
/// secret remains because another one covers the rest of it. A secret is found in these forms, and
/// in any mixture of the first two kinds:
/// - raw;
/// - with characters escaped as in JSON, Python, a regular expression, a shell, a URL or HTML;
/// - in base64, also as a part of a longer encoded text.
///
/// Control characters within it are skipped, and so is the break of a line with the blanks around
/// it: a narrow terminal breaks a secret like any other text.
#[derive(Debug, Clone, Default)]
pub struct Masker {
    needles: Arc<[Needle]>,
    values: Arc<[String]>,
}

/// A text to mask. There are few per flow, so searching for one after the other is cheaper than
/// building an automaton for all of them.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Needle {
    /// Begins with a printable character.
    characters: Vec<char>,
    /// Characters around it that depend on it partly.
    around: (usize, usize),
}

impl Masker {
    /// Creates a masker of these values. Those without a printable character are ignored.
    pub fn new<'a>(values: impl IntoIterator<Item = &'a str>) -> Masker {
        let values = values
            .into_iter()
            .map(|value| value.trim_matches(|c: char| c.is_ascii_control()));
        let values = values.filter(|value| !value.is_empty());
        let mut values: Vec<String> = values.map(str::to_owned).collect();
        values.sort_unstable();
        values.dedup();
        let mut needles: Vec<Needle> = values
            .iter()
            .flat_map(|value| std::iter::once(Needle::raw(value)).chain(Needle::in_base64(value)))
            .collect();
        needles.sort_unstable();
        needles.dedup();
        Masker {
            needles: needles.into(),
            values: values.into(),
        }
    }

    /// Returns the secret values.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(String::as_str)
    }

    /// Replaces every secret value in the text by `***`.
    pub fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        replaced(text, MASK, self.find(text.as_bytes()))
    }

    /// Replaces every secret value in each line of the text by `mask`.
    pub fn mask_lines(&self, text: &str, mask: &str) -> String {
        let lines = text.split_inclusive('\n');
        let masked = lines.map(|line| replaced(line, mask, self.find(line.as_bytes())));
        masked.collect()
    }

    /// Finds the secrets in these bytes, in order; overlapping and adjacent ones are joined. The
    /// bytes may be cut out of a longer text: a part of a secret at one of their ends counts as in
    /// [`Masker::mask_cut`].
    pub fn find_cut(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        self.find_with(bytes, |needle, text, found| {
            found.extend(needle.places(text));
            found.extend(needle.begun(text));
            found.extend(needle.ended(text));
        })
    }

    /// Masks a text that was cut out of a longer one: the beginning of a secret at its end, or the
    /// end of one at its beginning, is masked, too, unless it is too short to reveal much.
    pub fn mask_cut(&self, text: &str) -> String {
        replaced(text, MASK, self.find_cut(text.as_bytes())).into_owned()
    }

    fn find(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        self.find_with(bytes, |needle, text, found| {
            found.extend(needle.places(text))
        })
    }

    fn find_with(
        &self,
        bytes: &[u8],
        search: impl Fn(&Needle, &[u8], &mut Vec<Range<usize>>),
    ) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        if self.needles.is_empty() {
            return found;
        }
        if !bytes.iter().any(u8::is_ascii_control) {
            self.needles
                .iter()
                .for_each(|it| search(it, bytes, &mut found));
            return in_order(found);
        }
        for view in View::all(bytes) {
            let mut seen = Vec::new();
            let needles = self.needles.iter();
            let needles = needles.filter(|it| it.characters.len() >= view.least_characters);
            needles.for_each(|it| search(it, &view.bytes, &mut seen));
            found.extend(seen.into_iter().map(|range| view.range(range)));
        }
        in_order(found)
    }
}

/// Replaces these parts of the text, which are in order and do not overlap.
fn replaced<'t>(text: &'t str, mask: &str, parts: Vec<Range<usize>>) -> Cow<'t, str> {
    if parts.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for part in parts {
        out.push_str(&text[done..part.start]);
        out.push_str(mask);
        done = part.end;
    }
    out.push_str(&text[done..]);
    Cow::Owned(out)
}

/// Sorts and joins overlapping or adjacent ranges.
pub(crate) fn in_order(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    ranges.dedup_by(|next, last| {
        let overlaps = next.start <= last.end;
        if overlaps {
            last.end = last.end.max(next.end);
        }
        overlaps
    });
    ranges
}

impl Needle {
    fn raw(value: &str) -> Needle {
        Needle {
            characters: value.chars().collect(),
            around: (0, 0),
        }
    }

    /// Returns the base64 (RFC 4648) of a value at each of the three places that it may have in an
    /// encoded text, without the characters that depend on its neighbours.
    fn in_base64(value: &str) -> impl Iterator<Item = Needle> + '_ {
        (0..3).flat_map(move |offset: usize| {
            let bytes = [&[0; 2][..offset], value.as_bytes()].concat();
            let (first_bit, last_bit) = (8 * offset, 8 * bytes.len());
            let (first, last) = (first_bit.div_ceil(6), last_bit / 6);
            let around = (first - first_bit / 6, last_bit.div_ceil(6) - last);
            let encoded = [
                STANDARD_NO_PAD.encode(&bytes),
                URL_SAFE_NO_PAD.encode(&bytes),
            ];
            let needles = encoded.map(|text| Needle {
                characters: text.chars().take(last).skip(first).collect(),
                around,
            });
            needles
                .into_iter()
                .filter(|it| it.characters.len() >= MIN_BASE64)
        })
    }

    /// Returns all its occurrences, including overlapping ones.
    fn places<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = Range<usize>> + 'a {
        let may_begin = forms::beginnings(self.characters[0]);
        (0..text.len()).filter_map(move |start| {
            if !may_begin(text[start]) {
                return None;
            }
            let end = self.progress(text, start, &self.characters).whole?;
            Some(self.widened(text, start..end))
        })
    }

    /// Returns the beginning of it at the end of the text.
    fn begun(&self, text: &[u8]) -> Option<Range<usize>> {
        let may_begin = forms::beginnings(self.characters[0]);
        let could_end = |start: &usize| {
            may_begin(text[*start]) && self.progress(text, *start, &self.characters).reached_end
        };
        let longest = (self.characters.len() + 1) * forms::MAX_BYTES;
        let start = (text.len().saturating_sub(longest)..text.len()).find(could_end)?;
        Some(start..text.len())
    }

    /// Returns the end of it at the beginning of the text.
    fn ended(&self, text: &[u8]) -> Option<Range<usize>> {
        let last = self.characters.len().saturating_sub(MIN_PART);
        let end =
            (1..=last).find_map(|from| self.progress(text, 0, &self.characters[from..]).whole)?;
        (end > 0).then(|| self.widened(text, 0..end))
    }

    /// Adds the characters around that depend on it partly.
    fn widened(&self, text: &[u8], found: Range<usize>) -> Range<usize> {
        let in_base64 =
            |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
        let before = text[..found.start].iter().rev().take(self.around.0);
        let after = text[found.end..].iter().take(self.around.1);
        let before = before.take_while(in_base64).count();
        let after = after.take_while(in_base64).count();
        found.start - before..found.end + after
    }

    /// Follows these characters, all or the last ones of it, from `start` on.
    fn progress(&self, text: &[u8], start: usize, characters: &[char]) -> Progress {
        let mut reached_end = false;
        let ends = follow(text, start, characters, |count, _, rest| {
            reached_end |= count >= MIN_PART && (rest.is_empty() || forms::is_begun(rest));
            false
        });
        Progress {
            whole: ends.last().copied(),
            reached_end,
        }
    }
}

/// Follows characters through a text from `start` on, and returns where their forms end. All forms of all
/// characters are followed at once, so that the time is bounded whatever the text. `is_enough` is called
/// at each place before a character: with the number of characters before it, itself, and the rest of the
/// text. Where it returns true, nothing more is followed.
fn follow(
    text: &[u8],
    start: usize,
    characters: &[char],
    mut is_enough: impl FnMut(usize, char, &[u8]) -> bool,
) -> Vec<usize> {
    let (mut ends, mut next) = (vec![start], Vec::new());
    for (count, &character) in characters.iter().enumerate() {
        for &end in &ends {
            if is_enough(count, character, &text[end..]) {
                return Vec::new();
            }
            forms::push_ends(text, end, character, &mut next);
        }
        next.sort_unstable();
        next.dedup();
        std::mem::swap(&mut ends, &mut next);
        next.clear();
        if ends.is_empty() {
            break;
        }
    }
    ends
}

/// The result of following a secret through a text.
struct Progress {
    /// The end of the longest form of the whole secret.
    whole: Option<usize>,
    /// True if the text ended within the secret.
    reached_end: bool,
}

/// A text without its control characters, as a secret in it may be read.
struct View {
    bytes: Vec<u8>,
    /// Their places in the text.
    places: Vec<usize>,
    /// The minimum length of secrets that are looked for in it.
    least_characters: usize,
}

impl View {
    /// Returns the views of a text: with blanks as they are, without those around the breaks of
    /// lines, and with one in place of each break.
    fn all(text: &[u8]) -> [View; 3] {
        let mut views = [1, MIN_INDENTED, MIN_INDENTED].map(|least_characters| View {
            bytes: Vec::with_capacity(text.len()),
            places: Vec::with_capacity(text.len()),
            least_characters,
        });
        let is_gap = |byte: &u8| byte.is_ascii_control() || *byte == b' ';
        let mut at = 0;
        while at < text.len() {
            let gap = text[at..].iter().take_while(|byte| is_gap(byte)).count();
            let end = at + gap.max(1);
            let is_break = text[at..end]
                .iter()
                .any(|byte| matches!(byte, b'\r' | b'\n'));
            for (kind, view) in views.iter_mut().enumerate() {
                match kind {
                    1 if is_break => {}
                    2 if is_break => view.push(at, b' '),
                    _ => {
                        let shown = (at..end).filter(|place| !text[*place].is_ascii_control());
                        shown.for_each(|place| view.push(place, text[place]));
                    }
                }
            }
            at = end;
        }
        views
    }

    fn push(&mut self, place: usize, byte: u8) {
        self.places.push(place);
        self.bytes.push(byte);
    }

    /// Returns the range in the text.
    fn range(&self, seen: Range<usize>) -> Range<usize> {
        self.places[seen.start]..self.places[seen.end - 1] + 1
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn masks(secrets: &[&str], text: &str, expected: &str) {
        assert_eq!(Masker::new(secrets.iter().copied()).mask(text), expected);
    }

    #[test]
    fn every_occurrence_is_masked() {
        masks(&["abc"], "abc abcabc xabcx", "*** *** x***x");
        masks(&[], "abc", "abc");
        masks(&[""], "abc", "abc");
    }

    #[test]
    fn of_several_secrets_the_longest_is_masked() {
        masks(&["pass", "password1"], "password1 pass", "*** ***");
    }

    #[test]
    fn overlapping_secrets_leave_nothing() {
        masks(&["abcd", "cdef"], "xabcdefy", "x***y");
        masks(&["aa"], "baaab", "b***b");
    }

    #[test]
    fn secrets_in_patterns_are_masked() {
        masks(&["a.b+"], r"/value: a\.b\+/", "/value: ***/");
    }

    #[test]
    fn escaped_secrets_are_masked() {
        let secret = "p\"a's\\s/\u{e9} <&\u{1f600}$>";
        for written in [
            // json.dumps, also of its own result; JavaScript; Go.
            r#"p\"a's\\s/\u00e9 <&\ud83d\ude00$>"#,
            r#"p\\\"a's\\\\s/\\u00e9 <&\\ud83d\\ude00$>"#,
            "p\\\"a's\\\\s\\/\u{e9} <&\u{1f600}$>",
            r#"p\"a's\\s/\u00e9 \u003c\u0026\u{1f600}$\u003e"#,
            // repr() of a text, ascii(), repr() of bytes.
            "p\"a\\'s\\\\s/\u{e9} <&\u{1f600}$>",
            r#"p"a\'s\\s/\xe9 <&\U0001f600$>"#,
            r#"p"a\'s\\s/\xc3\xa9 <&\xf0\x9f\x98\x80$>"#,
            // shlex.quote, printf %q, double quotes.
            "p\"a'\"'\"'s\\s/\u{e9} <&\u{1f600}$>",
            "p\"a'\\''s\\s/\u{e9} <&\u{1f600}$>",
            r#"p"a\'s\\s/\303\251 <&\360\237\230\200$>"#,
            r#"p\"a\'s\\s/\303\251\ \<\&\360\237\230\200\$\>"#,
            // quote, quote_plus, encodeURIComponent, encoded twice.
            "p%22a%27s%5Cs/%C3%A9%20%3C%26%F0%9F%98%80%24%3E",
            "p%22a%27s%5cs%2f%c3%a9+%3c%26%f0%9f%98%80%24%3e",
            "p%2522a's%255Cs%252F%25C3%25A9%2520%253C%2526%25F0%259F%2598%2580%2524%253E",
            // html.escape, other names and numbers, escaped twice.
            "p&quot;a&#x27;s\\s/\u{e9} &lt;&amp;\u{1f600}$&gt;",
            "p&#34;a&#39;s\\s&#47;&#233;&nbsp;&#60;&#38;&#128512;$&#62;",
            "p&amp;quot;a&amp;#x27;s\\s/\u{e9} &amp;lt;&amp;\u{1f600}$&amp;gt;",
            // SQL, YAML and CSV.
            "p\"a''s\\s/\u{e9} <&\u{1f600}$>",
            "p\"\"a's\\s/\u{e9} <&\u{1f600}$>",
        ] {
            masks(&[secret], &format!("it: {written}, ok"), "it: ***, ok");
        }
        masks(&["n7x"], r"C:\n7x and \x6e7x", r"C:\*** and ***");
    }

    #[test]
    fn secrets_in_base64_are_masked_wherever_they_begin() {
        let secret = "s3cret/?>!";
        for before in ["", "a", "ab", "ann:", "anna:"] {
            for after in ["", "x", "xy", "xyz"] {
                for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
                    let encoded = engine.encode(format!("{before}{secret}{after}"));
                    let masked = Masker::new([secret]).mask(&encoded).into_owned();
                    let left = encoded.len() - (masked.len() - MASK.len());
                    assert!(masked.contains(MASK) && left >= 13, "{encoded}: {masked}");
                    let broken = format!("{}\n{}", &encoded[..8], &encoded[8..]);
                    assert_eq!(Masker::new([secret]).mask(&broken), masked);
                }
            }
        }
        masks(&["ab"], "YWI ab", "YWI ***");
    }

    #[test]
    fn secrets_broken_by_a_narrow_terminal_are_masked() {
        let secrets = ["hunter2 secret"];
        masks(&secrets, "is hunter2 se\r\ncret, ok", "is ***, ok");
        masks(&secrets, "is hunter2 se  \n    cret, ok", "is ***, ok");
        masks(&secrets, "is hun \rter2 secret", "is ***");
        masks(&secrets, "is hunter2%20s\necret", "is ***");
        masks(&secrets, "is hunter2%\r\n  20secret", "is ***");
        masks(&secrets, "is hunter2\r\nsecret", "is ***");
        masks(&["471"], "4\n  71", "4\n  71");
        masks(&["471"], "4\n71", "***");
        masks(
            &["line\nbreak"],
            "line\r\nbreak line\\nbreak linebreak",
            "*** *** ***",
        );
    }

    proptest! {
        #[test]
        fn a_secret_is_found_in_every_text_around_it(
            secret in "[a-z\"'\\\\%&+<>/ \u{e9}\u{20ac}]{1,12}",
            before in "[^\\\\%&]{0,8}",
            after in "[ -~]{0,8}",
        ) {
            let masker = Masker::new([secret.as_str()]);
            let json = serde_json::to_string(&secret).unwrap();
            for written in [secret.as_str(), &json[1..json.len() - 1], &regex::escape(&secret)] {
                let text = format!("{before}{written}{after}");
                let masked = masker.mask(&text);
                prop_assert!(masked.contains(MASK), "{}", masked);
                prop_assert!(masked.len() <= before.len() + MASK.len() * 8 + after.len() + 1);
            }
        }

        #[test]
        fn any_text_is_searched_without_a_fault(
            secret in "\\PC{1,6}|[\\\\\"%&]{1,6}",
            text in "(\\PC|[\\\\\"'%&;#x0-9\n ]){0,60}",
        ) {
            let masker = Masker::new([secret.as_str()]);
            let masked = masker.mask_cut(&text);
            prop_assert!(!masked.contains(&secret) || MASK.contains(&secret));
            masker.mask_lines(&text, MASK);
        }
    }

    #[test]
    fn many_backslashes_are_searched_in_bounded_time() {
        let masker = Masker::new([r"\\\\\\\\"]);
        let text = r"\".repeat(1_000);
        assert_eq!(masker.mask_cut(&text), MASK);
    }

    #[test]
    fn parts_of_secrets_at_the_cuts_are_masked() {
        let masker = Masker::new(["hunter2secret"]);
        assert_eq!(masker.mask_cut("your pin is hunt"), "your pin is ***");
        assert_eq!(masker.mask_cut("er2secret it was"), "*** it was");
        assert_eq!(masker.mask_cut("is hunter2secret"), "is ***");
        assert_eq!(masker.mask_cut("is hunter2\nsecret"), "is ***");
        assert_eq!(masker.mask_cut("is hunter\r\n "), "is ***\r\n ");
        let escaped = Masker::new(["hunter 2"]);
        assert_eq!(escaped.mask_cut("it=hunter%2"), "it=***");
        assert_eq!(escaped.mask_cut("ter%202 it was"), "*** it was");
        assert_eq!(masker.mask_cut("ok hu"), "ok hu");
        assert_eq!(masker.mask_cut("nothing of it"), "nothing of it");
        assert_eq!(Masker::default().mask_cut("hunt"), "hunt");
    }

    #[test]
    fn secrets_in_bytes_are_found_with_parts_at_the_cuts() {
        let masker = Masker::new(["hunter2", "er2x"]);
        assert_eq!(masker.find_cut(b"\xff hunter2x, hunter2"), [2..10, 12..19]);
        assert_eq!(masker.find_cut(b"nter2 and hunt"), [0..5, 10..14]);
        assert!(masker.find_cut(b"hu").is_empty());
        assert!(Masker::default().find_cut(b"hunt").is_empty());
    }
}
