//! Secrets on a screen, which masking the output cannot find: a program draws them in pieces, in any
//! order, or lays them out anew.

use std::time::Instant;

use crate::model::Happening;
use crate::scenario::Masker;
use crate::terminal::{Screen, ScreenSize};

/// Longer control sequences are given up if a mask has to be drawn within them.
const MAX_HELD_BACK: usize = 64;

/// Follows the screen of a transcript, as it was and as its masked output draws it.
pub(super) struct ShownSecrets<'m> {
    masker: &'m Masker,
    /// The screen as the program has drawn it.
    actual: Screen,
    /// The screen as the masked output draws it.
    masked: Screen,
    /// The beginning of a control sequence, for the next piece.
    held_back: Vec<u8>,
}

impl<'m> ShownSecrets<'m> {
    pub(super) fn new(size: ScreenSize, masker: &'m Masker) -> Self {
        let now = Instant::now();
        ShownSecrets {
            masker,
            actual: Screen::new(size, now),
            masked: Screen::new(size, now),
            held_back: Vec::new(),
        }
    }

    /// Follows a piece of output. If it was changed by masking, or a secret is on the screen after it,
    /// adds output to it that draws the screen with its secrets hidden.
    pub(super) fn output(&mut self, actual: &[u8], masked: &mut Vec<u8>) {
        let is_masked = actual != masked.as_slice();
        masked.splice(..0, self.held_back.drain(..));
        feed(&mut self.actual, actual);
        feed(&mut self.masked, masked);
        if is_masked || self.is_secret_shown() {
            if self.masked.is_mid_sequence() {
                self.interrupt(masked);
            }
            let mut frame = self.actual.frame();
            frame.hide(&self.masker.find_cut(frame.text().as_bytes()));
            let drawing = frame.redrawing();
            feed(&mut self.masked, drawing.as_bytes());
            masked.extend_from_slice(drawing.as_bytes());
        }
    }

    /// Moves the control sequence at the end of the output, which is incomplete, to the next piece.
    fn interrupt(&mut self, output: &mut Vec<u8>) {
        const CANCEL: u8 = 0x18;
        feed(&mut self.masked, &[CANCEL]);
        match output.iter().rposition(|byte| *byte == 0x1b) {
            Some(begin) if output.len() - begin <= MAX_HELD_BACK => {
                self.held_back = output.split_off(begin);
            }
            _ => output.push(CANCEL),
        }
    }

    /// Follows anything else.
    pub(super) fn note(&mut self, happening: &Happening) {
        for screen in [&mut self.actual, &mut self.masked] {
            match happening {
                Happening::Resized { rows, columns } => screen.resize(ScreenSize {
                    rows: *rows,
                    columns: *columns,
                }),
                Happening::Screen { drawing } => feed(screen, drawing.as_bytes()),
                _ => {}
            }
        }
    }

    fn is_secret_shown(&self) -> bool {
        let text = self.masked.frame().text();
        !self.masker.find_cut(text.as_bytes()).is_empty()
    }
}

fn feed(screen: &mut Screen, output: &[u8]) {
    let now = Instant::now();
    screen.feed(output, now, &mut |_| false);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_in_scattered_pieces_is_drawn_over() {
        let size = ScreenSize {
            rows: 3,
            columns: 20,
        };
        let masker = Masker::new(["hunter2"]);
        let mut shown = ShownSecrets::new(size, &masker);
        let mut seen = Screen::new(size, Instant::now());
        let pieces = [
            (
                "\x1b[1;5Hter2 |\x1b[2;1Hdone\x1b[1;2H",
                "    ter2 |\ndone\n",
            ),
            ("hun\x1b[3", " ***     |\ndone\n"),
            ("1mred", " ***red  |\ndone\n"),
        ];
        for (piece, expected) in pieces {
            let mut masked = piece.as_bytes().to_vec();
            shown.output(piece.as_bytes(), &mut masked);
            feed(&mut seen, &masked);
            assert_eq!(seen.frame().text(), expected, "{piece:?}");
        }
        assert!(seen.style(0, 5).foreground.is_some());
    }

    #[test]
    fn output_without_secrets_stays_as_it_is() {
        let size = ScreenSize {
            rows: 3,
            columns: 20,
        };
        let masker = Masker::new(["hunter2"]);
        let mut shown = ShownSecrets::new(size, &masker);
        let mut masked = b"\x1b[2Jhun\x1b[2;1H-ter".to_vec();
        let actual = masked.clone();
        shown.output(&actual, &mut masked);
        assert_eq!(masked, actual);
    }
}
