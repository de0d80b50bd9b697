//! Scenarios built in Rust: roles, turns and steps as values.
//!
//! A builder writes a scenario document, which is compiled like a file: the same checks, the same
//! messages, with places in the document that [`ScenarioBuilder::document`] returns.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::scenario::Diagnostics;

use super::Scenario;

/// An unfinished scenario, to be completed by [`ScenarioBuilder::build`].
#[derive(Debug, Clone)]
pub struct ScenarioBuilder {
    keys: Map<String, Value>,
    roles: Map<String, Value>,
    flow: Vec<Value>,
    directory: Option<PathBuf>,
}

impl ScenarioBuilder {
    pub(super) fn new(name: &str) -> Self {
        let mut keys = Map::new();
        keys.insert("name".into(), name.into());
        ScenarioBuilder {
            keys,
            roles: Map::new(),
            flow: Vec::new(),
            directory: None,
        }
    }

    /// Adds a role.
    #[must_use]
    pub fn role(mut self, role: Role) -> Self {
        let mut keys = role.keys;
        keys.insert("actions".into(), Value::Object(role.actions));
        self.roles.insert(role.name, Value::Object(keys));
        self
    }

    /// Appends a step to the flow.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.flow.push(Value::Object(step.keys));
        self
    }

    /// Defines a variable, which templates read as `${name}`.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.object("variables").insert(name.into(), value.into());
        self
    }

    /// Defines a variable whose value is masked in all output and files.
    #[must_use]
    pub fn secret(self, name: &str, value: &str) -> Self {
        let mut builder = self.variable(name, value);
        let secrets = builder
            .keys
            .entry("secrets")
            .or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(names) = secrets {
            names.push(name.into());
        }
        builder
    }

    /// Sets any other top-level key of the scenario language, such as `integrity` or `defaults`.
    #[must_use]
    pub fn key(mut self, name: &str, value: Value) -> Self {
        self.keys.insert(name.into(), value);
        self
    }

    /// Sets the directory in which programs and data files are found; the current directory if
    /// unset.
    #[must_use]
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Returns the scenario document: JSON, and therefore YAML.
    pub fn document(&self) -> String {
        let mut keys = self.keys.clone();
        keys.insert("roles".into(), Value::Object(self.roles.clone()));
        keys.insert("flow".into(), Value::Array(self.flow.clone()));
        format!("{:#}", Value::Object(keys))
    }

    /// Compiles the scenario.
    ///
    /// # Errors
    /// All problems, with places in [`ScenarioBuilder::document`].
    pub fn build(self) -> Result<Scenario, Diagnostics> {
        Scenario::compile(&self.document(), None, self.directory)
    }

    fn object(&mut self, name: &str) -> &mut Map<String, Value> {
        object(&mut self.keys, name)
    }
}

/// A role in the scenario, and the program that plays it.
///
/// ```
/// use rehearsal::{Role, Turn};
///
/// let clerk = Role::new("clerk", ["./orders", "--clerk"])
///     .menu("Select operation")
///     .fail_on("authentication_failed", "Invalid credentials")
///     .action("log_in", [
///         Turn::prompt("User:").send("ann"),
///         Turn::prompt("Password:").secret("${password}"),
///         Turn::see("Welcome"),
///     ])
///     .action("leave", [Turn::choose("Quit"), Turn::exits(0)]);
/// ```
#[derive(Debug, Clone)]
pub struct Role {
    name: String,
    keys: Map<String, Value>,
    actions: Map<String, Value>,
}

impl Role {
    /// Creates a role with its command line: the program and its arguments.
    pub fn new<W: Into<String>>(name: &str, run: impl IntoIterator<Item = W>) -> Self {
        let mut keys = Map::new();
        keys.insert("run".into(), words(run));
        Role {
            name: name.to_owned(),
            keys,
            actions: Map::new(),
        }
    }

    /// Adds an action: a named list of turns. One called `leave` runs when the flow ends well.
    #[must_use]
    pub fn action(mut self, name: &str, turns: impl IntoIterator<Item = Turn>) -> Self {
        self.actions.insert(name.into(), Turn::list(turns));
        self
    }

