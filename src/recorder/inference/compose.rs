//! Composition of a scenario from sessions, replies and actions.

mod role_entries;
mod turn_texts;

use super::actions::{self, ActionDraft, Part};
use super::agreement::{self, Agreement};
use super::anchors::{self, Anchor};
use super::captures;
use super::document::{ActionText, Document, Entry, RoleText, StepText, TurnText};
use super::inferred::{InferOptions, Note};
use super::names::{Names, slug};
use super::phrases::Phrase;
use super::proofs;
use super::replies::{Replies, Reply, ValueKind};
use super::sessions::Answer;
use super::work::{LineOf, Place, Work};
use super::yaml;
use crate::recorder::recording::Mark;
use crate::terminal::Key;
use turn_texts::{filled, keys_text, once_it_reads, with_keys, with_optional};

/// Shortest pause before an answer that is worth a word, in seconds.
const LEAST_THOUGHT_SECONDS: f64 = 1.0;

/// Composes a scenario.
pub(super) fn compose(work: &Work, replies: &mut Replies, options: &InferOptions) -> Document {
    let agreements = agreement::find(work, replies);
    let mut composer = Composer {
        work,
        replies,
        options,
        notes: Vec::new(),
        anchors: Vec::new(),
    };
    composer.find_anchors();
    let document = composer.document(&agreements);
    let notes = composer.notes;
    replies.notes.extend(notes);
    document
}

struct Composer<'a> {
    work: &'a Work,
    replies: &'a Replies,
    options: &'a InferOptions,
    notes: Vec<Note>,
    /// The wait of each turn, by session.
    anchors: Vec<Vec<Anchor>>,
}

