//! The recorder's menu in the last row of the person's terminal.

use unicode_width::UnicodeWidthStr as _;

use crate::recorder::Mark;
use crate::report::sanitize;
use crate::terminal::{CellStyle, Screen};

const CHOICES: &str =
    "record: [p]roof [n]ame step [c]apture [f]ail [r]edo [s]ecret [z]pause [q]uit";
const PAUSED: &str = "record: paused; [z] go on [q]uit [Esc]";

/// The consequence of a key in the menu.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum MenuStep {
    /// The menu stays open.
    Open,
    /// It is closed.
    Closed(Option<Choice>),
}

/// A choice of the person.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Choice {
    Mark(Mark),
    /// The last answer is a secret.
    Secret,
    /// The key of the menu itself goes to the program.
    TypeKey,
    Quit,
}

/// An open menu.
#[derive(Debug)]
pub(super) struct Menu {
    key: u8,
    is_paused: bool,
    /// The last line of text that the program has shown, as a proposal.
    last_line: String,
    field: Option<Field>,
    /// Shown until the next key.
    message: Option<&'static str>,
}

/// A text that is being typed in the menu.
#[derive(Debug)]
struct Field {
    asks: Asked,
    text: Vec<char>,
    /// Bytes of a character that is not complete.
    begun: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq)]
enum Asked {
    Proof,
    Step,
    Failure,
    CaptureText,
    CaptureName(String),
}

impl Asked {
    fn question(&self) -> &'static str {
        match self {
            Asked::Proof => "text that proves success: ",
            Asked::Step => "name of the step that begins: ",
            Asked::Failure => "text that means failure: ",
            Asked::CaptureText => "value to capture: ",
            Asked::CaptureName(_) => "name of the value: ",
        }
    }
}

impl Menu {
    /// Opens the menu over a screen.
    pub(super) fn open(key: u8, is_paused: bool, screen: &Screen) -> Menu {
        Menu {
            key,
            is_paused,
            last_line: last_line(screen),
            field: None,
            message: None,
        }
    }

    /// Shows a message until the next key.
    pub(super) fn say(&mut self, message: &'static str) {
        self.message = Some(message);
    }

    /// Takes in a typed byte.
    pub(super) fn press(&mut self, byte: u8) -> MenuStep {
        match &mut self.field {
            _ if self.message.is_some() => MenuStep::Closed(None),
            None => self.choose(byte),
            Some(_) => self.edit(byte),
        }
    }

    fn choose(&mut self, byte: u8) -> MenuStep {
        let close = |choice| MenuStep::Closed(Some(choice));
        if byte == self.key {
            return close(Choice::TypeKey);
        }
        let (asks, text) = match byte {
            b'q' => return close(Choice::Quit),
            b'z' if self.is_paused => return close(Choice::Mark(Mark::Resumed)),
            b'z' => return close(Choice::Mark(Mark::Paused)),
            _ if self.is_paused => return MenuStep::Closed(None),
            b'r' => return close(Choice::Mark(Mark::Redo)),
            b's' => return close(Choice::Secret),
            b'p' => (Asked::Proof, self.last_line.clone()),
            b'n' => (Asked::Step, String::new()),
            b'f' => (Asked::Failure, self.last_line.clone()),
            b'c' => {
                let last_word = self.last_line.split_whitespace().last();
                (Asked::CaptureText, last_word.unwrap_or_default().to_owned())
            }
            _ => return MenuStep::Closed(None),
        };
        self.field = Some(Field {
            asks,
            text: text.chars().collect(),
            begun: Vec::new(),
        });
        MenuStep::Open
    }

    fn edit(&mut self, byte: u8) -> MenuStep {
        let Some(field) = &mut self.field else {
            return MenuStep::Open;
        };
        match byte {
            0x1b | 3 => return MenuStep::Closed(None),
            0x7f | 0x08 => drop(field.text.pop()),
            0x15 => field.text.clear(),
            b'\r' | b'\n' => return self.enter(),
            byte if byte < b' ' => {}
            byte => {
                field.begun.push(byte);
                if let Ok(text) = std::str::from_utf8(&field.begun) {
                    field.text.extend(text.chars());
                    field.begun.clear();
                } else if field.begun.len() >= 4 {
                    field.begun.clear();
                }
            }
        }
        MenuStep::Open
    }

    fn enter(&mut self) -> MenuStep {
        let Some(field) = self.field.take() else {
            return MenuStep::Closed(None);
        };
        let text: String = field.text.into_iter().collect();
        let text = text.trim().to_owned();
        if text.is_empty() {
            return MenuStep::Closed(None);
        }
        let mark = match field.asks {
            Asked::Proof => Mark::Proof(text),
            Asked::Step => Mark::Step(text),
            Asked::Failure => Mark::Failure(text),
            Asked::CaptureText => {
                self.field = Some(Field {
                    asks: Asked::CaptureName(text),
                    text: Vec::new(),
                    begun: Vec::new(),
                });
                return MenuStep::Open;
            }
            Asked::CaptureName(value) => Mark::Capture {
                name: text,
                text: value,
            },
        };
        MenuStep::Closed(Some(Choice::Mark(mark)))
    }