    /// Sets the prompt of the program's menu, for [`Turn::choose`] and [`Turn::pick`].
    #[must_use]
    pub fn menu(self, prompt: &str) -> Self {
        self.key("menu", json!({ "prompt": prompt }))
    }

    /// Names a failure and the text by which the program reports it.
    #[must_use]
    pub fn fail_on(mut self, category: &str, text: &str) -> Self {
        object(&mut self.keys, "fail_on").insert(category.into(), text.into());
        self
    }

    /// Sets a variable of the program's environment.
    #[must_use]
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        object(&mut self.keys, "environment").insert(name.into(), value.into());
        self
    }

    /// Runs the program on pipes instead of a terminal.
    #[must_use]
    pub fn on_pipes(self) -> Self {
        self.key("terminal", "pipes".into())
    }

    /// Gives the program a screen of this size: for programs that draw.
    #[must_use]
    pub fn screen(self, rows: u16, columns: u16) -> Self {
        self.key("screen", format!("{rows}x{columns}").into())
    }

    /// Sets any other key of roles in the scenario language.
    #[must_use]
    pub fn key(mut self, name: &str, value: Value) -> Self {
        self.keys.insert(name.into(), value);
        self
    }
}

/// One wait and at most one reply.
///
/// Texts are literal; a text between slashes is a regular expression, whose named groups become
/// values of the flow. `${name}` is replaced by a value.
///
/// ```
/// use rehearsal::Turn;
/// use std::time::Duration;
///
/// let turns = [
///     Turn::prompt("Quantity:").send("7").within(Duration::from_secs(2)),
///     Turn::first_of([
///         Turn::prompt("Confirm (y/n)").send("y").key("again", true.into()),
///         Turn::see(r"/Order (?<order_id>ORD-\d+) saved/"),
///     ]),
/// ];
/// # let _ = turns;
/// ```
///
/// In a role with a screen:
///
/// ```
/// use rehearsal::{Role, Turn};
///
/// let clerk = Role::new("clerk", ["./orders"]).screen(24, 80).action("enter", [
///     Turn::screen("ORDER ENTRY")
///         .fill("CUSTOMER:", "${customer_id}")
///         .fill("QUANTITY:", "7")
///         .press("f3"),
///     Turn::screen(r"/SAVED AS (?<order_id>ORD-\d+)/").key("below", "STATUS".into()),
/// ]);
/// # let _ = clerk;
/// ```
#[derive(Debug, Clone)]
pub struct Turn(Map<String, Value>);

impl Turn {
    fn of(name: &str, value: Value) -> Self {
        Turn(Map::new()).key(name, value)
    }

    fn list(turns: impl IntoIterator<Item = Turn>) -> Value {
        let turns = turns.into_iter().map(|turn| Value::Object(turn.0));
        Value::Array(turns.collect())
    }

    /// Waits until the unfinished last line contains this text.
    pub fn prompt(text: &str) -> Self {
        Turn::of("prompt", text.into())
    }

    /// Waits for a complete line that contains this text.
    pub fn see(text: &str) -> Self {
        Turn::of("see", text.into())
    }

    /// Waits until the screen of the role shows this text.
    pub fn screen(text: &str) -> Self {
        Turn::of("screen", text.into())
    }

    /// Waits until this text is not on the screen any more.
    pub fn gone(text: &str) -> Self {
        Turn::of("screen", json!({ "gone": text }))
    }

    /// Gives the program's terminal another size.
    pub fn resize(rows: u16, columns: u16) -> Self {
        Turn::of("resize", format!("{rows}x{columns}").into())
    }

    /// Waits for the program to exit with this code.
    pub fn exits(code: u8) -> Self {
        Turn::of("exits", code.into())
    }

    /// Waits for the role's menu and sends the key of the one row with this label.
    pub fn choose(label: &str) -> Self {
        Turn::of("choose", label.into())
    }

