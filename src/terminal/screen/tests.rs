//! Tests of the screen as a whole.

mod conformance;
mod splits;
mod stamps;

use std::time::{Duration, Instant};

use super::{CellColor, CellStyle, Screen, ScreenSize};

/// A small screen, fed.
fn screen(rows: u16, columns: u16, output: &str) -> Screen {
    let now = Instant::now();
    let mut screen = Screen::new(ScreenSize { rows, columns }, now);
    feed(&mut screen, output.as_bytes(), now);
    screen
}

fn feed(screen: &mut Screen, bytes: &[u8], at: Instant) {
    assert_eq!(screen.feed(bytes, at, &mut |_| false), bytes.len());
}

/// The rows, without the blank ones at the end.
fn text(screen: &Screen) -> Vec<String> {
    let rows = (0..screen.size().rows).map(|row| screen.row(row).text().to_owned());
    let mut rows: Vec<String> = rows.collect();
    while rows.last().is_some_and(String::is_empty) {
        rows.pop();
    }
    rows
}

/// The first row as a judge sees it at each boundary.
fn judged(screen: &mut Screen, output: &[u8]) -> Vec<String> {
    let mut seen = Vec::new();
    let at = Instant::now();
    screen.feed(output, at, &mut |screen| {
        seen.push(screen.row(0).text().to_owned());
        false
    });
    seen
}

#[test]
fn boundaries_are_at_the_ends_of_runs_and_after_other_changes() {
    let mut empty = screen(3, 20, "");
    let output = b"ab\x1b[1mcd\x1b[2;1H\x1b[Hx\x1b[K\r\x07y\0z";
    assert_eq!(judged(&mut empty, output), ["ab", "abcd", "xbcd", "x",]);
    assert!(empty.is_mid_run());
    assert_eq!(judged(&mut empty, b"!"), [""; 0], "the run goes on");
    assert_eq!(judged(&mut empty, b"\r\n"), ["yz!"]);
    assert!(!empty.is_mid_run());
    assert_eq!(judged(&mut empty, b"\x1b[H\x1b[?25l\x1b[?1049h"), [""]);
}

#[test]
fn feeding_stops_where_the_judge_says_so() {
    let at = Instant::now();
    let mut screen = screen(3, 20, "");
    let output = b"Loading\x1b[2K\rReady\r\n";
    let used = screen.feed(output, at, &mut |screen| screen.row(0).text() == "Loading");
    assert_eq!(&output[used..], b"\x1b[2K\rReady\r\n");
    assert_eq!(screen.row(0).text(), "Loading");
    let used = used + screen.feed(&output[used..], at, &mut |_| true);
    assert_eq!(&output[used..], b"\rReady\r\n", "after the erasure");
    feed(&mut screen, &output[used..], at);
    assert_eq!(text(&screen), ["Ready"]);
}

#[test]
fn queries_are_answered_with_the_state_at_their_place() {
    let mut screen = screen(24, 80, "abc\x1b[6n\x1b[5;80Hx\x1b[6n\x1b[?6n\x1b[18t");
    let expected = "\x1b[1;4R\x1b[5;80R\x1b[?5;80R\x1b[8;24;80t";
    assert_eq!(screen.take_answers(), expected.as_bytes());
    let modes = b"\x1b[?1h\x1b[?7l\x1b[?25l\x1b[?1049h\x1b[?2004h";
    let ask = b"\x1b[?1$p\x1b[?7$p\x1b[?25$p\x1b[?1049$p\x1b[?2004$p\x1b[?2026$p";
    feed(&mut screen, ask, Instant::now());
    let expected = "\x1b[?1;2$y\x1b[?7;1$y\x1b[?25;1$y\x1b[?1049;2$y\x1b[?2004;2$y\x1b[?2026;2$y";
    assert_eq!(screen.take_answers(), expected.as_bytes());
    feed(&mut screen, modes, Instant::now());
    feed(&mut screen, ask, Instant::now());
    let expected = "\x1b[?1;1$y\x1b[?7;2$y\x1b[?25;2$y\x1b[?1049;1$y\x1b[?2004;1$y\x1b[?2026;2$y";
    assert_eq!(screen.take_answers(), expected.as_bytes());
    assert!(screen.take_answers().is_empty());
}

#[test]
fn a_screen_is_incomplete_in_the_middle_of_drawing() {
    for (output, is_incomplete) in [
        ("abc", false),
        ("abc\x1b", true),
        ("abc\x1b[3", true),
        ("abc\x1b[31m", false),
        ("abc\x1b]0;title", true),
        ("\x1b[?2026habc", true),
        ("\x1b[?2026habc\x1b[?2026l", false),
        ("\x1b[?2026h\x1bc", false),
    ] {
        assert_eq!(
            screen(3, 20, output).is_incomplete(),
            is_incomplete,
            "{output:?}"
        );
    }
    let mut cut = screen(3, 20, "");
    feed(&mut cut, b"a\xc3", Instant::now());
    assert!(cut.is_incomplete());
    feed(&mut cut, b"\xa9", Instant::now());
    assert!(!cut.is_incomplete());
}

