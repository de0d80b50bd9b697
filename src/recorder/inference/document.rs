//! Text of a scenario: roles, actions and turns in a stable layout.

use std::fmt::Write as _;

use super::yaml;

/// Scenario as it is written.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub name: String,
    /// Comment lines at the top.
    pub head: Vec<String>,
    pub variables: Vec<Entry>,
    pub secrets: Vec<String>,
    pub environment: Vec<String>,
    pub roles: Vec<RoleText>,
    pub flow: Vec<StepText>,
    pub unique: Vec<(String, String)>,
    pub agree: Vec<(Vec<String>, String)>,
}

/// Entry of a map, with the comment above it.
#[derive(Debug, Clone, Default)]
pub(super) struct Entry {
    pub key: String,
    /// YAML.
    pub value: String,
    pub comment: String,
}

#[derive(Debug, Default)]
pub(super) struct RoleText {
    pub key: String,
    pub entries: Vec<Entry>,
    pub actions: Vec<ActionText>,
}

#[derive(Debug)]
pub(super) struct ActionText {
    pub name: String,
    pub comment: String,
    pub turns: Vec<TurnText>,
}

/// Turn, or an alternative of one.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct TurnText {
    pub comments: Vec<String>,
    /// Keys with their values in YAML.
    pub entries: Vec<(&'static str, String)>,
    /// The alternatives of a `first_of`.
    pub first_of: Vec<TurnText>,
}

#[derive(Debug)]
pub(super) struct StepText {
    pub name: String,
    pub role: String,
    pub action: String,
    pub provides: Vec<String>,
}

impl TurnText {
    /// Makes a turn of one key with a text.
    pub(super) fn of(key: &'static str, text: &str) -> TurnText {
        TurnText::default().with(key, yaml::scalar(text))
    }

    #[must_use]
    pub(super) fn with(mut self, key: &'static str, value: String) -> TurnText {
        self.entries.push((key, value));
        self
    }

    #[must_use]
    pub(super) fn commented(mut self, comment: &str) -> TurnText {
        self.comments.push(yaml::comment(comment));
        self
    }

    fn write(&self, text: &mut String, indent: usize) {
        let blanks = " ".repeat(indent);
        for comment in self.comments.iter().filter(|it| !it.is_empty()) {
            let _ = writeln!(text, "{blanks}# {comment}");
        }
        if !self.first_of.is_empty() {
            let _ = writeln!(text, "{blanks}- first_of:");
            for alternative in &self.first_of {
                alternative.write(text, indent + 4);
            }
            return;
        }
        for (index, (key, value)) in self.entries.iter().enumerate() {
            let lead = if index == 0 { "- " } else { "  " };
            let _ = writeln!(text, "{blanks}{lead}{key}: {value}");
        }
    }
}

impl RoleText {
    /// Writes the role as an entry of `roles`.
    pub(super) fn write(&self, text: &mut String) {
        let _ = writeln!(text, "  {}:", self.key);
        for entry in &self.entries {
            entry.write(text, 4);
        }
        let _ = writeln!(text, "    actions:");
        if self.actions.is_empty() {
            text.truncate(text.trim_end().len());
            text.push_str(" {}\n");
        }
        for (index, action) in self.actions.iter().enumerate() {
            if index > 0 {
                text.push('\n');
            }
            if !action.comment.is_empty() {
                let _ = writeln!(text, "      # {}", yaml::comment(&action.comment));
            }
            let _ = writeln!(text, "      {}:", action.name);
            for turn in &action.turns {
                turn.write(text, 8);
            }
        }
    }
}

impl Entry {
    pub(super) fn new(key: &str, value: String, comment: &str) -> Entry {
        Entry {
            key: key.to_owned(),
            value,
            comment: yaml::comment(comment),
        }
    }

    pub(super) fn write(&self, text: &mut String, indent: usize) {
        let blanks = " ".repeat(indent);
        if !self.comment.is_empty() {
            let _ = writeln!(text, "{blanks}# {}", self.comment);
        }
        let _ = writeln!(text, "{blanks}{}: {}", self.key, self.value);
    }
}

impl StepText {
    pub(super) fn write(&self, text: &mut String) {
        let provides = if self.provides.is_empty() {
            String::new()
        } else {
            format!(
                ", provides: {}",
                yaml::list(self.provides.iter().map(String::as_str))
            )
        };
        let _ = writeln!(
            text,
            "  - {{step: {}, role: {}, do: {}{provides}}}",
            yaml::scalar(&self.name),
            yaml::scalar(&self.role),
            yaml::scalar(&self.action)
        );
    }
}

impl Document {
    /// Returns the text.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for line in &self.head {
            let _ = writeln!(text, "# {}", yaml::comment(line));
        }
        let _ = writeln!(text, "\nname: {}", yaml::scalar(&self.name));
        if !self.environment.is_empty() {
            text.push_str("\n# The secrets are taken from these environment variables.\n");
            let names = self.environment.iter().map(String::as_str);
            let _ = writeln!(text, "environment: {}", yaml::list(names));
        }
        if !self.variables.is_empty() {
            text.push_str("\nvariables:\n");
            self.variables.iter().for_each(|it| it.write(&mut text, 2));
        }
        if !self.secrets.is_empty() {
            let names = self.secrets.iter().map(String::as_str);
            let _ = writeln!(text, "secrets: {}", yaml::list(names));
        }
        text.push_str("\nroles:\n");
        for (index, role) in self.roles.iter().enumerate() {
            if index > 0 {
                text.push('\n');
            }
            role.write(&mut text);
        }
        text.push_str("\nflow:\n");
        self.flow.iter().for_each(|it| it.write(&mut text));
        self.write_integrity(&mut text);
        text
    }

    fn write_integrity(&self, text: &mut String) {
        if self.unique.is_empty() && self.agree.is_empty() {
            return;
        }
        text.push_str("\nintegrity:\n");
        if !self.unique.is_empty() {
            for (name, why) in &self.unique {
                let _ = writeln!(text, "  # {name}: {}", yaml::comment(why));
            }
            let names = self.unique.iter().map(|(name, _)| name.as_str());
            let _ = writeln!(text, "  unique: {}", yaml::list(names));
        }
        if !self.agree.is_empty() {
            text.push_str("  agree:\n");
            for (names, why) in &self.agree {
                let _ = writeln!(text, "    # {}", yaml::comment(why));
                let _ = writeln!(
                    text,
                    "    - {}",
                    yaml::list(names.iter().map(String::as_str))
                );
            }
        }
    }
}
