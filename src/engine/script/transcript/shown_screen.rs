//! The screen of a transcript as it may be shown: each of its frames with the secrets hidden.
//!
//! Masking the output itself cannot find all of them: a program draws a secret in pieces, in any
//! order, or lays it out with movements of the cursor.

use std::time::Instant;

use crate::scenario::Masker;
use crate::terminal::{Screen, ScreenFrame, ScreenSize};

/// Output that makes a terminal blank, with the usual modes.
const BLANK: &[u8] = b"\x1b[?1049l\x1b[!p\x1b[?25h\x0f\x1b(B\x1b[0m\x1b[H\x1b[2J";

/// Output that is missing before the first piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gap {
    None,
    Before,
}

/// Follows the screen of a transcript, and draws its frames with the secrets hidden.
pub(super) struct ShownScreen<'m> {
    masker: &'m Masker,
    /// The screen as the program has drawn it.
    actual: Screen,
    gap: Gap,
    /// True once something was drawn.
    is_begun: bool,
    /// The frame that was drawn last, if a terminal still shows it.
    drawn: Option<ScreenFrame>,
}

impl<'m> ShownScreen<'m> {
    pub(super) fn new(size: ScreenSize, masker: &'m Masker, gap: Gap) -> Self {
        ShownScreen {
            masker,
            actual: Screen::new(size, Instant::now()),
            gap,
            is_begun: false,
            drawn: None,
        }
    }

    /// Applies output of the program.
    pub(super) fn output(&mut self, mut output: &[u8]) {
        if self.gap == Gap::Before && !self.is_begun {
            // The rest of a secret whose beginning is missing.
            let cut = self.masker.find_cut(output);
            let rest = cut.first().filter(|part| part.start == 0);
            output = &output[rest.map_or(0, |part| part.end)..];
        }
        feed(&mut self.actual, output);
        self.is_begun = true;
    }

    /// Returns output that draws what has changed since the last time.
    pub(super) fn changes(&mut self) -> String {
        let frame = self.hidden(&self.actual);
        let changes = match &self.drawn {
            Some(drawn) => frame.changes(drawn),
            None => frame.drawing(),
        };
        self.drawn = Some(frame);
        changes
    }

    /// Takes the screen at a moment as output that draws it. Returns it with the secrets hidden.
    pub(super) fn noted(&mut self, drawing: &str) -> String {
        let mut noted = Screen::new(self.actual.size(), Instant::now());
        feed(&mut noted, drawing.as_bytes());
        // What was followed without a gap is more exact: it has the modes, and all output.
        let is_exact = self.is_begun && self.gap == Gap::None;
        if !is_exact && noted.frame() != self.actual.frame() {
            feed(&mut self.actual, BLANK);
            feed(&mut self.actual, drawing.as_bytes());
        }
        self.is_begun = true;
        let frame = self.hidden(&noted);
        let drawing = frame.drawing();
        self.drawn = Some(frame);
        drawing
    }

    /// Gives the screen another size.
    pub(super) fn resize(&mut self, size: ScreenSize) {
        self.actual.resize(size);
        // Terminals differ in where they move the text.
        self.drawn = None;
    }

    fn hidden(&self, screen: &Screen) -> ScreenFrame {
        let mut frame = screen.frame();
        self.masker.hide_on_screen(&mut frame);
        frame
    }
}

