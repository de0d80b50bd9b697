//! Secrets in a text that goes on.

use std::ops::Range;

use super::{Masker, Needle, View, follow, forms};

impl Masker {
    /// Finds the secrets in these bytes, in order; overlapping and adjacent ones are joined.
    pub fn find_whole(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        self.find(bytes)
    }

    /// Returns the place from which the end of these bytes may be the beginning of a secret, if more
    /// bytes follow; their length if there is none.
    pub fn open_from(&self, bytes: &[u8]) -> usize {
        let of = |text: &[u8], least: usize| {
            let needles = self.needles.iter();
            let needles = needles.filter(|it| it.characters.len() >= least);
            needles.filter_map(|it| it.open_from(text)).min()
        };
        let found = if bytes.iter().any(u8::is_ascii_control) {
            let views = View::all(bytes);
            let of_view = |view: &View| {
                let start = of(&view.bytes, view.least_characters)?;
                Some(view.places[start])
            };
            views.iter().filter_map(of_view).min()
        } else {
            of(bytes, 1)
        };
        found.unwrap_or(bytes.len())
    }
}

impl Needle {
    fn open_from(&self, text: &[u8]) -> Option<usize> {
        let longest = (self.characters.len() + 1) * forms::MAX_BYTES;
        let mut starts = text.len().saturating_sub(longest)..text.len();
        starts.find(|&start| self.is_open(text, start))
    }

    /// Returns whether the text from `start` on ends within this.
    fn is_open(&self, text: &[u8], start: usize) -> bool {
        let mut is_open = false;
        follow(text, start, &self.characters, |_, character, rest| {
            let mut buffer = [0; 4];
            let raw = character.encode_utf8(&mut buffer).as_bytes();
            is_open = forms::is_begun(rest) || raw.len() > rest.len() && raw.starts_with(rest);
            is_open
        });
        is_open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_secret_is_open_until_the_text_differs() {
        let masker = Masker::new(["s3cret", "grün"]);
        for (text, open) in [
            ("no", 2),
            ("Hello s", 6),
            ("Hello s3cre", 6),
            ("Hello s3cret", 12),
            ("Hello s4", 8),
            ("s3c\r\nr", 0),
            ("a \\", 2),
            ("a s3%6", 2),
        ] {
            assert_eq!(masker.open_from(text.as_bytes()), open, "{text:?}");
        }
        assert_eq!(masker.open_from(b"a gr\xc3"), 2);
        assert_eq!(Masker::default().open_from(b"a"), 1);
    }
}
