//! Answers of which a first scenario is made.

use crate::cli::args::InitAnswers;
use crate::cli::error::CliError;

/// The properties of a program, and one action with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answers {
    /// The program and its arguments; not empty.
    pub program: Vec<String>,
    pub has_screen: bool,
    /// The prompt for a user name, and the name.
    pub user: Option<(String, String)>,
    pub secret: Option<Secret>,
    /// The prompt before the action.
    pub prompt: Option<String>,
    pub reply: Option<Reply>,
    /// Text that the program shows after the action.
    pub expect: Option<String>,
}

/// A password, which is not known here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Secret {
    pub prompt: String,
    /// The environment variable that has it.
    pub variable: String,
    /// The password of a program that has no secrets.
    pub default: Option<&'static str>,
}

/// The reply to the prompt before the action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    Choose(String),
    Send(String),
}

impl Answers {
    /// Returns the answers of the options.
    ///
    /// # Errors
    /// If the program or the name of the environment variable is none.
    pub(super) fn of(given: &InitAnswers) -> Result<Self, CliError> {
        let given = given.clone();
        let program = given.program.unwrap_or_default();
        let program = words(&program).map_err(|error| {
            CliError::usage(
                format_args!("--program '{program}': {error}"),
                "write the program and its arguments: --program 'python3 tickets.py'",
            )
        })?;
        if let Some(name) = &given.secret_env {
            check_variable(name).map_err(|error| {
                CliError::usage(
                    format_args!("--secret-env: {error}"),
                    "name the variable that will have the password: --secret-env APP_PASSWORD",
                )
            })?;
        }
        let secret = given.secret_prompt.zip(given.secret_env);
        let choose = given.choose.map(Reply::Choose);
        Ok(Answers {
            program,
            has_screen: given.screen,
            user: given.user_prompt.zip(given.user),
            secret: secret.map(|(prompt, variable)| Secret {
                prompt,
                variable,
                default: None,
            }),
            prompt: given.prompt,
            reply: choose.or(given.send.map(Reply::Send)),
            expect: given.expect,
        })
    }

    /// Returns the answers for a program that is always there: the customer portal of the shop.
    pub(super) fn of_the_shop() -> Self {
        Answers {
            program: ["rehearsal", "shop", "customer-portal"]
                .map(String::from)
                .into(),
            has_screen: false,
            user: Some(("Customer ID:".into(), "CUST001".into())),
            secret: Some(Secret {
                prompt: "Password:".into(),
                variable: "SHOP_PASSWORD".into(),
                default: Some("customer123"),
            }),
            prompt: Some("Select operation (0-6):".into()),
            reply: Some(Reply::Choose("My Profile".into())),
            expect: Some("Name:".into()),
        }
    }
}

/// Splits a command line into words, as a shell does.
pub(super) fn words(line: &str) -> Result<Vec<String>, &'static str> {
    match shlex::split(line) {
        None => Err("a quote is not closed"),
        Some(words) if words.is_empty() => Err("there is no program"),
        Some(words) => Ok(words),
    }
}

/// Checks the name of an environment variable. A password in its place is not repeated.
pub(super) fn check_variable(name: &str) -> Result<(), &'static str> {
    let is_first = |c: char| c.is_ascii_alphabetic() || c == '_';
    let is_name =
        name.starts_with(is_first) && name.chars().all(|c| is_first(c) || c.is_ascii_digit());
    match is_name {
        true => Ok(()),
        false => Err("it is no name of a variable, which has letters, digits and `_`"),
    }
}
