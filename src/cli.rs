//! The command line: arguments ([`args`]), their meaning ([`settings`]), and one file for each
//! command.
//!
//! Two things happen only here: the real environment is read ([`CliEnvironment`]), and exit codes are
//! chosen ([`Exit`]).

pub mod args;
mod bundles;
mod capacity;
mod check;
mod child;
mod compare;
mod comparing;
mod demo;
mod display;
mod doctor;
mod duration;
mod environment;
mod error;
mod exit;
mod exports;
mod failure_limit;
mod guide;
mod history;
mod html;
mod init;
mod kept;
mod launch;
mod live;
mod machine_limits;
mod menu;
mod merge;
mod nats_login;
mod record;
mod repeat;
mod replay;
mod report;
mod run;
mod saved;
mod scenario;
mod schedule;
mod schema;
mod segment;
mod session;
pub mod settings;
mod signals;
mod watch;
mod watching;

use std::ffi::OsString;
use std::io::{ErrorKind, Write as _};
use std::process::ExitCode;

pub use environment::CliEnvironment;
pub use error::CliError;
pub use exit::Exit;
pub use failure_limit::FailureLimit;

use args::{Args, Command, RunArgs};
use settings::RunSettings;

/// Runs a command line and returns its exit code. `arguments` begins with the program's name.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let environment = CliEnvironment::read(arguments.into_iter().collect());
    let exit = match Args::read(&environment.arguments) {
        Ok(args) => perform(args, &environment).unwrap_or_else(|error| {
            // Standard error may be closed; there is no other place for the message.
            let _ = writeln!(anstream::stderr(), "{}", error.render());
            error.exit()
        }),
        Err(message) => {
            let printed = message.print();
            match printed {
                _ if message.use_stderr() => Exit::Usage,
                // The reader of the help may have closed the pipe.
                Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                    let error = CliError::standard_output("the help", error);
                    // As above.
                    let _ = writeln!(anstream::stderr(), "{}", error.render());
                    error.exit()
                }
                _ => Exit::Completed,
            }
        }
    };
    exit.into()
}

/// Makes one run, or a series of them.
fn run(settings: &RunSettings, environment: &CliEnvironment) -> Result<Exit, CliError> {
    if settings.series.is_series() {
        repeat::repeat(settings, environment)
    } else {
        repeat::refuse_without_series(&settings.series)?;
        run::run(settings, environment)
    }
}

fn perform(args: Args, environment: &CliEnvironment) -> Result<Exit, CliError> {
    match args.command {
        Some(Command::Run { scenario, options }) => {
            run(&RunSettings::new(scenario, *options)?, environment)
        }
        Some(Command::Check {
            scenario,
            parallel,
            variables,
            scripts,
            chaos,
            json,
        }) => {
            let options = RunArgs {
                variables,
                scripts,
                chaos,
                ..RunArgs::default()
            };
            let settings = RunSettings::new(scenario, options)?;
            check::check(&settings, parallel, json, environment)
        }
        Some(Command::Init(args)) => init::init(&args, environment),
        Some(Command::Report(args)) => report::report(args, environment),
        Some(Command::Replay(mut args)) => {
            args.bundle = saved::bundle(&args.bundle, environment)?;
            if args.films.watch {
                replay::watch(args.bundle, args.films)
            } else {
                replay::replay(args, environment)
            }
        }
        Some(Command::Record(args)) => record::record(args, environment),
        Some(Command::Capacity(args)) => capacity::capacity(&args, environment),
        Some(Command::Launch(args)) => launch::launch(&args, environment),
        Some(Command::Compare(args)) => compare::compare(&args, environment),
        Some(Command::History(args)) => history::history(&args, environment),
        Some(Command::Schedule(args)) => schedule::schedule(args, environment),
        Some(Command::Merge {
            directories,
            into,
            detail,
        }) => merge::merge(&directories, &into, detail.report.detail(), environment),
        Some(Command::Watch(args)) => watch::watch(&args, environment),
        Some(Command::Guide { topic }) => guide::guide(topic.as_deref()),
        Some(Command::Schema) => schema::schema(),
        Some(Command::Doctor { json }) => doctor::doctor(json, environment),
        Some(Command::Answer(args)) => doctor::answer(&args)
            .map(|()| Exit::Completed)
            .map_err(|error| CliError::system("cannot answer", error)),
        Some(Command::Shop { .. }) => Err(CliError::usage(
            "this program was built without the shop",
            "use the `rehearsal` program itself",
        )),
        None => {
            let settings = RunSettings::new(None, args.options)?;
            if args.demo {
                demo::explain(&settings, args.batch, environment)?;
            }
            if args.batch {
                run(&settings, environment)
            } else {
                menu::menu(settings, environment)
            }
        }
    }
}
