//! Independence from how the output is split into reads, and from where feeding stops.

use std::time::Instant;

use proptest::prelude::*;

use super::super::{Screen, ScreenSize};
use crate::terminal::decoder::tests::output;

/// Output with more of what screens are drawn with.
fn drawing() -> impl Strategy<Value = Vec<u8>> {
    let sequence = proptest::sample::select(vec![
        "\x1b[?1049h",
        "\x1b[?1049l",
        "\x1b[2;3r",
        "\x1b[3;1H",
        "\x1bM",
        "\x1b[L",
        "\x1b[2P",
        "\x1b[K",
        "\x1b[J",
        "\x1b(0",
        "\x1b(B",
        "\x1b[?6h",
        "\x1b[?7l",
        "\x1b[4h",
        "\x1b[3b",
        "e\u{301}",
        "界",
        "\x1b[6n",
        "\x1b]10;?\x1b\\",
        "\x1b[?2004h",
        "\x1b=",
        "\x1b[?2004$p",
        "\u{9b}2J",
        "\x1b[!p",
    ]);
    let sequence = sequence.prop_map(|it| it.as_bytes().to_vec());
    proptest::collection::vec(prop_oneof![sequence, output()], 0..8).prop_map(|it| it.concat())
}

fn new(now: Instant) -> Screen {
    let size = ScreenSize {
        rows: 4,
        columns: 9,
    };
    Screen::new(size, now)
}

/// All that can be seen of a screen.
fn all(screen: &mut Screen) -> String {
    let answers = String::from_utf8(screen.take_answers()).expect("UTF-8");
    let size = screen.size();
    let cells = (0..size.rows).flat_map(|row| (0..size.columns).map(move |column| (row, column)));
    let fresh: Vec<_> = cells
        .filter(|&(row, column)| screen.is_fresh(row, column))
        .collect();
    let (keys, picture, is_mid_run) = (screen.key_modes(), screen.render(), screen.is_mid_run());
    format!(
        "{picture}{:?}\n{answers:?}\n{fresh:?}{keys:?}{is_mid_run}",
        screen.dump()
    )
}

proptest! {
    #[test]
    fn a_screen_does_not_depend_on_the_split(
        bytes in drawing(),
        sizes in proptest::collection::vec(1..9_usize, 1..4),
    ) {
        let now = Instant::now();
        let (mut whole, mut seen) = (new(now), Vec::new());
        let used = whole.feed(&bytes, now, &mut |screen| {
            for row in 0..screen.size().rows {
                assert_eq!(screen.row(row), screen.read_row(row.into()), "kept too long");
            }
            seen.push(screen.dump());
            false
        });
        prop_assert_eq!(used, bytes.len());
        let whole = all(&mut whole);

        let (mut split, mut seen_split) = (new(now), Vec::new());
        let mut rest = &bytes[..];
        for &size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at(size.min(rest.len()));
            split.feed(piece, now, &mut |screen| {
                seen_split.push(screen.dump());
                false
            });
            rest = after;
        }
        prop_assert_eq!(&all(&mut split), &whole);
        prop_assert_eq!(&seen_split, &seen);

        let (mut stopped, mut count, mut from) = (new(now), 0, 0);
        while from < bytes.len() {
            let mut stops = false;
            from += stopped.feed(&bytes[from..], now, &mut |_| {
                count += 1;
                stops = true;
                true
            });
            prop_assert!(stops || from == bytes.len());
        }
        prop_assert_eq!(all(&mut stopped), whole);
        prop_assert_eq!(count, seen.len());
    }
}
