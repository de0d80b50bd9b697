use std::time::{Duration, Instant};

use super::{at, draw, drawn};
use crate::dialogue::pattern::Pattern;
use crate::dialogue::screen::evidence::{Judgement, is_shown, judge};
use crate::dialogue::screen::typed::TypedText;
use crate::dialogue::screen::{
    CellPosition, CursorCondition, Judging, RowRange, ScreenContent, ScreenRegion, ScreenWait,
};
use crate::terminal::Screen;

fn pattern(source: &str) -> Pattern {
    match source.strip_prefix('/') {
        Some(source) => Pattern::regex(source).expect("a valid expression"),
        None => Pattern::literal(source),
    }
}

fn wait(content: ScreenContent) -> ScreenWait {
    ScreenWait {
        content,
        region: ScreenRegion::default(),
        cursor: None,
        holds: None,
        still: false,
        judging: Judging::Settled,
    }
}

pub(super) fn shown(source: &str) -> ScreenWait {
    wait(ScreenContent::Shown(pattern(source)))
}

/// Returns a judgement in short: "met", "settled" or the near miss, and the captured values.
pub(super) fn brief(judgement: &Judgement) -> String {
    let (kind, found) = match judgement {
        Judgement::Unmet { near_miss: None } => return "unmet".into(),
        Judgement::Unmet {
            near_miss: Some(it),
        } => return format!("{it:?}"),
        Judgement::Met(found) => ("met", found),
        Judgement::MetIfSettled(found) => ("settled", found),
    };
    let values = found
        .captures
        .iter()
        .map(|(name, value)| format!(" {name}={value}"));
    format!("{kind}{}", values.collect::<String>())
}

fn judged(wait: &ScreenWait, screen: &Screen) -> String {
    brief(&judge(wait, screen, &TypedText::default(), Instant::now()))
}

#[test]
fn text_counts_if_it_was_drawn_since_the_last_reply() {
    let mut screen = drawn("Total: 17\r\nName: \x1b[3;1H");
    let total = shown(r"/Total: (?<total>\d+)");
    assert_eq!(judged(&total, &screen), "met total=17");
    assert_eq!(judged(&shown("Name: "), &screen), "met");
    assert_eq!(judged(&shown("Name:  "), &screen), "met");
    assert_eq!(judged(&shown("/Name:$"), &screen), "met");
    assert_eq!(judged(&shown("Sum"), &screen), "unmet");
    screen.answered(Instant::now());
    assert_eq!(judged(&total, &screen), "Stale");
    let still = ScreenWait {
        still: true,
        ..total.clone()
    };
    assert_eq!(judged(&still, &screen), "settled total=17");
    draw(&mut screen, &at(1, 9, "9"));
    assert_eq!(judged(&total, &screen), "settled total=19");
    assert_eq!(judged(&still, &screen), "settled total=19");
    draw(&mut screen, &at(1, 1, "Total: 20"));
    assert_eq!(judged(&total, &screen), "met total=20");
    assert_eq!(judged(&still, &screen), "met total=20");
}

#[test]
fn the_moment_of_a_match_is_that_of_its_last_cell() {
    let begun = Instant::now();
    let moment = |millis| begun + Duration::from_millis(millis);
    let mut screen = drawn("");
    screen.answered(begun);
    screen.feed(b"Total: \x1b[1;9H7", moment(10), &mut |_| false);
    screen.feed(b"\x1b[1;8H1\x1b[2;1Hnext", moment(20), &mut |_| false);
    screen.feed(b"\x1b[3;1Hlater", moment(30), &mut |_| false);
    let moment_of = |wait: &ScreenWait, screen: &Screen| match judge(
        wait,
        screen,
        &TypedText::default(),
        moment(15),
    ) {
        Judgement::Met(found) | Judgement::MetIfSettled(found) => (found.at, found.row),
        Judgement::Unmet { .. } => panic!("not met"),
    };
    let total = shown("Total: 17");
    assert_eq!(moment_of(&total, &screen), (moment(20), "Total: 17".into()));
    screen.answered(moment(40));
    let total = ScreenWait {
        still: true,
        ..total
    };
    assert_eq!(moment_of(&total, &screen).0, moment(15));
}

