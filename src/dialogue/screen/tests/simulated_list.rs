//! Simulated list programs: the selector has to end on the right row of any of them.

use proptest::prelude::*;
use std::collections::BTreeSet;

use super::{at, draw, drawn};
use crate::dialogue::screen::select::RowSelector;
use crate::dialogue::screen::{KeyPress, KeyStep};
use crate::terminal::Key;

/// The sign of the lit row.
#[derive(Debug, Clone, Copy)]
enum Sign {
    Inverse,
    Background,
    Colour,
    Bold,
    Pointer,
    Cursor,
}

#[derive(Debug, Clone)]
struct List {
    labels: Vec<String>,
    disabled: BTreeSet<usize>,
    marked: BTreeSet<usize>,
    lit: usize,
    top: usize,
    window: usize,
    wraps: bool,
    sign: Sign,
    has_boxes: bool,
    /// Only one row can be marked.
    is_radio: bool,
    in_box: bool,
    /// Enter does what Space does, and leaves the list.
    toggles_at_enter: bool,
    /// The program draws only the second time that it is asked.
    is_slow: bool,
}

impl List {
    fn draw(&self) -> String {
        let mut output = String::from("\x1b[2J\x1b[?25l");
        output += &at(3, 4, "Choose one of these");
        let rows = self.window.min(self.labels.len());
        let end = if self.in_box { "│" } else { "" };
        for row in 0..rows {
            let index = self.top + row;
            let is_lit = index == self.lit;
            let pointer = match self.sign {
                Sign::Pointer if is_lit => "> ",
                Sign::Pointer => "  ",
                _ => "",
            };
            let mark = match (self.has_boxes, self.marked.contains(&index)) {
                (false, _) => "",
                (true, true) => "[x] ",
                (true, false) => "[ ] ",
            };
            let style = match self.sign {
                _ if !is_lit => "",
                Sign::Inverse => "\x1b[7m",
                Sign::Background => "\x1b[30;46m",
                Sign::Colour => "\x1b[36m",
                Sign::Bold => "\x1b[1m",
                Sign::Pointer | Sign::Cursor => "",
            };
            // The first letter of each label is a hot key.
            let label = &self.labels[index];
            let (hot, rest) = label.split_at(1);
            let ground = if matches!(self.sign, Sign::Background) && is_lit {
                "\x1b[31;46m"
            } else {
                ""
            };
            let text = format!("{pointer}{mark}{style}{ground}{hot}\x1b[0m{style}{rest}\x1b[0m");
            output += &at(5 + u16::try_from(row).unwrap(), 6, &format!("{end}{text}"));
            output += &at(5 + u16::try_from(row).unwrap(), 40, end);
        }
        output += &at(22, 1, "\x1b[7m F1 Help  F10 Quit \x1b[K\x1b[0m");
        if matches!(self.sign, Sign::Cursor) {
            let row = 5 + u16::try_from(self.lit - self.top).unwrap();
            output += &at(row, 6 + u16::from(self.in_box), "\x1b[?25h");
        }
        output
    }

    fn press(&mut self, key: Key) {
        let len = self.labels.len();
        let mut lit = self.lit;
        match key {
            Key::Down | Key::Up => loop {
                lit = match key {
                    Key::Down if lit + 1 < len => lit + 1,
                    Key::Down if self.wraps => 0,
                    Key::Up if lit > 0 => lit - 1,
                    Key::Up if self.wraps => len - 1,
                    _ => return,
                };
                if !self.disabled.contains(&lit) {
                    break;
                }
            },
            Key::Space if self.has_boxes && self.is_radio => self.marked = BTreeSet::from([lit]),
            Key::Space if self.has_boxes && !self.marked.remove(&lit) => {
                self.marked.insert(lit);
            }
            _ => {}
        }
        self.lit = lit;
        if lit < self.top {
            self.top = lit;
        } else if lit >= self.top + self.window {
            self.top = lit + 1 - self.window;
        }
    }
}

/// Chooses labels in a list. Returns whether Enter was pressed, or the error.
fn choose(list: &mut List, labels: &[String]) -> Result<(), String> {
    let mut selector = RowSelector::new(labels.to_vec());
    let mut screen = drawn(&list.draw());
    let mut is_overdue = false;
    let mut unseen = false;
    for _ in 0..2000 {
        match selector.next(&screen, is_overdue) {
            Ok(KeyStep::Press(KeyPress::Key(key))) => {
                list.press(key);
                is_overdue = false;
                unseen = true;
                if !list.is_slow {
                    draw(&mut screen, &list.draw());
                }
            }
            Ok(KeyStep::Last(KeyPress::Key(Key::Enter))) => return Ok(()),
            Ok(KeyStep::Submit(KeyPress::Key(Key::Enter))) => {
                if !list.toggles_at_enter {
                    screen = drawn("\x1b[2J");
                    continue;
                }
                list.press(Key::Space);
                is_overdue = false;
                unseen = true;
            }
            Ok(KeyStep::Done) => return Ok(()),
            Ok(KeyStep::Wait) => {
                assert!(!is_overdue, "a wait beyond its time");
                is_overdue = !(list.is_slow && unseen);
                unseen = false;
                draw(&mut screen, &list.draw());
            }
            Ok(step) => return Err(format!("{step:?}")),
            Err(error) => return Err(format!("{:?}: {}", error.kind, error.message)),
        }
    }
    Err("no end".into())
}

