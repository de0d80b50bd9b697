//! End of the help: examples, exit codes, environment.

use crate::cli::exit;

const EXAMPLES: &str =
    "  rehearsal run                                    one order, shown step by step
  rehearsal run --flows 200 --parallel 50 --save   many in parallel, saved in a directory
  rehearsal run --rate 5/s --duration 1m           on a schedule, however slow the programs
  rehearsal run --flows 50 --threshold 'flow.p95 < 2s'
                                                   exit code 99 if it is crossed
  rehearsal run my.yaml --var user=ann -v          your own programs, dialogue in the log
  rehearsal run --flows 200 --parallel 50 --chaos 'kill 5%, freeze 2% for 500ms'
                                                   inject faults, see what recovers
  rehearsal run --chaos 'kill once at 06_approve_order'
                                                   one fault, in one place
  rehearsal run --json | jq .summary               for other programs
  rehearsal run --flows 200 --parallel 50 --html   a report for browsers, in one file
  rehearsal run --duration 5m --parallel 50 --live a page that shows the run, and can stop it
  rehearsal run --junit junit.xml --markdown summary.md
                                                   for CI: config/ci has whole examples
  rehearsal run --flows 50 --save-baseline main    6 runs to compare later ones with
  rehearsal run --flows 50 --baseline main --fail-if slower
                                                   exit code 97 if it has become slower
  rehearsal report                                 the saved runs
  rehearsal report last --report full              all about the newest one
  rehearsal replay last                            run its first failed flow again
  rehearsal init my.yaml                           a scenario for your program to begin with
  rehearsal check my.yaml                          errors, or the plan
  rehearsal                                        a menu";

const ENVIRONMENT: &str =
    "  REHEARSAL_RESULTS  the directory for results and logs (default: ./rehearsal-results)
  REHEARSAL_SHOP_DB  the shop's database (default: a new one for each run)
  NO_COLOR           no colours; CLICOLOR_FORCE=1 for colours always
  TMPDIR             the directory for temporary files";

/// Returns the examples, exit codes and environment variables that end the help.
pub(super) fn after_help() -> String {
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
