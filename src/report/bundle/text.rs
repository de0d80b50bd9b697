//! The readable form of a bundle, `transcript.txt`.

use std::fmt::Write as _;
use std::path::Path;

use crate::model::{Ending, ExitCause, Failure, FlowOutcome, Happening, StepOutcome};
use crate::report::failure;
use crate::report::sanitize::sanitize;
use crate::report::units;

use super::dialogue;
use super::form::Bundle;
use super::lines::{fact, line_of, seconds};

/// The maximum length of the last output that is shown with its control characters.
const LAST_BYTES: usize = 400;

/// Renders the whole text; `path` is the bundle's future directory.
pub(super) fn render(bundle: &Bundle, path: &Path) -> String {
    let mut sections = vec![heading(bundle)];
    sections.extend(went_wrong(bundle));
    sections.push(values(bundle));
    sections.push(steps(bundle));
    sections.push(processes(bundle));
    sections.push(dialogue::transcript(bundle));
    sections.push(again(bundle, path));
    sections.join("\n")
}

fn heading(bundle: &Bundle) -> String {
    let flow = &bundle.flow;
    let took = units::precise_duration(flow.duration_us);
    let what = match &flow.outcome {
        FlowOutcome::Failed(failure) => {
            format!("failed at {} after {took}: {}", failure.step, failure.kind)
        }
        FlowOutcome::Completed => format!("was completed in {took}, slower than nearly all others"),
        FlowOutcome::Interrupted => format!("ended after {took}"),
    };
    let seed = bundle
        .run
        .seed
        .map_or_else(|| "unknown".into(), |seed| seed.to_string());
    let mut text = format!("{}\n\n", sanitize(&format!("Flow {} {what}", flow.number)));
    fact(&mut text, "flow", &flow.id.0);
    let started = flow.started_at.format("%Y-%m-%d %H:%M:%S%.3f %:z");
    fact(&mut text, "started", &started.to_string());
    fact(&mut text, "run", &bundle.run.id.0);
    fact(
        &mut text,
        "scenario",
        &format!("{}, {}", bundle.run.scenario, bundle.run.load),
    );
    fact(&mut text, "seed", &seed);
    fact(
        &mut text,
        "machine",
        &format!("{}, {}", bundle.environment.host, bundle.environment.kernel),
    );
    text
}

fn went_wrong(bundle: &Bundle) -> Option<String> {
    let failure = bundle.flow.failure()?;
    let mut text = String::from("What went wrong\n");
    fact(&mut text, "role", &failure.role);
    for line in failure::lines(failure) {
        line_of(&mut text, &line);
    }
    if failure.screen.is_none() {
        last_output(bundle, failure, &mut text);
    }
    if let Some(saw) = bundle.signature.as_ref().and_then(|it| it.saw.as_deref()) {
        fact(&mut text, "grouped", &format!("as: {saw}"));
    }
    Some(text)
}

/// Shows the end of the output as it was read.
fn last_output(bundle: &Bundle, failure: &Failure, text: &mut String) {
    let heard = bundle
        .transcript
        .iter()
        .rev()
        .filter(|it| it.role == failure.role);
    let mut last = String::new();
    for entry in heard {
        if let Happening::Heard { text, .. } = &entry.what {
            last.insert_str(0, text);
        }
        if last.len() >= LAST_BYTES {
            break;
        }
    }
    let mut from = last.len().saturating_sub(LAST_BYTES);
    while !last.is_char_boundary(from) {
        from += 1;
    }
    let last = &last[from..];
    if !last.is_empty() {
        text.push_str("  as read, control characters escaped:\n");
        for line in last.split_inclusive('\n') {
            line_of(text, &format!("         │ {}", escaped(line)));
        }
    }
}

/// Escapes control characters as in program source.
fn escaped(text: &str) -> String {
    let mut shown = String::new();
    for character in text.chars() {
        match character {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            '\\' => shown.push_str("\\\\"),
            '\0'..='\u{1f}' | '\u{7f}' => {
                write!(shown, "\\x{:02x}", u32::from(character)).expect("a String takes all");
            }
            other => shown.push(other),
        }
    }
    shown
}

fn values(bundle: &Bundle) -> String {
    let mut text = String::from("Values\n");
    let flow = &bundle.flow;
    for (name, value) in &flow.variables {
        fact(&mut text, "variable", &format!("{name} = {value}"));
    }
    for (table, row) in &bundle.data {
        for (column, value) in row {
            fact(&mut text, "data", &format!("{table}.{column} = {value}"));
        }
    }
    for (name, value) in &flow.captures {
        fact(&mut text, "captured", &format!("{name} = {value}"));
    }
    if flow.variables.is_empty() && bundle.data.is_empty() && flow.captures.is_empty() {
        text.push_str("  none\n");
    }
    text
}

