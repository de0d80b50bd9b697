//! Parser of fault rules.

mod words;

use std::ops::Range;
use std::time::Duration;

use strum::VariantArray;

use crate::model::{FaultKind, FlowNumber, RoleIndex};
use crate::terminal::ScreenSize;

use super::reach::{RuleContext, turn_replies};
use super::rule::{
    DurationRange, FaultRule, FaultRules, FaultSpec, FaultTiming, Frequency, Target,
};
use words::{RuleText, Word, number, size, span, split, unknown, value};

pub use words::FaultRuleError;

/// The default length of a freeze or a delay.
const DEFAULT_LENGTH: Duration = Duration::from_millis(500);
/// The default number of bytes of garbage.
const DEFAULT_GARBAGE: usize = 64;
/// The default length of a long line: longer than a terminal takes.
const DEFAULT_LINE: usize = 5000;
/// The default time between two bytes of a dribbled reply.
const DEFAULT_DRIBBLE: Duration = Duration::from_millis(5);
/// The default size of a slow read, in bytes, and the pause after it.
const DEFAULT_READ: usize = 64;
const DEFAULT_PAUSE: Duration = Duration::from_millis(5);
/// The size of a resized terminal whose rule names none, which is an error.
const DEFAULT_SIZE: ScreenSize = ScreenSize {
    rows: 40,
    columns: 120,
};
/// The maximum size of a fault; more could not be buffered for a program that does not read.
const MAX_BYTES: usize = 32 * 1024;

const FREQUENCY_HELP: &str =
    "say how often: `5%` of the steps, `once`, or `nth 3` of the flow's steps";

impl FaultRules {
    /// Parses a list of rules separated by commas.
    ///
    /// # Errors
    /// The first rule that is malformed, or that could never hit.
    pub fn parse(text: &str, context: &RuleContext<'_>) -> Result<FaultRules, FaultRuleError> {
        let parts = split(text)?;
        let rules = parts.iter().map(|part| rule(part, text, context));
        let rules = rules.collect::<Result<Vec<_>, _>>()?;
        Ok(FaultRules { rules })
    }
}

/// The clauses of a rule.
#[derive(Default)]
struct Clauses {
    /// The new size of a terminal.
    size: Option<ScreenSize>,
    length: Option<DurationRange>,
    every: Option<Duration>,
    bytes: Option<usize>,
    mid_turn: bool,
    between_turns: bool,
    after: Option<DurationRange>,
    target: Target,
}

fn rule(
    part: &RuleText,
    text: &str,
    context: &RuleContext<'_>,
) -> Result<FaultRule, FaultRuleError> {
    let at = &part.at;
    let mut words = part.words.iter().peekable();
    let Some(first) = words.next() else {
        return Err(FaultRuleError {
            message: "there is nothing to inject".into(),
            help: "write a kind and how often: `kill 5%`".into(),
            at: at.clone(),
            is_about_context: false,
        });
    };
    let known = || FaultKind::VARIANTS.iter().map(|kind| kind.name());
    let kind = first.key().parse();
    let kind = kind.map_err(|_| unknown(first, "not a kind of fault", known()))?;
    let size = match kind {
        FaultKind::Resize => Some(size(first, words.next())?),
        _ => None,
    };
    let often_at = words.peek().map_or(first, |word| word);
    let frequency = frequency(kind, often_at, &mut words)?;
    let mut clauses = clauses(kind, &mut words, context)?;
    clauses.size = size;
    let fault = fault(kind, &clauses);
    let whole = text[at.clone()].trim();
    let rule = FaultRule {
        text: whole.to_owned(),
        fault,
        frequency,
        target: clauses.target,
    };
    let start = at.start + (text[at.clone()].len() - text[at.clone()].trim_start().len());
    reachable(&rule, start..start + whole.len(), context)?;
    Ok(rule)
}

type Words<'w> = std::iter::Peekable<std::slice::Iter<'w, Word>>;

