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
