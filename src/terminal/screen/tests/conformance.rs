//! Conformance of the screen, with tmux 3.3a as the reference unless a test says otherwise.

use std::time::Instant;

use super::super::{Screen, ScreenSize};
use super::{feed, screen, text};

/// Checks the rows and the cursor of a screen of 6 rows and 12 columns.
#[track_caller]
fn check(output: &str, expected: &[&str], cursor: (u16, u16)) {
    let screen = screen(6, 12, output);
    assert_eq!(text(&screen), expected, "{output:?}");
    let found = (screen.cursor().row, screen.cursor().column);
    assert_eq!(found, cursor, "{output:?}");
}

#[test]
fn regions_scroll_and_nothing_else_does() {
    check(
        "1\r\n2\r\n3\r\n4\r\n5\r\n6\x1b[2;4r\x1b[4;1H\nX",
        &["1", "3", "4", "X", "5", "6"],
        (3, 1),
    );
    check(
        "1\r\n2\r\n3\r\n4\r\n5\r\n6\x1b[2;4r\x1b[2;1H\x1bMX",
        &["1", "X", "2", "3", "5", "6"],
        (1, 1),
    );
    check(
        "1\r\n2\r\n3\r\n4\r\n5\r\n6\x1b[2;5r\x1b[2S\x1b[3;3HX",
        &["1", "4", "5 X", "", "", "6"],
        (2, 3),
    );
    check(
        "1\r\n2\r\n3\r\n4\r\n5\r\n6\x1b[2;5r\x1b[T",
        &["1", "", "2", "3", "4", "6"],
        (0, 0),
    );
    check(
        "1\r\n2\r\n3\r\n4\r\n5\r\n6\x1b[2;4r\x1b[6;1H\nX",
        &["1", "2", "3", "4", "5", "X"],
        (5, 1),
    );
    check(
        "1\r\n2\r\n3\r\n4\r\n5\r\n6\x1b[2;4r\x1b[4;10Habcdef",
        &["1", "3", "4        abc", "def", "5", "6"],
        (3, 3),
    );
    check(
        "\x1b[2;4r\x1b[4;1H\x1b[9Aa\x1b[9Bb",
        &["", "a", "", " b"],
        (3, 2),
    );
    check("x\x1b[5;2ry", &["xy"], (0, 2));
}

#[test]
fn lines_and_characters_are_inserted_and_deleted() {
    check(
        "1\r\n2\r\n3\r\n4\r\n5\r\n6\x1b[2;1H\x1b[2L",
        &["1", "", "", "2", "3", "4"],
        (1, 0),
    );
    check(
        "1\r\n2\r\n3\r\n4\r\n5\r\n6\x1b[2;1H\x1b[2M",
        &["1", "4", "5", "6"],
        (1, 0),
    );
    check(
        "1\r\n2\r\n3\r\n4\r\n5\r\n6\x1b[2;4r\x1b[3;1H\x1b[L",
        &["1", "2", "", "3", "5", "6"],
        (2, 0),
    );
    check("abcdef\x1b[1;3H\x1b[2@", &["ab  cdef"], (0, 2));
    check("abcdef\x1b[1;3H\x1b[2P", &["abef"], (0, 2));
    check("abcdef\x1b[1;3H\x1b[2X", &["ab  ef"], (0, 2));
    check("abcdef\x1b[1;3H\x1b[4hXY\x1b[4lZ", &["abXYZdef"], (0, 5));
    check("ab\x1b[3bc", &["abbbbc"], (0, 6));
}

#[test]
fn rows_may_be_counted_from_the_region() {
    check(
        "\x1b[3;5r\x1b[?6h\x1b[1;1Ha\x1b[9;1Hb\x1b[?6l\x1b[1;1Hc",
        &["c", "", "a", "", "b"],
        (0, 1),
    );
    check(
        "\x1b[3;5r\x1b[?6h\x1b[2;1Ha\x1bMb\x1bMc",
        &["", "", "  c", " b", "a"],
        (2, 3),
    );
}

#[test]
fn the_last_column_waits_for_the_next_character() {
    check("abcdefghijkl\rX", &["Xbcdefghijkl"], (0, 1));
    check("abcdefghijklm", &["abcdefghijkl", "m"], (1, 1));
    check("abcdefghijkl\x1b[1;12HX", &["abcdefghijkX"], (0, 11));
    check("\x1b[?7labcdefghijklmno", &["abcdefghijko"], (0, 11));
}

#[test]
fn tabs_are_set_and_cleared() {
    check(
        "a\tb\r\n\x1b[3g\x1b[2;5H\x1bH\r\tx\tX",
        &["a       b", "    x      X"],
        (1, 11),
    );
    check("a\tb\x1b[Zc", &["a       c"], (0, 9));
}

#[test]
fn wide_characters_take_two_columns() {
    check("abcdefghijk界z", &["abcdefghijk", "界z"], (1, 3));
    check("\x1b[1;12H界", &["", "界"], (1, 2));
}