#[test]
fn a_region_limits_the_search() {
    let screen = drawn(&format!(
        "{}{}{}{}",
        at(2, 5, "Orders"),
        at(4, 5, "id 7   sum 12"),
        at(5, 5, "id 8   sum 13"),
        at(9, 1, "日本 id 9"),
    ));
    let id = || ScreenContent::Shown(pattern(r"/(?<n>\d+)"));
    let case = |region| ScreenWait {
        region,
        ..wait(id())
    };
    let default = ScreenRegion::default;
    let cell = |row, column| Some(CellPosition { row, column });
    let label = |text| Some(pattern(text));
    let lines = |first, last| Some(RowRange { first, last });
    for (region, expected) in [
        (default(), "met n=7"),
        (
            ScreenRegion {
                at: cell(4, 8),
                ..default()
            },
            "met n=7",
        ),
        (
            ScreenRegion {
                at: cell(4, 16),
                ..default()
            },
            "met n=12",
        ),
        (
            ScreenRegion {
                at: cell(4, 17),
                ..default()
            },
            "met n=2",
        ),
        (
            ScreenRegion {
                at: cell(4, 15),
                ..default()
            },
            "Elsewhere",
        ),
        (
            ScreenRegion {
                at: cell(9, 9),
                ..default()
            },
            "met n=9",
        ),
        (
            ScreenRegion {
                at: cell(9, 8),
                ..default()
            },
            "Elsewhere",
        ),
        (
            ScreenRegion {
                at: cell(9, 60),
                ..default()
            },
            "Elsewhere",
        ),
        (
            ScreenRegion {
                rows: lines(5, 6),
                ..default()
            },
            "met n=8",
        ),
        (
            ScreenRegion {
                rows: lines(1, 3),
                ..default()
            },
            "Elsewhere",
        ),
        (
            ScreenRegion {
                below: label("id 7"),
                ..default()
            },
            "met n=8",
        ),
        (
            ScreenRegion {
                below: label("id 9"),
                ..default()
            },
            "Elsewhere",
        ),
        (
            ScreenRegion {
                below: label("no such"),
                ..default()
            },
            "Elsewhere",
        ),
        (
            ScreenRegion {
                right_of: label("sum "),
                ..default()
            },
            "met n=12",
        ),
        (
            ScreenRegion {
                right_of: label("7"),
                ..default()
            },
            "met n=12",
        ),
        (
            ScreenRegion {
                right_of: label("sum"),
                below: label("sum"),
                ..default()
            },
            "met n=13",
        ),
        (
            ScreenRegion {
                right_of: label("sum"),
                rows: lines(9, 9),
                ..default()
            },
            "Elsewhere",
        ),
        (
            ScreenRegion {
                right_of: label("sum"),
                at: cell(4, 8),
                ..default()
            },
            "Elsewhere",
        ),
    ] {
        assert_eq!(
            judged(&case(region.clone()), &screen),
            expected,
            "{region:?}"
        );
    }
}

#[test]
fn any_occurrence_counts_the_wholly_new_one_first() {
    let mut screen = drawn("id 1\r\nid 2\r\nid 3");
    screen.answered(Instant::now());
    let id = shown(r"/id (?<n>\d)");
    assert_eq!(judged(&id, &screen), "Stale");
    draw(&mut screen, &at(2, 4, "5"));
    assert_eq!(judged(&id, &screen), "settled n=5");
    draw(&mut screen, &at(3, 1, "id 6"));
    assert_eq!(judged(&id, &screen), "met n=6");
}

#[test]
fn the_cursor_is_part_of_a_condition() {
    let with = |content: ScreenContent, cursor| ScreenWait {
        cursor: Some(cursor),
        ..wait(content)
    };
    let any = || ScreenContent::Any;
    let text = || ScreenContent::Shown(pattern("Name"));
    let label = |text| CursorCondition::RightOf(pattern(text));
    let below = |text| CursorCondition::Below(pattern(text));
    let cell = |row, column| CursorCondition::At(CellPosition { row, column });
    let screen = drawn("Form\r\nName: \x1b[4;1HTown:\x1b[2;7H");
    for (content, cursor, expected) in [
        (any(), cell(2, 7), "settled"),
        (any(), cell(2, 6), "CursorElsewhere"),
        (any(), label("Name:"), "settled"),
        (any(), label("Name: "), "settled"),
        (any(), label("Name:  "), "CursorElsewhere"),
        (any(), label("Town:"), "CursorElsewhere"),
        (any(), below("Form"), "settled"),
        (any(), below("Name"), "CursorElsewhere"),
        (text(), label("Name:"), "settled"),
        (text(), label("Town:"), "CursorElsewhere"),
    ] {
        let wait = with(content, cursor);
        assert_eq!(judged(&wait, &screen), expected, "{wait}");
    }
    let mut old = screen;
    old.answered(Instant::now());
    assert_eq!(judged(&with(text(), label("Name:")), &old), "Stale");
    let name = with(any(), label("Name:"));
    assert_eq!(judged(&name, &old), "Stale");
    draw(&mut old, "\x1b[4;7H\x1b[2;7H");
    assert_eq!(judged(&name, &old), "settled");
}

#[test]
fn a_text_is_gone_when_it_is_not_shown_in_its_region() {
    let busy = ScreenWait {
        region: ScreenRegion {
            rows: Some(RowRange { first: 1, last: 2 }),
            ..Default::default()
        },
        ..wait(ScreenContent::Gone(pattern("Busy")))
    };
    let mut screen = drawn("Busy\x1b[9;1HBusy");
    assert!(is_shown(&busy, &screen));
    assert_eq!(judged(&busy, &screen), "unmet");
    draw(&mut screen, "\x1b[1;1H\x1b[K");
    assert!(!is_shown(&busy, &screen));
    assert_eq!(judged(&busy, &screen), "settled");
}
