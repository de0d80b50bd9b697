//! Stamps against an oracle: an emulator in which the background of each cell is the time at which it
//! was written.

use std::time::{Duration, Instant};

use avt::parser::{Function, SgrOp, SgrOps};
use avt::{Color, Parser, Rgb, Terminal};
use proptest::prelude::*;

use super::super::{Screen, ScreenSize};
use super::{feed, screen};

const ROWS: u16 = 5;
const COLUMNS: u16 = 7;

/// Sends a reply.
const ANSWER: &str = "";

/// Number of operations before a cell was written, as its background.
fn tick_of(color: Option<Color>) -> Option<u8> {
    match color? {
        Color::RGB(Rgb { r, .. }) => Some(r),
        Color::Indexed(_) => None,
    }
}

fn background(tick: u8) -> Function {
    let color = Color::rgb(tick, 0, 0);
    Function::Sgr(SgrOps::from(vec![SgrOp::SetBackgroundColor(color)]))
}

/// Emulator whose backgrounds are times.
struct Oracle {
    terminal: Terminal,
    parser: Parser,
    /// Cells that were written up to then are stale.
    stale: Option<u8>,
}

impl Oracle {
    fn feed(&mut self, operation: &str, tick: u8, screen: &Screen) {
        if operation == ANSWER {
            self.stale = Some(tick);
        }
        for character in operation.chars() {
            let Some(function) = self.parser.feed(character) else {
                continue;
            };
            let row = self.terminal.cursor().row;
            let is_ignored = match function {
                Function::Sgr(_) => true,
                Function::Il(_) | Function::Dl(_) => !screen.modes.is_scrolled(row),
                Function::Decstbm(top, bottom) => {
                    let bottom = if bottom == 0 { ROWS } else { bottom };
                    top.max(1) >= bottom
                }
                _ => false,
            };
            if !is_ignored {
                let kind = self.terminal.active_screen_kind();
                self.terminal.execute([background(tick), function]);
                if self.terminal.active_screen_kind() != kind {
                    self.stale = Some(tick);
                }
            }
        }
    }

    fn ticks(&self) -> Vec<Vec<Option<u8>>> {
        let rows = self.terminal.screen().visible_lines();
        rows.map(|line| {
            let ticks = line
                .cells()
                .iter()
                .map(|cell| tick_of(cell.pen().background()));
            ticks
                .map(|tick| tick.filter(|&it| Some(it) > self.stale))
                .collect()
        })
        .collect()
    }
}

/// Operations, each of them one piece.
fn operations() -> impl Strategy<Value = Vec<String>> {
    let small = 0..9_u8;
    let piece = prop_oneof![
        6 => proptest::sample::select(vec!["a", "b", " ", "界", "é", "漢"]).prop_map(str::to_owned),
        2 => proptest::sample::select(vec!["\n", "\r", "\x08", "\t", "\x1bE", "\x1bM", "\x1bD"])
            .prop_map(str::to_owned),
        3 => (small.clone(), small.clone()).prop_map(|(row, column)| format!("\x1b[{row};{column}H")),
        4 => (small.clone(), proptest::sample::select(vec!['@', 'P', 'X', 'L', 'M', 'S', 'T', 'b']))
            .prop_map(|(count, last)| format!("\x1b[{count}{last}")),
        2 => (0..3_u8, proptest::sample::select(vec!['J', 'K']))
            .prop_map(|(scope, last)| format!("\x1b[{scope}{last}")),
        1 => (small, 0..=ROWS).prop_map(|(top, bottom)| format!("\x1b[{top};{bottom}r")),
        1 => proptest::sample::select(vec![
            "\x1b[?1049h", "\x1b[?1049l", "\x1b[?7l", "\x1b[?7h", "\x1b[4h", "\x1b[4l", "\x1b7",
            "\x1b8", "\x1b[?1048h", "\x1b[?1048l", "\x1b[!p", "\x1b(0", "\x1b(B", "\x1b[7m",
            "\x1b[?47h", "\x1b[?1047l", ANSWER,
        ])
        .prop_map(str::to_owned),
    ];
    proptest::collection::vec(piece, 0..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn stamps_move_with_their_text(operations in operations()) {
        let start = Instant::now();
        let size = ScreenSize { rows: ROWS, columns: COLUMNS };
        let mut screen = Screen::new(size, start);
        let mut oracle = Oracle {
            terminal: Terminal::new(COLUMNS.into(), ROWS.into()).expect("a size"),
            parser: Parser::new(),
            stale: None,
        };
        for (tick, operation) in (1..).zip(&operations) {
            let at = start + Duration::from_secs(tick.into());
            oracle.feed(operation, tick, &screen);
            match operation.as_str() {
                ANSWER => screen.answered(at),
                operation => feed(&mut screen, operation.as_bytes(), at),
            }
            let found: Vec<Vec<Option<u8>>> = (0..ROWS)
                .map(|row| {
                    let times = (0..COLUMNS).map(|column| screen.written_at(row, column));
                    let ticks = times.map(|it| it.map(|at| (at - start).as_secs() as u8));
                    ticks.collect()
                })
                .collect();
            let mode = screen.modes.is_auto_wrap();
            prop_assert_eq!(found, oracle.ticks(), "after {} {:?} {}", tick, operation, mode);
            prop_assert_eq!(
                screen.terminal.primary_screen().text(),
                oracle.terminal.primary_screen().text()
            );
        }
    }
}

#[test]
fn what_was_written_before_an_answer_is_stale() {
    let start = Instant::now();
    let later = start + Duration::from_millis(3);
    let mut screen = screen(3, 20, "Customer: \r\nTotal:");
    assert!(screen.is_fresh(0, 0));
    screen.answered(start);
    assert!(!screen.is_fresh(0, 0) && !screen.is_fresh(1, 0));
    feed(&mut screen, b" 7", later);
    assert_eq!(screen.written_at(1, 7), Some(later));
    assert_eq!(
        (screen.written_at(1, 5), screen.written_at(1, 8)),
        (None, None)
    );
    feed(&mut screen, b"\r\n\n", later);
    assert_eq!(screen.written_at(0, 7), Some(later), "scrolled");
    assert!(!screen.is_fresh(0, 0));
}

#[test]
fn a_restored_screen_was_not_drawn_now() {
    let mut screen = screen(3, 20, "shell\x1b[?1049h\x1b[Hmenu");
    assert!(screen.is_fresh(0, 3) && !screen.is_fresh(1, 0));
    feed(&mut screen, b"\x1b[?1049l", Instant::now());
    assert_eq!(screen.row(0).text(), "shell");
    assert!(!screen.is_fresh(0, 0));
}
