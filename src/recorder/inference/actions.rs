//! Actions: the turns of each session, cut where another task begins.

use std::ops::Range;

use super::leaving::{self, has_work, main_menu, menu_rows};
use super::names::{Names, of_row, slug};
use super::replies::{Replies, Reply};
use super::sessions::Answer;
use super::work::{Place, Work};
use crate::recorder::recording::Mark;

/// Turns of a session under one name.
#[derive(Debug, Clone)]
pub(super) struct ActionDraft {
    pub session: usize,
    pub name: String,
    pub turns: Range<usize>,
    pub part: Part,
    /// The program ends in it.
    pub ends: bool,
}

/// Part of an action in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// A step of the flow.
    Step,
    /// The way back to the menu, before `leave`.
    Return,
    /// The way out of the program.
    Leave,
}

/// Returns the actions of a session, in their order.
pub(super) fn of_session(
    work: &Work,
    session: usize,
    replies: &Replies,
    has_proof: impl Fn(Place) -> bool,
) -> Vec<ActionDraft> {
    let turns = &work.sessions[session].turns;
    let place = |turn| Place { session, turn };
    let Some(last) = turns.len().checked_sub(1) else {
        return Vec::new();
    };
    let main_menu = main_menu(work, session, &replies.labels);
    let is_at_main_menu = |turn: usize| {
        main_menu
            .as_ref()
            .is_some_and(|menu| menu_rows(work, place(turn)) == *menu)
            && replies.labels.contains_key(&place(turn))
    };
    let begins = beginnings(work, session, replies, &is_at_main_menu);
    let has_ended = matches!(turns[last].answer, Answer::Ended(Some(_)));
    let has_work = |turns: Range<usize>| has_work(work, session, turns);
    let (to, leave) = match leaving::leave_turn(work, session, &replies.labels) {
        Some(turn) => (turn, Some(turn..last)),
        None => (last, None),
    };
    let mut names = Names::default();
    let mut actions: Vec<ActionDraft> = Vec::new();
    let mut without_work = None;
    for (index, (from, name)) in begins.iter().enumerate() {
        let end = begins
            .get(index + 1)
            .map_or(to, |(next, _)| (*next).min(to));
        let turns = without_work.take().unwrap_or(*from)..end;
        let ends = has_ended && leave.is_none() && end == last;
        match actions.last_mut() {
            _ if turns.is_empty() => {}
            _ if has_work(turns.clone()) => actions.push(ActionDraft {
                session,
                name: names.unused(name),
                turns,
                part: Part::Step,
                ends,
            }),
            Some(before) => {
                before.turns.end = end;
                before.ends = ends;
            }
            None => without_work = Some(turns.start),
        }
    }
    if let Some(leave) = leave {
        if let Some(action) = actions.last_mut() {
            let mut from = action.turns.end;
            while has_work(action.turns.start..from - 1)
                && is_way_back(place(from - 1), replies)
                && !has_proof(place(from))
            {
                from -= 1;
            }
            let back = from..action.turns.end;
            if has_work(back.clone()) {
                action.turns.end = from;
                actions.push(ActionDraft {
                    session,
                    name: "return".to_owned(),
                    turns: back,
                    part: Part::Return,
                    ends: false,
                });
            }
        }
        actions.push(ActionDraft {
            session,
            name: "leave".to_owned(),
            turns: leave,
            part: Part::Leave,
            ends: has_ended,
        });
    }
    actions
}

/// Returns where actions begin, with their names.
fn beginnings(
    work: &Work,
    session: usize,
    replies: &Replies,
    is_at_main_menu: &impl Fn(usize) -> bool,
) -> Vec<(usize, String)> {
    let turns = &work.sessions[session].turns;
    let has_secret = |turn: usize| {
        matches!(
            replies.replies.get(&Place { session, turn }),
            Some(Reply::Secret(_))
        )
    };
    let secrets: Vec<usize> = (0..turns.len()).filter(|turn| has_secret(*turn)).collect();
    let start = match secrets.is_empty() {
        true => "start",
        false => "start_and_authenticate",
    };
    let mut begins = vec![(0, start.to_owned())];
    let mut has_marks = false;
    for (turn, it) in turns.iter().enumerate() {
        for mark in &it.marks {
            if let Mark::Step(name) = mark {
                has_marks = true;
                begins.retain(|(begin, _)| *begin != turn);
                begins.push((turn, slug(name).unwrap_or_else(|| "step".to_owned())));
            }
        }
    }
    if has_marks {
        return begins;
    }
    for turn in (0..turns.len()).filter(|turn| is_at_main_menu(*turn)) {
        let label = &replies.labels[&Place { session, turn }];
        begins.retain(|(begin, _)| *begin != turn);
        begins.push((turn, of_row(label).unwrap_or_else(|| "work".to_owned())));
    }
    if begins.len() == 1
        && let Some(last) = secrets.last()
        && last + 2 < turns.len()
    {
        begins.push((last + 1, "work".to_owned()));
    }
    interleaved(work, session, &mut begins);
    begins
}

/// Cuts actions where another role has worked in between.
fn interleaved(work: &Work, session: usize, begins: &mut Vec<(usize, String)>) {
    let turns = &work.sessions[session].turns;
    for turn in 1..turns.len().saturating_sub(1) {
        let (before, after) = (turns[turn - 1].at, turns[turn].at);
        let others = work.order.iter().filter(|place| place.session != session);
        let is_between = |place: &&Place| {
            let at = work.turn(**place).at;
            before < at && at < after && !matches!(work.turn(**place).answer, Answer::Ended(_))
        };
        let is_cut = begins.iter().any(|(begin, _)| *begin == turn);
        if !is_cut && others.clone().any(|place| is_between(&place)) {
            let current = begins.iter().filter(|(begin, _)| *begin < turn).max();
            let name = current.map_or("work", |(_, name)| name).to_owned();
            begins.push((turn, name));
        }
    }
    begins.sort_by_key(|(begin, _)| *begin);
}

/// Returns whether a turn only moves in menus.
fn is_way_back(place: Place, replies: &Replies) -> bool {
    const BACK: [&str; 8] = [
        "back",
        "return",
        "main menu",
        "menu",
        "zurück",
        "close",
        "up",
        "exit",
    ];
    let label = replies.labels.get(&place).map(|it| it.to_lowercase());
    label.is_some_and(|label| BACK.iter().any(|word| label.contains(word)))
}
