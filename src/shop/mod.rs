//! The shop: the built-in system under test, five menu programs over one SQLite file.
//!
//! A customer places an order; inventory, warehouse, logistics and delivery move it on, each with a
//! separate program, `rehearsal shop ROLE`. The programs behave like real ones: they prompt, list,
//! clear the screen and ask for passwords. They do not know the engine that drives them, and they
//! fail on demand (see `faults`).

mod audit;
mod console;
mod customer;
mod database;
mod delivery;
mod faults;
mod inventory;
mod listing;
mod logistics;
mod money;
mod orders;
mod picker;
mod role;
mod seed;
mod session;
mod status;
mod warehouse;

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use audit::Audit;
use console::Console;
use database::{Database, OpenError, Origin};
use faults::{Faults, Kind};
use role::Role;
use session::Session;

/// The data is inconsistent, or a program ended without a logout or a successful login.
const FAILED: u8 = 1;
/// The command line or an environment variable is invalid.
const MISUSED: u8 = 2;
/// The database cannot be opened, or failed later.
const DATABASE_FAILED: u8 = 3;

/// The built-in system under test: a shop, played by five interactive programs
#[derive(Debug, Parser)]
#[command(
    name = "rehearsal shop",
    bin_name = "rehearsal shop",
    arg_required_else_help = true
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Browse products, place orders (CUST001 to CUST1000, password customer123)
    CustomerPortal,
    /// Process orders: allocate stock (STAFF001 to STAFF020, password staff123)
    InventoryStaff,
    /// Have orders packed, approve them (MGR001 to MGR020, password manager123)
    WarehouseManager,
    /// Plan deliveries: route and slot (LOG001 to LOG020, password logistics123)
    LogisticsManager,
    /// Deliver, collect payments (DEL001 to DEL020, password delivery123)
    DeliveryPersonnel,
    /// Create the database now instead of at the first login
    Init,
    /// Check that the data is consistent; with an order's id, only that order, with its history
    Audit {
        /// Such as ORD-20250131-143005-000042
        order_id: Option<String>,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Delete all orders and restore the stock
    Reset,
}

/// Runs `rehearsal shop ...`; the first argument is the word `shop`.
pub fn main(arguments: &[OsString]) -> ExitCode {
    let parsed = Arguments::command()
        .after_help(help())
        .try_get_matches_from(arguments)
        .and_then(|matches| Arguments::from_arg_matches(&matches));
    let result = match parsed {
        Ok(arguments) => perform(arguments.command),
        Err(error) => {
            // Standard output may be a closed pipe, and then the help has no reader.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(MISUSED));
        }
    };
    result.unwrap_or_else(|failure| {
        eprintln!("[ERROR] {}", failure.message);
        ExitCode::from(failure.code)
    })
}

/// A failure before the first screen, with its exit code.
struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    fn misuse(error: impl ToString) -> Self {
        let message = error.to_string();
        Self {
            code: MISUSED,
            message,
        }
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Stock(error) => Self::misuse(error),
            other => Self {
                code: DATABASE_FAILED,
                message: other.to_string(),
            },
        }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self {
            code: DATABASE_FAILED,
            message: format!("the shop's database failed: {error}"),
        }
    }
}

fn perform(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::CustomerPortal => play(Role::CustomerPortal),
        Command::InventoryStaff => play(Role::InventoryStaff),
        Command::WarehouseManager => play(Role::WarehouseManager),
        Command::LogisticsManager => play(Role::LogisticsManager),
        Command::DeliveryPersonnel => play(Role::DeliveryPersonnel),
        Command::Init => init(),
        Command::Audit { order_id, json } => audit(order_id.as_deref(), json),
        Command::Reset => reset(),
    }
}

/// Runs a role's program from its banner to its end.
fn play(role: Role) -> Result<ExitCode, Failure> {
    let list = env::var_os(faults::VARIABLE).unwrap_or_default();
    let faults = Faults::parse(&list.to_string_lossy(), role, fastrand::f64)
        .map_err(|error| Failure::misuse(format!("{}: {error}", faults::VARIABLE)))?;
    let (database, _) = Database::open(&database::path())?;
    let delay = Duration::from_millis(faults.value(Kind::Slow).unwrap_or(0));
    let mut console = Console::new(delay)
        .map_err(|error| Failure::misuse(format!("cannot write to the output: {error}")))?;
    let run = match role {
        Role::CustomerPortal => customer::run,
        Role::InventoryStaff => inventory::run,
        Role::WarehouseManager => warehouse::run,
        Role::LogisticsManager => logistics::run,
        Role::DeliveryPersonnel => delivery::run,
    };
    let account = match session::log_in(role, &mut console, &database) {
        Ok(account) => account,
        Err(stop) => return Ok(session::end(&mut console, Err(stop))),
    };
    let mut session = Session {
        console,
        database,
        faults,
        account,
    };
    let result = run(&mut session);
    Ok(session::end(&mut session.console, result))
}

fn init() -> Result<ExitCode, Failure> {
    let path = database::path();
    let (_, origin) = Database::open(&path)?;
    let what = match origin {
        Origin::Created => "Created the shop's database at",
        Origin::Existed => "The shop's database is already there, at",
    };
    print(&format!("{what} {}\n", path.display()));
    Ok(ExitCode::SUCCESS)
}

fn reset() -> Result<ExitCode, Failure> {
    let path = database::path();
    let (mut database, _) = Database::open(&path)?;
    database.write(seed::reset)?;
    print(&format!(
        "Emptied the shop's database at {}\n",
        path.display()
    ));
    Ok(ExitCode::SUCCESS)
}

fn audit(order_id: Option<&str>, json: bool) -> Result<ExitCode, Failure> {
    let path = database::path();
    let audit = Audit::of(&mut Database::open_existing(&path)?, order_id)?;
    if json {
        print(&format!("{:#}\n", audit.json(&path)));
    } else {
        print(&audit.text());
    }
    Ok(if audit.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FAILED)
    })
}

/// Prints text; unlike `print!`, does not panic when the pipe is closed.
fn print(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
}

/// The text of `--help` below the list of commands.
fn help() -> String {
    format!(
        "\
An order is placed in the customer portal, then processed, approved, planned, delivered and paid
in the other four programs, in the order of the list above. Every program lists only what is due.

Environment:
  {db:<24} The database file, created and filled when it is missing.
  {run_dir:<24} If the above is not set: the directory that holds `shop.db`.
                           If neither is: a file for each user in the temporary directory.
  {stock:<24} How many of each product a new database has (1000000).
  {fault:<24} Faults to simulate, see below.

Faults, a list such as slow=100,crash@warehouse-manager:0.1
(`@ROLE` confines a fault to one program, `:CHANCE` to that share of the processes):
{faults}

Exit codes:
  0  logged out; for audit: 0 inconsistencies
  1  the input ended before the logout, or 3 logins failed; for audit: inconsistencies
  2  wrong usage, or an unknown fault
  3  the database cannot be opened or failed; for audit: there is none
  70 the fault `crash`

Examples:
  rehearsal shop customer-portal
  {db}=/tmp/shop.db rehearsal shop init
  {fault}=lost-allocation rehearsal shop inventory-staff
  rehearsal shop audit --json",
        db = database::PATH_VARIABLE,
        run_dir = database::RUN_DIRECTORY_VARIABLE,
        stock = seed::STOCK_VARIABLE,
        fault = faults::VARIABLE,
        faults = faults::help(),
    )
}
