//! What can be typed. What it means is for [`settings`](super::settings).

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};

use super::{exit, seconds};

const EXAMPLES: &str =
    "  rehearsal run                                    one order, told step by step
  rehearsal run --flows 200 --parallel 50 --save   many, at once, kept as JSON
  rehearsal run my.yaml --var user=ann -v          your own programs, dialogue in the log
  rehearsal run --json | jq .summary               for other programs
  rehearsal check my.yaml                          what is wrong, or what would be done
  rehearsal                                        a menu";

const ENVIRONMENT: &str =
    "  REHEARSAL_RESULTS  the folder for results and logs (default: ./rehearsal-results)
  REHEARSAL_SHOP_DB  the shop's database (default: a new one for each run)
  NO_COLOR           no colours; CLICOLOR_FORCE=1 for colours always
  TMPDIR             where runs have their temporary files";

fn after_help() -> String {
    use anstyle::Style;
    const HEADING: Style = Style::new().bold().underline();
    let sections = [
        ("Examples", EXAMPLES),
        ("Exit codes", exit::HELP),
        ("Environment", ENVIRONMENT),
    ];
    sections
        .map(|(name, text)| format!("{HEADING}{name}:{HEADING:#}\n{text}"))
        .join("\n\n")
}

/// Load tests for the programs that people talk to
///
/// Rehearsal plays whole business journeys through interactive, menu-driven programs, many at
/// once, and reports only what it saw. Without a command it opens a menu.
#[derive(Debug, Parser)]
#[command(
    name = "rehearsal",
    version,
    after_help = after_help(),
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub struct Args {
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Run the built-in scenario at once instead of opening the menu; as `rehearsal run`
    #[arg(long)]
    pub batch: bool,

    /// Explain first what is going to happen
    #[arg(long)]
    pub demo: bool,

    #[command(flatten)]
    pub options: RunArgs,
}

/// A command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Perform the flows of a scenario, and report
    Run {
        /// The scenario's file; without one, an order's way through the built-in shop
        scenario: Option<PathBuf>,
        #[command(flatten)]
        options: RunArgs,
    },
    /// Say what is wrong with a scenario, or what it would do and whether this machine has room
    Check {
        /// The scenario's file; without one, the built-in scenario
        #[arg(value_name = "FILE")]
        scenario: Option<PathBuf>,
        /// How many flows would run at once [default: as the scenario says]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        parallel: Option<u64>,
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Print the JSON Schema of scenarios, for editors
    Schema,
    /// Be one of the shop's programs, which the built-in scenario talks to; see `shop --help`
    #[command(disable_help_flag = true)]
    Shop {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
        arguments: Vec<OsString>,
    },
}

/// How a scenario is run.
#[derive(Debug, Default, Clone, clap::Args)]
pub struct RunArgs {
    /// How many flows [default: as the scenario says, usually 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub flows: Option<u64>,

    /// How many of them at once [default: as the scenario says, usually 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub parallel: Option<u64>,

    /// The customer; the same as --var customer_id=ID
    #[arg(long, value_name = "ID")]
    pub customer: Option<String>,

    /// Give a variable of the scenario another value
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable)]
    pub variables: Vec<(String, String)>,

    /// How long each step may take, instead of what the scenario says: 60, 2.5, 500ms, 1m
    #[arg(long, value_name = "S", value_parser = seconds::parse_some)]
    pub timeout: Option<Duration>,

    /// How long to pause before each step, instead of what the scenario says
    #[arg(long, value_name = "S", value_parser = seconds::parse)]
    pub delay: Option<Duration>,

    /// A folder in which programs are looked for; may be given several times
    #[arg(long, value_name = "DIR")]
    pub scripts: Vec<PathBuf>,

    /// Keep the results as a JSON file in DIR [default: see Environment]. DIR needs the `=`
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true)]
    pub save: Option<Option<PathBuf>>,

    /// Where all random choices come from; to repeat a run, take the seed from its log or results
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,

    /// Print the result, all flows with it, as JSON on standard output and nothing else
    #[arg(long)]
    pub json: bool,

    /// Put what programs say and are told into the log, too
    #[arg(short, long)]
    pub verbose: bool,
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.to_owned()))
        }
        _ => Err("write NAME=VALUE".into()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Args::command().debug_assert();
    }
}
