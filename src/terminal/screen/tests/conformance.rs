//! Conformance of the screen.

use super::{screen, text};

#[track_caller]
fn check(rows: u16, columns: u16, output: &str, expected: &[&str]) {
    assert_eq!(text(&screen(rows, columns, output)), expected, "{output:?}");
}

#[test]
fn boxes_are_drawn_with_line_drawing_characters() {
    check(
        3,
        10,
        "\x1b(0lqk\r\nx x\r\nmqj\x1b(B x",
        &["┌─┐", "│ │", "└─┘ x"],
    );
    check(1, 10, "\x1b)0a\x0eq\x0fq", &["a─q"]);
}
