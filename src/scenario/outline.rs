//! Outline of a scenario's text: which lines belong to which key, for edits that leave the rest as
//! it is.

use std::ops::Range;

use super::raw::{self, Node, Value};

/// An entry of a map, or an element of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutlineEntry {
    /// The key, or nothing for an element of a list.
    pub key: String,
    /// The text, if it is one.
    pub text: Option<String>,
    /// Bytes of the source: from the key or the dash to the end of its last line. For an entry
    /// within brackets: the key.
    pub span: Range<usize>,
    /// The entry stands on lines of its own.
    pub is_block: bool,
    pub entries: Vec<OutlineEntry>,
}

impl OutlineEntry {
    /// Returns the entry with this key.
    pub fn get(&self, key: &str) -> Option<&OutlineEntry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

/// Returns the outline of a scenario, `None` if it is not valid YAML or no map. The root's span is
/// the whole source.
pub fn outline(source: &str) -> Option<OutlineEntry> {
    let root = raw::parse(source).ok()?;
    let Value::Map(_) = &root.value else {
        return None;
    };
    let mut entries = entries(source, &root);
    close(source, &mut entries, source.len());
    Some(OutlineEntry {
        key: String::new(),
        text: None,
        span: 0..source.len(),
        is_block: true,
        entries,
    })
}

fn entries(source: &str, node: &Node) -> Vec<OutlineEntry> {
    match &node.value {
        Value::Map(map) => map
            .iter()
            .map(|(key, value)| {
                let name = match &key.value {
                    Value::Text(text) => text.clone(),
                    _ => String::new(),
                };
                entry(source, name, key.span.start, value)
            })
            .collect(),
        Value::List(list) => list
            .iter()
            .map(|element| {
                let line = line_start(source, element.span.start);
                let before = &source[line..element.span.start];
                let dash = before.find("- ").map_or(element.span.start, |at| line + at);
                entry(source, String::new(), dash, element)
            })
            .collect(),
        Value::Missing | Value::Text(_) => Vec::new(),
    }
}

fn entry(source: &str, key: String, start: usize, value: &Node) -> OutlineEntry {
    let line = line_start(source, start);
    OutlineEntry {
        key,
        text: match &value.value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        },
        span: start..start,
        is_block: source[line..start].trim().is_empty(),
        entries: entries(source, value),
    }
}

/// Sets the ends of entries: each ends where the next one begins, without the blank lines and the
/// comments above that.
fn close(source: &str, entries: &mut [OutlineEntry], end: usize) {
    for index in 0..entries.len() {
        let next = entries.get(index + 1).map_or(end, |next| next.span.start);
        let entry = &mut entries[index];
        if entry.is_block {
            let next = line_start(source, next.max(entry.span.start));
            let limit = if next > entry.span.start { next } else { end };
            entry.span.end = trimmed(source, entry.span.start, limit);
        }
        let end = entry.span.end;
        close(source, &mut entry.entries, end);
    }
}

/// Returns the end of the last line before `limit` that is neither blank nor a comment.
fn trimmed(source: &str, start: usize, limit: usize) -> usize {
    let mut end = start;
    let mut at = start;
    for line in source[start..limit.max(start)].split_inclusive('\n') {
        at += line.len();
        let text = line.trim();
        if !text.is_empty() && !text.starts_with('#') {
            end = at;
        }
    }
    end
}

fn line_start(source: &str, at: usize) -> usize {
    source[..at].rfind('\n').map_or(0, |end| end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_have_their_lines() {
        let source = "name: a\n# of b\nroles:\n  b:\n    run: [x]\n\n    actions:\n      go:\n        - see: y # why\n  # of c\n  c: {run: [z]}\nflow:\n  - {step: 1, role: b}\n  # two\n  - step: 2\n    role: c\n";
        let root = outline(source).unwrap();
        let text = |entry: &OutlineEntry| source[entry.span.clone()].to_owned();
        let roles = root.get("roles").unwrap();
        let b = roles.get("b").unwrap();
        assert!(text(b).starts_with("b:\n    run") && text(b).ends_with("see: y # why\n"));
        assert_eq!(text(roles.get("c").unwrap()), "c: {run: [z]}\n");
        let flow = root.get("flow").unwrap();
        assert_eq!(text(&flow.entries[0]), "- {step: 1, role: b}\n");
        assert_eq!(text(&flow.entries[1]), "- step: 2\n    role: c\n");
        assert_eq!(
            flow.entries[1].get("role").unwrap().text.as_deref(),
            Some("c")
        );
        assert!(outline("- a\n").is_none() && outline("a: [").is_none());
    }
}