fn feed(screen: &mut Screen, output: &[u8]) {
    let now = Instant::now();
    screen.feed(output, now, &mut |_| false);
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: ScreenSize = ScreenSize {
        rows: 3,
        columns: 20,
    };

    /// Draws each piece; returns all drawings and the screen that they show.
    fn drawn(shown: &mut ShownScreen<'_>, pieces: &[&str]) -> (String, Screen) {
        let mut seen = Screen::new(SIZE, Instant::now());
        let mut drawings = String::new();
        for piece in pieces {
            shown.output(piece.as_bytes());
            let changes = shown.changes();
            feed(&mut seen, changes.as_bytes());
            drawings.push_str(&changes);
        }
        (drawings, seen)
    }

    #[test]
    fn a_secret_in_scattered_pieces_is_never_drawn() {
        let masker = Masker::new(["hunter2"]);
        let mut shown = ShownScreen::new(SIZE, &masker, Gap::None);
        let pieces = [
            "\x1b[1;5Hter2 |\x1b[2;1Hdone\x1b[1;2H",
            "hun\x1b[3",
            "1m\x1b[1;5Hter",
        ];
        let (drawings, seen) = drawn(&mut shown, &pieces);
        assert_eq!(seen.frame().text(), " ***     |\ndone\n");
        assert!(!drawings.contains("hun"), "{drawings:?}");
    }

    #[test]
    fn a_secret_that_is_painted_at_each_key_is_hidden_from_its_beginning_on() {
        let masker = Masker::new(["qzVk-7rT9 wLmX"]);
        let mut shown = ShownScreen::new(SIZE, &masker, Gap::None);
        let pieces: Vec<String> = (1..=14)
            .map(|length| format!("\x1b[2;3H{}", &"qzVk-7rT9 wLmX"[..length]))
            .collect();
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        let (drawings, seen) = drawn(&mut shown, &pieces);
        assert_eq!(seen.frame().text(), "\n  ***\n");
        for typed in ["k", "7rT", "w", "X"] {
            assert!(!drawings.contains(typed), "{typed} in {drawings:?}");
        }
    }

    #[test]
    fn messages_to_the_terminal_and_its_modes_are_not_drawn() {
        let masker = Masker::new(["hunter2"]);
        let mut shown = ShownScreen::new(SIZE, &masker, Gap::None);
        let pieces = [
            "\x1b]0;hunter2\x07\x1b[?1003h\x1b[4hplain",
            "\x1b[H\x1b[1;3H",
        ];
        let (drawings, _) = drawn(&mut shown, &pieces);
        assert!(!drawings.contains("\x1b]") && !drawings.contains("?1003"));
        assert!(drawings.ends_with("\x1b[1;3H\x1b[?25h"), "{drawings:?}");
        assert!(shown.changes().is_empty());
    }

    #[test]
    fn a_noted_screen_does_not_reveal_what_was_hidden_before() {
        let masker = Masker::new(["qzVk-7rT9"]);
        for gap in [Gap::None, Gap::Before] {
            let mut shown = ShownScreen::new(SIZE, &masker, gap);
            drawn(&mut shown, &["\x1b[2J\x1b[HPIN: qzVk"]);
            let drawing = shown.actual.frame().drawing();
            let noted = shown.noted(&drawing);
            assert!(noted.contains("PIN: ***") && !noted.contains("qz"));
            let (drawings, _) = drawn(&mut shown, &["-7rT9", " ok"]);
            assert!(!drawings.contains("rT9"), "{drawings:?}");
        }
    }

    #[test]
    fn the_rest_of_a_secret_after_a_gap_is_not_drawn() {
        let masker = Masker::new(["hunter2-abc"]);
        let mut shown = ShownScreen::new(SIZE, &masker, Gap::Before);
        let (drawings, seen) = drawn(&mut shown, &["er2-abc, ok", "\r\nabc"]);
        assert_eq!(seen.row(0).text(), ", ok");
        assert!(!drawings.contains("er2"), "{drawings:?}");
    }

    #[test]
    fn a_screen_of_another_size_is_drawn_as_a_whole() {
        let masker = Masker::default();
        let mut shown = ShownScreen::new(SIZE, &masker, Gap::None);
        drawn(&mut shown, &["one\r\ntwo"]);
        shown.resize(ScreenSize { rows: 3, ..SIZE });
        let (drawings, seen) = drawn(&mut shown, &["!"]);
        assert!(drawings.contains("\x1b[2J"), "{drawings:?}");
        assert_eq!(seen.frame().text(), "one\ntwo!\n");
    }
}
