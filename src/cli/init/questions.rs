//! Questions to the person at the terminal.

use std::io::{self, BufRead, Write};

use crate::cli::error::CliError;
use crate::report::sanitize;

use super::answers::{Answers, Reply, Secret, check_variable, words};

/// The variable for a password that is proposed.
const USUAL_VARIABLE: &str = "APP_PASSWORD";

/// A person who reads and types lines.
struct Person<'a> {
    input: &'a mut dyn BufRead,
    output: &'a mut dyn Write,
}

/// Asks for everything that a first scenario needs.
///
/// # Errors
/// If the input ends before the last answer.
pub(super) fn ask(input: &mut dyn BufRead, output: &mut dyn Write) -> Result<Answers, CliError> {
    let mut person = Person { input, output };
    person.say("A few questions about your program; Enter leaves out what it does not have.")?;
    let program = person.ask_until("The program and its arguments", words)?;
    let has_screen = person.ask_until(
        "Does it draw screens (forms, menus with arrow keys) [y/N]",
        |answer| match answer.to_lowercase().as_str() {
            "" | "n" | "no" => Ok(false),
            "y" | "yes" => Ok(true),
            _ => Err("type y or n"),
        },
    )?;
    let user = match person.ask("Its prompt for a user name, such as `Login:`")? {
        None => None,
        Some(prompt) => Some((prompt, person.ask_until("The user name", not_empty)?)),
    };
    let secret = match person.ask("Its prompt for a password, such as `Password:`")? {
        None => None,
        Some(prompt) => Some(Secret {
            prompt,
            variable: person.ask_until(
                &format!("The environment variable with the password [{USUAL_VARIABLE}]"),
                |answer| match answer {
                    "" => Ok(USUAL_VARIABLE.to_owned()),
                    name => check_variable(name).map(|()| name.to_owned()),
                },
            )?,
            default: None,
        }),
    };
    let prompt = "Its prompt for what to do next, such as that of a menu";
    let prompt = match has_screen {
        true => Some(person.ask_until("A text on its first screen", not_empty)?),
        false => person.ask(prompt)?,
    };
    let mut reply = None;
    if prompt.is_some() {
        let entry = person.ask("The menu entry to choose there (Enter to type a text instead)")?;
        reply = match entry {
            Some(entry) => Some(Reply::Choose(entry)),
            None => person.ask("The text to type there")?.map(Reply::Send),
        };
    }
    let expect = match &reply {
        Some(_) => {
            person.ask("A line that it prints, or a text on its screen, once that is done")?
        }
        None => None,
    };
    Ok(Answers {
        program,
        has_screen,
        user,
        secret,
        prompt,
        reply,
        expect,
    })
}

fn not_empty(answer: &str) -> Result<String, &'static str> {
    match answer {
        "" => Err("it is needed"),
        answer => Ok(answer.to_owned()),
    }
}

impl Person<'_> {
    fn say(&mut self, text: &str) -> Result<(), CliError> {
        writeln!(self.output, "{text}").map_err(cannot_ask)
    }

    /// Asks for a text; nothing but blanks is none.
    fn ask(&mut self, question: &str) -> Result<Option<String>, CliError> {
        let answer = self.line(question)?;
        Ok((!answer.is_empty()).then_some(answer))
    }

    /// Asks until the answer is accepted.
    fn ask_until<T>(
        &mut self,
        question: &str,
        accept: impl Fn(&str) -> Result<T, &'static str>,
    ) -> Result<T, CliError> {
        loop {
            let answer = self.line(question)?;
            match accept(&answer) {
                Ok(accepted) => return Ok(accepted),
                Err(error) => self.say(&format!("  {}", sanitize(error)))?,
            }
        }
    }

    fn line(&mut self, question: &str) -> Result<String, CliError> {
        write!(self.output, "{question}: ").map_err(cannot_ask)?;
        self.output.flush().map_err(cannot_ask)?;
        let mut line = Vec::new();
        let length = self
            .input
            .read_until(b'\n', &mut line)
            .map_err(cannot_ask)?;
        if length == 0 {
            return Err(CliError::usage(
                "the input ended before the last answer; nothing was written",
                "answer all questions, or give the answers as options: rehearsal init --help",
            ));
        }
        Ok(String::from_utf8_lossy(&line).trim().to_owned())
    }
}

fn cannot_ask(error: io::Error) -> CliError {
    CliError::system("cannot ask at the terminal", error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(lines: &str) -> (Result<Answers, CliError>, String) {
        let mut output = Vec::new();
        let answers = ask(&mut lines.as_bytes(), &mut output);
        (answers, String::from_utf8(output).unwrap())
    }

    #[test]
    fn wrong_answers_are_asked_for_again_and_passwords_not_repeated() {
        let lines = "\n'half\n./app 'two words'\nmaybe\n\nLogin:\n\nann\nPassword:\n\
                     pa$$word\n\nMenu>\n\nlist\n3 items\n";
        let (answers, output) = asked(lines);
        let answers = answers.unwrap();
        assert_eq!(answers.program, ["./app", "two words"]);
        assert!(!answers.has_screen);
        assert_eq!(answers.user, Some(("Login:".into(), "ann".into())));
        assert_eq!(answers.secret.unwrap().variable, USUAL_VARIABLE);
        assert_eq!(answers.reply, Some(Reply::Send("list".into())));
        assert_eq!(answers.expect.as_deref(), Some("3 items"));
        for text in [
            "there is no program",
            "a quote is not",
            "type y or n",
            "it is needed",
        ] {
            assert!(output.contains(text), "{text}: {output}");
        }
        assert!(!output.contains("pa$$word"), "{output}");
    }

    #[test]
    fn an_input_that_ends_is_an_error() {
        for lines in ["", "./app\n", "./app\nn\n\n"] {
            let error = asked(lines).0.unwrap_err();
            assert!(error.to_string().contains("nothing was written"), "{error}");
        }
    }
}