fn lists() -> impl Strategy<Value = List> {
    use proptest::sample::{select, subsequence};
    let words = [
        "Apple",
        "Banana",
        "Cherry",
        "Damson",
        "Elder",
        "Fig",
        "Grape",
        "Item 1",
        "Item 10",
        "Item 100",
        "Item 2",
        "Kiwi (ripe)",
        "Lime juice",
        "Lime",
        "a) Melon",
        "7 Nectarines",
        "Olive…",
        "Ünal",
    ];
    let words: Vec<String> = words
        .iter()
        .map(|&it| it.to_owned())
        .filter(|it| it.is_char_boundary(1))
        .collect();
    let len = words.len();
    let signs = [
        Sign::Inverse,
        Sign::Background,
        Sign::Colour,
        Sign::Bold,
        Sign::Pointer,
        Sign::Cursor,
    ];
    let shape = (3_usize..12, any::<bool>(), select(signs.to_vec()));
    let looks = (any::<bool>(), any::<bool>(), any::<bool>());
    let labels = subsequence(words, 3..=len).prop_shuffle();
    (labels, shape, looks, any::<prop::sample::Index>()).prop_map(
        |(labels, (window, wraps, sign), (has_boxes, in_box, is_slow), lit)| {
            let lit = lit.index(labels.len());
            let window = window.min(labels.len());
            List {
                top: lit.saturating_sub(window / 2).min(labels.len() - window),
                labels,
                disabled: BTreeSet::new(),
                marked: BTreeSet::new(),
                lit,
                window,
                wraps,
                sign,
                has_boxes,
                is_radio: false,
                in_box,
                toggles_at_enter: false,
                is_slow,
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn the_selector_ends_on_the_right_row(mut list in lists(), wanted: prop::sample::Index) {
        let wanted = wanted.index(list.labels.len());
        let label = list.labels[wanted].clone();
        prop_assert_eq!(choose(&mut list, &[label]), Ok(()));
        prop_assert_eq!(list.lit, wanted);
        prop_assert_eq!(list.marked.contains(&wanted), list.has_boxes);
    }

    #[test]
    fn all_rows_are_marked_and_no_others(
        mut list in lists(),
        wanted in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
        before: prop::sample::Index,
        toggles_at_enter: bool,
    ) {
        list.has_boxes = true;
        list.toggles_at_enter = toggles_at_enter;
        let mut wanted: Vec<usize> = wanted.iter().map(|it| it.index(list.labels.len())).collect();
        wanted.dedup();
        let before = before.index(list.labels.len());
        list.marked.insert(before);
        let labels: Vec<String> = wanted.iter().map(|&it| list.labels[it].clone()).collect();
        prop_assert_eq!(choose(&mut list, &labels), Ok(()));
        let all: BTreeSet<usize> = wanted.into_iter().chain([before]).collect();
        prop_assert_eq!(list.marked, all);
    }

    #[test]
    fn a_radio_list_holds_one_mark(
        mut list in lists(),
        one: prop::sample::Index,
        other: prop::sample::Index,
    ) {
        (list.has_boxes, list.is_radio) = (true, true);
        let (one, other) = (one.index(list.labels.len()), other.index(list.labels.len()));
        prop_assume!(one != other);
        let labels = [list.labels[one].clone(), list.labels[other].clone()];
        let error = choose(&mut list, &labels).unwrap_err();
        prop_assert!(error.starts_with("NoEffect: "), "{}", error);
        prop_assert!(error.contains(&format!("`{}` ", labels[0])), "{}", error);
        let is_named = error.contains("lost its mark") || error.contains("is not any longer");
        prop_assert!(is_named, "{}", error);
        prop_assert_eq!(choose(&mut list, &labels[1..]), Ok(()));
        prop_assert_eq!(list.marked, BTreeSet::from([other]));
    }

    #[test]
    fn a_disabled_or_missing_row_is_never_chosen(mut list in lists(), wanted: prop::sample::Index) {
        let wanted = wanted.index(list.labels.len());
        prop_assume!(wanted != list.lit);
        let label = list.labels[wanted].clone();
        // A row that never comes into view may be taken for another one with more text.
        let alike = list.labels.iter().filter(|it| it.contains(&label));
        prop_assume!(alike.count() == 1);
        list.disabled.insert(wanted);
        let result = choose(&mut list, std::slice::from_ref(&label));
        let Err(error) = result else { return Err(TestCaseError::fail("chosen")) };
        prop_assert!(error.starts_with("NoEffect") || error.starts_with("NotFound"), "{}", error);
        prop_assert!(error.contains(&label), "{}", error);
        list.has_boxes = false;
        let error = choose(&mut list, &["Quince".into()]).unwrap_err();
        prop_assert!(error.starts_with("NotFound: `Quince` is not in the list"), "{}", error);
        list.disabled = (0..list.labels.len()).filter(|&it| it != list.lit).collect();
        let error = choose(&mut list, &["Quince".into()]).unwrap_err();
        prop_assert!(error.contains("nothing changed") , "{}", error);
    }
}
