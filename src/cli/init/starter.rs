//! The text of a first scenario, with comments.

use std::fmt::Write as _;
use std::path::Path;

use super::answers::{Answers, Reply, Secret};

/// Writes the scenario that these answers describe, for a file of this name.
pub(super) fn scenario(answers: &Answers, file: &Path) -> String {
    let mut text = head(answers, file);
    text.push_str(&values(answers));
    text.push_str(&role(answers));
    text.push_str("\n# The journey, once for each flow: roles perform their actions one after the other.\nflow:\n");
    let logs_in = logs_in(answers);
    if logs_in {
        text.push_str("  - {step: 1_log_in, role: user, do: log_in}\n");
    }
    if acts(answers) || !logs_in {
        let number = if logs_in { 2 } else { 1 };
        line(
            &mut text,
            format_args!("  - {{step: {number}_act, role: user, do: act}}"),
        );
    }
    text
}

fn logs_in(answers: &Answers) -> bool {
    answers.user.is_some() || answers.secret.is_some()
}

fn acts(answers: &Answers) -> bool {
    answers.reply.is_some() || answers.expect.is_some()
}

fn head(answers: &Answers, file: &Path) -> String {
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    let waits = match answers.has_screen {
        true => {
            "#   screen:  waits for a text on the screen
#   fill:    types into fields: {\"CUSTOMER:\": Ann}
#   press:   sends keys: f3, or [tab, enter]
#   choose:  moves to the row with this text, and presses Enter"
        }
        false => {
            "#   prompt:  waits for the text at which the program stops for input
#   see:     waits for a complete line
#   send:    replies with a text and Enter; `secret` once typing is hidden
#   choose:  finds the row with this label in a menu and sends its number"
        }
    };
    format!(
        "# A scenario for Rehearsal: what to wait for in a program's output, and what to reply.
#
#   rehearsal check FILE                        shows its errors, or its plan
#   rehearsal run FILE                          performs it once, step by step
#   rehearsal run FILE --flows 50 --parallel 10 performs it many times
#
# A turn waits for one thing, and then sends at most one reply.
{waits}
# Text is literal. Between /slashes/ it is a regular expression; a named group such as
# '/Order (?<order>\\d+)/' keeps a value for later turns: \"${{order}}\".

name: {}
",
        quoted(&name)
    )
}

fn values(answers: &Answers) -> String {
    let mut text = String::new();
    if !logs_in(answers) {
        return text;
    }
    text.push_str("\n# Values for ${name} in any turn; `--var user=…` replaces one.\nvariables:\n");
    if let Some((_, user)) = &answers.user {
        line(&mut text, format_args!("  user: {}", literal(user)));
    }
    if let Some(Secret {
        variable, default, ..
    }) = &answers.secret
    {
        let default = default.map_or(String::new(), |it| format!(" | default('{it}')"));
        text.push_str("  # From the environment, so that it is in no file.\n");
        line(
            &mut text,
            format_args!("  password: \"${{env.{variable}{default}}}\""),
        );
        line(&mut text, format_args!("environment: [{variable}]"));
        text.push_str("\n# Masked wherever they would be shown or written.\nsecrets: [password]\n");
    }
    text
}

fn role(answers: &Answers) -> String {
    let words: Vec<_> = answers.program.iter().map(|word| literal(word)).collect();
    let mut text = format!(
        "
roles:
  user:
    run: [{}]
",
        words.join(", ")
    );
    if answers.has_screen {
        text.push_str("    screen: 24x80   # rows x columns\n");
    }
    text.push_str(
        "    # A flow fails at once when the program prints such a text.
    fail_on: {crashed: Traceback (most recent call last)}
    actions:
",
    );
    let wait = match answers.has_screen {
        true => "screen",
        false => "prompt",
    };
    let prompt = answers.prompt.as_deref();
    if logs_in(answers) {
        text.push_str("      log_in:\n");
        if let Some((prompt, _)) = &answers.user {
            let prompt = literal(prompt);
            line(
                &mut text,
                format_args!("        - {{{wait}: {prompt}, send: \"${{user}}\"}}"),
            );
        }
        if let Some(Secret { prompt, .. }) = &answers.secret {
            let prompt = literal(prompt);
            line(
                &mut text,
                format_args!("        - {{{wait}: {prompt}, secret: \"${{password}}\"}}"),
            );
        }
        match prompt {
            Some(prompt) => line(
                &mut text,
                format_args!(
                    "        - {wait}: {}   # shows that the log-in has succeeded",
                    literal(prompt)
                ),
            ),
            None => text.push_str(
                "        # Wait for a text that shows that the log-in has succeeded:\n        # - see: Welcome\n",
            ),
        }
    }
    if acts(answers) || !logs_in(answers) {
        text.push_str("      act:\n");
        text.push_str(&action(answers, wait));
    }
    text.push_str(
        "      # Performed when the flow has ended well; without it the program is terminated.
      # leave:
      #   - {prompt: \"Your choice:\", send: \"0\"}
      #   - exits: 0
",
    );
    text
}

