//! The values of one flow, read by templates and expressions.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, OnceLock};

use minijinja::value::Value;

use crate::model::NamedValue;

use super::names;
use super::secrets::Masker;

/// The names whose values are numbers in expressions; all others are texts.
pub(super) const FLOW_NUMBER: &str = "flow.number";
pub(super) const INSTANCE_NUMBER: &str = "instance.number";

/// The values of one flow: variables, captures so far, its rows of data, and facts about the flow
/// and its run. It has one owner at a time and moves with the flow.
///
/// Names are flat: `order_id`, `customers.name`, `flow.number`, `env.HOME`.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    values: BTreeMap<Arc<str>, Arc<str>>,
    captures: Vec<NamedValue>,
    secrets: Arc<[String]>,
    /// Secret texts without a name: texts of `secret` replies, and former values of secret names.
    unnamed_secrets: Vec<String>,
    /// The masker of the current secrets, built when first needed.
    masker: OnceLock<Masker>,
}

/// The error of a capture with a different value than before.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` was `{was}` and is now `{now}`")]
pub struct CaptureChanged {
    pub name: String,
    pub was: String,
    pub now: String,
}

impl Scope {
    /// Creates a scope without values in which these names are secret.
    pub(super) fn new(secrets: Arc<[String]>) -> Self {
        Scope {
            secrets,
            ..Scope::default()
        }
    }

