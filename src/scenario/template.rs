//! Templates, such as `Order ${order_id}`, and bare expressions.
//!
//! `${…}` contains a [minijinja expression]; `$${` is a literal `${`. An unknown name is an error,
//! not an empty text. Values are texts, so arithmetic needs `| int` or `| float`; only
//! `flow.number` is a number. In addition to minijinja's filters there is `pad(n)`, which pads with
//! zeros: `flow.number | pad(5)`.
//!
//! [minijinja expression]: https://docs.rs/minijinja/latest/minijinja/syntax/index.html#expressions

mod environment;
mod operations;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use minijinja::ErrorKind;
use minijinja::value::{Value, ValueKind};

use super::names::is_identifier;
use super::scope::Scope;
use environment::{ENVIRONMENT, FUNCTIONS};

/// The error of an invalid template or expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// The beginning of the invalid part, in bytes from the beginning of the text.
    pub offset: usize,
    /// The length of the invalid part, in bytes.
    pub length: usize,
    /// The problem.
    pub message: String,
    /// The remedy, if one is known.
    pub help: Option<String>,
}

/// The maximum length of a rendered text. Values that repeat each other grow exponentially.
pub const TEXT_LIMIT_BYTES: usize = 64 * 1024;

/// The reason why a value could not be computed. It may contain values, so it has to be masked
/// before it is shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The text names the expression and the reason.
    #[error("{0}")]
    NotComputed(String),
    /// The text, or what this expression in it needs on its way to it, is too long.
    #[error("with the value of `{0}`, this text is longer than {limit} KiB", limit = TEXT_LIMIT_BYTES / 1024)]
    TooLong(String),
}

/// A text with placeholders.
pub struct Template {
    source: String,
    parts: Vec<Segment>,
}

enum Segment {
    Text(String),
    Value {
        expression: Expression,
        range: Range<usize>,
    },
}

impl Template {
    /// Parses a text with `${expression}` placeholders.
    ///
    /// # Errors
    /// If a placeholder is not closed or is not a valid expression.
    pub fn parse(source: &str) -> Result<Template, TemplateError> {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut at = 0;
        while let Some(found) = source[at..].find("${") {
            let start = at + found;
            if source[..start].ends_with('$') && start > at {
                text.push_str(&source[at..start - 1]);
                text.push_str("${");
                at = start + 2;
                continue;
            }
            text.push_str(&source[at..start]);
            let Some(length) = expression_length(&source[start + 2..]) else {
                return Err(TemplateError {
                    offset: start,
                    length: source.len() - start,
                    message: "`${` is not closed".into(),
                    help: Some("close it with `}`, or write `$${` for a literal `${`".into()),
                });
            };
            let end = start + 2 + length;
            let expression =
                Expression::parse(&source[start + 2..end]).map_err(|error| TemplateError {
                    offset: start,
                    length: end + 1 - start,
                    ..error
                })?;
            if !text.is_empty() {
                parts.push(Segment::Text(std::mem::take(&mut text)));
            }
            parts.push(Segment::Value {
                expression,
                range: start..end + 1,
            });
            at = end + 1;
        }
        text.push_str(&source[at..]);
        if !text.is_empty() {
            parts.push(Segment::Text(text));
        }
        Ok(Template {
            source: source.to_owned(),
            parts,
        })
    }