fn frequency(
    kind: FaultKind,
    found: &Word,
    words: &mut Words<'_>,
) -> Result<Frequency, FaultRuleError> {
    let Some(word) = words.next() else {
        return Err(found.error(format!("`{kind}` does not say how often"), FREQUENCY_HELP));
    };
    match word.key().as_str() {
        "once" => Ok(Frequency::Nth(1)),
        "nth" => Ok(Frequency::Nth(number(
            word,
            words.next(),
            "nth 3",
            1,
            u64::MAX,
        )?)),
        text => {
            let Some(digits) = text.strip_suffix('%') else {
                return Err(word.error(format!("`{kind}` does not say how often"), FREQUENCY_HELP));
            };
            let part = digits.parse::<f64>().ok().filter(|it| it.is_finite());
            match part {
                Some(part) if part > 0.0 && part <= 100.0 => Ok(Frequency::Chance(part / 100.0)),
                Some(_) => Err(word.error(
                    format!("`{text}` is not a probability"),
                    "write more than 0% and at most 100%",
                )),
                None => {
                    Err(word.error(format!("`{text}` is not a probability"), "write it as `5%`"))
                }
            }
        }
    }
}

/// Returns the words that can follow a kind, apart from its target.
fn options(kind: FaultKind) -> &'static [&'static str] {
    match kind {
        FaultKind::Kill | FaultKind::Resize => &["mid_turn", "between_turns", "after"],
        FaultKind::Freeze => &["for", "mid_turn", "between_turns", "after"],
        FaultKind::Garbage | FaultKind::LongLine => &["of"],
        FaultKind::Dribble => &["every"],
        FaultKind::SlowRead => &["of", "every"],
        FaultKind::Delay => &["for"],
        FaultKind::Bytewise | FaultKind::Close | FaultKind::Refuse => &[],
    }
}

fn clauses(
    kind: FaultKind,
    words: &mut Words<'_>,
    context: &RuleContext<'_>,
) -> Result<Clauses, FaultRuleError> {
    const PLACES: [&str; 4] = ["at", "role", "turn", "flow"];
    let mut clauses = Clauses::default();
    let mut seen: Vec<String> = Vec::new();
    let mut turn = None;
    while let Some(word) = words.next() {
        let key = word.key();
        let fits = !word.is_quoted && options(kind).iter().chain(&PLACES).any(|it| *it == key);
        if !fits {
            let known = options(kind).iter().chain(&PLACES).copied();
            return Err(unknown(word, &format!("not an option of `{kind}`"), known));
        }
        if seen.contains(&key) {
            return Err(word.error(format!("`{key}` is given twice"), "leave one out"));
        }
        match key.as_str() {
            "for" => clauses.length = Some(span(word, words.next(), false)?),
            "every" => clauses.every = Some(span(word, words.next(), false)?.most),
            "after" => clauses.after = Some(span(word, words.next(), true)?),
            "of" => {
                let most = MAX_BYTES as u64;
                let bytes = number(word, words.next(), "of 100 bytes", 1, most)?;
                clauses.bytes = usize::try_from(bytes).ok();
                words.next_if(|word| word.text == "bytes" || word.text == "byte");
            }
            "mid_turn" => clauses.mid_turn = true,
            "between_turns" => clauses.between_turns = true,
            "at" => {
                let name = value(word, words.next(), "at STEP")?;
                let names = context.steps.iter().map(|step| step.name.as_str());
                let found = context.steps.iter().find(|step| step.name == name.text);
                let missing = || unknown(name, "not a step of the scenario", names).about_context();
                let found = found.ok_or_else(missing)?;
                clauses.target.step = Some(found.index);
            }
            "role" => {
                let name = value(word, words.next(), "role ROLE")?;
                let names = context.roles.iter().map(|role| role.name.as_str());
                let found = context.roles.iter().position(|role| role.name == name.text);
                let missing = || unknown(name, "not a role of the scenario", names).about_context();
                let found = found.ok_or_else(missing)?;
                clauses.target.role = Some(RoleIndex(found));
            }
            "turn" => turn = Some(value(word, words.next(), "turn NAME")?),
            _ => {
                let number = number(word, words.next(), "flow 7", 1, u64::MAX)?;
                clauses.target.flow = Some(FlowNumber(number));
            }
        }
        if clauses.between_turns && (clauses.mid_turn || clauses.after.is_some()) {
            let help = "leave one out; without both, it is either";
            return Err(word.error("it happens in mid-turn or between turns, not both", help));
        }
        seen.push(key);
    }
    if let Some(name) = turn {
        let names: Vec<&str> = context
            .steps
            .iter()
            .flat_map(|step| &step.action.turn_names)
            .map(|name| &**name)
            .collect();
        if !context
            .steps
            .iter()
            .any(|step| turn_replies(&step.action.turns, &name.text).is_some())
        {
            let error = unknown(name, "not the name of a turn", names.into_iter());
            return Err(error.about_context());
        }
        clauses.target.turn = Some(name.text.as_str().into());
    }
    Ok(clauses)
}

