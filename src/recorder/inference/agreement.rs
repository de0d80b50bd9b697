//! Agreement: amounts that several roles print, and ids that no two flows may share.

use super::captures::{self, Source, is_labelled};
use super::leaving;
use super::replies::{Replies, ValueKind};
use super::shapes;
use super::work::{LineOf, Place, Work};

/// Values that must be equal within a flow.
#[derive(Debug)]
pub(super) struct Agreement {
    pub names: Vec<String>,
    pub recorded: String,
}

/// Finds amounts that two roles print behind a label, and adds captures of them.
pub(super) fn find(work: &Work, replies: &mut Replies) -> Vec<Agreement> {
    let mut amounts: Vec<(String, Vec<Source>)> = Vec::new();
    for &place in &work.order {
        if leaving::is_too_late(work, place, &replies.labels) {
            continue;
        }
        let heard = work.heard(place);
        for index in 0..heard.lines.len() {
            let line = &heard.lines[index];
            for range in shapes::words(line) {
                let text = &line[range.clone()];
                let is_amount =
                    shapes::is_amount(text) && shapes::CAPTURE_CHARS.contains(&text.len());
                if !is_amount || !is_labelled(line, &range) || line[..range.start].contains('=') {
                    continue;
                }
                let source = Source {
                    place,
                    line: LineOf::Output(index),
                    range,
                };
                match amounts.iter_mut().find(|(known, _)| known == text) {
                    Some((_, sources)) => sources.push(source),
                    None => amounts.push((text.to_owned(), vec![source])),
                }
            }
        }
    }
    amounts
        .into_iter()
        .filter_map(|(text, sources)| agreement(work, replies, text, &sources))
        .collect()
}

fn agreement(
    work: &Work,
    replies: &mut Replies,
    text: String,
    sources: &[Source],
) -> Option<Agreement> {
    let known: Vec<(String, Place)> = replies
        .values
        .iter()
        .filter_map(|value| match &value.kind {
            ValueKind::Capture { source, .. } if value.recorded == text => {
                Some((value.name.clone(), source.place))
            }
            _ => None,
        })
        .collect();
    let mut sessions: Vec<usize> = sources.iter().map(|it| it.place.session).collect();
    sessions.dedup();
    // The first role and the last one that print it: where it is made, and where it must be the same.
    let (first, last) = (*sessions.first()?, *sessions.last()?);
    if first == last {
        return None;
    }
    let mut names: Vec<String> = known.iter().map(|(name, _)| name.clone()).collect();
    for session in [first, last] {
        let mut of_session = sources
            .iter()
            .rev()
            .filter(|it| it.place.session == session);
        let Some(source) = of_session.find(|it| is_readable(work, replies, it)) else {
            continue;
        };
        let is_known = known.iter().any(|(_, place)| *place == source.place);
        let line = source.line.text(work.heard(source.place));
        if !is_known && let Some(base) = captures::name(line, &source.range) {
            let reason = "several roles print it, and it must be the same";
            names.push(replies.capture(&text, &base, source.clone(), reason));
        }
    }
    (names.len() > 1).then_some(Agreement {
        names,
        recorded: text,
    })
}

fn is_readable(work: &Work, replies: &Replies, source: &Source) -> bool {
    let heard = work.heard(source.place);
    let known = replies.known_before(work, source.place);
    let pattern = captures::pattern(heard, source.line, &source.range, "value", &known);
    pattern.is_some_and(|it| it.also_in.is_none())
}

/// Returns the names of the captured ids that look unique, with their recorded texts.
pub(super) fn unique(replies: &Replies) -> Vec<(String, String)> {
    let captures = replies
        .values
        .iter()
        .filter(|it| matches!(it.kind, ValueKind::Capture { .. }));
    captures
        .filter(|it| shapes::looks_unique(&it.recorded))
        .map(|it| (it.name.clone(), it.recorded.clone()))
        .collect()
}
