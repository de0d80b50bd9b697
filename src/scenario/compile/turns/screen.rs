//! Compilation of waits for screens.

use crate::dialogue::{
    CellPosition, CursorCondition, Judging, Pattern, RowRange, ScreenContent, ScreenRegion,
    ScreenWait,
};
use crate::scenario::plan::{AwaitedSpec, PatternSpec};
use crate::scenario::raw::{Node, Value};
use crate::scenario::template::Template;
use crate::scenario::vocabulary::{CELL, CURSOR, SCREEN_CONDITIONS, SCREEN_WAIT};
use crate::terminal::ScreenSize;

use super::super::context::{Context, Fields};
use super::super::role_context::RoleTerminal;

/// The surroundings of a wait.
#[derive(Clone, Copy)]
pub(in crate::scenario::compile) struct WaitPlace<'r> {
    pub terminal: RoleTerminal<'r>,
    /// The kind of wait, if its text must not capture.
    pub without_captures: Option<&'static str>,
    /// True if a reply follows on it.
    pub is_answered: bool,
}

/// Compiles the value of `screen`, with the conditions `beside` it.
pub(in crate::scenario::compile) fn screen_wait(
    context: &Context<'_>,
    node: &Node,
    beside: Option<&Fields<'_>>,
    place: WaitPlace<'_>,
) -> Option<AwaitedSpec> {
    let bounds = place.terminal.screen_or_report(context, &node.span);
    let within = match node.value {
        Value::Map(_) => Some(context.fields(node, &SCREEN_WAIT)?),
        _ => None,
    };
    // All parts are compiled even if one is invalid, to report the problems of all.
    let conditions = Conditions {
        context,
        within: within.as_ref(),
        beside,
        bounds,
    };
    conditions.refuse_duplicates();
    let content = content(context, node, within.as_ref(), &conditions, place);
    let region = conditions.region();
    let cursor = conditions.compile("cursor", |node| cursor(context, node, bounds));
    let holds = conditions.compile("for", |node| length(context, node));
    let still = conditions.compile("still", |node| context.flag(node));
    let (content, region, cursor) = (content?, region?, cursor?);
    let (holds, still) = (holds?, still?.unwrap_or(false));
    bounds?;
    let is_anywhere = matches!(
        region,
        ScreenRegion {
            at: None,
            rows: None,
            below: None,
            right_of: None
        }
    );
    if let ScreenContent::Any = content
        && !is_anywhere
    {
        let message = "this is the place of a text, and there is none";
        let help = "write `text: …`, or leave out all but `cursor`".to_owned();
        context.error(&node.span, message, Some(help));
        return None;
    }
    let is_settled = match &content {
        ScreenContent::Shown(text) => text.captures() || cursor.is_some() || still,
        ScreenContent::Gone(_) | ScreenContent::Any => true,
    };
    Some(AwaitedSpec::Screen(Box::new(ScreenWait {
        content,
        region,
        cursor,
        holds,
        still,
        judging: if is_settled || place.is_answered {
            Judging::Settled
        } else {
            Judging::Drawn
        },
    })))
}

/// Returns the wait of a reply to what this label shows, whenever it was drawn.
pub(super) fn label_shown(label: Template) -> AwaitedSpec {
    let pattern = match label.fixed() {
        Some(text) => PatternSpec::Fixed(Pattern::literal(text)),
        None => PatternSpec::Literal(label),
    };
    AwaitedSpec::Screen(Box::new(ScreenWait {
        content: ScreenContent::Shown(pattern),
        region: ScreenRegion::default(),
        cursor: None,
        holds: None,
        still: true,
        judging: Judging::Settled,
    }))
}

