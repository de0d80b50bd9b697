//! Input typed at a program, and its echo on a terminal.

use std::borrow::Cow;

use super::keys::Key;
use super::screen::KeyModes;

/// Longest input line of a terminal in canonical mode, with its line end: `N_TTY_BUF_SIZE` less one,
/// see `termios(3)`.
const INPUT_LINE_LIMIT_BYTES: usize = 4095;

/// The beginning and the end of a text that is pasted in brackets.
const PASTE_BRACKETS: [&str; 2] = ["\x1b[200~", "\x1b[201~"];

/// A line, a text or keys to type: the bytes to send, and the echo to expect from a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed {
    bytes: Cow<'static, [u8]>,
    echo: ExpectedEcho,
    /// The echoes of further lines, if there is an Enter among the keys.
    further: Vec<ExpectedEcho>,
}

/// Echo of typed input, as a terminal shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ExpectedEcho {
    Nothing,
    /// The text and a line end.
    Line(String),
    /// The text alone.
    Text(String),
}

/// Error of a text that cannot be typed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    #[error(
        "the reply holds a control character ({name}, at character {position}); \
         a key is pressed with `press`"
    )]
    ControlCharacter {
        name: String,
        /// From 1.
        position: usize,
    },
    #[error(
        "the reply has {bytes} bytes with its line end; a terminal takes {INPUT_LINE_LIMIT_BYTES}"
    )]
    TooLong { bytes: usize },
    #[error(
        "the text to paste has several lines, and the program has not asked for pasted text in \
         brackets (`CSI ? 2004 h`): it would take each line end for Enter; write a turn for each line"
    )]
    PastedLines,
}

impl Typed {
    /// Returns a text followed by Enter.
    ///
    /// Fails for control characters, and on a terminal for a line longer than it accepts.
    pub fn line(text: &str, terminal: bool) -> Result<Typed, InputError> {
        refuse_control_characters(text)?;
        let bytes = [text.as_bytes(), line_end(terminal)].concat();
        if terminal && bytes.len() > INPUT_LINE_LIMIT_BYTES {
            return Err(InputError::TooLong { bytes: bytes.len() });
        }
        Ok(Typed {
            bytes: bytes.into(),
            echo: ExpectedEcho::Line(text.to_owned()),
            further: Vec::new(),
        })
    }

    /// Returns a text without Enter.
    ///
    /// # Errors
    /// For control characters.
    pub fn text(text: &str) -> Result<Typed, InputError> {
        refuse_control_characters(text)?;
        Ok(Typed {
            bytes: text.as_bytes().to_vec().into(),
            echo: ExpectedEcho::Text(text.to_owned()),
            further: Vec::new(),
        })
    }

    /// Returns a text as a terminal pastes it: in brackets, if the program has asked for them. As in
    /// xterm, the line ends within it are those of the Enter key.
    ///
    /// # Errors
    /// For control characters, and for several lines without brackets.
    pub fn paste(text: &str, bracketed: bool) -> Result<Typed, InputError> {
        if !bracketed && text.contains('\n') {
            return Err(InputError::PastedLines);
        }
        let mut lines = text.split('\n');
        let mut typed = Typed::text(lines.next().unwrap_or_default())?;
        for line in lines {
            let end = Typed {
                bytes: line_end(true).into(),
                echo: ExpectedEcho::Line(String::new()),
                further: Vec::new(),
            };
            typed = typed.then(end).then(Typed::text(line)?);
        }
        if bracketed {
            let [begin, end] = PASTE_BRACKETS;
            let bytes = [begin.as_bytes(), typed.bytes(), end.as_bytes()].concat();
            typed.bytes = bytes.into();
        }
        Ok(typed)
    }

    /// Returns the text of a line, without Enter; empty for keys.
    pub fn line_text(&self) -> &str {
        match &self.echo {
            ExpectedEcho::Line(text) => text,
            ExpectedEcho::Text(_) | ExpectedEcho::Nothing => "",
        }
    }

    /// Returns arbitrary bytes followed by Enter, unchecked: invalid UTF-8 and lines of any length
    /// are the purpose. The bytes must hold no control characters.
    pub fn anything(bytes: &[u8], terminal: bool) -> Typed {
        let mut typed = bytes.to_vec();
        typed.extend_from_slice(line_end(terminal));
        Typed {
            bytes: typed.into(),
            echo: ExpectedEcho::Line(String::from_utf8_lossy(bytes).into_owned()),
            further: Vec::new(),
        }
    }

