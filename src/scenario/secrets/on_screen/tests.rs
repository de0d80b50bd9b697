use std::time::Instant;

use crate::terminal::{Screen, ScreenSize};

use super::*;

const SECRET: &str = "qzVk-7rT9 wLmX4bYp";

#[track_caller]
fn hides(secret: &str, output: &str, expected: &str) {
    let size = ScreenSize {
        rows: 4,
        columns: 24,
    };
    let mut screen = Screen::new(size, Instant::now());
    screen.feed(output.as_bytes(), Instant::now(), &mut |_| false);
    let mut frame = screen.frame();
    Masker::new([secret]).hide_on_screen(&mut frame);
    assert_eq!(frame.text().trim_end(), expected, "{output:?}");
}

#[test]
fn blanks_may_be_movements_of_the_cursor() {
    hides(
        SECRET,
        "pw=qzVk-7rT9\x1b[CwLmX4bYp.",
        "pw=***               .",
    );
    hides("correct horse", "\x1b[31mcorrect\x1b[0m\x1b[3Chorse", "***");
}

#[test]
fn a_secret_may_be_broken_at_the_ends_of_rows() {
    let hidden = "***\n\n ok";
    hides(SECRET, "qzVk-7rT9\x1b[2;1HwLmX4bYp\x1b[3;2Hok", hidden);
    hides(
        SECRET,
        "\x1b[1;18HqzVk-7r\r\nT9 wLmX4bYp",
        "                 ***",
    );
    hides(
        SECRET,
        "\x1b[1;22HqzV\x1b[2;3Hk-7rT9 wLmX4bYp",
        "                     ***",
    );
}

#[test]
fn a_secret_may_be_broken_in_a_box() {
    hides(
        SECRET,
        "User  | qzVk-7rT9 |\r\nPIN   |  wLmX4bYp |",
        "User  | ***       |\nPIN   |  ***      |",
    );
    hides(
        "hunter2secret",
        "a │hunte│ x\r\nb │r2sec│ y\r\nc │ret  │ z",
        "a │***  │ x\nb │***  │ y\nc │***  │ z",
    );
    hides(
        "hunter2secret",
        "PIN: hun\r\nOld: ter2secret",
        "PIN: ***\nOld: ***",
    );
}

#[test]
fn the_beginning_of_a_secret_is_hidden_while_it_is_typed() {
    hides(SECRET, "PIN: qzVk", "PIN: ***");
    hides(SECRET, "PIN: qzVk-7rT9 wL|\x1b[9D", "PIN: ***         |");
    hides(SECRET, "| qzVk___ |", "| *** ___ |");
    hides(SECRET, "| qzVk-7  |x\x1b[H", "| ***     |x");
    hides(SECRET, "PIN: qzV |", "PIN: qzV |");
    hides(SECRET, "PIN: qzVx", "PIN: qzVx");
    hides(SECRET, "PIN: qzVkx", "PIN: *** x");
    hides("secret", "PIN: sec ", "PIN: ***");
    hides("secret", "PIN: second", "PIN: second");
    hides("secret", "PIN: second\x1b[3D", "PIN: ***ond");
}

#[test]
fn a_scrolled_field_is_hidden() {
    hides(SECRET, "PIN: 7rT9 wLmX4b   |\x1b[H", "PIN: ***           |");
    hides(SECRET, "[4bYp]", "[*** ]");
    hides(
        "correct horse battery",
        "a horse is here",
        "a ***   is here",
    );
    hides("correct horse battery", "the horse.shoe", "the ***  .shoe");
}

#[test]
fn the_rest_of_a_secret_is_hidden_that_is_partly_overwritten() {
    hides("hunter2secret", "xxxxxxx2secret", "xxxxxxx***");
    hides("hunter2secret", "hunt.........", "*** .........");
    hides("hunter2secret", "-- cret --", "-- ***  --");
    hides("hunter2secret", "-- ret --", "-- ret --");
}

#[test]
fn half_of_a_secret_is_hidden_wherever_it_is() {
    hides(SECRET, "xqzVk-7rT9zz", "x***      zz");
    hides(SECRET, "xxrT9 wLmX4zz", "xx***      zz");
}

#[test]
fn normal_forms_of_unicode_are_the_same() {
    for (secret, shown) in [
        ("päss苹wörd9", "pa\u{308}ss苹wo\u{308}rd9"),
        ("pa\u{308}ss苹wo\u{308}rd9", "päss苹wörd9"),
    ] {
        hides(secret, &format!("it: {shown}, ok"), "it: ***        , ok");
    }
}

#[test]
fn short_secrets_hide_themselves_only() {
    hides("no", "no n o note on", "** n o **te on");
    hides("yes", "yes ye y\r\nyes\r\nye", "*** ye y\n***\nye");
    hides("test", "te st\r\nte\r\nst", "te st\n**\n*");
}

#[test]
fn screens_full_of_one_character_are_searched_in_no_time() {
    let secret = "a ".repeat(40);
    let begin = Instant::now();
    let row = "a ".repeat(12);
    hides(&format!("{secret}b"), &row.repeat(4), "***");
    assert!(begin.elapsed().as_secs() < 5);
}