/// Reports conditions on a screen that stand beside no `screen`.
pub(super) fn refuse_conditions_without_screen(context: &Context<'_>, fields: &Fields<'_>) {
    if fields.has("screen") || !fields.is_complete {
        return;
    }
    for name in fields.among(&SCREEN_CONDITIONS) {
        let message = format!("`{name}` is a condition on a screen, and there is no `screen`");
        let help = match name {
            "cursor" => "write `screen: {cursor: …}`, or `screen: TEXT` beside it",
            _ => "write `screen: TEXT` beside it",
        };
        context.error(&fields.key_span(name), message, Some(help.into()));
    }
}

fn content(
    context: &Context<'_>,
    node: &Node,
    within: Option<&Fields<'_>>,
    conditions: &Conditions<'_, '_>,
    place: WaitPlace<'_>,
) -> Option<ScreenContent<PatternSpec>> {
    let text = |node| match place.without_captures {
        Some(what) => context.pattern_without_captures(node, what),
        None => context.pattern(node),
    };
    let Some(fields) = within else {
        return text(node).map(ScreenContent::Shown);
    };
    match (fields.get("text"), fields.get("gone")) {
        (Some(node), None) => text(node).map(ScreenContent::Shown),
        (None, Some(node)) => context
            .pattern_without_captures(node, "`gone`")
            .map(ScreenContent::Gone),
        (Some(_), Some(_)) => {
            let message = "a turn waits for one thing, not both `text` and `gone`";
            let help = "write two turns, one after the other".to_owned();
            context.error(&fields.key_span("gone"), message, Some(help));
            None
        }
        (None, None) if conditions.get("cursor").is_some() => Some(ScreenContent::Any),
        (None, None) => {
            if fields.is_complete {
                let help = "write `text: …`, `gone: …` or `cursor: …`".to_owned();
                context.error(&fields.span, "this waits for nothing", Some(help));
            }
            None
        }
    }
}

/// Conditions of a wait, beside `screen` or within it.
struct Conditions<'f, 'c> {
    context: &'f Context<'c>,
    within: Option<&'f Fields<'f>>,
    beside: Option<&'f Fields<'f>>,
    bounds: Option<ScreenSize>,
}

impl Conditions<'_, '_> {
    fn get(&self, name: &str) -> Option<&Node> {
        let mut maps = self.within.into_iter().chain(self.beside);
        maps.find_map(|fields| fields.get(name))
    }

    /// Compiles a condition: `None` if it is invalid, `Some(None)` if there is none.
    fn compile<T>(
        &self,
        name: &str,
        compile: impl FnOnce(&Node) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.get(name) {
            None => Some(None),
            Some(node) => compile(node).map(Some),
        }
    }

    fn refuse_duplicates(&self) {
        let (Some(within), Some(beside)) = (self.within, self.beside) else {
            return;
        };
        for name in within.among(&SCREEN_CONDITIONS) {
            if beside.has(name) {
                let message = format!("`{name}` is given twice, in `screen` and beside it");
                let help = Some("leave one of them out".to_owned());
                self.context.error(&beside.key_span(name), message, help);
            }
        }
    }

    fn region(&self) -> Option<ScreenRegion<PatternSpec>> {
        let (context, bounds) = (self.context, self.bounds);
        let at = self.compile("at", |node| {
            let fields = context.fields(node, &CELL)?;
            cell(context, &fields, bounds)
        });
        let rows = self.compile("rows", |node| row_range(context, node, bounds));
        let label =
            |name, what| self.compile(name, |node| context.pattern_without_captures(node, what));
        let below = label("below", "`below`");
        let right_of = label("right_of", "`right_of`");
        Some(ScreenRegion {
            at: at?,
            rows: rows?,
            below: below?,
            right_of: right_of?,
        })
    }
}

fn length(context: &Context<'_>, node: &Node) -> Option<std::time::Duration> {
    let length = context.duration(node)?;
    if length.is_zero() {
        let help = Some("leave it out, or write a longer time".to_owned());
        context.error(&node.span, "what holds for no time always holds", help);
        return None;
    }
    Some(length)
}

