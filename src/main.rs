//! The `rehearsal` program.
//!
//! `rehearsal shop ...` is the built-in system under test. It lives here and not in the library,
//! so the engine cannot know it: to a scenario the shop is a set of programs like any other.

use std::process::ExitCode;

mod shop;

fn main() -> ExitCode {
    rehearsal::process::ignore_file_size_signal();
    if let Some(code) = rehearsal::process::watch_main(std::env::args_os().skip(1)) {
        return code;
    }
    let arguments: Vec<_> = std::env::args_os().collect();
    if arguments.get(1).is_some_and(|first| first == "shop") {
        return shop::main(&arguments[1..]);
    }
    rehearsal::cli::main(arguments)
}
