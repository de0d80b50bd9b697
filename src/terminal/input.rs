//! Input typed at a program, and its echo on a terminal.

use std::borrow::Cow;

use super::keys::Key;

/// Longest input line of a terminal in canonical mode, with its line end: `N_TTY_BUF_SIZE` less one,
/// see `termios(3)`.
const INPUT_LINE_LIMIT_BYTES: usize = 4095;

/// A line or key to type: the bytes to send, and the echo to expect from a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed {
    bytes: Cow<'static, [u8]>,
    echo: ExpectedEcho,
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
}

impl Typed {
    /// Returns a text followed by Enter.
    ///
    /// Fails for control characters, and on a terminal for a line longer than it accepts.
    pub fn line(text: &str, terminal: bool) -> Result<Typed, InputError> {
        if let Some((position, found)) = text.chars().enumerate().find(|(_, c)| c.is_control()) {
            return Err(InputError::ControlCharacter {
                name: control_name(found),
                position: position + 1,
            });
        }
        let bytes = [text.as_bytes(), &Key::Enter.bytes(terminal)].concat();
        if terminal && bytes.len() > INPUT_LINE_LIMIT_BYTES {
            return Err(InputError::TooLong { bytes: bytes.len() });
        }
        Ok(Typed {
            bytes: bytes.into(),
            echo: ExpectedEcho::Line(text.to_owned()),
        })
    }

    /// Returns the text without Enter; empty for a key.
    pub fn text(&self) -> &str {
        match &self.echo {
            ExpectedEcho::Line(text) => text,
            ExpectedEcho::Text(_) | ExpectedEcho::Nothing => "",
        }
    }

    /// Returns arbitrary bytes followed by Enter, unchecked: invalid UTF-8 and lines of any length
    /// are the purpose. The bytes must hold no control characters.
    pub fn anything(bytes: &[u8], terminal: bool) -> Typed {
        let mut typed = bytes.to_vec();
        typed.extend_from_slice(&Key::Enter.bytes(terminal));
        Typed {
            bytes: typed.into(),
            echo: ExpectedEcho::Line(String::from_utf8_lossy(bytes).into_owned()),
        }
    }

    /// Returns one key press.
    pub fn key(key: Key, terminal: bool) -> Typed {
        let echo = match key {
            Key::Enter | Key::Ctrl('j' | 'm') => ExpectedEcho::Line(String::new()),
            Key::Tab | Key::Ctrl('i') => ExpectedEcho::Text("\t".to_owned()),
            Key::Space => ExpectedEcho::Text(" ".to_owned()),
            Key::Char(character) => ExpectedEcho::Text(character.to_string()),
            // A terminal in canonical mode acts on these and echoes nothing.
            Key::Backspace | Key::Ctrl('d' | 'h') => ExpectedEcho::Nothing,
            other => ExpectedEcho::Text(caret(&other.bytes(terminal))),
        };
        Typed {
            bytes: key.bytes(terminal),
            echo,
        }
    }

    /// Returns the bytes to send.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn echo(&self) -> &ExpectedEcho {
        &self.echo
    }
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
        let echo = |key| Typed::key(key, true).echo;
        assert_eq!(echo(Key::Ctrl('c')), ExpectedEcho::Text("^C".into()));
        assert_eq!(echo(Key::Up), ExpectedEcho::Text("^[[A".into()));
        assert_eq!(echo(Key::Enter), ExpectedEcho::Line(String::new()));
        assert_eq!(echo(Key::Ctrl('d')), ExpectedEcho::Nothing);
    }
}
