//! Much output: linear work and bounded memory, and what is kept of it.

use super::*;

#[test]
fn a_line_without_an_end_is_cut() {
    let long = "é".repeat(40 << 10);
    let steps = [
        see("/^(?<all>.+)$/"),
        says(&format!("x{long}\nend\n")),
        see("end"),
    ];
    let log = Role::plain().run(&steps, &Reads::Whole);
    assert!(log.ends_with("wait 0 @1 [end]\n"));
    let first = log.lines().next().expect("a line");
    assert!(first.len() > 2 * (64 << 10) - 2 && first.len() < 2 * (64 << 10) + 50);
    for reads in [Reads::ByteByByte, Reads::Pieces(vec![1000, 70_000, 1])] {
        assert!(Role::plain().run(&steps, &reads) == log, "{reads:?}");
    }
}

fn dialogue(waits: &WaitSet, now: Instant) -> Dialogue {
    let matcher = RoleMatcher::new(vec![("bad".into(), pattern("Error"))], &[]);
    let settings = DialogueSettings {
        columns: Some(COLUMNS),
        screen: None,
        quiet: QUIET,
    };
    let mut dialogue = Dialogue::new(Arc::new(matcher), settings, now);
    dialogue.begin(waits);
    dialogue
}

#[test]
fn a_flood_is_searched_in_linear_time_and_bounded_memory() {
    let now = Instant::now();
    let waits = WaitSet::new(&on(&[(On::Line, "needle"), (On::Prompt, ">")]), Vec::new());
    let mut dialogue = dialogue(&waits, now);
    let chunk = "some line of output that says nothing at all\r\n".repeat(89);
    let total = 8 << 20;
    let mut fed = 0;
    while fed < total {
        dialogue.feed(Stream::Out, chunk.as_bytes(), now);
        dialogue.drained();
        assert_eq!(dialogue.poll(now), Finding::Nothing);
        fed += chunk.len();
    }
    dialogue.feed(Stream::Out, b"needle\n", now);
    assert!(matches!(dialogue.poll(now), Finding::Wait { index: 0, .. }));
    let stream = &dialogue.streams[0];
    assert!(stream.searched_bytes() <= fed + 100);
    assert!(stream.kept_bytes() < 2 << 20, "{}", stream.kept_bytes());
    assert!(dialogue.lines().len() > 20_000);
    let tail = dialogue.tail(2, 100);
    assert!(tail.ends_with("at all\nneedle"), "{tail}");
    assert!(dialogue.unseen().ends_with(" were dropped)\n"));
}

#[test]
fn a_flood_in_one_piece_loses_nothing() {
    let now = Instant::now();
    let waits = WaitSet::new(&on(&[(On::Line, "needle")]), Vec::new());
    let mut dialogue = dialogue(&waits, now);
    let rest = "nothing\n".repeat(1 << 20);
    dialogue.feed(
        Stream::Out,
        format!("needle\nx Error\n{rest}").as_bytes(),
        now,
    );
    assert!(matches!(dialogue.poll(now), Finding::Wait { .. }));
    assert!(dialogue.streams[0].kept_bytes() < 2 << 20);
    dialogue.begin(&waits);
    assert!(matches!(dialogue.poll(now), Finding::FailOn { .. }));
    assert_eq!(dialogue.poll(now), Finding::Nothing);
}

#[test]
fn a_line_that_grows_is_not_searched_again_and_again() {
    let now = Instant::now();
    let waits = WaitSet::new(
        &on(&[(On::Prompt, "/x+>/"), (On::Line, "needle")]),
        Vec::new(),
    );
    let mut dialogue = dialogue(&waits, now);
    for _ in 0..100_000 {
        dialogue.feed(Stream::Out, b"0123456789", now);
        dialogue.drained();
        assert!(!matches!(dialogue.poll(now), Finding::Wait { .. }));
    }
    assert!(dialogue.streams[0].searched_bytes() <= 1_100_000);
}

#[test]
fn a_loop_over_many_lines_is_linear() {
    let now = Instant::now();
    let waits = WaitSet::new(&on(&[(On::Line, "item"), (On::Line, "last")]), Vec::new());
    let mut dialogue = dialogue(&waits, now);
    dialogue.enter_loop();
    let text = format!("{}last\n", "item and more of it\n".repeat(5_000));
    dialogue.feed(Stream::Out, text.as_bytes(), now);
    dialogue.drained();
    for _ in 0..5_000 {
        assert!(matches!(dialogue.poll(now), Finding::Wait { index: 0, .. }));
        dialogue.begin(&waits);
    }
    assert!(matches!(dialogue.poll(now), Finding::Wait { index: 1, .. }));
    assert!(dialogue.streams[0].searched_bytes() <= 3 * text.len());
}

#[test]
fn the_transcript_and_the_tail() {
    let now = Instant::now();
    let waits = WaitSet::new(&on(&[(On::Prompt, "Name:")]), Vec::new());
    let mut dialogue = dialogue(&waits, now);
    dialogue.feed(Stream::Out, b"\x1b[1mHi\x1b[m\r\nNa", now);
    assert_eq!(dialogue.take_lines().as_deref(), Some("Hi\n"));
    dialogue.feed(Stream::Out, b"me: \x1b[6n", now);
    dialogue.drained();
    assert_eq!(
        dialogue.take_lines(),
        None,
        "an unfinished line is in the transcript when it is answered"
    );
    assert_eq!(dialogue.take_rest().as_deref(), Some("Name: "));
    assert!(matches!(dialogue.poll(now), Finding::Wait { .. }));
    assert_eq!(dialogue.take_terminal_answers(), b"\x1b[1;7R");
    dialogue.answered(&Typed::line("Ann", true).expect("a line"), EchoMode::Lines);
    dialogue.feed(Stream::Out, b"Ann\r\nHello\r\n", now);
    dialogue.drained();
    assert_eq!(dialogue.take_lines().as_deref(), Some("\nHello\n"));
    assert_eq!(dialogue.take_rest(), None);
    assert_eq!(dialogue.tail(10, 1000), "Hi\nName:\nHello");
    assert_eq!(dialogue.tail(2, 8), "e:\nHello");
    assert_eq!(dialogue.lines(), ["Hello"]);
}
