use super::{Recording, at, drawn};
use crate::dialogue::screen::select::RowSelector;
use crate::dialogue::screen::{KeyPress, KeySequenceErrorKind, KeyStep};
use crate::terminal::Screen;

/// Returns the next step on a settled screen, or the error once the program has had its time.
pub(super) fn next(selector: &mut RowSelector, screen: &Screen) -> String {
    let step = match selector.next(screen, false) {
        Ok(KeyStep::Wait) => selector.next(screen, true),
        step => step,
    };
    match step {
        Ok(KeyStep::Press(KeyPress::Key(key))) => key.to_string(),
        Ok(KeyStep::Last(KeyPress::Key(key)) | KeyStep::Submit(KeyPress::Key(key))) => {
            format!("{key}.")
        }
        Ok(step) => format!("{step:?}"),
        Err(error) => format!("{:?}: {}", error.kind, error.message),
    }
}

pub(super) fn selector(labels: &[&str]) -> RowSelector {
    RowSelector::new(labels.iter().map(|&label| label.to_owned()).collect())
}

/// Chooses on a recording of a program, which has to have been recorded with the same keys.
fn chosen(recording: &str, labels: &[&str]) -> String {
    let mut recording = Recording::open(recording);
    let mut selector = selector(labels);
    let mut keys = Vec::new();
    loop {
        let key = next(&mut selector, recording.screen());
        keys.push(key.clone());
        if keys.len() > 50 || !recording.press(&key) {
            return keys.join(" ");
        }
    }
}

