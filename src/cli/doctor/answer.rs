//! The program that `rehearsal doctor` talks to, which reports how long it took to answer.

use std::io::{self, BufRead as _, Write as _};
use std::thread;
use std::time::{Duration, Instant};

use crate::cli::duration;
use crate::process::since_boot;

/// The prompt of the program.
pub(super) const PROMPT: &str = "ready>";

/// Behaviour of the program.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct AnswerArgs {
    /// Time to answer
    #[arg(long, value_parser = duration::parse)]
    pub after: Duration,
    /// Number of questions to answer
    #[arg(long)]
    pub times: u32,
    /// Start of the stall of all such programs, in milliseconds since the machine's start
    #[arg(long, default_value_t = 0)]
    pub stall_at_boot_ms: u64,
    /// Length of the stall
    #[arg(long, value_parser = duration::parse, default_value = "0")]
    pub stall_for: Duration,
}

/// Answers each line with `answer N after U us`: U is the time from the question to the answer by
/// the program's own clock.
pub(in crate::cli) fn answer(args: &AnswerArgs) -> io::Result<()> {
    let (mut questions, mut answers) = (io::stdin().lock(), io::stdout().lock());
    let mut text = format!("{PROMPT} ");
    for number in 1..=args.times {
        answers.write_all(text.as_bytes())?;
        answers.flush()?;
        if questions.read_line(&mut String::new())? == 0 {
            return Ok(());
        }
        let asked = Instant::now();
        thread::sleep(args.after);
        thread::sleep(stall_left(args, since_boot()));
        let prompt = if number < args.times { PROMPT } else { "" };
        let after_us = asked.elapsed().as_micros();
        text = format!("answer {number} after {after_us} us\n{prompt} ");
    }
    answers.write_all(text.trim_end_matches(' ').as_bytes())?;
    answers.flush()
}

/// Returns the remaining time of the present stall, zero if there is none.
fn stall_left(args: &AnswerArgs, now: Duration) -> Duration {
    let begin = Duration::from_millis(args.stall_at_boot_ms);
    let into = now.checked_sub(begin);
    into.map_or(Duration::ZERO, |into| args.stall_for.saturating_sub(into))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_has_a_beginning_and_an_end() {
        let args = AnswerArgs {
            after: Duration::ZERO,
            times: 1,
            stall_at_boot_ms: 5_000,
            stall_for: Duration::from_secs(2),
        };
        let left = |ms| stall_left(&args, Duration::from_millis(ms));
        assert_eq!(left(4_999), Duration::ZERO);
        assert_eq!(left(5_500), Duration::from_millis(1_500));
        assert_eq!(left(7_000), Duration::ZERO);
    }
}
