//! Lists that take keys or look otherwise than most.

use super::{at, draw, drawn, select};

#[test]
fn marks_that_enter_changes_are_restored() {
    for (marks, restored) in [
        ("  [x] A\r\n❯ [ ] B", "  [x] A\r\n❯ [x] B"),
        ("  ◉ A\r\n❯ ○ B", "  ◉ A\r\n❯ ◉ B"),
    ] {
        let unmarked = marks.replace("[x]", "[ ]").replace('◉', "○");
        let mut screen = drawn(&restored.replace("❯", " ").replacen("  ", "❯ ", 1));
        let mut selector = select::selector(&["A", "B"]);
        for (keys, rows) in [("down", restored), ("enter.", marks), ("space", restored)] {
            assert_eq!(
                select::next(&mut selector, &screen),
                keys,
                "{}",
                screen.render()
            );
            draw(&mut screen, &format!("\x1b[H{rows}"));
        }
        assert_eq!(select::next(&mut selector, &screen), "Done");
        // What is changed elsewhere, or stays, is not right.
        for (after_enter, after_space, expected) in [
            (
                marks,
                marks,
                "space|NoEffect: `enter` changed the mark of `B` and left the list there, and \
             `space` did not change it back",
            ),
            (
                &unmarked,
                "",
                "NoEffect: pressed `enter`, and `A` lost its mark, with the list still there",
            ),
            (restored, "", "Done"),
            ("\x1b[2J", "", "Done"),
        ] {
            let mut screen = drawn(&restored.replace("❯", " ").replacen("  ", "❯ ", 1));
            let mut selector = select::selector(&["A", "B"]);
            assert_eq!(select::next(&mut selector, &screen), "down");
            draw(&mut screen, &format!("\x1b[H{restored}"));
            assert_eq!(select::next(&mut selector, &screen), "enter.");
            draw(&mut screen, &format!("\x1b[H{after_enter}"));
            let mut steps = vec![select::next(&mut selector, &screen)];
            if steps[0] == "space" {
                draw(&mut screen, &format!("\x1b[H{after_space}"));
                steps.push(select::next(&mut selector, &screen));
            }
            assert_eq!(steps.join("|"), expected);
        }
    }
}

#[test]
fn rows_of_a_menu_without_a_frame_are_told_from_what_is_behind_it() {
    // A panel of files, and a menu with a shadow before it.
    let (panel, menu, lit, shadow) = ("\x1b[37;44m", "\x1b[97;46m", "\x1b[97;40m", "\x1b[90;40m");
    let menu_rows = [
        "User menu     F2",
        "Find file    M-?",
        "Swap panels  C-u",
        "Screen list  M-`",
    ];
    let screen = |chosen: usize| {
        let mut output = String::from("\x1b[2J");
        for row in 0..10 {
            let text = format!("/directory{row}  a long name behind it       4096  Nov 28 11:34");
            output += &at(row + 2, 1, &format!("{panel}{text:<80}"));
        }
        for (index, row) in menu_rows.iter().enumerate() {
            let ground = if index == chosen { lit } else { menu };
            let text = format!("{ground}  {row}  {shadow}me");
            output += &at(u16::try_from(index).unwrap() + 3, 12, &text);
        }
        drawn(&output)
    };
    let mut selector = select::selector(&["Swap panels"]);
    let keys: Vec<String> = (0..3)
        .map(|lit| select::next(&mut selector, &screen(lit)))
        .collect();
    assert_eq!(keys, ["down", "down", "enter."]);
}

#[test]
fn columns_of_a_lit_row_are_no_buttons() {
    let row = |number: u32, name: &str| format!("  {number} N  (  1{number}) {name}");
    let names = ["Ann", "Second offer", "Third offer"];
    let screen = |lit: usize| {
        let rows = names.iter().zip(1..).map(|(name, number)| {
            let row = row(number, name);
            if number as usize == lit + 1 {
                format!("\x1b[7m{row:<60}\x1b[0m")
            } else {
                row
            }
        });
        drawn(&rows.collect::<Vec<_>>().join("\r\n"))
    };
    // Other rows may contain the label, too, so that the whole list is looked at.
    let mut selector = select::selector(&["Second offer"]);
    let keys = [0, 1, 2, 2, 1].map(|lit| select::next(&mut selector, &screen(lit)));
    assert_eq!(keys, ["down", "down", "down", "up", "up"]);
}

