//! Secrets, which are typed without echo and shown nowhere.

use crate::support::flows::Rehearsing;
use rehearsal::model::FailureKind;

#[test]
fn a_secret_is_sent_once_the_echo_is_off_and_shown_nowhere() {
    let run = Rehearsing::of("engine/secret").perform();
    run.assert_completed();
    assert_eq!(run.capture("said"), Some("***"));
    assert!(
        !run.everything().contains("tr0ub4dor"),
        "{}",
        run.everything()
    );
}

#[test]
fn a_secret_is_not_typed_where_it_would_be_shown() {
    let run = Rehearsing::with_turns(
        "ask, 'Password: ', answer",
        "- {prompt: 'Password:', secret: hunter22, within: 400ms}",
    )
    .perform();
    let failure = run.failure();
    assert_eq!(failure.kind, FailureKind::EchoStayedOn);
    assert!(
        failure
            .hint
            .as_deref()
            .unwrap_or_default()
            .contains("`send`")
    );
    assert!(!run.transcript().contains("<hunter22>"));
}

#[test]
fn a_captured_secret_is_masked_everywhere() {
    let run = Rehearsing::of("engine/token").perform();
    run.assert_completed();
    let shown = run.transcript();
    assert!(
        shown.contains("Your token: ***") && shown.contains("used ***"),
        "{shown}"
    );
    // The command line holds it as well: it is part of the test.
    assert!(!shown.contains("tk-9988"), "{shown}");
}

#[test]
fn a_secret_that_is_printed_in_two_pieces_is_masked() {
    let whole = Rehearsing::of("engine/pieces");
    let cut = Rehearsing::of("engine/pieces").replaced(r"print, 'er2secret\n', ", "");
    for run in [whole, cut] {
        let run = run.perform();
        assert_eq!(run.failure().kind, FailureKind::Timeout);
        // The command line holds the pieces as well: it is part of the test.
        let shown = run.transcript() + &run.failure().tail;
        for part in ["hunt", "er2", "secret"] {
            assert!(!shown.contains(part), "{part} is in {shown}");
        }
    }
}

/// A program that writes a text, which awaits what never comes.
const WRITER: &str = r#"
name: test
variables: {token: "s3cr&t/\"1\""}
secrets: [token]
roles:
  user:
    run: [fixture, print, "WRITTEN\n", await-end]
    actions:
      talk:
        - {see: never, within: 300ms}
flow:
  - {step: 1_talk, role: user, do: talk}
"#;

#[test]
fn a_secret_is_masked_however_the_program_writes_it() {
    for written in [
        r#"{\"token\": \"n3w=pass<\\\"5\\\">\"}"#,
        "?token=n3w%3Dpass%3C%225%22%3E",
        "n3w=pass&lt;&quot;5&quot;&gt;",
        "bjN3PXBhc3M8IjUiPg==",
        r#"n3w=pass\n  <\"5\">"#,
        // The scenario's own value, which another one replaces.
        r#"s3cr&t/\\\"1\\\""#,
        "s3cr%26t%2F%221%22",
    ] {
        let mut run = Rehearsing::new(&WRITER.replace("WRITTEN", written));
        run.variables = vec![("token".into(), "n3w=pass<\"5\">".into())];
        let run = run.perform();
        assert_eq!(run.failure().kind, FailureKind::Timeout);
        assert!(run.failure().tail.contains("***"), "{}", run.failure().tail);
        let shown = run.everything();
        for part in ["n3w", "pass", "bjN3", "s3cr"] {
            assert!(!shown.contains(part), "{part} is in {shown}");
        }
    }
}
