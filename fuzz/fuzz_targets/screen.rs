//! Screen: what is shown depends on the output, never on its split into reads.

#![no_main]

use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use rehearsal::terminal::{Screen, ScreenSize};

/// Byte that separates the steps in the input; it is not in UTF-8.
const SEPARATOR: u8 = 0xfe;

/// Applies the steps with their output in pieces of `size` bytes, and returns all that can be seen.
/// If feeding `stops` at each boundary, it goes on with the rest.
fn seen(input: &[u8], size: usize, stops: bool) -> Vec<String> {
    let mut now = Instant::now();
    let start = now;
    let small = ScreenSize { rows: 5, columns: 12 };
    let mut screen = Screen::new(small, now);
    let mut seen = Vec::new();
    for step in input.split(|&byte| byte == SEPARATOR) {
        now += Duration::from_secs(1);
        let Some((&kind, rest)) = step.split_first() else {
            continue;
        };
        match kind % 8 {
            0 => screen.answered(now),
            1 => screen.resize(ScreenSize {
                rows: rest.len() as u16 % 9,
                columns: kind.into(),
            }),
            _ => {
                for mut piece in rest.chunks(size) {
                    while !piece.is_empty() {
                        let used = screen.feed(piece, now, &mut |screen| {
                            seen.push(screen.dump());
                            stops
                        });
                        piece = &piece[used..];
                    }
                }
            }
        }
        seen.push(screen.render());
        let size = screen.size();
        for row in 0..size.rows {
            let text = screen.row(row);
            for (byte, _) in text.text().char_indices() {
                assert_eq!(text.byte_of(text.column_of(byte)), byte);
            }
            let times = (0..size.columns).map(|column| screen.written_at(row, column));
            let times: Vec<_> = times.map(|it| it.map(|at| at - start)).collect();
            seen.push(format!("{times:?}"));
        }
        let cursor = screen.cursor();
        assert!(cursor.row < size.rows && cursor.column < size.columns);
        seen.push(format!("{cursor:?} {:?}", screen.key_modes()));
        seen.push(format!("{:?}", screen.take_answers()));
    }
    seen
}

fuzz_target!(|input: &[u8]| {
    let whole = seen(input, usize::MAX, false);
    assert_eq!(seen(input, 1, false), whole);
    assert_eq!(seen(input, 3, true), whole);
});
