//! Anchors: the shortest stable texts that tell a prompt from the others of a session.

use super::phrases::{Known, Phrase, WrittenPattern};
use super::sessions::Heard;
use super::shapes;

/// Longest prompt, in characters, that is written as a whole.
const WHOLE_CHARS: usize = 40;

/// Longest prompt with volatile parts that is written as a whole.
const WHOLE_EXPRESSION_CHARS: usize = 60;

/// Least number of letters of an anchor that is not the whole prompt.
const LEAST_LETTERS: usize = 4;

/// The same for a complete line.
const LEAST_PROOF_LETTERS: usize = 3;

/// Wait of a turn.
#[derive(Debug, Clone)]
pub(super) enum Anchor {
    Prompt(WrittenPattern),
    See(WrittenPattern),
    Screen(WrittenPattern),
    /// A text of the screen that was there before the last answer.
    StillOnScreen(WrittenPattern),
    /// The program printed nothing.
    Nothing,
}

/// Returns the wait for the question of `heard`. `others` are the prompts of the session.
pub(super) fn anchor(heard: &Heard, others: &[String], known: &Known) -> Anchor {
    if !heard.prompt.trim().is_empty() {
        return Anchor::Prompt(prompt_anchor(heard, others, known));
    }
    let mut lines = heard.lines.iter().rev();
    match lines.find(|line| has_letters(line, 1)) {
        Some(line) => Anchor::See(line_anchor(line, heard, known)),
        None => Anchor::Nothing,
    }
}

fn prompt_anchor(heard: &Heard, others: &[String], known: &Known) -> WrittenPattern {
    let prompt = heard.prompt.trim();
    let whole = Phrase::new(prompt, known);
    let skeleton = whole.skeleton();
    let others: Vec<&String> = others
        .iter()
        .filter(|other| Phrase::new(other.trim(), known).skeleton() != skeleton)
        .collect();
    let candidates = candidates(prompt, &whole, known);
    let is_at_its_place = |pattern: &WrittenPattern| {
        pattern.is_at_end(prompt) && !heard.lines.iter().any(|line| pattern.is_in(line))
    };
    let is_distinct = |pattern: &WrittenPattern| !others.iter().any(|other| pattern.is_in(other));
    let good = candidates
        .iter()
        .find(|it| is_at_its_place(it) && is_distinct(it));
    let usable = || candidates.iter().find(|it| is_at_its_place(it));
    let any = good.or_else(usable).or(candidates.first());
    any.cloned().unwrap_or_else(|| whole.pattern())
}

/// Returns the candidates for a prompt, the best first.
fn candidates(prompt: &str, whole: &Phrase, known: &Known) -> Vec<WrittenPattern> {
    let length = prompt.chars().count();
    let mut candidates = Vec::new();
    let template = whole.template();
    if template.is_some_and(|it| it.chars().count() <= WHOLE_CHARS) {
        candidates.push(whole.pattern());
    }
    let mut later = Vec::new();
    for (at, _) in prompt
        .char_indices()
        .rev()
        .filter(|(_, it)| it.is_whitespace())
    {
        let end = prompt[at..].trim_start();
        let phrase = Phrase::new(end, known);
        if phrase.has_volatile() {
            break;
        }
        let is_clause = end.starts_with('(') || prompt[..at].ends_with(['.', ',', ';', ':', '!']);
        if has_letters(end, LEAST_LETTERS) {
            let list = if is_clause {
                &mut candidates
            } else {
                &mut later
            };
            list.push(phrase.pattern());
        }
    }
    let around = around_parentheses(prompt, known);
    if length <= WHOLE_EXPRESSION_CHARS && around.is_none() {
        candidates.push(whole.pattern());
    }
    candidates.extend(around);
    candidates.extend(later);
    candidates.push(whole.pattern());
    candidates
}

/// Returns a pattern for `Delivery address (Enter for 1 Linking Road): `, in which the text within
/// the parentheses is anything.
fn around_parentheses(prompt: &str, known: &Known) -> Option<WrittenPattern> {
    const LEAST_INNER_CHARS: usize = 12;
    let open = prompt.find('(')?;
    let close = prompt.rfind(')')?;
    let inner = prompt.get(open + 1..close)?;
    let before = prompt[..open].trim_end();
    let is_long = inner.chars().count() >= LEAST_INNER_CHARS;
    if !is_long || !has_letters(before, LEAST_LETTERS) {
        return None;
    }
    let head = Phrase::new(before, known).expression();
    let tail = Phrase::new(&prompt[close + 1..], known).expression();
    let text = format!("/{head} .+{tail}/");
    let recorded = crate::dialogue::Pattern::regex(&format!(
        "{} .+{}",
        shapes::escape(before),
        shapes::escape(&prompt[close + 1..])
    ));
    Some(WrittenPattern {
        text,
        recorded: recorded.ok()?,
    })
}

/// Returns a pattern for a complete line that no other line of the output has.
fn line_anchor(line: &str, heard: &Heard, known: &Known) -> WrittenPattern {
    let whole = Phrase::new(line.trim(), known).pattern();
    let short = stable_beginning(line, known);
    let is_alone = |pattern: &WrittenPattern| {
        heard
            .lines
            .iter()
            .filter(|line| pattern.is_in(line))
            .count()
            == 1
    };
    match short {
        Some(short) if is_alone(&short) => short,
        _ => whole,
    }
}

/// Returns the beginning of a line before what differs from person to person: a volatile part or, in
/// the middle of a sentence, a word with a capital letter. After a known value, a few words are kept.
pub(super) fn stable_beginning(line: &str, known: &Known) -> Option<WrittenPattern> {
    const MOST_WORDS: usize = 6;
    let line = line.trim();
    let mut end = 0;
    let mut count = 0;
    for word in line.split_whitespace() {
        let start = end + line[end..].find(word)?;
        let stop = start + word.len();
        let phrase = Phrase::new(&line[..stop], known);
        let is_value = Phrase::new(word, known).has_value();
        let is_capital = word.trim_start_matches(|c: char| !c.is_alphanumeric());
        let is_capital = is_capital.chars().next().is_some_and(char::is_uppercase);
        if phrase.has_volatile() || count > 0 && is_capital && !is_value {
            break;
        }
        count += 1;
        end = stop;
        if count == MOST_WORDS {
            break;
        }
    }
    let text = line[..end].trim_end_matches(|c: char| ",:;(–-[".contains(c) || c.is_whitespace());
    has_letters(text, LEAST_PROOF_LETTERS).then(|| Phrase::new(text, known).pattern())
}

/// Returns whether the text has so many letters.
pub(super) fn has_letters(text: &str, least: usize) -> bool {
    text.chars().filter(|it| it.is_alphabetic()).count() >= least
}
