//! Masking of secret values in all output and files.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use memchr::memmem::Finder;

/// The replacement of a secret.
const MASK: &str = "***";

/// The minimum length of a part of a secret that is masked at a cut.
const MIN_PART: usize = 3;

/// A masker, which replaces secret values by `***`. Cheap to clone.
///
/// All occurrences of all secrets are found, including overlapping ones, so that no piece of one
/// secret remains because another one covers the rest of it. A secret is also found in its form
/// escaped for a regular expression.
#[derive(Debug, Clone, Default)]
pub struct Masker {
    secrets: Arc<[Secret]>,
}

/// A text to mask. There are few per flow, so searching for one after the other is cheaper than
/// building an automaton for all of them.
#[derive(Debug)]
struct Secret {
    value: String,
    finder: Finder<'static>,
}

impl Masker {
    /// Creates a masker of these values; empty ones are ignored.
    pub fn new<'a>(values: impl IntoIterator<Item = &'a str>) -> Masker {
        let mut values: Vec<String> = values
            .into_iter()
            .filter(|value| !value.is_empty())
            .flat_map(|value| [value.to_owned(), regex::escape(value)])
            .collect();
        values.sort_unstable();
        values.dedup();
        let secret = |value: String| Secret {
            finder: Finder::new(&value).into_owned(),
            value,
        };
        Masker {
            secrets: values.into_iter().map(secret).collect(),
        }
    }

    /// Replaces every secret value in the text by `***`.
    pub fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.mask_with(text, MASK)
    }

    /// Replaces every secret value in the text by `mask`.
    pub fn mask_with<'t>(&self, text: &'t str, mask: &str) -> Cow<'t, str> {
        let places = self
            .secrets
            .iter()
            .flat_map(|it| it.places(text.as_bytes()));
        let mut found: Vec<(usize, usize)> = places.collect();
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        found.sort_unstable();
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        for (start, end) in found {
            if start >= done {
                out.push_str(&text[done..start]);
                out.push_str(mask);
            }
            done = done.max(end);
        }
        out.push_str(&text[done..]);
        Cow::Owned(out)
    }

    /// Finds the secrets in these bytes, in order; overlapping ones are joined. The bytes may be
    /// cut out of a longer text: a part of a secret at one of their ends counts as in
    /// [`Masker::mask_cut`].
    pub fn find_cut(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        let places = self.secrets.iter().flat_map(|it| it.places(bytes));
        let mut found: Vec<Range<usize>> = places.map(|(start, end)| start..end).collect();
        for value in self.secrets.iter().map(|secret| secret.value.as_bytes()) {
            let parts = (MIN_PART..value.len()).rev();
            let mut parts = parts.filter(|&length| length <= bytes.len());
            found.extend(
                parts
                    .clone()
                    .find(|&length| bytes.ends_with(&value[..length]))
                    .map(|length| bytes.len() - length..bytes.len()),
            );
            found.extend(
                parts
                    .find(|&length| bytes.starts_with(&value[value.len() - length..]))
                    .map(|length| 0..length),
            );
        }
        in_order(found)
    }

    /// Masks a text that was cut out of a longer one: the beginning of a secret at its end, or the
    /// end of one at its beginning, is masked, too, unless it is too short to reveal much. A
    /// secret may be broken over several lines.
    pub fn mask_cut(&self, text: &str) -> String {
        if self.secrets.is_empty() {
            return text.to_owned();
        }
        let places = text.bytes().enumerate();
        let (places, shown): (Vec<usize>, Vec<u8>) =
            places.filter(|(_, byte)| !byte.is_ascii_control()).unzip();
        let mut masked = String::with_capacity(text.len());
        let mut done = 0;
        for secret in self.find_cut(&shown) {
            masked.push_str(&text[done..places[secret.start]]);
            masked.push_str(MASK);
            done = places[secret.end - 1] + 1;
        }
        masked.push_str(&text[done..]);
        masked
    }
}

/// Sorts and joins overlapping ranges.
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

impl Secret {
    /// Returns beginning and end of all its occurrences in `text`, including overlapping ones.
    fn places<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = (usize, usize)> + 'a {
        let mut from = 0;
        std::iter::from_fn(move || {
            let start = from + self.finder.find(text.get(from..)?)?;
            from = start + 1;
            Some((start, start + self.value.len()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn masks(secrets: &[&str], text: &str, expected: &str) {
        assert_eq!(Masker::new(secrets.iter().copied()).mask(text), expected);
    }

    #[test]
    fn every_occurrence_is_masked() {
        masks(&["abc"], "abc abcabc xabcx", "*** ****** x***x");
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
    fn parts_of_secrets_at_the_cuts_are_masked() {
        let masker = Masker::new(["hunter2secret"]);
        assert_eq!(masker.mask_cut("your pin is hunt"), "your pin is ***");
        assert_eq!(masker.mask_cut("er2secret it was"), "*** it was");
        assert_eq!(masker.mask_cut("is hunter2secret"), "is ***");
        assert_eq!(masker.mask_cut("is hunter2\nsecret"), "is ***");
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
