//! Arguments of `rehearsal init`.

use std::path::PathBuf;

/// The arguments of `init`: the file, and the answers to its questions.
#[derive(Debug, Default, Clone, PartialEq, Eq, clap::Args)]
pub struct InitArgs {
    /// The scenario file to write
    #[arg(default_value = "scenario.yaml")]
    pub file: PathBuf,

    /// Overwrite the file if it exists
    #[arg(long)]
    pub force: bool,

    #[command(flatten)]
    pub answers: InitAnswers,
}

/// Answers given as options. With any of them nothing is asked.
#[derive(Debug, Default, Clone, PartialEq, Eq, clap::Args)]
#[command(next_help_heading = "Answers, instead of questions")]
pub struct InitAnswers {
    /// The program and its arguments, such as 'python3 tickets.py'
    #[arg(long, value_name = "COMMAND")]
    pub program: Option<String>,

    /// The program draws screens: forms, menus with arrow keys
    #[arg(long, requires_all = ["program", "prompt"])]
    pub screen: bool,

    /// Its prompt for a user name
    #[arg(long, value_name = "TEXT", requires_all = ["program", "user"])]
    pub user_prompt: Option<String>,

    /// The user name
    #[arg(long, value_name = "NAME", requires = "user_prompt")]
    pub user: Option<String>,

    /// Its prompt for a password
    #[arg(long, value_name = "TEXT", requires_all = ["program", "secret_env"])]
    pub secret_prompt: Option<String>,

    /// The environment variable that has the password; the file does not
    #[arg(long, value_name = "NAME", requires = "secret_prompt")]
    pub secret_env: Option<String>,

    /// Its prompt before the action, such as that of a menu
    #[arg(long, value_name = "TEXT", requires = "program")]
    pub prompt: Option<String>,

    /// The menu entry to choose at that prompt
    #[arg(
        long,
        value_name = "LABEL",
        requires = "prompt",
        conflicts_with = "send"
    )]
    pub choose: Option<String>,

    /// The text to type at that prompt
    #[arg(long, value_name = "TEXT", requires = "prompt")]
    pub send: Option<String>,

    /// A line that the program prints, or a text on its screen, once the action is done
    #[arg(long, value_name = "TEXT", requires = "program")]
    pub expect: Option<String>,
}