fn steps(bundle: &Bundle) -> String {
    let mut text = String::from("Steps\n");
    for step in &bundle.flow.steps {
        let took = units::precise_duration(step.duration_us);
        let outcome = match step.outcome {
            StepOutcome::Completed => format!("completed in {took}"),
            StepOutcome::Skipped => "skipped".to_owned(),
            StepOutcome::Failed => format!("failed after {took}"),
            StepOutcome::Retried => format!("failed after {took} and was retried"),
            StepOutcome::Interrupted => format!("interrupted after {took}"),
        };
        let at = seconds(step.started_after_us);
        line_of(&mut text, &format!("{at}  {} {outcome}", step.step));
    }
    for retry in &bundle.flow.retries {
        let failure = &retry.failure;
        let after = retry.recovered_after_us.map_or(String::new(), |us| {
            format!(", recovered after {}", units::precise_duration(us))
        });
        line_of(
            &mut text,
            &format!("retried   {} {failure}{after}", failure.step),
        );
    }
    text
}

fn processes(bundle: &Bundle) -> String {
    let mut text = String::from("Processes\n");
    for process in &bundle.flow.processes {
        let (role, pid) = (&process.role, process.pid);
        let lived = units::precise_duration(process.lifetime_us);
        let cpu = units::duration(process.usage.cpu_us());
        let memory = units::bytes(process.usage.peak_rss_bytes);
        let how = match process.ending {
            Ending::Itself => "ended by itself",
            Ending::Terminated => "was ended by us",
            Ending::Killed => "did not listen and was killed",
            Ending::Injected => "was killed by chaos",
            Ending::AfterPanic => "was ended after a panic",
            Ending::LeftOver => "could not be ended",
        };
        let exit = match process.exit {
            Some(ExitCause::Code(code)) => format!(", exit code {code}"),
            Some(ExitCause::Signal(signal)) => format!(", signal {signal}"),
            None => String::new(),
        };
        line_of(
            &mut text,
            &format!(
                "{role}, pid {pid}: {how} after {lived}{exit}; CPU {cpu}, peak memory {memory}"
            ),
        );
    }
    if bundle.flow.processes.is_empty() {
        text.push_str("  none was started\n");
    }
    text
}

fn again(bundle: &Bundle, path: &Path) -> String {
    let mut command = format!("rehearsal replay {}", quoted(&path.display().to_string()));
    for name in &bundle.origin.secrets_given {
        write!(command, " --var {name}=…").expect("a String takes all");
    }
    format!(
        "To perform this flow again, with the same values and choices\n  {}\n",
        sanitize(&command)
    )
}

/// Quotes a word for a shell.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '=');
    if word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::writer::tests::{about, completed, evidence, failed, info};
    use super::*;
    use crate::model::{Happening, Moment, RoleIndex, TerminalInfo};

    #[test]
    fn everything_is_shown_and_sanitized() {
        let tail = "ORD-1 is already approved\nSelect: ";
        let bundle = Bundle::new(&info(), &about(), &evidence(failed(12, tail)));
        let text = render(&bundle, Path::new("my results/failed-000012"));
        for part in [
            "Flow 12 failed at 06_approve after 5.100 s: timeout\n",
            "  seed     7\n",
            "  role     manager\n  awaited see `approved` for 5s\n  at       shop.yaml:40\n",
            "  after    5.00 s, the program was waiting for input\n",
            "│ > ORD-1 is already \\x07approved\\r\\n\n",
            "  grouped  as: Select:\n",
            "  variable customer = CUST001\n  data     customers.name = Ann\n",
            "  captured order_id = ORD-12\n",
            "     0.001000  manager  < ␛[2JOrder?\n               manager  < >\n",
            "     0.001500  manager  > 1\n",
            "     0.002100  customer < Bye\n",
            "  rehearsal replay 'my results/failed-000012'\n",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        let acts = |c: char| c.is_control() && c != '\n';
        assert!(!text.contains(acts), "{text}");
    }

    #[test]
    fn a_slow_flow_is_labelled() {
        let mut bundle = Bundle::new(&info(), &about(), &evidence(completed(3, 9_000_000)));
        bundle.origin.secrets_given = vec!["password".into()];
        let text = render(&bundle, Path::new("b"));
        assert!(
            text.starts_with("Flow 3 was completed in 9.000 s, slower than nearly all others\n")
        );
        assert!(
            text.contains("rehearsal replay b --var password=…\n"),
            "{text}"
        );
    }

    #[test]
    fn screens_are_shown_as_drawn_before_replies_and_at_the_end() {
        let mut info = info();
        info.roles[1].terminal = Some(TerminalInfo {
            rows: 5,
            columns: 20,
            term: "xterm".into(),
            has_screen: true,
        });
        let mut evidence = evidence(failed(12, ""));
        let drawing = "\u{1b}[H\u{1b}[2JFailed here".to_owned();
        evidence.transcript.push(Moment {
            after_us: 2_200,
            role: RoleIndex(1),
            attempt: 1,
            what: Happening::Screen { drawing },
        });
        let bundle = Bundle::new(&info, &about(), &evidence);
        let text = render(&bundle, Path::new("b"));
        for part in [
            "     0.001000  manager  <  5x20, cursor at row 2, column 3\n               manager  < ┌────────┐\n               \
             manager  < │ Order? │\n               manager  < │ >      │\n",
            "     0.001500  manager  > 1\n",
            "     0.002100  customer < Bye\n     0.002200  manager  <  5x20, cursor at row 1, column 12\n",
            "               manager  < │ Failed here │\n",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert!(!text.contains("< ORD-1 is already"), "{text}");
    }
}
