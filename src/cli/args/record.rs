//! Options of `rehearsal record`.

use std::path::PathBuf;

pub(super) const HELP: &str = "Examples:
  rehearsal record --into desk.yaml -- python3 tickets.py
      work with the program as always; when it ends, desk.yaml has the scenario, and it was tried
  rehearsal record --into desk.yaml --role manager -- ./approve
      a second role of the same scenario; recordings of several roles may be made at the same time
  rehearsal record --into desk.yaml --from session.cast -- python3 tickets.py
      from a recording of asciinema (`asciinema rec --capture-input`, in version 2 `--stdin`) or of
      script(1): name the file of times (`script --log-io io.log --log-timing times`)

Keys, after Ctrl-] (or the key of --menu-key):
  p  this text is the proof     n  name the step that begins     c  capture a value
  f  this text means failure    r  leave out the last turn       z  pause, or go on
  s  the last answer is a secret  q  end the program
  Ctrl-]  type Ctrl-] itself    any other key: back

Secrets: what the terminal does not show is never written to a file, and masked wherever it is
printed. The terminal is passed through as it is: Ctrl-C, Ctrl-Z and all other keys go to the
program, which is not stopped by Ctrl-Z unless it is a shell.

Exit code: that of the program; if it is 0, 1 if the scenario fails when it is tried.";

/// Arguments of `record`.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct RecordArgs {
    /// The scenario to write, or to add this role to
    #[arg(long, value_name = "FILE", default_value = "recorded.yaml")]
    pub into: PathBuf,

    /// The role that the person plays [default: the program's name]
    #[arg(long, value_name = "NAME", value_parser = role)]
    pub role: Option<String>,

    /// Start nothing: take this recording of asciinema, of script(1), or of this program
    #[arg(long, value_name = "RECORDING")]
    pub from: Option<PathBuf>,

    /// The key that opens the menu: ctrl-a to ctrl-z, ctrl-], ctrl-\, ctrl-^ or ctrl-_
    #[arg(long, value_name = "KEY", default_value = "ctrl-]", value_parser = menu_key)]
    pub menu_key: u8,

    /// Write think times as turns
    #[arg(long)]
    pub think: bool,

    /// In the second proof, give this variable of the scenario another value than in the recording
    #[arg(long, value_name = "NAME=VALUE", value_parser = super::values::variable, conflicts_with = "no_proof")]
    pub fresh: Vec<(String, String)>,

    /// Do not run the scenario that was written
    #[arg(long)]
    pub no_proof: bool,

    /// The program and its arguments
    #[arg(last = true, value_name = "PROGRAM", required_unless_present = "from")]
    pub program: Vec<String>,
}

/// Parses the name of a role.
fn role(text: &str) -> Result<String, String> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    match !text.is_empty() && text.chars().all(is_part) {
        true => Ok(text.to_owned()),
        false => Err("use letters, digits, _ and -".into()),
    }
}

/// Parses a control key.
fn menu_key(text: &str) -> Result<u8, String> {
    let lower = text.to_lowercase();
    let name = lower.strip_prefix("ctrl-").or(lower.strip_prefix('^'));
    let key = name.and_then(|it| it.bytes().next().filter(|_| it.len() == 1));
    match key {
        // Enter, and the escape that begins the sequences of other keys.
        Some(b'm' | b'j' | b'i' | b'h' | b'[') => {
            Err("that key is needed for Enter, Tab, Backspace or Escape".into())
        }
        Some(key @ (b'a'..=b'z' | b']' | b'\\' | b'^' | b'_')) => Ok(key & 0x1f),
        _ => Err("write a key such as ctrl-] or ctrl-g".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_menu_key_is_a_control_key() {
        for (text, key) in [("ctrl-]", 0x1d), ("Ctrl-G", 7), ("^_", 0x1f)] {
            assert_eq!(menu_key(text), Ok(key));
        }
        for text in ["", "x", "ctrl-", "ctrl-m", "ctrl-[", "ctrl-ab"] {
            assert!(menu_key(text).is_err(), "{text}");
        }
    }
}