fn cursor(
    context: &Context<'_>,
    node: &Node,
    bounds: Option<ScreenSize>,
) -> Option<CursorCondition<PatternSpec>> {
    let fields = context.fields(node, &CURSOR)?;
    let label = |name, what| {
        let node = fields.get(name)?;
        context.pattern_without_captures(node, what)
    };
    match fields
        .among(&["right_of", "below", "row", "column"])
        .as_slice()
    {
        ["right_of"] => label("right_of", "`right_of`").map(CursorCondition::RightOf),
        ["below"] => label("below", "`below`").map(CursorCondition::Below),
        ["row", "column"] => cell(context, &fields, bounds).map(CursorCondition::At),
        _ if !fields.is_complete => None,
        found => {
            let message = match found {
                [] => "this says nothing about the cursor".to_owned(),
                ["row" | "column"] => "a cell has a row and a column".to_owned(),
                [one, .., other] => {
                    format!("the cursor has one place here, not both `{one}` and `{other}`")
                }
                [_] => return None,
            };
            let help = "write `{right_of: TEXT}`, `{below: TEXT}` or `{row: 4, column: 5}`";
            context.error(&fields.span, message, Some(help.into()));
            None
        }
    }
}

/// Compiles the `row` and the `column` of a map.
fn cell(
    context: &Context<'_>,
    fields: &Fields<'_>,
    bounds: Option<ScreenSize>,
) -> Option<CellPosition> {
    let place = |name, most: Option<u16>| {
        let node = fields.get(name)?;
        let place = context.count(node, 1)?;
        within_screen(context, node, place, most, name)
    };
    let row = place("row", bounds.map(|it| it.rows));
    let column = place("column", bounds.map(|it| it.columns));
    Some(CellPosition {
        row: row?,
        column: column?,
    })
}

fn row_range(context: &Context<'_>, node: &Node, bounds: Option<ScreenSize>) -> Option<RowRange> {
    let text = context.scalar(node)?;
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let parsed = first.trim().parse::<u64>().ok();
    let Some((first, last)) = parsed.zip(last.trim().parse::<u64>().ok()) else {
        let message = format!("`{text}` is not a range of rows");
        let help = "write the first and the last row, as `3..10`, or one row";
        context.error(&node.span, message, Some(help.into()));
        return None;
    };
    if first > last {
        let help = Some(format!("write `{last}..{first}`"));
        context.error(&node.span, "the range ends before it begins", help);
        return None;
    }
    let most = bounds.map(|it| it.rows);
    let row = |row| within_screen(context, node, row, most, "row");
    Some(RowRange {
        first: row(first)?,
        last: row(last)?,
    })
}

/// Checks a row or column, counted from 1, against the number of them.
fn within_screen(
    context: &Context<'_>,
    node: &Node,
    place: u64,
    most: Option<u16>,
    name: &str,
) -> Option<u16> {
    let limit = most.unwrap_or(u16::MAX);
    match u16::try_from(place) {
        Ok(place) if (1..=limit).contains(&place) => Some(place),
        _ => {
            let message = match place {
                0 => format!("{name}s are counted from 1"),
                _ => format!("the screen has no {name} {place}"),
            };
            let help = format!("write a {name} from 1 to {limit}");
            context.error(&node.span, message, Some(help));
            None
        }
    }
}

/// Returns the largest size that a screen has, given the actions of its role, which may resize it.
pub(in crate::scenario::compile) fn largest(size: ScreenSize, actions: &Node) -> ScreenSize {
    match &actions.value {
        Value::Missing | Value::Text(_) => size,
        Value::List(list) => list.iter().fold(size, largest),
        Value::Map(entries) => entries.iter().fold(size, |size, (key, value)| {
            let resized = match (&key.value, &value.value) {
                (Value::Text(key), Value::Text(text)) if key == "resize" => ScreenSize::parse(text),
                _ => None,
            };
            match resized {
                Some(resized) => ScreenSize {
                    rows: size.rows.max(resized.rows),
                    columns: size.columns.max(resized.columns),
                },
                None => largest(size, value),
            }
        }),
    }
}