    /// Returns the value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|value| &**value)
    }

    /// Returns a name with its value.
    pub fn entry(&self, name: &str) -> Option<NamedValue> {
        let (name, value) = self.values.get_key_value(name)?;
        Some((Arc::clone(name), Arc::clone(value)))
    }

    /// Sets or replaces the value of a name.
    pub fn set(&mut self, name: impl Into<Arc<str>>, value: impl Into<Arc<str>>) {
        let name = name.into();
        let is_secret = self.is_secret(&name);
        let old = self.values.insert(name, value.into());
        if is_secret {
            self.masker = OnceLock::new();
            let old = old.filter(|old| !old.is_empty());
            self.unnamed_secrets
                .extend(old.map(|old| old.as_ref().to_owned()));
        }
    }

    /// Sets a captured value.
    ///
    /// # Errors
    /// If the name has another value already and `overwrite` is false.
    pub fn capture(
        &mut self,
        (name, now): NamedValue,
        overwrite: bool,
    ) -> Result<(), CaptureChanged> {
        let was = self.values.get(&name);
        if let Some(was) = was
            && *was != now
            && !overwrite
        {
            return Err(CaptureChanged {
                name: name.as_ref().to_owned(),
                was: was.as_ref().to_owned(),
                now: now.as_ref().to_owned(),
            });
        }
        // A name without a value was not captured.
        let known = was.and_then(|_| self.captures.iter_mut().find(|(known, _)| *known == name));
        match known {
            Some((_, value)) => *value = Arc::clone(&now),
            None => self.captures.push((Arc::clone(&name), Arc::clone(&now))),
        }
        self.set(name, now);
        Ok(())
    }

    /// Returns the values as they were `before`, still masking every secret learned since.
    #[must_use]
    pub fn rolled_back(&self, before: &Scope) -> Scope {
        let mut scope = before.clone();
        for secret in self.secret_values() {
            scope.add_secret(secret);
        }
        scope
    }

    /// Returns the captures in the order of the first capture of each name. Not masked.
    pub fn captures(&self) -> &[NamedValue] {
        &self.captures
    }

    /// Returns `true` if the scenario declares this name secret.
    pub fn is_secret(&self, name: &str) -> bool {
        self.secrets.iter().any(|secret| secret == name)
    }

    /// Masks this text from now on.
    pub fn add_secret(&mut self, value: impl Into<String>) {
        let value = value.into();
        if !value.is_empty() && self.secret_values().all(|known| known != value) {
            self.masker = OnceLock::new();
            self.unnamed_secrets.push(value);
        }
    }

    /// Masks these texts from now on.
    pub(super) fn add_secrets(&mut self, mut values: Vec<String>) {
        values.retain(|value| !value.is_empty());
        values.sort_unstable();
        values.dedup();
        self.masker = OnceLock::new();
        self.unnamed_secrets.extend(values);
    }

    /// Returns all texts that are masked now, none of them empty.
    pub fn secret_values(&self) -> impl Iterator<Item = &str> {
        let named = self.secrets.iter().filter_map(|name| self.get(name));
        named
            .chain(self.unnamed_secrets.iter().map(String::as_str))
            .filter(|value| !value.is_empty())
    }

    /// Returns the masker of the current secrets, which does not follow later changes. Cheap.
    pub fn masker(&self) -> Masker {
        self.current_masker().clone()
    }

    fn current_masker(&self) -> &Masker {
        self.masker
            .get_or_init(|| Masker::new(self.secret_values()))
    }

    /// Replaces every secret value in the text by `***`.
    pub fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.current_masker().mask(text)
    }

    /// Returns the most similar name that has a value, for messages.
    pub(super) fn nearest(&self, wrong: &str) -> Option<&str> {
        names::nearest(wrong, self.values.keys().map(|name| &**name))
    }

    /// Returns the value of a name in the form for expressions.
    pub(super) fn value(&self, name: &str) -> Option<Value> {
        let text = self.get(name)?;
        if matches!(name, FLOW_NUMBER | INSTANCE_NUMBER)
            && let Ok(number) = text.parse::<u64>()
        {
            return Some(Value::from(number));
        }
        Some(Value::from(text))
    }

    /// Returns the values that an expression over these names can read.
    pub(super) fn context<'a>(&self, names: impl Iterator<Item = &'a str>) -> Value {
        let mut context: BTreeMap<String, Value> = BTreeMap::new();
        for name in names {
            let root = name.split('.').next().unwrap_or(name);
            if context.contains_key(root) {
                continue;
            }
            let value = self.value(root).or_else(|| self.group(root));
            // A part of a group without values is undefined, which `default` replaces.
            let empty =
                || (root != name).then(|| Value::from_object(BTreeMap::<String, Value>::new()));
            if let Some(value) = value.or_else(empty) {
                context.insert(root.to_owned(), value);
            }
        }
        Value::from_object(context)
    }

    /// Returns `true` if the name refers to several values, as `customers` and `env` do.
    pub(super) fn is_group(&self, name: &str) -> bool {
        self.get(name).is_none() && self.group(name).is_some()
    }

    /// Returns all values whose names begin with `root` and a dot, as one object.
    fn group(&self, root: &str) -> Option<Value> {
        let prefix = format!("{root}.");
        let parts: BTreeMap<String, Value> = self
            .values
            .range::<str, _>((Bound::Included(prefix.as_str()), Bound::Unbounded))
            .map_while(|(name, _)| {
                Some((name.strip_prefix(&prefix)?.to_owned(), self.value(name)?))
            })
            .collect();
        (!parts.is_empty()).then(|| Value::from_object(parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_secrets(secrets: &[&str]) -> Scope {
        let secrets = secrets.iter().map(|&name| name.to_owned()).collect();
        Scope {
            secrets,
            ..Scope::default()
        }
    }

    #[test]
    fn a_capture_keeps_its_value_unless_it_may_change() {
        let mut scope = Scope::default();
        scope
            .capture(("order_id".into(), "ORD-1".into()), false)
            .unwrap();
        scope.capture(("total".into(), "5".into()), false).unwrap();
        scope
            .capture(("order_id".into(), "ORD-1".into()), false)
            .unwrap();
        let error = scope
            .capture(("order_id".into(), "ORD-2".into()), false)
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "`order_id` was `ORD-1` and is now `ORD-2`"
        );
        assert_eq!(scope.get("order_id"), Some("ORD-1"));
        scope
            .capture(("order_id".into(), "ORD-2".into()), true)
            .unwrap();
        let captures: Vec<_> = scope.captures().iter().map(|(n, v)| (&**n, &**v)).collect();
        assert_eq!(captures, [("order_id", "ORD-2"), ("total", "5")]);
    }

    #[test]
    fn a_capture_does_not_silently_change_a_variable() {
        let mut scope = Scope::default();
        scope.set("customer_id", "CUST001");
        assert!(
            scope
                .capture(("customer_id".into(), "CUST002".into()), false)
                .is_err()
        );
        assert!(
            scope
                .capture(("customer_id".into(), "CUST001".into()), false)
                .is_ok()
        );
    }

    #[test]
    fn secrets_are_masked_wherever_their_values_appear() {
        let mut scope = with_secrets(&["password", "pin", "empty"]);
        scope.set("password", "customer123");
        scope.set("empty", "");
        scope.set("name", "Ann");
        assert_eq!(
            scope.mask("Ann: xcustomer123y customer12"),
            "Ann: x***y customer12"
        );
        scope.capture(("pin".into(), "4711".into()), false).unwrap();
        scope.add_secret("hunter2");
        assert_eq!(scope.mask("4711/hunter2"), "***/***");
        assert!(matches!(scope.mask("nothing"), Cow::Borrowed(_)));
    }

    #[test]
    fn the_former_value_of_a_secret_stays_masked() {
        let mut scope = with_secrets(&["token"]);
        scope
            .capture(("token".into(), "first".into()), false)
            .unwrap();
        scope
            .capture(("token".into(), "second".into()), true)
            .unwrap();
        assert_eq!(scope.mask("first second"), "*** ***");
    }

    #[test]
    fn a_scope_can_move_between_threads() {
        fn is_send<T: Send + 'static>() {}
        is_send::<Scope>();
        is_send::<Masker>();
    }
}