    /// Returns one key press, in these modes of a terminal.
    pub(crate) fn key(key: Key, terminal: bool, modes: KeyModes) -> Typed {
        let bytes = key.bytes(terminal, modes);
        let echo = match key {
            Key::Enter | Key::Ctrl('j' | 'm') => ExpectedEcho::Line(String::new()),
            Key::Keypad('\r') if !modes.application_keypad => ExpectedEcho::Line(String::new()),
            Key::Tab | Key::Ctrl('i') => ExpectedEcho::Text("\t".to_owned()),
            Key::Space => ExpectedEcho::Text(" ".to_owned()),
            Key::Char(character) => ExpectedEcho::Text(character.to_string()),
            // A terminal in canonical mode acts on these and echoes nothing.
            Key::Backspace | Key::Ctrl('d' | 'h') => ExpectedEcho::Nothing,
            _ => ExpectedEcho::Text(caret(&bytes)),
        };
        Typed {
            bytes,
            echo,
            further: Vec::new(),
        }
    }

    /// Returns both, typed at once.
    #[must_use]
    pub fn then(mut self, next: Typed) -> Typed {
        self.bytes.to_mut().extend_from_slice(&next.bytes);
        let last = self.further.last_mut().unwrap_or(&mut self.echo);
        match std::mem::replace(last, ExpectedEcho::Nothing).then(next.echo) {
            Ok(joined) => *last = joined,
            Err((line, after)) => {
                *last = line;
                self.further.push(after);
            }
        }
        self.further.extend(next.further);
        self
    }

    /// Returns the bytes to send.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the echo of its first line, or of its text.
    pub(crate) fn echo(&self) -> &ExpectedEcho {
        &self.echo
    }

    /// Returns whether it is a key, and no text nor the end of a line.
    pub(crate) fn is_control_key(&self) -> bool {
        let is_pasted = self.bytes.starts_with(PASTE_BRACKETS[0].as_bytes());
        let first = self.bytes.first();
        !is_pasted && first.is_some_and(|it| it.is_ascii_control() && !b"\r\n".contains(it))
    }

    /// Returns the echoes that follow on it.
    pub(crate) fn further_echoes(&self) -> &[ExpectedEcho] {
        &self.further
    }
}

impl ExpectedEcho {
    /// Joins the echoes of two presses.
    ///
    /// # Errors
    /// Both, if the first one ends a line that something follows.
    fn then(self, next: ExpectedEcho) -> Result<ExpectedEcho, (ExpectedEcho, ExpectedEcho)> {
        Ok(match (self, next) {
            (one, ExpectedEcho::Nothing) | (ExpectedEcho::Nothing, one) => one,
            (ExpectedEcho::Text(text), ExpectedEcho::Text(next)) => {
                ExpectedEcho::Text(text + &next)
            }
            (ExpectedEcho::Text(text), ExpectedEcho::Line(next)) => {
                ExpectedEcho::Line(text + &next)
            }
            (line @ ExpectedEcho::Line(_), next) => return Err((line, next)),
        })
    }
}

fn refuse_control_characters(text: &str) -> Result<(), InputError> {
    let mut characters = text.chars().enumerate();
    match characters.find(|(_, c)| c.is_control()) {
        None => Ok(()),
        Some((position, found)) => Err(InputError::ControlCharacter {
            name: control_name(found),
            position: position + 1,
        }),
    }
}

fn line_end(terminal: bool) -> &'static [u8] {
    if terminal { b"\r" } else { b"\n" }
}

/// Returns control characters as a terminal echoes them: `^C`, `^[[A`.
fn caret(bytes: &[u8]) -> String {
    let mut text = String::new();
    for &byte in bytes {
        if byte < 0x20 || byte == 0x7f {
            text.push('^');
            text.push((byte ^ 0x40) as char);
        } else {
            text.push(byte as char);
        }
    }
    text
}

