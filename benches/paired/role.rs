//! The program of all roles, unless another is named: a login and a menu of orders.

use std::fmt::Write as _;
use std::io::{self, Read as _, Write as _};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use rustix::time::{ClockId, clock_gettime};

const MENU: &str = "
========================================
  Order management - main menu
========================================
  1. Create order
  2. List orders
  3. Show order details
  4. Update order
  5. Ship order
  6. Reports
  0. Exit
Select operation (0-6): ";

const DETAILS: &str = "Customer: Example Customer Ltd
Address:  12 Long Street, Springfield
Items:
  1 x Widget, blue            12.50
  3 x Gadget, small            4.20
  2 x Cable 2m                 3.10
Subtotal:                     31.30
Tax:                           6.26
Total:                        37.56
Payment:  invoice
Warehouse: A-03
Operation completed.
Press Enter to continue...";

#[derive(Parser)]
struct Options {
    /// Distinguishes the ids of orders.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The time from reading to answering.
    #[arg(long, default_value_t = 0)]
    delay_us: u64,
    /// Print before each answer the times of reading and writing.
    #[arg(long)]
    stamp: bool,
}

/// Asks and answers until the answer is 0. `arguments` come after [`super::AS_ROLE`].
pub fn play(arguments: impl Iterator<Item = String>) {
    let options = Options::parse_from(["role".to_owned()].into_iter().chain(arguments));
    let mut talk = Talk {
        read_at: (Instant::now(), nanoseconds()),
        options,
    };
    talk.write("*** Order system ***\nPlease log in.\nUser: ");
    talk.read();
    talk.answer("Password: ");
    talk.read();
    talk.answer(&format!("Welcome, user.\n{MENU}"));
    for order in 1.. {
        let choice = talk.read();
        if choice == "0" {
            return talk.answer("Goodbye.\n");
        }
        let number = (talk.options.seed * 100 + order) % 1_000_000;
        talk.answer(&format!(
            "\n---- Operation {choice} ----\nStatus: OK\nOrder ID: ORD-20240115-143035-{number:06}\n\
             {DETAILS}"
        ));
        talk.read();
        talk.answer(MENU);
    }
}

struct Talk {
    options: Options,
    /// The time of the last read by two clocks.
    read_at: (Instant, u64),
}

impl Talk {
    fn read(&mut self) -> String {
        let mut line = String::new();
        let mut bytes = io::stdin().lock();
        let mut byte = [0];
        while byte[0] != b'\n' {
            bytes.read_exact(&mut byte).expect("a whole line");
            line.push(char::from(byte[0]));
        }
        self.read_at = (Instant::now(), nanoseconds());
        line.trim_end().to_owned()
    }

    fn answer(&self, text: &str) {
        let due = self.read_at.0 + Duration::from_micros(self.options.delay_us);
        // Simulates the program's work.
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let mut stamped = String::new();
        if self.options.stamp {
            let _ = writeln!(stamped, "@T {} {}", self.read_at.1, nanoseconds());
        }
        self.write(&(stamped + text));
    }

    /// Writes text in one piece.
    fn write(&self, text: &str) {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())
            .and_then(|()| out.flush())
            .expect("a reader");
    }
}

/// Returns the monotonic clock's time.
fn nanoseconds() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.cast_unsigned() * 1_000_000_000 + now.tv_nsec.cast_unsigned()
}
