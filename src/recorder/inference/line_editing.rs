//! Line editing of a terminal in canonical mode: from typed bytes to the line that a program reads.

/// Line that is being typed.
#[derive(Debug, Default)]
pub(super) struct EditedLine {
    text: Vec<u8>,
    /// The next byte is taken as it is.
    is_quoted: bool,
}

/// Effect of a typed byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edit {
    Continued,
    /// Enter: the line is complete.
    Completed,
    /// The end of the input, `ctrl-d`, on an empty line.
    EndOfInput,
    /// A key that sends a signal to the program: its control character in lower case.
    Signal(char),
}

impl EditedLine {
    /// Applies a byte with the default control characters of a terminal, see `stty(1)`.
    pub(super) fn push(&mut self, byte: u8) -> Edit {
        if std::mem::take(&mut self.is_quoted) {
            self.text.push(byte);
            return Edit::Continued;
        }
        match byte {
            b'\r' | b'\n' => return Edit::Completed,
            0x04 if self.text.is_empty() => return Edit::EndOfInput,
            // In a line, it passes on what was typed so far.
            0x04 => {}
            0x03 | 0x1a | 0x1c => {
                self.text.clear();
                return Edit::Signal(char::from(byte | 0x40).to_ascii_lowercase());
            }
            0x08 | 0x7f => self.erase_character(),
            0x15 => self.text.clear(),
            0x16 => self.is_quoted = true,
            0x17 => self.erase_word(),
            // Repaints the line; stops and continues the output.
            0x11..=0x13 => {}
            _ => self.text.push(byte),
        }
        Edit::Continued
    }

    /// Returns whether nothing was typed.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Takes the line, and begins another one.
    pub(super) fn take(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.text)).into_owned()
    }

    /// Removes the last character with its continuation bytes, as with `iutf8`.
    fn erase_character(&mut self) {
        while let Some(byte) = self.text.pop() {
            if byte & 0xC0 != 0x80 {
                break;
            }
        }
    }

    fn erase_word(&mut self) {
        while self.text.last().is_some_and(|it| it.is_ascii_whitespace()) {
            self.text.pop();
        }
        while self.text.last().is_some_and(|it| !it.is_ascii_whitespace()) {
            self.text.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(typed: &str) -> String {
        let mut line = EditedLine::default();
        let edits: Vec<Edit> = typed.bytes().map(|byte| line.push(byte)).collect();
        assert_eq!(edits.last(), Some(&Edit::Completed), "{typed:?}");
        line.take()
    }

    #[test]
    fn a_line_is_the_one_that_the_program_reads() {
        for (typed, read) in [
            ("CUST001\r", "CUST001"),
            ("\r", ""),
            ("CUSTX\x7f001\r", "CUST001"),
            ("é\x7fe\n", "e"),
            ("wrong\x15right\r", "right"),
            ("one two  \x17three\r", "one three"),
            ("\x7f\x17\x15a\r", "a"),
            ("a\x16\x03b\r", "a\x03b"),
            ("a\x12b\r", "ab"),
        ] {
            assert_eq!(line(typed), read, "{typed:?}");
        }
    }

    #[test]
    fn control_characters_act_at_once() {
        let mut line = EditedLine::default();
        assert_eq!(line.push(0x04), Edit::EndOfInput);
        assert_eq!(line.push(b'x'), Edit::Continued);
        assert_eq!(line.push(0x04), Edit::Continued);
        assert_eq!(line.push(0x03), Edit::Signal('c'));
        assert!(line.is_empty());
        assert_eq!(line.push(0x1c), Edit::Signal('\\'));
    }
}