fn control_name(c: char) -> String {
    let name = match c {
        '\0' => "null",
        '\t' => "tab",
        '\n' => "line feed",
        '\r' => "carriage return",
        '\x08' => "backspace",
        '\x1b' => "escape",
        '\x7f' => "delete",
        '\x01'..='\x1a' => return format!("ctrl-{}", (c as u8 | 0x60) as char),
        _ => return format!("U+{:04X}", c as u32),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_with_enter() {
        assert_eq!(
            Typed::line("Zoé", true).unwrap().bytes(),
            "Zoé\r".as_bytes()
        );
        assert_eq!(Typed::line("", false).unwrap().bytes(), b"\n");
    }

    #[test]
    fn control_characters_are_refused_by_name() {
        for (text, message) in [
            ("a\tb", "(tab, at character 2)"),
            ("é\n", "(line feed, at character 2)"),
            ("\x03", "(ctrl-c, at character 1)"),
            ("\u{9b}", "(U+009B, at character 1)"),
        ] {
            let error = Typed::line(text, false).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }

    #[test]
    fn a_terminal_takes_so_much_and_no_more() {
        assert!(Typed::line(&"x".repeat(4094), true).is_ok());
        assert_eq!(
            Typed::line(&"é".repeat(2048), true)
                .unwrap_err()
                .to_string(),
            "the reply has 4097 bytes with its line end; a terminal takes 4095"
        );
        assert!(Typed::line(&"x".repeat(5000), false).is_ok());
    }

    #[test]
    fn keys_echo_as_carets() {
        let echo = |key| Typed::key(key, true, KeyModes::default()).echo;
        assert_eq!(echo(Key::Ctrl('c')), ExpectedEcho::Text("^C".into()));
        assert_eq!(echo(Key::Up), ExpectedEcho::Text("^[[A".into()));
        assert_eq!(echo(Key::Enter), ExpectedEcho::Line(String::new()));
        assert_eq!(echo(Key::Ctrl('d')), ExpectedEcho::Nothing);
    }

    #[test]
    fn a_text_is_typed_or_pasted_without_enter() {
        let typed = Typed::text("Zoé").expect("a text");
        assert_eq!(typed.bytes(), "Zoé".as_bytes());
        assert_eq!(*typed.echo(), ExpectedEcho::Text("Zoé".into()));
        assert_eq!(Typed::paste("Zoé", false), Ok(typed.clone()));
        let pasted = Typed::paste("Zoé", true).expect("a text");
        assert_eq!(pasted.bytes(), "\x1b[200~Zoé\x1b[201~".as_bytes());
        assert_eq!(pasted.echo(), typed.echo());
        let lines = Typed::paste("a\nb\n", true).expect("lines");
        assert_eq!(lines.bytes(), b"\x1b[200~a\rb\r\x1b[201~");
        assert_eq!(*lines.echo(), ExpectedEcho::Line("a".into()));
        assert_eq!(
            lines.further_echoes(),
            [
                ExpectedEcho::Line("b".into()),
                ExpectedEcho::Text(String::new())
            ]
        );
        assert_eq!(Typed::paste("a\nb", false), Err(InputError::PastedLines));
        assert!(Typed::text("a\nb").is_err() && Typed::paste("a\x1b[201~b", true).is_err());
    }

    #[test]
    fn keys_are_typed_at_once_and_echo_line_by_line() {
        let keys = [Key::Char('y'), Key::Enter, Key::Up, Key::Char('n')];
        let typed_in = |keys: &[Key], modes| {
            let presses = keys.iter().map(|key| Typed::key(*key, true, modes));
            presses.reduce(Typed::then).expect("there are keys")
        };
        let typed = typed_in(&keys, KeyModes::default());
        assert_eq!(typed.bytes(), b"y\r\x1b[An");
        assert_eq!(*typed.echo(), ExpectedEcho::Line("y".into()));
        assert_eq!(typed.further_echoes(), [ExpectedEcho::Text("^[[An".into())]);
        let again = Typed::text("ab").expect("a text").then(typed);
        assert_eq!(*again.echo(), ExpectedEcho::Line("aby".into()));
        assert_eq!(again.further_echoes().len(), 1);
        let modes = KeyModes {
            application_cursor: true,
            ..KeyModes::default()
        };
        let in_application_mode = typed_in(&[Key::Down, Key::Function(3)], modes);
        assert_eq!(in_application_mode.bytes(), b"\x1bOB\x1bOR");
    }
}