fn fault(kind: FaultKind, clauses: &Clauses) -> FaultSpec {
    let usual = DurationRange {
        least: DEFAULT_LENGTH,
        most: DEFAULT_LENGTH,
    };
    let length = clauses.length.unwrap_or(usual);
    let when = match (
        clauses.mid_turn || clauses.after.is_some(),
        clauses.between_turns,
    ) {
        (true, _) => FaultTiming::MidTurn {
            after: clauses.after.unwrap_or(DurationRange::SOON),
        },
        (false, true) => FaultTiming::BetweenTurns,
        (false, false) => FaultTiming::Either,
    };
    match kind {
        FaultKind::Kill => FaultSpec::Kill(when),
        FaultKind::Freeze => FaultSpec::Freeze { length, when },
        FaultKind::Close => FaultSpec::Close,
        FaultKind::Garbage => FaultSpec::Garbage {
            bytes: clauses.bytes.unwrap_or(DEFAULT_GARBAGE),
        },
        FaultKind::LongLine => FaultSpec::LongLine {
            bytes: clauses.bytes.unwrap_or(DEFAULT_LINE),
        },
        FaultKind::Dribble => FaultSpec::Dribble {
            every: clauses.every.unwrap_or(DEFAULT_DRIBBLE),
        },
        FaultKind::SlowRead => FaultSpec::SlowRead {
            bytes: clauses.bytes.unwrap_or(DEFAULT_READ),
            every: clauses.every.unwrap_or(DEFAULT_PAUSE),
        },
        FaultKind::Bytewise => FaultSpec::Bytewise,
        FaultKind::Resize => FaultSpec::Resize {
            size: clauses.size.unwrap_or(DEFAULT_SIZE),
            when,
        },
        FaultKind::Delay => FaultSpec::Delay { length },
        FaultKind::Refuse => FaultSpec::Refuse,
    }
}

/// Refuses rules that could never hit.
fn reachable(
    rule: &FaultRule,
    at: Range<usize>,
    context: &RuleContext<'_>,
) -> Result<(), FaultRuleError> {
    let steps = rule.steps(context).len() as u64;
    let never = |message: String, help: &str| {
        Err(FaultRuleError {
            message,
            help: help.to_owned(),
            at: at.clone(),
            is_about_context: true,
        })
    };
    match (steps, rule.frequency, &rule.fault) {
        (0, _, FaultSpec::Refuse) => never(
            "no such step starts a program, so there is nothing to refuse".into(),
            "a role's first step starts its program: name that one, or none",
        ),
        (0, ..) => never(
            "no step matches this rule".into(),
            "the step has to be of that role, have a turn of that name, reply to something if the \
             fault changes a reply, and have a terminal if it is resized; leave one of the \
             conditions out",
        ),
        (_, Frequency::Nth(nth), _) if nth > steps => never(
            format!("a flow has only {steps} such steps"),
            "write a smaller number, or a chance",
        ),
        _ => Ok(()),
    }
}
