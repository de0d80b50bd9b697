//! End of the help: examples, exit codes, environment.

use crate::cli::exit;

const EXAMPLES: &str = "  rehearsal init my.yaml          write a starter scenario for your program
  rehearsal check my.yaml         show its errors, or its plan
  rehearsal run my.yaml           run it once, shown step by step
  rehearsal run my.yaml --flows 200 --parallel 50 --html
                                  run it many times, with an HTML report
  rehearsal run                   one order through the built-in shop
  rehearsal report last           the report of the last saved run
  rehearsal replay last           run its first failed flow again
  rehearsal guide                 the topics of the guide
  rehearsal                       open the menu";

const RUN_EXAMPLES: &str = "  rehearsal run                   one order, shown step by step
  rehearsal run my.yaml --var user=ann -v
                                  your own programs, with their output in the log
  rehearsal run --flows 200 --parallel 50 --save
                                  many in parallel, saved in a directory
  rehearsal run --rate 5/s --duration 1m
                                  on a schedule, however slow the programs
  rehearsal run --flows 50 --threshold 'flow.p95 < 2s'
                                  exit code 99 if the threshold is crossed
  rehearsal run --flows 200 --parallel 50 --chaos 'kill 5%, freeze 2% for 500ms'
                                  inject faults and see what recovers
  rehearsal run --chaos 'kill once at 06_approve_order'
                                  one fault in one place
  rehearsal run --flows 200 --parallel 50 --html
                                  an HTML report
  rehearsal run --duration 5m --parallel 50 --live
                                  a live page that can stop the run
  rehearsal run my.yaml --flows 800 --seed 7 --segment 2/8 --publish /mnt/shared/night
                                  one of 8 parts, for `rehearsal watch /mnt/shared/night`
  rehearsal run --junit junit.xml --markdown summary.md
                                  for CI; config/ci has complete examples
  rehearsal run --json | jq .summary
                                  for scripts
  rehearsal run --flows 50 --save-baseline main
                                  6 runs to compare later ones with
  rehearsal run --flows 50 --baseline main --fail-if slower
                                  exit code 97 if it has become slower";

pub(super) const INIT: &str = "Examples:
  rehearsal init my.yaml
  rehearsal init my.yaml --program 'python3 tickets.py' --prompt 'Your choice:' --send 1 \\
      --expect opened";

pub(super) const CHECK: &str = "Examples:
  rehearsal check my.yaml
  rehearsal check my.yaml --parallel 500    does this machine have the resources?
  rehearsal check --json | jq .plan         the built-in scenario, for scripts";

pub(super) const REPORT: &str = "Examples:
  rehearsal report                          list the saved runs
  rehearsal report last --report full       everything about the last one
  rehearsal report last --html              an HTML report in its directory
  rehearsal report last --junit junit.xml   a JUnit report";

pub(super) const MERGE: &str = "Examples:
  rehearsal merge results/* --into combined";

const ENVIRONMENT: &str =
    "  REHEARSAL_RESULTS  directory for results and logs (default: ./rehearsal-results)
  REHEARSAL_SHOP_DB  database of the shop (default: a new one for each run)
  NATS_USER, NATS_PASSWORD
                     login at the NATS server after --publish; a user alone is a token
  NO_COLOR           no colours; CLICOLOR_FORCE=1 forces colours
  TMPDIR             directory for temporary files";

/// Returns the examples, exit codes and environment variables that end the help.
pub(super) fn after_help() -> String {
    end_of_help(EXAMPLES)
}

/// Returns the same for the help of `run`.
pub(super) fn after_help_of_run() -> String {
    end_of_help(RUN_EXAMPLES)
}

fn end_of_help(examples: &str) -> String {
    use anstyle::Style;
    const HEADING: Style = Style::new().bold().underline();
    let sections = [
        ("Examples", examples),
        ("Exit codes", exit::HELP),
        ("Environment", ENVIRONMENT),
    ];
    sections
        .map(|(name, text)| format!("{HEADING}{name}:{HEADING:#}\n{text}"))
        .join("\n\n")
}
