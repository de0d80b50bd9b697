//! The source tree of a scenario: its texts with their locations.
//!
//! Scalars are kept as written: `007`, `yes` and `1.50` are texts. Only invalid YAML and excessive
//! sizes are refused here; the compiler checks everything else, so that it can report all problems
//! at once.

use std::cell::Cell;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::{DuplicateKeyPolicy, NonFiniteFloatPolicy};
use serde_saphyr::{MessageFormatter, Spanned, UserMessageFormatter};

/// The maximum size of a scenario.
pub const SOURCE_LIMIT_BYTES: usize = 4 * 1024 * 1024;

/// The maximum nesting of lists and maps. They are read recursively; at this depth that needs about
/// half of a thread's 2 MiB of stack.
const DEPTH_LIMIT: usize = 32;

/// The maximum number of nodes, including repetitions by aliases.
const NODE_LIMIT: usize = 100_000;

/// The maximum amount of text, including repetitions by aliases.
const TEXT_LIMIT_BYTES: usize = 4 * SOURCE_LIMIT_BYTES;

/// A node of the scenario with its location.
#[derive(Debug)]
pub(super) struct Node {
    pub value: Value,
    /// Bytes of the source. For a list or a map: its first element or key.
    pub span: Range<usize>,
}

#[derive(Debug)]
pub(super) enum Value {
    /// No value, as in `send:`.
    Missing,
    Text(String),
    List(Vec<Node>),
    /// In the order of the source; a key may be duplicated.
    Map(Vec<(Node, Node)>),
}

impl Value {
    /// Returns the kind of value, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Missing => "nothing",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }
}

/// The reason why a source is not valid YAML.
#[derive(Debug)]
pub(super) struct SyntaxError {
    pub message: String,
    pub span: Range<usize>,
    pub help: Option<String>,
}

/// Parses YAML.
///
/// # Errors
/// If it is not valid YAML, or exceeds one of the limits above.
pub(super) fn parse(source: &str) -> Result<Node, SyntaxError> {
    let whole = 0..0;
    if source.len() > SOURCE_LIMIT_BYTES {
        return Err(SyntaxError {
            message: format!(
                "the scenario is larger than {} MiB",
                SOURCE_LIMIT_BYTES >> 20
            ),
            span: whole,
            help: Some("put rows of data into a file and name it under `data`".into()),
        });
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: DEPTH_LIMIT,
            flow_nesting_limit: DEPTH_LIMIT,
            max_nodes: NODE_LIMIT,
            max_documents: 2,
            max_aliases: 10_000,
            max_merge_keys: 1_000,
            max_recorded_anchor_events: 2 * NODE_LIMIT,
            max_recorded_anchor_bytes: TEXT_LIMIT_BYTES,
            enforce_alias_anchor_ratio: false,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: NODE_LIMIT,
            max_replay_stack_depth: 16,
        },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        with_snippet: false,
    };
    TEXT_LEFT.set(TEXT_LIMIT_BYTES);
    serde_saphyr::from_str_with_options::<Spanned<Yaml>>(source, options)
        .map(|yaml| node(source, yaml))
        .map_err(|error| syntax_fault(source, &error))
}

fn syntax_fault(source: &str, error: &serde_saphyr::Error) -> SyntaxError {
    let error = error.without_snippet();
    let span = match error.location() {
        Some(location) => range(source, location),
        None => 0..0,
    };
    let line_begin = source[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = source[span.start..]
        .find('\n')
        .map_or(source.len(), |at| span.start + at);
    let line = &source[line_begin..line_end];
    let blanks = &line[..line.len() - line.trim_start().len()];
    let message = UserMessageFormatter.format_message(error).trim().to_owned();
    let help = if message.contains("multiple") && message.contains("document") {
        "a scenario is one document: leave out the `---` between"
    } else if blanks.contains('\t') {
        "YAML is indented with spaces, never with tabs"
    } else if line.matches(": ").count() > 1 || line.contains(['`', '@', '%', '\\']) {
        "put the text into quotes: '…'"
    } else {
        "look for an open bracket, brace or quote, or for wrong indentation, here or above"
    };
    let message = format!("this cannot be read as YAML: {message}");
    SyntaxError {
        message,
        span,
        help: Some(help.into()),
    }
}

thread_local! {
    /// The remaining amount of text of the source that is being read. A separate bound, because an
    /// alias can repeat a long text at no cost to the parser's budget.
    static TEXT_LEFT: Cell<usize> = const { Cell::new(0) };
}

/// A value as serde reports it.
enum Yaml {
    Text(String),
    /// A number, a truth value or null, whose text is taken from the source.
    Typed,
    List(Vec<Spanned<Yaml>>),
    Map(Vec<(Spanned<Yaml>, Spanned<Yaml>)>),
}

impl<'de> Deserialize<'de> for Yaml {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(YamlVisitor)
    }
}