#[test]
fn screens_and_cursors_are_restored() {
    check("ab\x1b7\x1b[3;3Hx\x1b8y", &["aby", "", "  x"], (0, 3));
    check("ab\x1b[s\x1b[3;3Hx\x1b[uy", &["aby", "", "  x"], (0, 3));
    check(
        "shell\x1b[?1049h\x1b[Hmenu\x1b[?1049lX",
        &["shellX"],
        (0, 6),
    );
    check("shell\x1b[?47hmenu\x1b[?47lX", &["shell    X"], (0, 10));
    check("ab\x1b[2;4r\x1bcX\r\nY", &["X", "Y"], (1, 1));
}

#[test]
fn parts_are_erased() {
    check(
        "1\r\n2\r\n3xx\r\n4\x1b[3;2H\x1b[J",
        &["1", "2", "3"],
        (2, 1),
    );
    check(
        "1\r\n2\r\n3xx\r\n4\x1b[3;2H\x1b[1J",
        &["", "", "  x", "4"],
        (2, 1),
    );
    check(
        "1\r\n2\r\n3xx\r\n4\x1b[3;2H\x1b[2JX",
        &["", "", " X"],
        (2, 2),
    );
    check(
        "abcdef\x1b[1;3H\x1b[K\r\nabcdef\x1b[2;3H\x1b[1K\r\nabc\x1b[2KX",
        &["ab", "   def", "   X"],
        (2, 4),
    );
    check("\x1b[41mab\x1b[K\x1b[m", &["ab"], (0, 2));
}

#[test]
fn cursors_move() {
    check(
        "ab\x1b[2Ec\x1b[Fd\x1b[3Ge\x1b[4df",
        &["ab", "d e", "c", "   f"],
        (3, 4),
    );
    check("ab\x1bEc\x1bDd", &["ab", "c", " d"], (2, 2));
    check("a\x0bb\x0cc", &["a", " b", "  c"], (2, 3));
    check("abc\rX", &["Xbc"], (0, 1));
    check(
        "\x1b#8\x1b[2;2Hx",
        &[
            "EEEEEEEEEEEE",
            "ExEEEEEEEEEE",
            "EEEEEEEEEEEE",
            "EEEEEEEEEEEE",
            "EEEEEEEEEEEE",
            "EEEEEEEEEEEE",
        ],
        (1, 2),
    );
}

#[test]
fn strings_and_fillers_leave_no_trace() {
    check(
        "a\x1b]0;t\x07b\x1bP1;2qxx\x1b\\c\x1b_x\x1b\\d",
        &["abcd"],
        (0, 4),
    );
    check("a\x7fb\0c", &["abc"], (0, 3));
}

#[test]
fn what_tmux_does_otherwise_is_done_as_in_xterm() {
    // Line drawing has all characters, and a backspace leaves the last column but one.
    check(
        "\x1b(0lqk\x1b(B|\r\n\x1b)0\x0eabcx\x0fx",
        &["┌─┐|", "▒␉␌│x"],
        (1, 5),
    );
    check("abcdefghijkl\x08X", &["abcdefghijXl"], (0, 11));
    check(
        "abcdefghijkl\nX",
        &["abcdefghijkl", "           X"],
        (1, 11),
    );
    // Lines are inserted and deleted in the scrolled region only.
    let lines = "1\r\n2\r\n3\r\n4\r\n5\r\n6\x1b[3;4r";
    let rows = &["1", "2", "3", "4", "5", "6"];
    check(&format!("{lines}\x1b[5;1H\x1b[L"), rows, (4, 0));
    check(&format!("{lines}\x1b[1;1H\x1b[M"), rows, (0, 0));
    // Half a wide character is no character.
    check("界\x1b[1;2Hx", &[" x"], (0, 2));
    check("a界b\x1b[1;3H\x1b[X", &["a  b"], (0, 2));
}

#[test]
fn marks_are_part_of_their_character() {
    check("cafe\u{301}s", &["cafés"], (0, 5));
    check("abcdefghijke\u{301}\r\nx", &["abcdefghijké", "x"], (1, 1));
    check("x\u{302}y ❤\u{fe0f}!", &["xy ❤!"], (0, 5));
    check("\u{301}a\r\u{301}b", &["b"], (0, 1));
}

/// Output of a program, and the screen that tmux shows for it: row, column and visibility of the
/// cursor, then the rows.
macro_rules! recording {
    ($name:literal) => {
        (
            $name,
            &include_bytes!(concat!("recordings/", $name, ".out"))[..],
            include_str!(concat!("recordings/", $name, ".txt")),
        )
    };
}

#[test]
fn real_programs_look_as_they_do_in_tmux() {
    for (name, output, expected) in [
        recording!("whiptail"),
        recording!("dialog"),
        recording!("calendar"),
        recording!("less"),
        recording!("nano"),
        recording!("vim"),
    ] {
        let (size, now) = (
            ScreenSize {
                rows: 24,
                columns: 80,
            },
            Instant::now(),
        );
        let mut screen = Screen::new(size, now);
        feed(&mut screen, output, now);
        let cursor = screen.cursor();
        let visible = u8::from(cursor.visible);
        let mut found = format!("{} {} {visible}\n", cursor.row, cursor.column);
        for row in text(&screen) {
            found.push_str(&row);
            found.push('\n');
        }
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn the_selected_entry_is_lit() {
    let output = include_str!("recordings/whiptail.out");
    let picture = screen(24, 80, output).render();
    assert!(picture.contains(" lit: row 9 `3 Print`\n"), "{picture}");
}