#[test]
fn rows_are_chosen_in_real_programs() {
    let mut wrong = Vec::new();
    for (recording, labels, expected) in [
        ("whiptail-menu", ["Cherry"].as_slice(), "down down enter."),
        ("whiptail-menu", &["3"], "down down enter."),
        ("whiptail-menu", &["Apple"], "enter."),
        (
            "whiptail-checklist",
            &["Apple", "Banana", "Cherry"],
            "space down down space enter.",
        ),
        ("whiptail-yesno", &["No"], "right enter."),
        ("whiptail-yesno", &["Yes"], "enter."),
        ("dialog-menu", &["Fig"], "down down down down down enter."),
        ("dialog-radio", &["Banana"], "down space enter."),
        ("dialog-yesno", &["No"], "right enter."),
        ("questionary-select", &["Damson"], "down down enter."),
        (
            "questionary-checkbox",
            &["Apple", "Cherry"],
            "space down down space enter.",
        ),
        ("inquirer-py", &["Banana"], "down enter."),
        ("ptk-radio", &["Banana"], "down space"),
        ("inquirer-select", &["Elder"], "down down down down enter."),
        (
            "inquirer-select",
            &["Cherry"],
            "down down NoEffect: `Cherry (disabled)` is lit, and it is disabled",
        ),
        (
            "inquirer-checkbox",
            &["Apple", "Cherry"],
            "space down down space enter.",
        ),
        (
            "dialog-checklist",
            &["Banana", "Elder"],
            "down space down down down space enter.",
        ),
        ("whiptail-notags", &["Damson"], "down down down enter."),
        ("whiptail-cancel", &["Cancel"], "tab right enter."),
        (
            // Only the cursor tells the lit row, so that a key has to prove it.
            "ptk-check",
            &["Apple", "Cherry"],
            "down",
        ),
        ("ptk-yesno", &["No"], "right enter."),
        ("ptk-buttons", &["Maybe"], "right right enter."),
        (
            "inquirerpy-check",
            &["Apple", "Cherry"],
            "space down down space enter.",
        ),
        ("curses-menu", &["Stock"], "down down enter."),
        ("inquirer-search", &["Cherry"], "down down enter."),
        ("inquirer-sep", &["Cherry"], "down down enter."),
        ("enquirer-toggle", &["Yes"], "right enter."),
        ("questionary-raw", &["Cherry"], "down Press(Text(\"3\"))"),
        ("enquirer-select", &["Banana"], "down enter."),
        ("enquirer-multi", &["Banana"], "down space enter."),
    ] {
        let keys = chosen(recording, labels);
        if keys != expected {
            wrong.push(format!("{recording} {labels:?}: {keys}\n  not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Returns the first steps on a screen that does not change.
fn steps(screen: &Screen, labels: &[&str], count: usize) -> Vec<String> {
    let mut selector = selector(labels);
    (0..count).map(|_| next(&mut selector, screen)).collect()
}

#[test]
fn the_lit_row_is_known_by_many_signs() {
    let lit = "\x1b[7m";
    let off = "\x1b[0m";
    for (screen, expected) in [
        // In a box, with another pane, a title bar and a status bar.
        (
            format!(
                "{lit} Title {off}\x1b[24;1H{lit} F1 Help \x1b[K{off}{}{}{}{}",
                at(3, 1, "┌──────┬─────┐"),
                at(4, 1, &format!("│{lit}A     {off}│one  │")),
                at(5, 1, "│B     │two  │"),
                at(6, 1, "└──────┴─────┘"),
            ),
            "down",
        ),
        // Boxes of ASCII characters, and numbers.
        (
            at(4, 1, "+-------+\r\n")
                + &format!("| 1. A  |\r\n|{lit} 2. B  {off}|\r\n| 10. C |\r\n"),
            "enter.",
        ),
        // An answer above, and a prompt.
        ("✔ Sel A\r\n? Sel\r\n❯ B\r\n  C\r\n  D".into(), "enter."),
        ("✔ Sel A\r\n? Sel\r\n❯ A\r\n  B\r\n  D".into(), "down"),
        // A header has the ground of the lit row.
        (
            format!("{lit}NAME {off}\r\n\r\n{lit}B{off}\r\nC\r\nD"),
            "down",
        ),
        // Two signs that disagree, and a sign that is weak.
        (format!("> A\r\n  {lit}B{off}\r\n  C"), "down"),
        (format!("A\r\n\x1b[1mB{off}\r\nC"), "down"),
        // Pointers, also before bullets and numbers.
        ("  A\r\n> B\r\n  C".into(), "enter."),
        ("Choose:\r\n\r\n   A\r\n   C\r\n → B".into(), "enter."),
        ("  1) A\r\n❯ 2) B".into(), "enter."),
        // With a separator between, and an entry that is grey.
        ("▸ A\r\n  ──────\r\n  B".into(), "down"),
        (format!("A\r\n\x1b[2mX{off}\r\n\x1b[36mB{off}\r\nC"), "down"),
        // A mark that is the pointer, and grounds where all but one are lit.
        ("│  ○ A\r\n│  ● B\r\n│  ○ C".into(), "down"),
        (
            format!("{lit}A  {off}\r\nB  \r\n{lit}C  {off}\r\n{lit}D  {off}"),
            "enter.",
        ),
        // Buttons.
        (format!("Sure?\r\n\r\n  {lit}<A>{off}   <B>"), "right"),
        (format!("  [ A ] {lit}[ B ]{off} [ C ]"), "enter."),
        ("? Sure? \r\n  ● A / ○ B".into(), "right"),
        // A row alone: its ground, its pointer, the cursor before its box.
        (at(5, 20, &format!("{lit}a B{off}")), "down"),
        (at(5, 20, &format!("{lit}a{off}  {lit}B{off}")), "enter."),
        ("Choose:\r\n > B".into(), "enter."),
        ("Choose:\r\n( ) B\x1b[2;1H".into(), "space"),
        // Two panes without a border between them; the header and the other pane have grounds, too.
        (
            format!(
                "\r\n{lit}Sort by    {off} {lit}  PID{off}\r\n\x1b[46mApple      {off}   1 sh\r\n\
                 B            {lit} 4711 init{off}\r\nCitron        22 cat\r\n"
            ),
            "down",
        ),
        // Names before boxes, numbers that are aligned at their ends, marks behind texts.
        (
            format!("Fruit   ( ) A\r\n        {lit}(X) B{off}\r\n        ( ) C"),
            "enter.",
        ),
        (
            format!("{lit}36.0 KiB [###] /A{off}\r\n 8.0 KiB [#  ] /B\r\n 8.0 KiB [   ] /C"),
            "down",
        ),
        ("  A\r\n> B *\r\n  BC".into(), "enter."),
        // The arrow of a scroll bar is no button.
        (
            format!("{lit}(*) A  ^{off}\r\n( ) C\r\n( ) B  v\x1b[?25l"),
            "down",
        ),
        // Buttons that look alike, while a list has the cursor.
        (
            "  ( ) A\r\n  (*) X\r\n  ( ) C\r\n\r\n  \x1b[1m<\x1b[0m  B  \x1b[1m>\x1b[0m \
             \x1b[1m<\x1b[0mCancel\x1b[1m>\x1b[0m\x1b[2;3H"
                .into(),
            "tab",
        ),
        // The cursor.
        ("A\r\nB\r\nC\x1b[2;1H".into(), "down"),
        ("Some text\r\nB\r\nmore\x1b[?25l".into(), "down"),
    ] {
        assert_eq!(steps(&drawn(&screen), &["B"], 1), [expected], "{screen:?}");
    }
}

#[test]
fn a_lit_row_that_is_not_proved_is_not_chosen() {
    let off = "\x1b[0m";
    for (screen, expected) in [
        (
            "Some text\r\nB\r\nmore\x1b[?25l".into(),
            "NoEffect: no row of the list lights up at `down` and `up`, so the way to `B` is not \
             known",
        ),
        (
            format!("A\r\n\x1b[36mB{off}\r\nC"),
            "NoEffect: `B` seems to be lit, and `down` and `up` do not show that it is, so the way \
             to `B` is not known",
        ),
    ] {
        assert_eq!(steps(&drawn(&screen), &["B"], 3), ["down", "up", expected]);
    }
}

#[test]
fn labels_are_found_by_the_most_exact_text() {
    let list = |rows: &[&str]| drawn(&format!("❯ {}", rows.join("\r\n  ")));
    let end = "down enter.";
    for (rows, label, expected) in [
        (["Lime", "Lime juice"].as_slice(), "Lime", "enter."),
        (&["Limejuice", "Lime"], "Lime", "down"),
        (&["x", "Lime (sour)"], "Lime", "down"),
        (&["x", "7  Lime"], "Lime", "down"),
        (&["x", "7 Lime"], "7", "down"),
        (&["x", "Lime"], "Quince", "down"),
        (&["x", "a Lime", "b Lime"], "Lime", "down"),
        (
            &["x", "Lime", "Lime"],
            "Lime",
            "Ambiguous: several rows fit `Lime`: `Lime`, `Lime`",
        ),
    ] {
        let screen = list(rows);
        assert_eq!(
            steps(&screen, &[label], 1),
            [expected],
            "{rows:?} {label} {end}"
        );
    }
    // The list does not react.
    assert_eq!(
        steps(&list(&["x", "Lime"]), &["Lime"], 2)[1],
        "NoEffect: pressed `down` on the way to `Lime`, and nothing changed: `x` is still lit"
    );
    let several = steps(&list(&["x", "my Lime", "your Lime"]), &["Lime"], 3);
    assert_eq!(
        several,
        [
            "down",
            "up",
            "Ambiguous: several rows fit `Lime`: `my Lime`, `your Lime`"
        ]
    );
    assert_eq!(
        steps(&list(&["x", "Lime"]), &["x", "Lime"], 2),
        [
            "space",
            "NoEffect: pressed `space`, and `x` shows no mark: only one row of this list can be \
             chosen"
        ]
    );
}

#[test]
fn a_key_without_effect_is_an_error_with_its_kind() {
    let screen = drawn("❯ [ ] A\r\n  [ ] B");
    let mut selector = selector(&["A"]);
    assert_eq!(next(&mut selector, &screen), "space");
    assert_eq!(selector.next(&screen, false), Ok(KeyStep::Wait));
    let error = selector.next(&screen, true).unwrap_err();
    assert_eq!(error.kind, KeySequenceErrorKind::NoEffect);
    assert_eq!(error.message, "pressed `space`, and `A` is not marked");
}

#[test]
fn a_mark_that_another_one_takes_away_is_named() {
    let mut screen = drawn("❯ ( ) A\r\n  ( ) B");
    let mut selector = selector(&["A", "B"]);
    for (keys, rows) in [
        ("space", "❯ (*) A\r\n  ( ) B"),
        ("down", "  (*) A\r\n❯ ( ) B"),
        ("space", "  ( ) A\r\n❯ (*) B"),
    ] {
        assert_eq!(next(&mut selector, &screen), keys);
        super::draw(&mut screen, &format!("\x1b[H{rows}"));
    }
    assert_eq!(
        next(&mut selector, &screen),
        "NoEffect: `A` lost its mark when `B` was marked"
    );
}

#[test]
fn rows_that_were_marked_out_of_sight_are_seen_again_before_enter() {
    let mut screen = drawn("❯ [ ] A\r\n  [ ] B");
    let mut selector = selector(&["A", "D"]);
    for (keys, rows) in [
        ("space", "❯ [x] A\r\n  [ ] B"),
        ("down", "  [x] A\r\n❯ [ ] B"),
        ("down", "  [ ] B\r\n❯ [ ] C"),
        ("down", "  [ ] C\r\n❯ [ ] D"),
        ("space", "  [ ] C\r\n❯ [x] D"),
        ("up", "❯ [ ] C\r\n  [x] D"),
        ("up", "❯ [ ] B\r\n  [ ] C"),
        ("up", "❯ [ ] A\r\n  [ ] B"),
    ] {
        assert_eq!(next(&mut selector, &screen), keys);
        super::draw(&mut screen, &format!("\x1b[H{rows}"));
    }
    assert_eq!(
        next(&mut selector, &screen),
        "NoEffect: `A` was marked, and is not any longer"
    );
}

#[test]
fn marks_behind_texts_are_read() {
    let mut screen = drawn("> A\r\n  B");
    let mut selector = selector(&["A", "B"]);
    for (keys, rows) in [
        ("space", "> A *\r\n  B"),
        ("down", "  A *\r\n> B"),
        ("space", "  A *\r\n> B *"),
    ] {
        assert_eq!(next(&mut selector, &screen), keys);
        super::draw(&mut screen, &format!("\x1b[H{rows}"));
    }
    assert_eq!(next(&mut selector, &screen), "enter.");
}

#[test]
fn the_key_of_a_row_may_only_lead_to_it() {
    let menu = |lit: usize| {
        let row = |it: usize| format!("{} {it}) Row {it}\r\n", if it == lit { "»" } else { " " });
        format!("\x1b[H\x1b[?25l{}{}{}", row(1), row(2), row(3))
    };
    let mut screen = drawn(&menu(1));
    let mut selector = selector(&["Row 3"]);
    // Arrows do nothing here.
    assert_eq!(next(&mut selector, &screen), "down");
    assert_eq!(next(&mut selector, &screen), "Press(Text(\"3\"))");
    super::draw(&mut screen, &menu(3));
    assert_eq!(next(&mut selector, &screen), "enter.");
}

#[test]
fn a_row_that_is_passed_over_is_named() {
    let mut screen = drawn("❯ A\r\n  B\r\n  C");
    let mut selector = selector(&["B"]);
    assert_eq!(next(&mut selector, &screen), "down");
    super::draw(&mut screen, "\x1b[H\x1b[2J  A\r\n  B\r\n❯ C");
    assert_eq!(
        next(&mut selector, &screen),
        "NoEffect: `B` was passed over: the lit row went from `A` to `C`"
    );
}

#[test]
fn a_scroll_bar_is_no_part_of_a_row() {
    // whiptail: only the box of the lit row has another ground.
    let row = |at_: u16, mark: &str, text: &str, bar: &str| {
        let texts = format!("\x1b[37;44m[{mark}\x1b[44m] {text}\x1b[30;47m");
        let output =
            format!("\x1b[30;47m│  {texts}                  \x1b[37;44m{bar}\x1b[30;47m   │");
        at(at_, 21, &output)
    };
    for thumb in ["▮", "█"] {
        let screen = drawn(&format!(
            "\x1b[?25l{}{}{}{}",
            row(10, "\x1b[41m ", "1  Fruit-1", "↑"),
            row(11, " ", "2  Fruit-2", thumb),
            row(12, " ", "3  Fruit-3", "▒"),
            row(13, " ", "4  Fruit-4", "↓"),
        ));
        let steps = next(&mut selector(&["Fruit-2", "Fruit-3"]), &screen);
        assert_eq!(steps, "down", "{thumb}");
    }
}

#[test]
fn a_flag_before_a_number_is_no_list_of_its_own() {
    let rows = [
        "   36.0 KiB [###########] /beta   ",
        "    8.0 KiB [##         ] /gamma  ",
        "e   4.0 KiB [#          ] /alpha  ",
    ];
    let draw = |lit: usize| {
        let title = format!(
            "\x1b[7mncdu ~ Use the arrow keys to navigate\x1b[K\x1b[0m{}",
            at(2, 1, "--- /n ---")
        );
        let rows = (0_u16..).zip(rows).map(|(index, row)| {
            let style = if usize::from(index) == lit {
                "\x1b[7m"
            } else {
                ""
            };
            at(3 + index, 1, &format!("{style}{row}\x1b[0m"))
        });
        format!("\x1b[H\x1b[2J\x1b[?25l{title}{}", rows.collect::<String>())
    };
    let mut screen = drawn(&draw(0));
    let mut selector = selector(&["gamma"]);
    let (mut lit, mut keys) = (0_usize, Vec::new());
    loop {
        let key = next(&mut selector, &screen);
        lit = match key.as_str() {
            "down" => (lit + 1).min(2),
            "up" => lit.saturating_sub(1),
            _ => lit,
        };
        keys.push(key.clone());
        if keys.len() > 20 || !["down", "up"].contains(&key.as_str()) {
            break;
        }
        super::draw(&mut screen, &draw(lit));
    }
    assert_eq!(
        (keys.last().map(String::as_str), lit),
        (Some("enter."), 1),
        "{keys:?}"
    );
}

#[test]
fn a_label_that_is_on_no_button_fails_with_the_labels() {
    let buttons = "\x1b[41m<Yes>\x1b[47m           <No>        ";
    let screen = drawn(&format!(
        "\x1b[?25l\x1b[30;47m{}{}",
        at(12, 24, "Pick"),
        at(15, 31, buttons)
    ));
    assert_eq!(
        next(&mut selector(&["Maybe"]), &screen),
        "NotFound: `Maybe` is not among the buttons: `Yes`, `No`"
    );
}