    /// Returns the source text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Returns the text if it has no placeholders.
    pub fn fixed(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Segment::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Returns the names that must be known, dotted where the expression reads a part:
    /// `flow.number`.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.placeholders().flat_map(|(e, _)| e.names()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Returns the expressions, each with the location of its placeholder in the source.
    pub fn placeholders(&self) -> impl Iterator<Item = (&Expression, Range<usize>)> {
        self.parts.iter().filter_map(|part| match part {
            Segment::Text(_) => None,
            Segment::Value { expression, range } => Some((expression, range.clone())),
        })
    }

    /// Renders the text with its values.
    ///
    /// # Errors
    /// If a name has no value, an expression cannot be computed, or the text is longer than
    /// [`TEXT_LIMIT_BYTES`] with its values.
    pub fn render(&self, scope: &Scope) -> Result<String, RenderError> {
        self.render_with(scope, |value| Cow::Borrowed(value))
    }

    /// Renders the text with its values, each converted by `map`, for example escaped for a regular
    /// expression. Text outside of placeholders is not converted.
    ///
    /// # Errors
    /// As for [`Template::render`].
    pub fn render_with(
        &self,
        scope: &Scope,
        map: impl for<'a> Fn(&'a str) -> Cow<'a, str>,
    ) -> Result<String, RenderError> {
        let mut out = String::with_capacity(self.source.len());
        for part in &self.parts {
            match part {
                Segment::Text(text) => out.push_str(text),
                Segment::Value { expression, .. } => {
                    let value = expression.text(scope)?;
                    let value = map(&value);
                    if out.len() + value.len() > TEXT_LIMIT_BYTES {
                        return Err(RenderError::TooLong(expression.source.clone()));
                    }
                    out.push_str(&value);
                }
            }
        }
        Ok(out)
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Template({:?})", self.source)
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

/// Returns the length of an expression that a `}` closes, skipping nested braces and quotes.
fn expression_length(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(q) if c == q => quote = None,
            Some(_) => {}
            None => match c {
                '\'' | '"' => quote = Some(c),
                '{' => depth += 1,
                '}' if depth == 0 => return Some(at),
                '}' => depth -= 1,
                _ => {}
            },
        }
    }
    None
}

/// An expression, such as `amount_due | float == total | float`.
pub struct Expression {
    source: String,
    names: Vec<String>,
    form: Form,
}

enum Form {
    /// A bare name, looked up without the expression engine.
    Name,
    Computed(Box<minijinja::Expression<'static, 'static>>),
}

impl Expression {
    /// Parses an expression.
    ///
    /// # Errors
    /// If it is invalid, or uses a filter or a test that does not exist.
    pub fn parse(source: &str) -> Result<Expression, TemplateError> {
        let trimmed = source.trim();
        if trimmed.is_empty() {
            return Err(error(source, "an expression is missing".into(), None));
        }
        if trimmed.len() > EXPRESSION_LIMIT_BYTES {
            let message = format!("this expression is longer than {EXPRESSION_LIMIT_BYTES} bytes");
            return Err(error(
                source,
                message,
                Some("compute it in several variables".into()),
            ));
        }
        if is_name(trimmed) {
            let names = vec![trimmed.to_owned()];
            return Ok(Expression {
                source: trimmed.to_owned(),
                names,
                form: Form::Name,
            });
        }
        let compiled = ENVIRONMENT
            .compile_expression_owned(trimmed.to_owned())
            .map_err(|e| {
                let reason = e.detail().unwrap_or("it cannot be read").to_owned();
                error(source, format!("this is not an expression: {reason}"), None)
            })?;
        if let Some(unknown) = operations::unknown(trimmed) {
            return Err(error(source, unknown.0, unknown.1));
        }
        let mut names: Vec<String> = compiled
            .undeclared_variables(true)
            .into_iter()
            .filter(|name| !FUNCTIONS.contains(&name.as_str()))
            .collect();
        names.sort_unstable();
        let form = Form::Computed(Box::new(compiled));
        Ok(Expression {
            source: trimmed.to_owned(),
            names,
            form,
        })
    }

    /// Returns the source text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Returns `true` if the expression may have a value even if a name in it has none.
    pub fn allows_missing(&self) -> bool {
        let mut words = self
            .source
            .split(|c: char| !c.is_alphanumeric() && c != '_');
        words.any(|word| matches!(word, "default" | "d" | "defined" | "undefined"))
    }