impl Composer<'_> {
    fn find_anchors(&mut self) {
        for (session, it) in self.work.sessions.iter().enumerate() {
            let prompts = self.work.prompts(session);
            let anchors = (0..it.turns.len()).map(|turn| {
                let place = Place { session, turn };
                let known = self.replies.known(self.work, place);
                if it.has_screen {
                    super::screen_session::anchor(self.work, place, &known)
                } else {
                    anchors::anchor(self.work.heard(place), &prompts, &known)
                }
            });
            self.anchors.push(anchors.collect());
        }
    }

    fn anchor(&self, place: Place) -> &Anchor {
        &self.anchors[place.session][place.turn]
    }

    fn document(&mut self, agreements: &[Agreement]) -> Document {
        let mut document = Document {
            name: self.name(),
            head: vec![
                "A scenario inferred from recordings of a person's work. Recorded values are in \
                 comments."
                    .to_owned(),
                "`rehearsal check` checks it, `rehearsal run` runs it.".to_owned(),
            ],
            ..Document::default()
        };
        self.values(&mut document);
        let mut steps: Vec<(Place, StepText)> = Vec::new();
        for session in 0..self.work.sessions.len() {
            let role = self.role(session, &mut steps);
            if role.actions.is_empty() {
                let place = Place { session, turn: 0 };
                self.note(place, "nothing was recorded that a scenario could do");
            } else {
                document.roles.push(role);
            }
        }
        let at = |place: &Place| self.work.turn(*place).at;
        steps.sort_by(|(a, _), (b, _)| at(a).total_cmp(&at(b)).then(a.cmp(b)));
        let mut names = Names::default();
        let width = if steps.len() > 9 { 2 } else { 1 };
        for (index, (_, mut step)) in steps.into_iter().enumerate() {
            step.name = names.unused(&format!("{:0width$}_{}", index + 1, step.name));
            document.flow.push(step);
        }
        for (name, recorded) in agreement::unique(self.replies) {
            let why = format!("looks unique; recorded {recorded}");
            document.unique.push((name, why));
        }
        for agreement in agreements {
            let why = format!("each was {} in the recording", agreement.recorded);
            document.agree.push((agreement.names.clone(), why));
        }
        document
    }

    fn name(&self) -> String {
        let given = self.options.name.clone();
        let first = || self.work.sessions.first().map(|it| it.role.clone());
        given
            .or_else(first)
            .unwrap_or_else(|| "recorded".to_owned())
    }

    fn values(&self, document: &mut Document) {
        for value in &self.replies.values {
            match &value.kind {
                ValueKind::Variable { prompt } => {
                    let text = super::phrases::escaped_template(&value.recorded);
                    let comment = format!("Typed at: {prompt}");
                    document
                        .variables
                        .push(Entry::new(&value.name, yaml::scalar(&text), &comment));
                }
                ValueKind::Secret { prompt } => {
                    let variable = value.name.to_uppercase();
                    let text = format!("${{env.{variable}}}");
                    let comment = format!("Secret, typed at: {prompt}");
                    document
                        .variables
                        .push(Entry::new(&value.name, yaml::scalar(&text), &comment));
                    document.secrets.push(value.name.clone());
                    document.environment.push(variable);
                }
                ValueKind::Capture { .. } => {}
            }
        }
    }

    fn role(&mut self, session: usize, steps: &mut Vec<(Place, StepText)>) -> RoleText {
        let it = &self.work.sessions[session];
        let key = slug(&it.role).unwrap_or_else(|| "role".to_owned());
        let has_proof = |place| {
            let known = self.replies.known(self.work, place);
            proofs::proof(self.work, place, &known).is_some()
                || self.replies.captures_at(place).next().is_some()
        };
        let drafts = actions::of_session(self.work, session, self.replies, has_proof);
        let menu = self.menu(session);
        let mut role = RoleText {
            entries: self.role_entries(session, menu.as_deref()),
            key,
            actions: Vec::new(),
        };
        for draft in drafts {
            let (turns, provides) = self.action(&draft, menu.as_deref());
            if draft.part == Part::Step {
                let name = match draft.name.strip_prefix("start") {
                    Some(_) => format!("start_{}", role.key),
                    None => draft.name.clone(),
                };
                let place = Place {
                    session,
                    turn: draft.turns.start,
                };
                steps.push((
                    place,
                    StepText {
                        name,
                        role: role.key.clone(),
                        action: draft.name.clone(),
                        provides,
                    },
                ));
            }
            role.actions.push(ActionText {
                name: draft.name,
                comment: String::new(),
                turns,
            });
        }
        role
    }

    /// Returns the prompt of most of the role's menus.
    fn menu(&self, session: usize) -> Option<String> {
        if self.work.sessions[session].has_screen {
            return None;
        }
        let mut counts: Vec<(&str, usize)> = Vec::new();
        for turn in 0..self.work.sessions[session].turns.len() {
            let place = Place { session, turn };
            let is_choice = matches!(self.replies.replies.get(&place), Some(Reply::Choose(_)));
            let Anchor::Prompt(pattern) = self.anchor(place) else {
                continue;
            };
            if !is_choice || pattern.text.contains("${") {
                continue;
            }
            match counts.iter_mut().find(|(text, _)| *text == pattern.text) {
                Some((_, count)) => *count += 1,
                None => counts.push((&pattern.text, 1)),
            }
        }
        let most = counts
            .iter()
            .filter(|(_, count)| *count > 1)
            .max_by_key(|(_, count)| *count);
        most.map(|(text, _)| (*text).to_owned())
    }

    /// Returns the turns of an action, and the captures in it.
    fn action(&mut self, draft: &ActionDraft, menu: Option<&str>) -> (Vec<TurnText>, Vec<String>) {
        let place = |turn| Place {
            session: draft.session,
            turn,
        };
        let mut turns = Vec::new();
        let mut provides = Vec::new();
        for turn in draft.turns.clone() {
            if self.work.is_optional(place(turn)) {
                continue;
            }
            let mut now = Vec::new();
            if turn > draft.turns.start || turn == 0 {
                self.evidence(place(turn), &mut now, &mut provides);
            }
            self.pause(place(turn), &mut now);
            let optional = self.optional(place(turn));
            let menu = menu.filter(|_| optional.is_empty());
            let text = self.turn(place(turn), menu, &mut provides);
            match self.sends_signal(place(turn)) {
                true => now.extend(once_it_reads(text)),
                false => now.push(text),
            }
            turns.extend(with_optional(optional, now));
        }
        let next = place(draft.turns.end);
        if draft.part != Part::Return
            && draft.turns.end < self.work.sessions[draft.session].turns.len()
        {
            let mut end = Vec::new();
            self.ending(draft, next, &mut end, &mut provides);
            let optional = self.optional(next);
            turns.extend(with_optional(optional, end));
        }
        (turns, provides)
    }

    /// Adds the waits that end an action.
    fn ending(
        &mut self,
        draft: &ActionDraft,
        next: Place,
        turns: &mut Vec<TurnText>,
        provides: &mut Vec<String>,
    ) {
        let before = turns.len();
        self.evidence(next, turns, provides);
        if turns.len() == before {
            let known = self.replies.known(self.work, next);
            let has_screen = self.work.sessions[next.session].has_screen;
            let proof = if has_screen {
                super::screen_session::proof(self.work, next, &known)
            } else {
                proofs::proof(self.work, next, &known)
            };
            let key = if has_screen { "screen" } else { "see" };
            let doubtful = || {
                (draft.ends && !has_screen)
                    .then(|| proofs::doubtful_proof(self.work, next, &known))
                    .flatten()
            };
            if let Some(proof) = proof {
                turns.push(TurnText::of(key, &proof.text));
            } else if let Some(proof) = doubtful() {
                // The scenario does what the person did, and says what it takes for success.
                let text = "CHECK: this reads like a failure; record the work again if it is one";
                turns.push(TurnText::of(key, &proof.text).commented(text));
                self.note(
                    next,
                    &format!("its last output reads like a failure: {}", proof.text),
                );
            } else if !draft.ends {
                self.next_prompt(next, turns);
            }
        }
        if draft.ends
            && let Some(Reply::Ended(Some(code))) = self.replies.replies.get(&next)
        {
            if (0..=255).contains(code) {
                if *code != 0 {
                    let text = format!(
                        "it ended with exit code {code}, which the scenario takes for success"
                    );
                    self.note(next, &text);
                }
                turns.push(TurnText::default().with("exits", code.to_string()));
            } else {
                self.note(
                    next,
                    "the program was ended by a signal; the scenario lets it run",
                );
            }
        }
    }

    /// Adds the next prompt as the proof of an action that prints nothing else.
    fn next_prompt(&mut self, next: Place, turns: &mut Vec<TurnText>) {
        match self.anchor(next) {
            Anchor::Prompt(pattern) => turns.push(TurnText::of("prompt", &pattern.text)),
            Anchor::See(pattern) => turns.push(TurnText::of("see", &pattern.text)),
            Anchor::Screen(pattern) => turns.push(TurnText::of("screen", &pattern.text)),
            Anchor::StillOnScreen(pattern) => {
                let turn = TurnText::of("screen", &pattern.text);
                turns.push(turn.with("still", "true".to_owned()));
            }
            Anchor::Nothing => {
                self.note(
                    next,
                    "nothing that the program printed confirms the last answer",
                );
            }
        }
    }

    fn note(&mut self, place: Place, text: &str) {
        self.notes.push(Note {
            role: self.work.sessions[place.session].role.clone(),
            text: text.to_owned(),
        });
    }

    /// Adds the captures and marked proofs in what was heard at a place.
    fn evidence(&mut self, place: Place, turns: &mut Vec<TurnText>, provides: &mut Vec<String>) {
        let heard = self.work.heard(place);
        let key = if self.work.sessions[place.session].has_screen {
            "screen"
        } else {
            "see"
        };
        for (value, source, reason) in self.replies.captures_at(place) {
            if source.line == LineOf::Prompt {
                continue;
            }
            let known = self.replies.known_before(self.work, place);
            let pattern = captures::pattern(heard, source.line, &source.range, &value.name, &known);
            let Some(pattern) = pattern else { continue };
            let mut turn = TurnText::of(key, &pattern.written.text).commented(&format!(
                "{}: {reason}; recorded {}",
                value.name, value.recorded
            ));
            if let Some(other) = &pattern.also_in {
                turn = turn.commented(&format!("CHECK: also in the line: {}", other.trim()));
            }
            turns.push(turn);
            provides.push(value.name.clone());
        }
        for mark in &self.work.turn(place).marks {
            match mark {
                Mark::Proof(text) if !one_line(text).is_empty() => {
                    let known = self.replies.known(self.work, place);
                    let pattern = Phrase::new(one_line(text), &known).pattern();
                    turns.push(TurnText::of(key, &pattern.text));
                }
                _ => {}
            }
        }
    }

    /// Adds the time that the person thought.
    fn pause(&self, place: Place, turns: &mut Vec<TurnText>) {
        let thought = self.work.turn(place).thought.as_secs_f64();
        if self.options.think && thought >= LEAST_THOUGHT_SECONDS {
            turns.push(TurnText::default().with("think", format!("{thought:.0}s")));
        }
    }

    /// Returns the alternatives for the turns that may come before this one.
    fn optional(&self, place: Place) -> Vec<TurnText> {
        let known = self.replies.known(self.work, place);
        let prompts = self.work.prompts(place.session);
        let turns = self.work.optional[place.session]
            .iter()
            .filter(|it| it.before == place.turn);
        let alternatives = turns.filter_map(|it| {
            let anchor = anchors::anchor(&it.heard, &prompts, &known);
            let Anchor::Prompt(pattern) = anchor else {
                return None;
            };
            let text = TurnText::of("prompt", &pattern.text)
                .commented("asked in one of the recordings only");
            let text = match &it.answer {
                Answer::Line(answer) => text.with(
                    "send",
                    yaml::scalar(&super::phrases::escaped_template(answer)),
                ),
                Answer::Keys(keys) => text.with("press", keys_text(keys)),
                _ => return None,
            };
            Some(text.with("again", "true".to_owned()))
        });
        alternatives.collect()
    }

    /// Returns whether the answer interrupts a program that reads lines.
    fn sends_signal(&self, place: Place) -> bool {
        let Some(Reply::Press(keys)) = self.replies.replies.get(&place) else {
            return false;
        };
        let is_signal = |key: &Key| matches!(key, Key::Ctrl('c' | 'z' | '\\'));
        !self.work.sessions[place.session].has_screen && keys.first().is_some_and(is_signal)
    }

    /// Returns the wait and the reply of a turn.
    fn turn(&self, place: Place, menu: Option<&str>, provides: &mut Vec<String>) -> TurnText {
        let mut text = TurnText::default();
        let thought = self.work.turn(place).thought.as_secs_f64();
        if !self.options.think && thought >= LEAST_THOUGHT_SECONDS {
            text = text.commented(&format!("thought for {thought:.0} s"));
        }
        let reply = self.replies.replies.get(&place);
        let uses_menu = matches!(reply, Some(Reply::Choose(_) | Reply::Pick { .. }))
            && matches!(self.anchor(place), Anchor::Prompt(it) if Some(it.text.as_str()) == menu);
        if !uses_menu {
            text = self.wait(place, text, provides);
        }
        match reply {
            Some(Reply::Send(template)) => text.with("send", yaml::scalar(template)),
            Some(Reply::Secret(name)) => text.with("secret", yaml::scalar(&format!("${{{name}}}"))),
            Some(Reply::Choose(label)) => text.with("choose", yaml::scalar(label)),
            Some(Reply::Pick { row, count }) => {
                let count = count
                    .as_ref()
                    .map(|it| format!(", count: {}", yaml::scalar(it)));
                let row = yaml::scalar(row);
                text.with(
                    "pick",
                    format!("{{row: {row}{}}}", count.unwrap_or_default()),
                )
            }
            Some(Reply::Press(keys)) => text.with("press", keys_text(keys)),
            Some(Reply::Fill { fields, keys }) => with_keys(filled(text, fields), keys),
            Some(Reply::Ended(_)) | None => text,
        }
    }

    fn wait(&self, place: Place, text: TurnText, provides: &mut Vec<String>) -> TurnText {
        let heard = self.work.heard(place);
        let mut in_prompt = self
            .replies
            .captures_at(place)
            .filter(|(_, source, _)| source.line == LineOf::Prompt);
        if let Some((value, source, reason)) = in_prompt.next() {
            let known = self.replies.known_before(self.work, place);
            let pattern = captures::pattern(heard, source.line, &source.range, &value.name, &known);
            if let Some(pattern) = pattern {
                provides.push(value.name.clone());
                return text
                    .commented(&format!(
                        "{}: {reason}; recorded {}",
                        value.name, value.recorded
                    ))
                    .with("prompt", yaml::scalar(&pattern.written.text));
            }
        }
        match self.anchor(place) {
            Anchor::Prompt(pattern) => text.with("prompt", yaml::scalar(&pattern.text)),
            Anchor::See(pattern) => text.with("see", yaml::scalar(&pattern.text)),
            Anchor::Screen(pattern) => text.with("screen", yaml::scalar(&pattern.text)),
            Anchor::StillOnScreen(pattern) => text
                .with("screen", yaml::scalar(&pattern.text))
                .with("still", "true".to_owned()),
            Anchor::Nothing => text
                .commented("the program printed nothing before this answer")
                .with("reads", "true".to_owned()),
        }
    }
}

/// Returns the first line of a text that is not blank.
fn one_line(text: &str) -> &str {
    text.lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or("")
}