#[test]
fn settings_of_the_screen_are_answered() {
    let mut screen = screen(
        24,
        80,
        "\x1b[3;8r\x1bP$qr\x1b\\\x1b[4h\x1b[4$p\x1b[20$p\x1b[14t",
    );
    let expected = "\x1bP1$r3;8r\x1b\\\x1b[4;1$y\x1b[20;2$y\x1b[4;312;480t";
    assert_eq!(screen.take_answers(), expected.as_bytes());
    assert_eq!(text(&screen), [""; 0]);
}

#[test]
fn positions_are_counted_from_the_origin() {
    let mut screen = screen(10, 20, "\x1b[3;8r\x1b[?6h\x1b[2;5H\x1b[6n");
    assert_eq!(screen.take_answers(), b"\x1b[2;5R");
    assert_eq!((screen.cursor().row, screen.cursor().column), (3, 4));
}

#[test]
fn modes_of_the_keys_are_known() {
    let mut screen = screen(3, 20, "\x1b[?1h\x1b=\x1b[?2004h");
    let keys = screen.key_modes();
    assert!(keys.application_cursor && keys.application_keypad && keys.bracketed_paste);
    feed(&mut screen, b"\x1b[!p", Instant::now());
    let keys = screen.key_modes();
    assert!(!keys.application_cursor && !keys.application_keypad && keys.bracketed_paste);
    feed(&mut screen, b"\x1bc", Instant::now());
    assert_eq!(screen.key_modes(), super::KeyModes::default());
}

#[test]
fn the_last_change_is_of_cells_or_the_cursor() {
    let start = Instant::now();
    let mut screen = Screen::new(
        ScreenSize {
            rows: 3,
            columns: 20,
        },
        start,
    );
    let second = |count| start + Duration::from_secs(count);
    for (count, output, changed) in [
        (1, "a", 1),
        (2, "\x1b[1m\x1b[?2004h\x1b]0;title\x07", 1),
        (3, "\x1b[H", 3),
        (4, "\x1b[H", 3),
        (5, "\x1b[?25l", 5),
        (6, "\x1b[K", 6),
    ] {
        feed(&mut screen, output.as_bytes(), second(count));
        assert_eq!(screen.last_change(), second(changed), "{output:?}");
    }
}

#[test]
fn a_picture_shows_the_text_the_cursor_and_what_is_lit() {
    let mut screen = screen(
        24,
        80,
        "\x1b[2;3H1. Check stock\r\n  \x1b[7m2. 確認 order\x1b[m\x1b[7;3H",
    );
    let expected = [
        " 24x80, cursor at row 7, column 3",
        "┌──────────────────┐",
        "│                  │",
        "│   1. Check stock │",
        "│   2. 確認 order  │",
        "└──────────────────┘",
        " lit: row 3 `2. 確認 order`",
    ];
    assert_eq!(screen.render().lines().collect::<Vec<_>>(), expected);
    feed(&mut screen, b"\x1b[2J\x1b[?25l", Instant::now());
    assert_eq!(
        screen.render(),
        " 24x80, cursor hidden, nothing on the screen\n"
    );
}

#[test]
fn a_dump_draws_the_same_screen() {
    let drawn = screen(5, 20, "a\x1b[7mb\x1b[m\x1b[?1049h\x1b(0lqk\x1b(B\x1b[3;4Hx");
    let again = screen(5, 20, &drawn.dump());
    assert_eq!(text(&again), text(&drawn));
    assert_eq!(again.cursor(), drawn.cursor());
    assert_eq!(again.style(0, 1), drawn.style(0, 1));
}

#[test]
fn sizes_change_and_may_be_odd() {
    let mut one = screen(0, 0, "abc\r\n界\x1b[5n");
    assert_eq!(
        one.size(),
        ScreenSize {
            rows: 1,
            columns: 1
        }
    );
    one.resize(ScreenSize {
        rows: 3,
        columns: 10,
    });
    feed(&mut one, b"\x1b[Hhello", Instant::now());
    assert!(one.is_fresh(0, 4));
    one.resize(ScreenSize {
        rows: 2,
        columns: 8,
    });
    assert!(text(&one)[0].starts_with("hello"));
    assert!(!one.is_fresh(0, 4));
    assert!(!one.is_fresh(9, 9));
    assert_eq!((one.row(9).text(), one.char_at(9, 9)), ("", ' '));
}

#[test]
fn styles_are_those_of_the_text() {
    let screen = screen(
        2,
        10,
        "\x1b[1;4;7;31;48;5;200ma\x1b[0;2;3;38;2;1;2;3mb\x1b[mc",
    );
    let first = screen.style(0, 0);
    assert!(first.bold && first.underline && first.inverse && !first.faint);
    assert_eq!(first.foreground, Some(CellColor::Indexed(1)));
    assert_eq!(first.background, Some(CellColor::Indexed(200)));
    let second = screen.style(0, 1);
    assert!(second.faint && second.italic && !second.inverse);
    assert_eq!(second.foreground, Some(CellColor::Rgb(1, 2, 3)));
    assert_eq!(screen.style(0, 2), CellStyle::default());
    assert_eq!(screen.style(9, 99), CellStyle::default());
}