struct YamlVisitor;

impl<'de> Visitor<'de> for YamlVisitor {
    type Value = Yaml;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a list or a map")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Yaml, E> {
        match TEXT_LEFT.get().checked_sub(text.len()) {
            Some(left) => {
                TEXT_LEFT.set(left);
                Ok(Yaml::Text(text.to_owned()))
            }
            None => Err(E::custom("aliases repeat too much text")),
        }
    }

    fn visit_bool<E>(self, _: bool) -> Result<Yaml, E> {
        Ok(Yaml::Typed)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Yaml, E> {
        Ok(Yaml::Typed)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Yaml, E> {
        Ok(Yaml::Typed)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Yaml, E> {
        Ok(Yaml::Typed)
    }

    fn visit_unit<E>(self) -> Result<Yaml, E> {
        Ok(Yaml::Typed)
    }

    fn visit_none<E>(self) -> Result<Yaml, E> {
        Ok(Yaml::Typed)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Yaml, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = access.next_element()? {
            list.push(element);
        }
        Ok(Yaml::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Yaml, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = access.next_entry()? {
            if map.len() > NODE_LIMIT {
                return Err(A::Error::custom("the map is too big"));
            }
            map.push(entry);
        }
        Ok(Yaml::Map(map))
    }
}

fn node(source: &str, yaml: Spanned<Yaml>) -> Node {
    let span = range(source, yaml.defined);
    match yaml.value {
        Yaml::Text(text) => Node {
            value: Value::Text(text),
            span,
        },
        Yaml::Typed => {
            let written = source[span.clone()].trim();
            let value = match unquoted(written) {
                "" => Value::Missing,
                text => Value::Text(text.to_owned()),
            };
            Node { value, span }
        }
        Yaml::List(list) => {
            let list: Vec<Node> = list
                .into_iter()
                .map(|element| node(source, element))
                .collect();
            let span = list.first().map_or(span, |first| first.span.clone());
            Node {
                value: Value::List(list),
                span,
            }
        }
        Yaml::Map(map) => {
            let map: Vec<(Node, Node)> = map
                .into_iter()
                .map(|(key, value)| (node(source, key), node(source, value)))
                .collect();
            let span = map.first().map_or(span, |(first, _)| first.span.clone());
            Node {
                value: Value::Map(map),
                span,
            }
        }
    }
}

/// Removes the quotes of a tagged number: `!!int "5"`.
fn unquoted(text: &str) -> &str {
    let inner = |quote| {
        text.strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote))
    };
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

/// Converts a location to bytes within the source, at boundaries of characters.
fn range(source: &str, location: serde_saphyr::Location) -> Range<usize> {
    let span = location.span();
    let Some(start) = span.byte_offset() else {
        let start = offset(source, location.line(), location.column());
        return start..start;
    };
    let border = |at: u64| {
        let mut at = usize::try_from(at).unwrap_or(usize::MAX).min(source.len());
        while !source.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let end = border(start.saturating_add(span.byte_len().unwrap_or(0)));
    border(start)..end.max(border(start))
}

/// Converts a line and a column, both from 1 and in characters, to an offset in the source.
fn offset(source: &str, line: u64, column: u64) -> usize {
    let Ok(lines_before) = usize::try_from(line.saturating_sub(1)) else {
        return 0;
    };
    let begin: usize = source
        .split_inclusive('\n')
        .take(lines_before)
        .map(str::len)
        .sum();
    let text = source[begin..].lines().next().unwrap_or("");
    let chars_before = usize::try_from(column.saturating_sub(1)).unwrap_or(usize::MAX);
    begin
        + text
            .char_indices()
            .nth(chars_before)
            .map_or(text.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Formats the tree in one line: texts in quotes, `-` for no value.
    fn shape(node: &Node) -> String {
        match &node.value {
            Value::Missing => "-".into(),
            Value::Text(text) => format!("{text:?}"),
            Value::List(list) => {
                format!("[{}]", list.iter().map(shape).collect::<Vec<_>>().join(" "))
            }
            Value::Map(map) => {
                let pair = |(key, value): &(Node, Node)| format!("{}:{}", shape(key), shape(value));
                format!("{{{}}}", map.iter().map(pair).collect::<Vec<_>>().join(" "))
            }
        }
    }

    #[track_caller]
    fn reads(source: &str, expected: &str) {
        assert_eq!(
            shape(&parse(source).unwrap_or_else(|e| panic!("{e:?}"))),
            expected
        );
    }

    #[test]
    fn scalars_stay_as_they_are_written() {
        reads(
            "[007, yes, 1.50, 0x1F, ~, null, .nan, 1e999, 1_000, on]",
            r#"["007" "yes" "1.50" "0x1F" "~" "null" ".nan" "1e999" "1_000" "on"]"#,
        );
        reads(
            "a: 007\nb: yes # no\nc:\nd: ''\n007: x\ntrue: y",
            r#"{"a":"007" "b":"yes" "c":- "d":"" "007":"x" "true":"y"}"#,
        );
        reads(
            "'a': \"b\\n\"\nc: |\n  d\n  e\n",
            r#"{"a":"b\n" "c":"d\ne\n"}"#,
        );
        reads("a: &x 007\nb: *x\n", r#"{"a":"007" "b":"007"}"#);
        reads("é: -5\nü: 5s\n", r#"{"é":"-5" "ü":"5s"}"#);
        reads("a: 1\r\nb: true\r\n", r#"{"a":"1" "b":"true"}"#);
        reads("!!int \"5\"", r#""5""#);
    }

    #[test]
    fn a_duplicate_key_is_left_to_the_compiler() {
        reads("a: 1\na: 2", r#"{"a":"1" "a":"2"}"#);
    }

    #[test]
    fn merged_maps_are_read() {
        reads(
            "a: &a {x: 1}\nb: {<<: *a, y: 2}",
            r#"{"a":{"x":"1"} "b":{"y":"2" "x":"1"}}"#,
        );
    }

    #[test]
    fn locations_are_exact() {
        let source = "é: [ab, 'cd', \"e\\x66\"]\n";
        let Value::Map(map) = parse(source).unwrap().value else {
            panic!()
        };
        assert_eq!(&source[map[0].0.span.clone()], "é");
        let Value::List(list) = &map[0].1.value else {
            panic!()
        };
        let places: Vec<_> = list.iter().map(|node| &source[node.span.clone()]).collect();
        assert_eq!(places, ["ab", "'cd'", "\"e\\x66\""]);
    }

    #[test]
    fn bombs_are_refused() {
        let mut aliases = String::from("a0: &a0 [x, x]\n");
        for level in 1..40 {
            let below = level - 1;
            aliases += &format!("a{level}: &a{level} [*a{below}, *a{below}, *a{below}]\n");
        }
        assert!(parse(&aliases).is_err());
        let long = format!(
            "a: &a {}\nb: [{}]\n",
            "x".repeat(1_000_000),
            "*a,".repeat(1000)
        );
        assert!(
            parse(&long)
                .unwrap_err()
                .message
                .contains("repeat too much text")
        );
        for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", "")] {
            let nested = |depth| format!("{}x{}", open.repeat(depth), close.repeat(depth));
            assert!(parse(&nested(DEPTH_LIMIT - 1)).is_ok(), "{open}");
            assert!(parse(&nested(DEPTH_LIMIT + 1)).is_err(), "{open}");
        }
        for piece in ["[", "{a: ", "- ", "? ", "!", "&a ", "*a", "<<: "] {
            assert!(parse(&piece.repeat(100_000)).is_err(), "{piece}");
        }
        assert!(
            parse(&"x".repeat(SOURCE_LIMIT_BYTES + 1))
                .unwrap_err()
                .message
                .contains("4 MiB")
        );
        assert!(parse(&"- x\n".repeat(NODE_LIMIT + 1)).is_err());
    }

    #[test]
    fn tabs_are_named() {
        let error = parse("a:\n\tb: c\n").unwrap_err();
        assert_eq!(
            error.help.as_deref(),
            Some("YAML is indented with spaces, never with tabs")
        );
    }
}
