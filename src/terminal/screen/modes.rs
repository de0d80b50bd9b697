//! Modes of a terminal that its emulator keeps to itself.

use avt::parser::{AnsiMode, DecMode, Function};

/// Modes that change what keys send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeyModes {
    /// DECCKM: the codes of the cursor keys.
    pub application_cursor: bool,
    /// DECKPAM: the codes of the keypad.
    pub application_keypad: bool,
    /// Pasted text is to be marked as such.
    pub bracketed_paste: bool,
}

/// Modes that are saved and restored with the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct CursorModes {
    auto_wrap: bool,
    origin: bool,
}

const INITIAL: CursorModes = CursorModes {
    auto_wrap: true,
    origin: false,
};

/// Modes, followed as the emulator sets them.
#[derive(Debug)]
pub(super) struct Modes {
    pub(super) keys: KeyModes,
    insert: bool,
    new_line: bool,
    /// Private mode 2026: what is drawn is to be shown at once, later.
    pub(super) synchronized: bool,
    cursor: CursorModes,
    /// Those saved on the primary and on the alternate screen.
    saved: [CursorModes; 2],
    alternate: bool,
    rows: usize,
    /// First and last row of the scrolled region.
    margins: (usize, usize),
}

impl Modes {
    pub(super) fn new(rows: usize) -> Modes {
        Modes {
            keys: KeyModes::default(),
            insert: false,
            new_line: false,
            synchronized: false,
            cursor: INITIAL,
            saved: [INITIAL; 2],
            alternate: false,
            rows,
            margins: (0, rows - 1),
        }
    }

    pub(super) fn is_insert(&self) -> bool {
        self.insert
    }

    pub(super) fn is_auto_wrap(&self) -> bool {
        self.cursor.auto_wrap
    }

    /// Returns the row from which the program counts rows.
    pub(super) fn first_row(&self) -> usize {
        if self.cursor.origin {
            self.margins.0
        } else {
            0
        }
    }

    /// Returns whether a row is in the scrolled region.
    pub(super) fn is_scrolled(&self, row: usize) -> bool {
        (self.margins.0..=self.margins.1).contains(&row)
    }

    /// Returns whether a private mode is set, if it is followed.
    pub(super) fn private(&self, mode: u16, cursor_visible: bool) -> Option<bool> {
        Some(match mode {
            1 => self.keys.application_cursor,
            6 => self.cursor.origin,
            7 => self.cursor.auto_wrap,
            25 => cursor_visible,
            47 | 1047 | 1049 => self.alternate,
            2004 => self.keys.bracketed_paste,
            2026 => self.synchronized,
            _ => return None,
        })
    }

    /// Returns whether a mode of ECMA-48 is set, if it is followed.
    pub(super) fn ansi(&self, mode: u16) -> Option<bool> {
        match mode {
            4 => Some(self.insert),
            20 => Some(self.new_line),
            _ => None,
        }
    }

    /// Returns the first and the last row of the scrolled region.
    pub(super) fn margins(&self) -> (usize, usize) {
        self.margins
    }

    pub(super) fn resize(&mut self, rows: usize) {
        if rows != self.rows {
            self.rows = rows;
            self.margins = (0, rows - 1);
        }
    }

    /// Follows an operation, as the emulator performs it.
    pub(super) fn follow(&mut self, function: &Function) {
        match function {
            Function::Sm(modes) => self.set_ansi(modes.as_slice(), true),
            Function::Rm(modes) => self.set_ansi(modes.as_slice(), false),
            Function::Decset(modes) => {
                for &mode in modes.as_slice() {
                    self.set(mode);
                }
            }
            Function::Decrst(modes) => {
                for &mode in modes.as_slice() {
                    self.reset(mode);
                }
            }
            Function::Decsc | Function::Scosc => self.save(),
            Function::Decrc | Function::Scorc => self.restore(),
            Function::Decstbm(top, bottom) => {
                let top = usize::from(*top).max(1) - 1;
                let bottom = match usize::from(*bottom) {
                    0 => self.rows - 1,
                    bottom => bottom - 1,
                };
                if top < bottom && bottom < self.rows {
                    self.margins = (top, bottom);
                }
            }
            Function::Decstr => {
                self.insert = false;
                self.cursor.origin = false;
                self.saved[usize::from(self.alternate)] = INITIAL;
                self.margins = (0, self.rows - 1);
                self.keys.application_keypad = false;
            }
            Function::Ris => *self = Modes::new(self.rows),
            _ => {}
        }
    }

    fn set_ansi(&mut self, modes: &[AnsiMode], is_set: bool) {
        for mode in modes {
            match mode {
                AnsiMode::Insert => self.insert = is_set,
                AnsiMode::NewLine => self.new_line = is_set,
            }
        }
    }

    fn set(&mut self, mode: DecMode) {
        match mode {
            DecMode::CursorKeys => self.keys.application_cursor = true,
            DecMode::Origin => self.cursor.origin = true,
            DecMode::AutoWrap => self.cursor.auto_wrap = true,
            DecMode::AltScreenBuffer => self.alternate = true,
            DecMode::SaveCursor => self.save(),
            DecMode::SaveCursorAltScreenBuffer => {
                self.save();
                self.alternate = true;
            }
            DecMode::TextCursorEnable => {}
        }
    }

    fn reset(&mut self, mode: DecMode) {
        match mode {
            DecMode::CursorKeys => self.keys.application_cursor = false,
            DecMode::Origin => self.cursor.origin = false,
            DecMode::AutoWrap => self.cursor.auto_wrap = false,
            DecMode::AltScreenBuffer => self.alternate = false,
            DecMode::SaveCursor => self.restore(),
            DecMode::SaveCursorAltScreenBuffer => {
                self.alternate = false;
                self.restore();
            }
            DecMode::TextCursorEnable => {}
        }
    }

    fn save(&mut self) {
        self.saved[usize::from(self.alternate)] = self.cursor;
    }

    fn restore(&mut self) {
        self.cursor = self.saved[usize::from(self.alternate)];
    }
}
