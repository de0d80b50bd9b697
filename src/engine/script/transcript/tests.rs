use proptest::prelude::*;

use super::*;
use crate::model::{Ending, ExitCause, FlowNumber, RoleIndex};
use crate::scenario::Masker;
use crate::terminal::Screen;

fn transcript(role: usize) -> Transcript {
    let instance = InstanceId {
        flow: FlowNumber(1),
        role: RoleIndex(role),
        attempt: 1,
    };
    Transcript::new(instance, None)
}

/// The rendered output in order, replies in `«»`.
fn rendered(transcripts: Vec<Transcript>, since: Instant, secrets: &[&str]) -> String {
    let masker = Masker::new(secrets.iter().copied());
    let moments = render(&transcripts, since, &masker).into_iter();
    let texts = moments.map(|moment| match moment.what {
        Happening::Heard { text, .. } => text,
        Happening::Said { text } => format!("«{text}»"),
        Happening::LeftOut { bytes, .. } => format!("[{bytes} left out]"),
        Happening::Started { command, .. } => format!("[{command}]"),
        Happening::Remark { text } | Happening::Injected { text, .. } => format!("[{text}]"),
        Happening::Screen { drawing } => drawing,
        Happening::Resized { rows, columns } => format!("[{rows}x{columns}]"),
        Happening::Exited { .. } => "[end]".to_owned(),
    });
    texts.collect()
}

#[test]
fn instances_are_interleaved_as_they_spoke() {
    let began = Instant::now();
    let after = |ms| began + Duration::from_millis(ms);
    let (mut one, mut other) = (transcript(0), transcript(1));
    let (pid, command) = (1, "portal --token=pw77".into());
    one.note(Happening::Started { pid, command }, after(1));
    one.heard(Stream::Out, b"Name: ", after(2));
    other.heard(Stream::Out, b"Hi ", after(3));
    one.said("ann", after(4));
    let exit = Some(ExitCause::Code(0));
    let ending = Ending::Itself;
    other.note(Happening::Exited { exit, ending }, after(5));
    assert_eq!(
        rendered(vec![one, other], began, &["pw77"]),
        "[portal --token=***]Name: Hi «ann»[end]"
    );
}

#[test]
fn beginning_and_end_of_a_long_transcript_are_kept() {
    let now = Instant::now();
    let mut long = transcript(0);
    long.heard(Stream::Out, b"the beginning ", now);
    for round in 0..10_000 {
        let at = now + Duration::from_millis(2 * round);
        long.heard(Stream::Out, b"0123456789", at);
        long.said("x", at);
    }
    long.heard(Stream::Out, b"the end", now + Duration::from_mins(1));
    let kept = long.head.size() + long.tail.size();
    assert!(kept <= HEAD_BYTES + TAIL_BYTES + 2 * ENTRY_BYTES, "{kept}");
    let text = rendered(vec![long], now, &[]);
    assert!(text.starts_with("the beginning 0123456789«x»"), "{text}");
    assert!(text.ends_with("0123456789«x»the end"), "{text}");
    assert!(text.contains(" left out]"), "{text}");
}

#[test]
fn a_flood_in_one_read_leaves_its_end() {
    let now = Instant::now();
    let mut flood = transcript(0);
    for _ in 0..3 {
        let bytes = [vec![b'x'; 100_000], b"last".to_vec()].concat();
        flood.heard(Stream::Out, &bytes, now);
    }
    let left_out = flood.left_out.bytes;
    let kept = (flood.head.bytes.len() + flood.tail.bytes.len()) as u64;
    assert_eq!(left_out + kept, 3 * 100_004);
    assert!(rendered(vec![flood], now, &[]).ends_with("xxlast"));
}

