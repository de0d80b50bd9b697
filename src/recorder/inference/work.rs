//! Work of all roles: their sessions, in one order of time.

use std::collections::BTreeSet;

use super::differences::{self, OptionalTurn};
use super::interludes::{self, Interlude};
use super::names::slug;
use super::phrases::whole_words;
use super::sessions::{Heard, RecordedTurn, Session};

/// A turn of one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub session: usize,
    pub turn: usize,
}

/// The sessions of all roles.
#[derive(Debug)]
pub(super) struct Work {
    pub sessions: Vec<Session>,
    /// The interludes of each session.
    pub interludes: Vec<Vec<Interlude>>,
    /// Words of each session that are different in another recording.
    pub differing: Vec<BTreeSet<String>>,
    /// Turns of each session that not every recording has.
    pub optional: Vec<Vec<OptionalTurn>>,
    /// All turns in the order of time.
    pub order: Vec<Place>,
}

impl Work {
    /// Puts sessions together. `again` are further recordings of the same work, `replayed` the
    /// output of roles when it was done again.
    pub(super) fn new(
        mut sessions: Vec<Session>,
        mut again: Vec<Session>,
        replayed: &[(String, String)],
    ) -> Work {
        let interludes = sessions.iter_mut().map(interludes::take).collect();
        again
            .iter_mut()
            .for_each(|session| drop(interludes::take(session)));
        let mut differing = Vec::new();
        let mut optional = Vec::new();
        for session in &sessions {
            let others = || again.iter().filter(|it| it.role == session.role);
            let mut words = BTreeSet::new();
            for other in others() {
                words.extend(differences::words(session, &differences::lines(other)));
            }
            let is_it = |role: &str| slug(role) == slug(&session.role);
            for (_, output) in replayed.iter().filter(|(role, _)| is_it(role)) {
                let lines: Vec<String> = output.lines().map(str::to_owned).collect();
                words.extend(differences::words(session, &lines));
            }
            differing.push(words);
            let turns = others().flat_map(|other| differences::optional_turns(session, other));
            let mut turns: Vec<OptionalTurn> = turns.collect();
            turns.dedup();
            let is_own = |turn| turns.iter().any(|it| it.own == Some(turn));
            if (0..session.turns.len().saturating_sub(1)).all(is_own) {
                // Each was missing in one recording; then none of them says what is always asked.
                turns.retain(|it| it.own.is_none());
            }
            optional.push(turns);
        }
        let mut order: Vec<Place> = Vec::new();
        for (session, it) in sessions.iter().enumerate() {
            order.extend((0..it.turns.len()).map(|turn| Place { session, turn }));
        }
        let at = |place: &Place| sessions[place.session].turns[place.turn].at;
        order.sort_by(|a, b| at(a).total_cmp(&at(b)).then(a.cmp(b)));
        Work {
            sessions,
            interludes,
            differing,
            optional,
            order,
        }
    }

    pub(super) fn turn(&self, place: Place) -> &RecordedTurn {
        &self.sessions[place.session].turns[place.turn]
    }

    pub(super) fn heard(&self, place: Place) -> &Heard {
        &self.turn(place).heard
    }

    /// Returns whether a turn is written with the turn after it, as it does not always come.
    pub(super) fn is_optional(&self, place: Place) -> bool {
        let mut optional = self.optional[place.session].iter();
        optional.any(|it| it.own == Some(place.turn))
    }

    /// Returns whether the first place is the second one or before it.
    pub(super) fn is_by(&self, first: Place, second: Place) -> bool {
        let key = |place: Place| (self.turn(place).at, place);
        let (first, second) = (key(first), key(second));
        first
            .0
            .total_cmp(&second.0)
            .then(first.1.cmp(&second.1))
            .is_le()
    }

    /// Returns the places up to this one, in the order of time.
    pub(super) fn until(&self, place: Place) -> impl DoubleEndedIterator<Item = Place> + '_ {
        let end = self.order.iter().position(|it| *it == place);
        self.order[..end.map_or(0, |end| end + 1)].iter().copied()
    }

    /// Returns the prompts of a session, each once.
    pub(super) fn prompts(&self, session: usize) -> Vec<String> {
        let mut prompts: Vec<String> = Vec::new();
        for turn in &self.sessions[session].turns {
            let prompt = turn.heard.prompt.trim();
            if !prompt.is_empty() && !prompts.iter().any(|it| it == prompt) {
                prompts.push(prompt.to_owned());
            }
        }
        prompts
    }
}

/// A line of what was heard, or the prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineOf {
    Output(usize),
    Prompt,
}

impl LineOf {
    pub(super) fn text(self, heard: &Heard) -> &str {
        match self {
            LineOf::Output(index) => heard.lines.get(index).map_or("", String::as_str),
            LineOf::Prompt => &heard.prompt,
        }
    }
}

/// Returns the lines that hold a text as whole words, each with its first place in them.
pub(super) fn lines_with<'a>(
    heard: &'a Heard,
    text: &'a str,
) -> impl Iterator<Item = (LineOf, std::ops::Range<usize>)> + 'a {
    let outputs = (0..heard.lines.len()).map(LineOf::Output);
    outputs.chain([LineOf::Prompt]).filter_map(move |line| {
        let found = whole_words(line.text(heard), text).next()?;
        Some((line, found))
    })
}
