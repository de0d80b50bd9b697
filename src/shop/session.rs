//! What the five programs have in common: the banner, the login, the main menu, the good-bye.

use std::process::{self, ExitCode};
use std::thread;
use std::time::Duration;

use rusqlite::{OptionalExtension, params};

use super::console::{Console, Gone};
use super::database::Books;
use super::faults::{Faults, Kind};
use super::orders::OrderError;
use super::role::Role;

const ATTEMPTS: usize = 3;

/// What a crash by exit leaves as its code; the number that sysexits(3) has for internal errors.
const CRASHED: i32 = 70;

const HANGS: Duration = Duration::from_secs(3600);

/// The reason why an operation did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// Said to the person; the program goes on.
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

/// What an operation comes to when it has nothing to give back.
pub type Done = Result<(), Stop>;

/// The person who logged in.
pub struct Account {
    pub id: String,
    pub name: String,
    pub address: String,
}

/// A program in use: by whom, on which books, with which faults.
pub struct Session {
    pub console: Console,
    pub books: Books,
    pub faults: Faults,
    pub account: Account,
}

/// Shows the banner and lets someone log in.
pub fn log_in(role: Role, console: &mut Console, books: &Books) -> Result<Account, Stop> {
    let line = "=".repeat(50);
    console.clear()?;
    console.say(&line)?;
    console.say(format_args!("  The Shop – {}", role.title()))?;
    console.say(&line)?;
    for attempt in 1..=ATTEMPTS {
        let id = console.ask(role.id_prompt())?;
        let password = console.ask_password("Password: ")?;
        if let Some(account) = find_account(books, role, &id, &password)? {
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
    books: &Books,
    role: Role,
    id: &str,
    password: &str,
) -> rusqlite::Result<Option<Account>> {
    let query = "SELECT id, name, address FROM accounts
                 WHERE id = ?1 AND role = ?2 AND password = ?3";
    let values = params![id.to_uppercase(), role.name(), password];
    books
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
    /// Shows the main menu again and again, until the person logs out.
    pub fn main_menu<T: Copy>(
        &mut self,
        title: &str,
        rows: &[(&str, T)],
        perform: impl Fn(&mut Self, T) -> Done,
    ) -> Done {
        if self.faults.has(Kind::ErrorLine) {
            self.console
                .say("[ERROR] price cache not reachable, reading prices from the books")?;
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
            self.attempt(|session| perform(session, operation))?;
        }
    }

    /// A menu within an operation. It looks like the main menu and asks with the same words.
    pub fn submenu<T: Copy>(
        &mut self,
        title: &str,
        rows: &[(&str, T)],
        leave: &str,
    ) -> Result<Option<T>, Stop> {
        self.console.heading(title)?;
        Ok(self.console.choose("operation", rows, leave)?)
    }

    /// Does an operation; a refusal is said, and is no reason to stop the program.
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

    /// Crashes or hangs, if it was asked for.
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
                // Longer than any test waits, yet no program that is forgotten stays for ever.
                thread::sleep(HANGS);
                process::exit(CRASHED)
            }
        }
    }
}

/// Says the last words that an end calls for, and gives the program's exit code.
pub fn end(console: &mut Console, result: Result<(), Stop>) -> ExitCode {
    let Err(stop) = result else {
        return ExitCode::SUCCESS;
    };
    if matches!(stop, Stop::Gone(Gone::Input)) {
        // Whoever closed the input may still read.
        let _ = console.say("\nEnd of input, session closed.");
    }
    // Nobody can be told that nobody reads.
    let _ = console.flush();
    match stop {
        Stop::Database(_) => {
            eprintln!("[ERROR] {stop}");
            ExitCode::from(super::DATABASE_FAILED)
        }
        _ => ExitCode::FAILURE,
    }
}
