//! Console dialogue with the user: lines, prompts, menus, the screen.
//!
//! Output is buffered until the next question, so a screen is written in one piece.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, IsTerminal, Stdin, Write};
use std::ops::RangeInclusive;
use std::os::fd::AsFd;
use std::thread;
use std::time::Duration;

/// The end of the dialogue: the input has ended, or the output has no reader.
#[derive(Debug, thiserror::Error)]
pub enum Gone {
    #[error("the input has ended")]
    Input,
    #[error("the output is closed: {0}")]
    Output(#[from] io::Error),
}

type Answer<T> = Result<T, Gone>;

pub struct Console {
    input: BufReader<Stdin>,
    // Not `Stdout`, which would write every line separately.
    output: BufWriter<File>,
    /// The output is a screen that can be cleared.
    is_screen: bool,
    /// The simulated time to think about each answer.
    delay: Duration,
}

impl Console {
    pub fn new(delay: Duration) -> io::Result<Self> {
        let stdout = io::stdout();
        let output = File::from(stdout.as_fd().try_clone_to_owned()?);
        Ok(Self {
            input: BufReader::new(io::stdin()),
            output: BufWriter::with_capacity(64 * 1024, output),
            is_screen: stdout.is_terminal(),
            delay,
        })
    }

    /// Writes a line.
    pub fn say(&mut self, line: impl Display) -> Answer<()> {
        Ok(writeln!(self.output, "{line}")?)
    }

    /// Writes without ending the line.
    pub fn say_part(&mut self, text: impl Display) -> Answer<()> {
        Ok(write!(self.output, "{text}")?)
    }

    pub fn heading(&mut self, title: impl Display) -> Answer<()> {
        self.say(format_args!("--- {title} ---"))
    }

    pub fn flush(&mut self) -> Answer<()> {
        Ok(self.output.flush()?)
    }

    pub fn clear(&mut self) -> Answer<()> {
        if self.is_screen {
            self.say_part("\x1b[2J\x1b[H")?;
        }
        Ok(())
    }

    /// Prints a question and reads the answer, without blanks around it.
    pub fn ask(&mut self, prompt: impl Display) -> Answer<String> {
        self.say_part(prompt)?;
        self.flush()?;
        let line = self.read_line()?;
        self.think();
        Ok(line.trim().to_owned())
    }

    /// Reads a password from the terminal with its echo off, or an ordinary line without a
    /// terminal.
    pub fn ask_password(&mut self, prompt: &str) -> Answer<String> {
        self.say_part(prompt)?;
        self.flush()?;
        let password = if File::open("/dev/tty").is_ok() {
            rpassword::read_password().map_err(|_| Gone::Input)?
        } else {
            let password = self.read_line()?;
            self.say("")?;
            password
        };
        self.think();
        Ok(password)
    }

    /// Asks until the answer is a whole number within the range.
    pub fn ask_number(&mut self, prompt: impl Display, range: RangeInclusive<i64>) -> Answer<i64> {
        loop {
            match self.ask(&prompt)?.parse() {
                Ok(number) if range.contains(&number) => return Ok(number),
                _ => self.say(format_args!(
                    "Please enter a number from {} to {}.",
                    range.start(),
                    range.end()
                ))?,
            }
        }
    }

    /// Asks until the answer is yes or no, in full or as one letter.
    pub fn confirm(&mut self, prompt: impl Display) -> Answer<bool> {
        loop {
            match self.ask(&prompt)?.to_lowercase().as_str() {
                "y" | "yes" => return Ok(true),
                "n" | "no" => return Ok(false),
                _ => self.say("Please answer yes or no.")?,
            }
        }
    }

    /// Prints a numbered menu, with 0 for `leave`, and asks until one of its rows is chosen. `None`
    /// is 0.
    pub fn choose<T: Copy>(
        &mut self,
        what: &str,
        rows: &[(impl Display, T)],
        leave: &str,
    ) -> Answer<Option<T>> {
        for (number, (label, _)) in (1..).zip(rows) {
            self.say(format_args!("{number:>2}. {label}"))?;
        }
        self.say(format_args!(" 0. {leave}"))?;
        let prompt = format!("Select {what} (0-{}): ", rows.len());
        loop {
            match self.ask(&prompt)?.parse::<usize>() {
                Ok(0) => return Ok(None),
                Ok(number) if number <= rows.len() => return Ok(Some(rows[number - 1].1)),
                _ => self.wrong_choice()?,
            }
        }
    }

    pub fn wrong_choice(&mut self) -> Answer<()> {
        self.say("Invalid choice, please try again.")
    }

    pub fn pause(&mut self) -> Answer<()> {
        self.ask("Press Enter to continue...").map(drop)
    }

    fn read_line(&mut self) -> Answer<String> {
        let mut line = Vec::new();
        // A terminal that was hung up returns an error instead of an end of file.
        let read = self.input.read_until(b'\n', &mut line).unwrap_or(0);
        if read == 0 {
            return Err(Gone::Input);
        }
        let line = String::from_utf8_lossy(&line);
        Ok(line.trim_end_matches(['\n', '\r']).to_owned())
    }

    fn think(&self) {
        if !self.delay.is_zero() {
            thread::sleep(self.delay);
        }
    }
}