    /// Returns the names that must be known, dotted where the expression reads a part:
    /// `flow.number`.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Evaluates the expression as a condition. Of texts, `true` and `yes` are true; `false`, `no`
    /// and the empty text are false. Of numbers, all but zero are true.
    ///
    /// # Errors
    /// If a name has no value, the expression cannot be computed, or its value is neither true
    /// nor false.
    pub fn is_true(&self, scope: &Scope) -> Result<bool, RenderError> {
        let value = self.value(scope)?;
        match (value.kind(), value.as_str()) {
            (ValueKind::Bool | ValueKind::Number, _) => Ok(value.is_true()),
            (_, Some("true" | "yes")) => Ok(true),
            (_, Some("false" | "no" | "")) => Ok(false),
            (_, Some(text)) => Err(self.error(format!(
                "its value `{text}` is neither true nor false; compare it, as in `{} == '{text}'`",
                self.source
            ))),
            (kind, None) => Err(self.error(format!("its value is {kind}, neither true nor false"))),
        }
    }

    /// Formats the values of the names in the expression, for a message about its failure:
    /// `amount_due = 120.00, total = 125.00`. Not masked.
    pub fn values(&self, scope: &Scope) -> String {
        let mut text = String::new();
        for name in self.names().filter(|name| !scope.is_group(name)) {
            if !text.is_empty() {
                text.push_str(", ");
            }
            text.push_str(name);
            match scope.get(name) {
                Some(value) => {
                    text.push_str(" = ");
                    text.push_str(value);
                }
                None => text.push_str(" has no value"),
            }
        }
        text
    }

    /// Computes the value as a text.
    fn text<'a>(&self, scope: &'a Scope) -> Result<Cow<'a, str>, RenderError> {
        if let Form::Name = self.form {
            return match scope.get(&self.source) {
                Some(value) => Ok(Cow::Borrowed(value)),
                None => Err(self.no_value(&self.source, scope)),
            };
        }
        let value = self.value(scope)?;
        match value.kind() {
            ValueKind::String | ValueKind::Number | ValueKind::Bool => {
                Ok(Cow::Owned(value.to_string()))
            }
            ValueKind::Undefined | ValueKind::None => Err(self.error("it has no value".into())),
            kind => Err(self.error(format!("its value is {kind}, not a text"))),
        }
    }

    fn value(&self, scope: &Scope) -> Result<Value, RenderError> {
        match &self.form {
            Form::Name => match scope.value(&self.source) {
                Some(value) => Ok(value),
                None => Err(self.no_value(&self.source, scope)),
            },
            Form::Computed(compiled) => compiled.eval(scope.context(self.names())).map_err(|e| {
                if e.kind() == ErrorKind::OutOfFuel {
                    return RenderError::TooLong(self.source.clone());
                }
                if e.kind() == ErrorKind::UndefinedError
                    && let Some(name) = self.names().find(|name| scope.get(name).is_none())
                {
                    return self.no_value(name, scope);
                }
                let reason = match e.detail() {
                    Some(detail) => detail.to_owned(),
                    None => e.kind().to_string(),
                };
                self.error(reason)
            }),
        }
    }

    fn no_value(&self, name: &str, scope: &Scope) -> RenderError {
        let reason = match scope.nearest(name) {
            _ if name.starts_with("env.") => format!("`{name}` is not set"),
            Some(near) => format!("`{name}` has no value here (is `{near}` meant?)"),
            None => format!("`{name}` has no value here"),
        };
        if name == self.source {
            RenderError::NotComputed(reason)
        } else {
            self.error(reason)
        }
    }

    fn error(&self, reason: String) -> RenderError {
        RenderError::NotComputed(format!("`{}` cannot be computed: {reason}", self.source))
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expression({:?})", self.source)
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

/// The maximum length of an expression. The expression engine is recursive, so a longer one could
/// exhaust the stack.
const EXPRESSION_LIMIT_BYTES: usize = 1000;

/// Returns `true` if `text` is a bare or a dotted name.
fn is_name(text: &str) -> bool {
    const KEYWORDS: [&str; 12] = [
        "true", "false", "none", "True", "False", "None", "not", "and", "or", "in", "is", "if",
    ];
    !KEYWORDS.contains(&text) && text.split('.').all(is_identifier) && text.split('.').count() <= 2
}

fn error(source: &str, message: String, help: Option<String>) -> TemplateError {
    TemplateError {
        offset: 0,
        length: source.len(),
        message,
        help,
    }
}

#[cfg(test)]
mod tests;