    /// Returns what shows the menu in the last row of a terminal of this size, and leaves the cursor,
    /// its style and all other rows as they are.
    pub(super) fn draw(&self, screen: &Screen) -> String {
        let size = screen.size();
        let text = match &self.field {
            _ if self.message.is_some() => self.message.unwrap_or_default().to_owned(),
            None if self.is_paused => PAUSED.to_owned(),
            None => CHOICES.to_owned(),
            Some(field) => {
                let typed: String = field.text.iter().collect();
                format!("{}{}_", field.asks.question(), sanitize(&typed))
            }
        };
        // The last column is left free: a character there may make the terminal scroll.
        let room = usize::from(size.columns.saturating_sub(1));
        let mut shown: Vec<char> = text.chars().collect();
        while shown.iter().collect::<String>().width() > room {
            match self.field {
                Some(_) => drop(shown.remove(0)),
                None => drop(shown.pop()),
            }
        }
        let text: String = shown.into_iter().collect();
        format!(
            "\x1b7\x1b[{};1H\x1b[0;7m\x1b[2K{text}\x1b[0m\x1b8",
            size.rows
        )
    }
}

/// Returns what draws the last row of the screen as the program has drawn it.
pub(super) fn restored(screen: &Screen) -> String {
    let size = screen.size();
    let row = size.rows.saturating_sub(1);
    let mut drawn = format!("\x1b7\x1b[{};1H\x1b[0m\x1b[2K", size.rows);
    let mut style = CellStyle::default();
    let mut column = 0;
    let blank = |column: u16| {
        screen.char_at(row, column) == ' ' && screen.style(row, column) == CellStyle::default()
    };
    let end = (0..size.columns).rev().find(|column| !blank(*column));
    let end = end.map_or(0, |last| last + 1);
    while column < end {
        let (character, next) = (screen.char_at(row, column), screen.style(row, column));
        if next != style {
            drawn.push_str(&next.sequence());
            style = next;
        }
        drawn.push(character);
        let width = unicode_width::UnicodeWidthChar::width(character).unwrap_or(1);
        column += u16::try_from(width.max(1)).unwrap_or(1);
    }
    drawn.push_str("\x1b[0m\x1b8");
    drawn
}

/// Returns the last line with text that stands above the cursor, or in its row if there is none.
fn last_line(screen: &Screen) -> String {
    let cursor = screen.cursor().row;
    let rows = (0..cursor).rev().chain(std::iter::once(cursor));
    let lines = rows.map(|row| screen.row(row).text().trim().to_owned());
    let has_word = |line: &String| line.chars().any(char::is_alphanumeric);
    lines.into_iter().find(has_word).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::terminal::ScreenSize;

    const SIZE: ScreenSize = ScreenSize {
        rows: 4,
        columns: 40,
    };

    fn screen(output: &str) -> Screen {
        let mut screen = Screen::new(SIZE, Instant::now());
        screen.feed(output.as_bytes(), Instant::now(), &mut |_| false);
        screen
    }

    fn types(menu: &mut Menu, text: &str) -> MenuStep {
        let steps: Vec<MenuStep> = text.bytes().map(|byte| menu.press(byte)).collect();
        steps.last().cloned().unwrap_or(MenuStep::Open)
    }

    #[test]
    fn each_choice_has_its_mark() {
        let screen = screen("Order A-17 saved\r\n> ");
        let closed = |mark| MenuStep::Closed(Some(Choice::Mark(mark)));
        for (typed, step) in [
            ("p\r", closed(Mark::Proof("Order A-17 saved".into()))),
            ("p\x15Gr\u{fc}n\r", closed(Mark::Proof("Gr\u{fc}n".into()))),
            ("nlog in\r", closed(Mark::Step("log in".into()))),
            ("f\x15Sorry\r", closed(Mark::Failure("Sorry".into()))),
            (
                "c\x15A-17\rorder\r",
                closed(Mark::Capture {
                    name: "order".into(),
                    text: "A-17".into(),
                }),
            ),
            ("r", closed(Mark::Redo)),
            ("s", MenuStep::Closed(Some(Choice::Secret))),
            ("z", closed(Mark::Paused)),
            ("\x1d", MenuStep::Closed(Some(Choice::TypeKey))),
            ("q", MenuStep::Closed(Some(Choice::Quit))),
            ("x", MenuStep::Closed(None)),
            ("n\x1b", MenuStep::Closed(None)),
            ("n\r", MenuStep::Closed(None)),
        ] {
            let mut menu = Menu::open(0x1d, false, &screen);
            assert_eq!(types(&mut menu, typed), step, "{typed:?}");
        }
        let mut menu = Menu::open(0x1d, true, &screen);
        assert_eq!(types(&mut menu, "z"), closed(Mark::Resumed));
    }

    #[test]
    fn the_choices_fit_into_80_columns() {
        assert!(CHOICES.width() < 80 && PAUSED.width() < 80);
    }

    #[test]
    fn the_screen_is_as_before_when_the_menu_is_closed() {
        let output = "one\r\ntwo\r\nthree\r\n\x1b[31mfo\u{4e2d}ur\x1b[42m end\x1b[1;5H\x1b[32m";
        let mut real = screen(output);
        let model = screen(output);
        let menu = Menu::open(0x1d, false, &model);
        let feed = |real: &mut Screen, output: &str| {
            real.feed(output.as_bytes(), Instant::now(), &mut |_| false);
        };
        feed(&mut real, &menu.draw(&model));
        assert!(real.row(3).text().starts_with("record: [p]roof"));
        assert!(real.style(3, 0).inverse);
        assert_eq!(real.row(0).text(), model.row(0).text());
        feed(&mut real, &restored(&model));
        let rest = "x\x1b[4;1Hy";
        feed(&mut real, rest);
        let mut expected = model;
        feed(&mut expected, rest);
        for row in 0..SIZE.rows {
            for column in 0..SIZE.columns {
                let cell = |it: &Screen| (it.char_at(row, column), it.style(row, column));
                assert_eq!(cell(&real), cell(&expected), "{row} {column}");
            }
        }
    }
}