fn action(answers: &Answers, wait: &str) -> String {
    let mut text = String::new();
    match (&answers.prompt, &answers.reply) {
        (Some(prompt), Some(reply)) => {
            let (how, what) = match reply {
                Reply::Choose(label) => ("choose", label),
                Reply::Send(typed) => ("send", typed),
            };
            let (prompt, what) = (literal(prompt), literal(what));
            line(
                &mut text,
                format_args!("        - {{{wait}: {prompt}, {how}: {what}}}"),
            );
        }
        (Some(prompt), None) => {
            line(
                &mut text,
                format_args!("        - {wait}: {}", literal(prompt)),
            );
        }
        // Once it reads its input, it has begun.
        (None, _) if answers.expect.is_none() => text.push_str("        - reads: true\n"),
        (None, _) => {}
    }
    match &answers.expect {
        Some(expect) => {
            let wait = if answers.has_screen { "screen" } else { "see" };
            line(
                &mut text,
                format_args!("        - {wait}: {}", literal(expect)),
            );
        }
        None => {
            let wait = if answers.has_screen { "screen" } else { "see" };
            text.push_str("        # Wait for a text that shows that it is done:\n");
            line(&mut text, format_args!("        # - {wait}: Saved"));
        }
    }
    text
}

/// Formats a text that has no values in it.
fn literal(text: &str) -> String {
    quoted(&text.replace("${", "$${"))
}

/// Formats a text in double quotes: as JSON, which is YAML.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a string takes everything");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scenario::{CompileOptions, compile};

    /// Texts as people type them, and as nobody does.
    fn text() -> impl Strategy<Value = String> {
        let odd = prop_oneof![
            Just("${x}".to_owned()),
            Just("$${x} {{ y }}".to_owned()),
            Just("yes: # no".to_owned()),
            Just("'\"\\".to_owned()),
            "[ -~äचाय茶]{0,12}",
        ];
        // Blanks are trimmed when it is read, and slashes make a regular expression.
        odd.prop_map(|text| format!("a{text}z"))
    }

    fn answers() -> impl Strategy<Value = Answers> {
        let pair = || proptest::option::of((text(), text()));
        let reply = proptest::option::of((any::<bool>(), text()));
        let optional = || proptest::option::of(text());
        let words = proptest::collection::vec(text(), 1..4);
        let parts = (
            words,
            any::<bool>(),
            pair(),
            optional(),
            optional(),
            reply,
            optional(),
        );
        parts.prop_map(
            |(program, has_screen, user, secret, prompt, reply, expect)| {
                let prompt = prompt.or(has_screen.then(|| "Menu".to_owned()));
                Answers {
                    program,
                    has_screen,
                    user,
                    secret: secret.map(|prompt| Secret {
                        prompt,
                        variable: "APP_PASSWORD".into(),
                        default: None,
                    }),
                    reply: reply.filter(|_| prompt.is_some()).map(|(chooses, text)| {
                        if chooses {
                            Reply::Choose(text)
                        } else {
                            Reply::Send(text)
                        }
                    }),
                    prompt,
                    expect,
                }
            },
        )
    }

    proptest! {
        #[test]
        fn every_answer_makes_a_scenario_that_passes_the_check(answers in answers()) {
            let text = scenario(&answers, Path::new("dir/my app.yaml"));
            let environment = |_: &str| Some("sesame".to_owned());
            let options = CompileOptions {
                environment: Some(&environment),
                ..CompileOptions::default()
            };
            let compiled = compile(&text, None, options);
            let compiled = compiled.map_err(|faults| TestCaseError::fail(format!("{faults}\n{text}")))?;
            let run: Vec<_> = compiled.plan.roles[0].run.iter().map(|it| it.fixed()).collect();
            let program: Vec<_> = answers.program.iter().map(|it| Some(it.as_str())).collect();
            prop_assert_eq!(run, program, "the words are as they were given");
        }
    }
}
