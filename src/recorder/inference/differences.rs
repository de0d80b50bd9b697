//! Differences between two recordings of the same work: what differs is volatile, and a turn that
//! only one of them has is optional.

use std::collections::BTreeSet;

use super::phrases::{Known, Phrase};
use super::sessions::{Answer, Heard, RecordedTurn, Session};
use super::shapes;

/// Most lines or turns that are compared.
const MOST_ITEMS: usize = 2000;

/// Of so many turns at most one is missing in a recording of the same work.
const LEAST_COMMON_TURNS: usize = 3;

/// Turn that not every recording of the work has.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct OptionalTurn {
    /// The turn of the session before which it comes.
    pub before: usize,
    /// Its number in the session, unless it is a turn of the other recording.
    pub own: Option<usize>,
    pub heard: Heard,
    pub answer: Answer,
}

/// Returns the words of a session that another recording of the same work has differently.
pub(super) fn words(session: &Session, other: &[String]) -> BTreeSet<String> {
    differing_words(&lines(session), other)
}

/// Returns all lines and prompts of a session.
pub(super) fn lines(session: &Session) -> Vec<String> {
    let turns = session.turns.iter();
    turns
        .flat_map(|turn| turn.heard.all().map(str::to_owned))
        .collect()
}

fn differing_words(lines: &[String], others: &[String]) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    let keys = |lines: &[String]| lines.iter().map(|line| skeleton(line)).collect::<Vec<_>>();
    let pairs = common(&keys(lines), &keys(others));
    let mut at = (0, 0);
    for (line, other) in pairs.into_iter().chain([(lines.len(), others.len())]) {
        // As many other lines on both sides are the same lines with other words.
        if line - at.0 == other - at.1 {
            for (line, other) in lines[at.0..line].iter().zip(&others[at.1..other]) {
                compare(line, other, &mut words);
            }
        } else {
            let (lines, others) = (&lines[at.0..line], &others[at.1..other]);
            for (line, other) in common_by(lines, others, |a, b| are_alike(a, b)) {
                compare(&lines[line], &others[other], &mut words);
            }
        }
        if let (Some(line), Some(other)) = (lines.get(line), others.get(other)) {
            compare(line, other, &mut words);
        }
        at = (line + 1, other + 1);
    }
    words
}

fn skeleton(line: &str) -> String {
    Phrase::new(line, &Known::default()).skeleton()
}

/// Returns whether two lines begin with the same word and have most words in common.
fn are_alike(line: &str, other: &str) -> bool {
    let of = |line: &'_ str| -> Vec<String> {
        shapes::words(line)
            .map(|word| line[word].to_owned())
            .collect()
    };
    let (mine, others) = (of(line), of(other));
    let same = common(&mine, &others).len();
    mine.first() == others.first() && same > 0 && same * 2 >= mine.len().max(others.len())
}

/// Adds the words of `line` that `other` has not, if the lines are mostly alike.
fn compare(line: &str, other: &str, words: &mut BTreeSet<String>) {
    let of = |line: &'_ str| -> Vec<String> {
        shapes::words(line)
            .map(|word| line[word].to_owned())
            .collect()
    };
    let (mine, others) = (of(line), of(other));
    let pairs = common(&mine, &others);
    let first_same = mine.first() == others.first();
    if mine.is_empty() || pairs.is_empty() || (!first_same && pairs.len() * 2 < mine.len()) {
        return;
    }
    let same: BTreeSet<usize> = pairs.into_iter().map(|(mine, _)| mine).collect();
    let differing = mine
        .into_iter()
        .enumerate()
        .filter(|(at, _)| !same.contains(at));
    words.extend(differing.map(|(_, word)| word));
}

/// Returns the places of a longest common subsequence.
fn common<T: PartialEq>(a: &[T], b: &[T]) -> Vec<(usize, usize)> {
    common_by(a, b, T::eq)
}

fn common_by<T>(a: &[T], b: &[T], is_same: impl Fn(&T, &T) -> bool) -> Vec<(usize, usize)> {
    let (a, b) = (&a[..a.len().min(MOST_ITEMS)], &b[..b.len().min(MOST_ITEMS)]);
    let width = b.len() + 1;
    let mut lengths = vec![0_u32; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            lengths[i * width + j] = if is_same(&a[i], &b[j]) {
                lengths[(i + 1) * width + j + 1] + 1
            } else {
                lengths[(i + 1) * width + j].max(lengths[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while i < a.len() && j < b.len() {
        if is_same(&a[i], &b[j]) {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if lengths[(i + 1) * width + j] >= lengths[i * width + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

/// Returns the turns that only one of two recordings has, if they are of the same work: an attempt that
/// was given up, or other work, says nothing about what is always asked.
pub(super) fn optional_turns(session: &Session, other: &Session) -> Vec<OptionalTurn> {
    let key = |turn: &RecordedTurn| match &turn.answer {
        Answer::Ended(code) => format!("\u{2}{code:?}"),
        _ => skeleton(&turn.heard.prompt),
    };
    let keys = |session: &Session| session.turns.iter().map(key).collect::<Vec<_>>();
    let pairs = common(&keys(session), &keys(other));
    let is_answer = |turn: &&RecordedTurn| !matches!(turn.answer, Answer::Ended(_));
    let answers = |session: &Session| session.turns.iter().filter(is_answer).count();
    let most = answers(session).max(answers(other));
    let mine = pairs.iter().map(|(mine, _)| &session.turns[*mine]);
    let shared = mine.filter(is_answer).count();
    if shared == 0 || most - shared > (most / LEAST_COMMON_TURNS).max(1) {
        return Vec::new();
    }
    let mut optional = Vec::new();
    let mut at = (0, 0);
    for (mine, others) in pairs {
        let (own, foreign) = (at.0..mine, at.1..others);
        let it = |turn: &RecordedTurn, own| OptionalTurn {
            before: mine,
            own,
            heard: turn.heard.clone(),
            answer: turn.answer.clone(),
        };
        // Where both have other turns, the prompts have other words.
        if own.is_empty() {
            optional.extend(other.turns[foreign].iter().map(|turn| it(turn, None)));
        } else if foreign.is_empty() {
            optional.extend(own.map(|turn| it(&session.turns[turn], Some(turn))));
        }
        at = (mine + 1, others + 1);
    }
    let is_plain = |it: &OptionalTurn| {
        matches!(it.answer, Answer::Line(_) | Answer::Keys(_)) && !it.heard.prompt.trim().is_empty()
    };
    optional.retain(is_plain);
    optional
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[&str], others: &[&str]) -> Vec<String> {
        let owned = |lines: &[&str]| lines.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        differing_words(&owned(lines), &owned(others))
            .into_iter()
            .collect()
    }

    #[test]
    fn words_that_differ_are_found() {
        let first = ["Welcome, José Álvarez!", "Menu", "Order A-17 placed", "Bye"];
        let second = [
            "Welcome, Ann Lee!",
            "Menu",
            "A hint",
            "Order A-18 placed",
            "Bye",
        ];
        assert_eq!(of(&first, &second), ["A-17", "José", "Álvarez"]);
        // With another number of lines between those that are the same.
        let third = [
            "Menu",
            "A hint",
            "Another",
            "Order A-19 placed",
            "Hm",
            "Bye",
        ];
        assert_eq!(of(&first, &third), ["A-17"]);
        assert_eq!(of(&first, &first), Vec::<String>::new());
        assert_eq!(of(&first, &[]), Vec::<String>::new());
    }
}