#[test]
fn buttons_are_reached_with_an_arrow_where_tab_does_nothing() {
    let rows = "[ ] A\r\n[ ] B\r\n[ ] C\r\n\r\n< Send >  < Cancel >";
    let mut selector = select::selector(&["Send"]);
    let mut keys = Vec::new();
    // After Tab and its patience, the cursor moves as a program with these widgets moves it.
    for place in ["1;2", "1;2", "2;2", "3;2", "5;3", "5;13", "5;3"] {
        keys.push(select::next(
            &mut selector,
            &drawn(&format!("{rows}\x1b[{place}H")),
        ));
    }
    assert_eq!(
        keys,
        ["tab", "down", "down", "down", "right", "left", "enter."]
    );
    let mut selector = select::selector(&["Send"]);
    let screen = drawn(&format!("{rows}\x1b[1;2H"));
    let keys: Vec<String> = (0..3)
        .map(|_| select::next(&mut selector, &screen))
        .collect();
    assert_eq!(
        keys,
        [
            "tab",
            "down",
            "NoEffect: `tab` and `down` do not lead to the button `Send`"
        ]
    );
}

#[test]
fn the_entry_in_another_column_is_lit_before_enter() {
    let names = ["Andrew", "Bob", "Christa", "Dan", "Eveline", "Fay"];
    let grid = |lit: usize| {
        let entries = names.iter().enumerate().map(|(index, name)| {
            let ground = if index == lit { "\x1b[7m" } else { "" };
            let (row, column) = (index / 2 + 2, index % 2 * 12 + 5);
            format!("\x1b[{row};{column}H{ground}{name}\x1b[0m")
        });
        drawn(&entries.collect::<String>())
    };
    let keys = |label: &str, places: &[usize]| -> Vec<String> {
        let mut selector = select::selector(&[label]);
        let places = places.iter();
        places
            .map(|&lit| select::next(&mut selector, &grid(lit)))
            .collect()
    };
    assert_eq!(keys("Dan", &[0, 2, 3]), ["down", "right", "enter."]);
    assert_eq!(keys("Christa", &[0, 2]), ["down", "enter."]);
    // It is not certain at once which row is lit.
    let proved = ["down", "up", "right", "enter."];
    assert_eq!(keys("Bob", &[0, 2, 0, 1]), proved);
    // Where the arrow does nothing, a row is one entry.
    assert_eq!(keys("Bob", &[0, 2, 0, 0]), proved);
    assert_ne!(keys("Bob", &[0, 2, 0, 3])[3], "enter.");
}

#[test]
fn rows_of_a_tree_with_boxes_are_one_list() {
    let tree = |lit: usize, marked: usize| {
        let names = ["Apples", "│  Bananas", "│  │  Cherries", "│  Dates"];
        let rows = names.iter().enumerate().map(|(index, name)| {
            let ground = if index == lit { "\x1b[7m" } else { "" };
            let mark = if index == marked { '*' } else { ' ' };
            let (lines, name) = name.rsplit_once("  ").unwrap_or(("", name));
            format!("││    ({mark}) {lines}  {ground}{name}\x1b[0m")
        });
        let rows = rows.map(|row| format!("{row}\x1b[40G││"));
        drawn(&rows.collect::<Vec<_>>().join("\r\n"))
    };
    let mut selector = select::selector(&["Dates"]);
    let screens = [(2, 2), (3, 2), (3, 3)].map(|(lit, marked)| tree(lit, marked));
    let keys = screens.map(|screen| select::next(&mut selector, &screen));
    assert_eq!(keys, ["down", "space", "enter."]);
}
