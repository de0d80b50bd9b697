//! Ways out of a program: the answer that leaves it, and what it prints after that.

use std::collections::BTreeMap;
use std::ops::Range;

use super::selections;
use super::sessions::Answer;
use super::work::{Place, Work};

/// The labels of chosen rows.
type Labels = BTreeMap<Place, String>;

/// Words with which a program is left.
const LEAVING: [&str; 14] = [
    "exit", "quit", "bye", "logout", "log out", "q", "x", "leave", "end", "sign out", "0",
    "abmelden", "beenden", ":q",
];

/// Returns whether these turns are work. What does not always come is written with the turn after it,
/// and is no work by itself.
pub(super) fn has_work(work: &Work, session: usize, mut turns: Range<usize>) -> bool {
    turns.any(|turn| !work.is_optional(Place { session, turn }))
}

/// Returns the turn whose answer leaves the program, which becomes the role's `leave`. The labels up
/// to the end of the session have to be known.
pub(super) fn leave_turn(work: &Work, session: usize, labels: &Labels) -> Option<usize> {
    let turns = &work.sessions[session].turns;
    let last = turns.len().checked_sub(1)?;
    // An only answer is the work itself.
    let turn = last.checked_sub(1).filter(|_| last > 1)?;
    let place = Place { session, turn };
    let menu = main_menu(work, session, labels);
    let is_at_main_menu =
        menu.is_some_and(|menu| menu_rows(work, place) == menu) && labels.contains_key(&place);
    let leaves = has_work(work, session, 0..turn)
        && has_work(work, session, turn..last)
        && leaves(work, place, labels, is_at_main_menu);
    leaves.then_some(turn)
}

/// Returns whether what was heard at a place is printed on the way out, when the flow has ended.
pub(super) fn is_too_late(work: &Work, place: Place, labels: &Labels) -> bool {
    matches!(work.turn(place).answer, Answer::Ended(_))
        && leave_turn(work, place.session, labels).is_some()
}

/// Returns the rows of the menu that a session begins with.
pub(super) fn main_menu(work: &Work, session: usize, labels: &Labels) -> Option<Vec<String>> {
    let first = labels.keys().find(|place| place.session == session)?;
    Some(menu_rows(work, *first))
}

pub(super) fn menu_rows(work: &Work, place: Place) -> Vec<String> {
    if work.sessions[place.session].has_screen {
        return work.heard(place).shown.clone();
    }
    let rows = work.heard(place).rows();
    let rows = rows.into_iter().filter(|line| selections::is_row(line));
    rows.map(|line| line.trim().to_owned()).collect()
}

/// Returns whether the answer leaves the program.
fn leaves(work: &Work, place: Place, labels: &Labels, is_at_main_menu: bool) -> bool {
    let says_so = |text: &str| LEAVING.contains(&&*text.trim().to_lowercase());
    let has_ended = matches!(
        work.turn(Place {
            turn: place.turn + 1,
            ..place
        })
        .answer,
        Answer::Ended(Some(_))
    );
    match (&work.turn(place).answer, labels.get(&place)) {
        (_, Some(label)) => has_ended && is_at_main_menu || says_so(label),
        (Answer::Line(text), None) => says_so(text),
        (Answer::Keys(keys), None) => {
            has_ended && keys.iter().all(|key| key.to_string() != "enter")
        }
        _ => false,
    }
}