#[test]
fn secrets_stay_hidden_across_pieces_colours_and_lines() {
    let now = Instant::now();
    let at = |ms| now + Duration::from_millis(ms);
    let mut talk = transcript(0);
    talk.heard(Stream::Out, b"your pin is hun", at(0));
    talk.said("ter", at(5));
    talk.heard(Stream::Err, b"warning", at(6));
    talk.heard(Stream::Out, b"te\x1b[1mr\r\n2, ", at(10));
    talk.heard(Stream::Out, b"\x1b]hunter2 and hunt", at(20));
    assert_eq!(
        rendered(vec![talk], now, &["hunter2"]),
        "your pin is ***«ter»warning, \u{1b}]*** and ***"
    );
}

#[test]
fn a_secret_broken_by_a_narrow_screen_is_hidden_in_any_form() {
    let now = Instant::now();
    let mut talk = transcript(0);
    let secret = "pass<word>";
    for written in [
        "pass<\r\n    word>",
        "pass%3\r\nCword%3E",
        "\x1b[1mpass&l\x1b[0m\r\n t;word&gt;",
    ] {
        talk.heard(
            Stream::Out,
            format!("it is {written}, ok\n").as_bytes(),
            now,
        );
    }
    let text = rendered(vec![talk], now, &[secret]);
    assert_eq!(text.matches("***").count(), 3, "{text}");
    assert!(!text.contains("pass") && !text.contains("word"), "{text}");
}

#[test]
fn a_secret_in_which_something_was_typed_over_is_hidden() {
    let now = Instant::now();
    let mut talk = transcript(0);
    talk.heard(Stream::Out, b"it is hun\x08 \x08nter2, ok", now);
    assert_eq!(rendered(vec![talk], now, &["hunter2"]), "it is ***, ok");
}

#[test]
fn a_secret_cut_by_what_is_left_out_is_hidden() {
    let now = Instant::now();
    let mut talk = transcript(0);
    for round in 0..2_000 {
        talk.heard(
            Stream::Out,
            b"hunter2-abc",
            now + Duration::from_millis(2 * round),
        );
    }
    let text = rendered(vec![talk], now, &["hunter2-abc"]);
    assert!(!text.contains("abc") && !text.contains("hun"), "{text}");
}

#[test]
fn no_rendering_begins_within_a_control_sequence_or_a_character() {
    let now = Instant::now();
    let size = ScreenSize {
        rows: 3,
        columns: 40,
    };
    for screen in [None, Some(size)] {
        for (shift, piece_len) in (0..40).flat_map(|it| [(it, 1), (it, 7), (it, 40_000)]) {
            let mut long = transcript(0);
            long.screen = screen;
            let output = "\x1b[38;5;16;48;5;231m≈\x1b]2;title\x07".repeat(1_000);
            let output = [&b"x".repeat(shift), output.as_bytes()].concat();
            for (round, piece) in (0..).zip(output.chunks(piece_len)) {
                long.heard(Stream::Out, piece, now + Duration::from_micros(9 * round));
            }
            let text = rendered(vec![long], now, &[]);
            let (_, tail) = text
                .split_once(" left out]")
                .expect("something is left out");
            assert!(tail.starts_with(['\x1b', '≈']), "{tail:.60?}");
            if screen.is_some() {
                let mut shown = Screen::new(size, now);
                shown.feed(tail.as_bytes(), now, &mut |_| false);
                let text = shown.frame().text();
                assert!(text.chars().all(|it| "≈ \n".contains(it)), "{text}");
            }
        }
    }
}

proptest! {
    #[test]
    fn a_secret_is_hidden_however_it_is_split(cuts in prop::collection::vec(0usize..60, 0..8)) {
        let text = "дом hunter2 \x1b[0mhun\x1b[1mter2 é and hunter2hunter2 ₹ end".as_bytes();
        let mut cuts: Vec<_> = cuts.into_iter().filter(|&cut| cut < text.len()).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let now = Instant::now();
        let mut talk = transcript(0);
        for (round, cut) in cuts.windows(2).enumerate() {
            let at = now + Duration::from_millis(5 * round as u64);
            talk.heard(Stream::Out, &text[cut[0]..cut[1]], at);
        }
        let masked = "дом *** \x1b[0m*** é and *** ₹ end";
        prop_assert_eq!(rendered(vec![talk], now, &["hunter2"]), masked);
    }
}
