//! Common behaviour of the five programs: banner, login, main menu, exit.

use std::process::{self, ExitCode};
use std::thread;
use std::time::Duration;

use rusqlite::{OptionalExtension, params};

use super::console::{Console, Gone};
use super::database::Database;
use super::faults::{Faults, Kind};
use super::orders::OrderError;
use super::role::Role;

const ATTEMPTS: usize = 3;

/// The exit code of a crash: the code for internal errors in sysexits(3).
const CRASHED: i32 = 70;

const HANGS: Duration = Duration::from_secs(3600);

/// The reason why an operation was not completed.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// Shown to the user; the program continues.
    #[error("{0}")]
    Refused(OrderError),
    #[error("the shop's database failed: {0}")]
    Database(rusqlite::Error),
    #[error("too many failed attempts")]
    LockedOut,
    #[error(transparent)]
    Gone(#[from] Gone),
}

impl From<OrderError> for Stop {
    fn from(error: OrderError) -> Self {
        match error {
            OrderError::Database(error) => Self::Database(error),
            refusal => Self::Refused(refusal),
        }
    }
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

/// The result of an operation without a value.
pub type Done = Result<(), Stop>;

/// An operation of a menu.
pub type Operation = fn(&mut Session) -> Done;

/// The logged-in user.
pub struct Account {
    pub id: String,
    pub name: String,
    pub address: String,
}

/// A program in use: its user, database and faults.
pub struct Session {
    pub console: Console,
    pub database: Database,
    pub faults: Faults,
    pub account: Account,
}

/// Shows the banner and asks for a login.
pub fn log_in(role: Role, console: &mut Console, database: &Database) -> Result<Account, Stop> {
    let line = "=".repeat(50);
    console.clear()?;
    console.say(&line)?;
    console.say(format_args!("  The Shop – {}", role.title()))?;
    console.say(&line)?;
    for attempt in 1..=ATTEMPTS {
        let id = console.ask(role.id_prompt())?;
        let password = console.ask_password("Password: ")?;
        if let Some(account) = find_account(database, role, &id, &password)? {
            console.say(format_args!("Welcome, {}!", account.name))?;
            return Ok(account);
        }
        console.say("Invalid credentials")?;
        if attempt < ATTEMPTS {
            console.say("Please try again.")?;
        }
    }
    console.say("Too many failed attempts")?;
    Err(Stop::LockedOut)
}

fn find_account(
    database: &Database,
    role: Role,
    id: &str,
    password: &str,
) -> rusqlite::Result<Option<Account>> {
    let query = "SELECT id, name, address FROM accounts
                 WHERE id = ?1 AND role = ?2 AND password = ?3";
    let values = params![id.to_uppercase(), role.name(), password];
    database
        .connection
        .query_row(query, values, |row| {
            Ok(Account {
                id: row.get(0)?,
                name: row.get(1)?,
                address: row.get(2)?,
            })
        })
        .optional()
}

impl Session {
    /// Shows the main menu repeatedly, until the user logs out.
    pub fn main_menu(&mut self, title: &str, rows: &[(&str, Operation)]) -> Done {
        if self.faults.has(Kind::ErrorLine) {
            self.console
                .say("[ERROR] price cache not reachable, reading prices from the database")?;
        }
        if let Some(megabytes) = self.faults.value(Kind::Flood) {
            self.flood(megabytes)?;
        }
        let mut first = true;
        loop {
            self.console.clear()?;
            self.console.heading(title)?;
            let Some(operation) = self.console.choose("operation", rows, "Logout")? else {
                self.console.say("Goodbye!")?;
                self.console.flush()?;
                return Ok(());
            };
            if first {
                self.break_down()?;
                first = false;
            }
            self.console.clear()?;
            self.attempt(operation)?;
        }
    }

    /// Shows a menu within an operation, which looks and prompts like the main menu.
    pub fn submenu<T: Copy>(
        &mut self,
        title: &str,
        rows: &[(&str, T)],
        leave: &str,
    ) -> Result<Option<T>, Stop> {
        self.console.heading(title)?;
        Ok(self.console.choose("operation", rows, leave)?)
    }

    /// Does an operation; a refusal is shown, and the program continues.
    pub fn attempt(&mut self, operation: impl FnOnce(&mut Self) -> Done) -> Done {
        match operation(self) {
            Err(Stop::Refused(refusal)) => {
                self.console.say(refusal)?;
                Ok(self.console.pause()?)
            }
            other => other,
        }
    }

    fn flood(&mut self, megabytes: u64) -> Done {
        const LINE: &str = "reindexing the catalogue ..............................";
        let lines = megabytes * 1_000_000 / (LINE.len() as u64 + 1);
        for _ in 0..lines {
            self.console.say(LINE)?;
        }
        Ok(())
    }

    /// Crashes or hangs if such a fault is selected.
    fn break_down(&mut self) -> Done {
        let crash = self.faults.value(Kind::Crash);
        if crash.is_none() && !self.faults.has(Kind::Hang) {
            return Ok(());
        }
        self.console.clear()?;
        self.console
            .say_part("--- Loading, please wait ---\n 1. OR")?;
        self.console.flush()?;
        match crash {
            Some(0) => process::exit(CRASHED),
            Some(_) => process::abort(),
            None => {
                // Longer than any test waits, but bounded, so that no forgotten program stays
                // forever.
                thread::sleep(HANGS);
                process::exit(CRASHED)
            }
        }
    }
}

/// Prints the last message and returns the program's exit code.
pub fn end(console: &mut Console, result: Result<(), Stop>) -> ExitCode {
    let Err(stop) = result else {
        return ExitCode::SUCCESS;
    };
    if matches!(stop, Stop::Gone(Gone::Input)) {
        // The side that closed the input may still read.
        let _ = console.say("\nEnd of input, session closed.");
    }
    // The output may have no reader any more.
    let _ = console.flush();
    match stop {
        Stop::Database(_) => {
            eprintln!("[ERROR] {stop}");
            ExitCode::from(super::DATABASE_FAILED)
        }
        _ => ExitCode::FAILURE,
    }
}
