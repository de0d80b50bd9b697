//! Proofs: stable texts that show that the work since the last answer succeeded.

use super::anchors::{has_letters, stable_beginning};
use super::interludes::is_interlude;
use super::phrases::{Known, Phrase, WrittenPattern};
use super::selections::is_row;
use super::work::{Place, Work};

/// Words of success, in parts of words.
const SUCCESS: [&str; 34] = [
    "success",
    "welcome",
    "created",
    "complete",
    "confirm",
    "saved",
    "accepted",
    "processed",
    "approved",
    "planned",
    "placed",
    "goodbye",
    "bye",
    "hello",
    "thank",
    "done",
    "opened",
    "closed",
    "updated",
    "added",
    "stored",
    "booked",
    "paid",
    "collected",
    "delivered",
    "registered",
    "logged",
    "granted",
    "finished",
    "sent",
    "received",
    "assigned",
    "transferred",
    "erfolgreich",
];

const FAILURE: [&str; 11] = [
    "error",
    "fail",
    "invalid",
    "denied",
    "wrong",
    "not ",
    "cannot",
    "unknown",
    "traceback",
    "exception",
    "aborted",
];

/// Returns the text in what was heard at `place` that proves the answer before it.
pub(super) fn proof(work: &Work, place: Place, known: &Known) -> Option<WrittenPattern> {
    best(work, place, known, 0)
}

/// Returns such a text even if it reads like a failure.
pub(super) fn doubtful_proof(work: &Work, place: Place, known: &Known) -> Option<WrittenPattern> {
    best(work, place, known, i32::MIN)
}

fn best(work: &Work, place: Place, known: &Known, least: i32) -> Option<WrittenPattern> {
    let heard = work.heard(place);
    let elsewhere: Vec<String> = work.sessions[place.session]
        .turns
        .iter()
        .enumerate()
        .filter(|(turn, _)| *turn != place.turn)
        .flat_map(|(_, turn)| {
            turn.heard
                .all()
                .map(|line| Phrase::new(line, known).skeleton())
        })
        .collect();
    let interludes = &work.interludes[place.session];
    let candidates = heard.lines.iter().filter(|line| {
        let phrase = Phrase::new(line, known);
        has_letters(line, 3)
            // The mask of a secret, which the program itself shows.
            && !line.contains("***")
            && !is_row(line)
            && !is_interlude(interludes, line)
            && !elsewhere.contains(&phrase.skeleton())
    });
    let scored = candidates.filter_map(|line| {
        let pattern = stable_beginning(line, known)?;
        let is_alone = heard
            .lines
            .iter()
            .filter(|other| pattern.is_in(other))
            .count()
            == 1;
        let score = score(line, known);
        (is_alone && score >= least).then_some((score, pattern))
    });
    // Of equal ones, the first.
    let best = scored.reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.map(|(_, pattern)| pattern)
}

fn score(line: &str, known: &Known) -> i32 {
    let lower = line.to_lowercase();
    let mut score = 0;
    if Phrase::new(line, known).has_value() {
        score += 1;
    }
    if says_success(line) {
        score += 4;
    }
    if FAILURE.iter().any(|word| lower.contains(word)) {
        score -= 6;
    }
    // A heading tells where the program is, and not what it has done.
    if lower
        .trim_start()
        .starts_with(['-', '=', '*', '#', '+', '|'])
    {
        score -= 3;
    }
    score
}

/// Returns whether a text has a word of success in it.
pub(super) fn says_success(text: &str) -> bool {
    let lower = text.to_lowercase();
    SUCCESS.iter().any(|word| lower.contains(word))
        && !FAILURE.iter().any(|word| lower.contains(word))
}