    /// Waits for the role's menu prompt and sends the number of the one row with all these texts.
    pub fn pick<W: Into<String>>(texts: impl IntoIterator<Item = W>) -> Self {
        Turn::of("pick", json!({ "row": words(texts) }))
    }

    /// Waits for the first of several turns that matches.
    pub fn first_of(alternatives: impl IntoIterator<Item = Turn>) -> Self {
        Turn::of("first_of", Turn::list(alternatives))
    }

    /// Replies with this text and Enter.
    #[must_use]
    pub fn send(self, text: &str) -> Self {
        self.key("send", text.into())
    }

    /// Replies with this text and Enter once the terminal's echo is off; the text is masked.
    #[must_use]
    pub fn secret(self, text: &str) -> Self {
        self.key("secret", text.into())
    }

    /// Types this text without Enter.
    #[must_use]
    pub fn type_text(self, text: &str) -> Self {
        self.key("type", text.into())
    }

    /// Fills the field behind a label on the screen, after those of earlier calls.
    #[must_use]
    pub fn fill(mut self, label: &str, value: &str) -> Self {
        let fields = self.0.entry("fill").or_insert_with(|| json!([]));
        if let Value::Array(fields) = fields {
            // A list, as the keys of a map are sorted.
            fields.push(json!({ label: value }));
        }
        self
    }

    /// Presses these keys, one after the other.
    #[must_use]
    pub fn press_all<K: Into<String>>(self, keys: impl IntoIterator<Item = K>) -> Self {
        self.key("press", words(keys))
    }

    /// Presses a named key, such as `enter`, `escape` or `ctrl-c`.
    #[must_use]
    pub fn press(self, key: &str) -> Self {
        self.key("press", key.into())
    }

    /// Sets the turn's own deadline.
    #[must_use]
    pub fn within(self, limit: Duration) -> Self {
        self.key("within", duration(limit))
    }

    /// Sets any other key of turns in the scenario language.
    #[must_use]
    pub fn key(mut self, name: &str, value: Value) -> Self {
        self.0.insert(name.into(), value);
        self
    }
}

/// An action at its place in the flow.
///
/// ```
/// use rehearsal::Step;
///
/// let step = Step::new("2_place_order", "clerk", "place_order").provides(["order_id"]);
/// # let _ = step;
/// ```
#[derive(Debug, Clone)]
pub struct Step {
    keys: Map<String, Value>,
}

impl Step {
    /// Creates a step in which `role` performs `action`.
    pub fn new(name: &str, role: &str, action: &str) -> Self {
        let mut keys = Map::new();
        keys.insert("step".into(), name.into());
        keys.insert("role".into(), role.into());
        keys.insert("do".into(), action.into());
        Step { keys }
    }

    /// Names the values that the step must provide to succeed.
    #[must_use]
    pub fn provides<W: Into<String>>(self, names: impl IntoIterator<Item = W>) -> Self {
        self.key("provides", words(names))
    }

    /// Sets the step's deadline.
    #[must_use]
    pub fn timeout(self, limit: Duration) -> Self {
        self.key("timeout", duration(limit))
    }

    /// Retries the step after a failure, up to `times` times.
    #[must_use]
    pub fn retry(self, times: u32) -> Self {
        self.key("retry", times.into())
    }

    /// Sets any other key of steps in the scenario language.
    #[must_use]
    pub fn key(mut self, name: &str, value: Value) -> Self {
        self.keys.insert(name.into(), value);
        self
    }
}

fn words<W: Into<String>>(texts: impl IntoIterator<Item = W>) -> Value {
    texts
        .into_iter()
        .map(|text| Value::String(text.into()))
        .collect()
}

fn duration(length: Duration) -> Value {
    humantime::format_duration(length).to_string().into()
}

/// Returns the map under a key, replacing any other value there by an empty map.
fn object<'m>(keys: &'m mut Map<String, Value>, name: &str) -> &'m mut Map<String, Value> {
    let value = keys.entry(name).or_insert(Value::Null);
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut().expect("made an object above")
}
