//! JSON Schema of the scenario language, for editors.

use serde_json::{Map, Value, json};

use super::vocabulary::{self, EXTENSION, Shape, Vocabulary};

/// A duration with its unit, as `1m30s`.
const DURATION: &str = r"^\s*([0-9]+\s*[A-Za-z]+\s*)+$";

/// Returns the JSON Schema (draft 2020-12) of a scenario. It has every key and the form of its
/// value; further conditions, such as a valid regular expression or a known name, are the
/// compiler's.
pub fn schema() -> Value {
    let mut definitions = Map::new();
    let root = object(&vocabulary::SCENARIO, &mut definitions);
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Rehearsal scenario",
        "description": "Who takes part, what each of them hears and says, and in what order.",
    });
    for part in [root, json!({ "$defs": definitions })] {
        if let (Value::Object(schema), Value::Object(part)) = (&mut schema, part) {
            schema.extend(part);
        }
    }
    schema
}

fn object(vocabulary: &'static Vocabulary, definitions: &mut Map<String, Value>) -> Value {
    let mut properties = Map::new();
    for word in vocabulary.keys {
        let mut property = shape(word.shape, definitions);
        property["description"] = word.about.into();
        properties.insert(word.name.into(), property);
    }
    let required: Vec<&str> = vocabulary
        .keys
        .iter()
        .filter(|word| word.required)
        .map(|word| word.name)
        .collect();
    let mut object = json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    if vocabulary.extensible {
        object["patternProperties"] = json!({
            (format!("^{EXTENSION}")): { "description": "A place for YAML anchors." },
        });
    }
    object
}

fn shape(shape: Shape, definitions: &mut Map<String, Value>) -> Value {
    // A scalar is kept as written, so `007` and `yes` are texts, too.
    let text = || json!({ "type": ["string", "number", "boolean"] });
    match shape {
        Shape::Text | Shape::Template | Shape::Expression => text(),
        Shape::Pattern => {
            let mut pattern = text();
            pattern["$comment"] = "literal text, or a regular expression /between slashes/".into();
            pattern
        }
        Shape::Duration => json!({ "type": "string", "pattern": DURATION }),
        Shape::DurationRange => json!({
            "type": "string",
            "pattern": r"^\s*([0-9]+\s*[A-Za-z]+\s*)+(\.\.\s*([0-9]+\s*[A-Za-z]+\s*)+)?$",
        }),
        Shape::Count(least) => json!({ "type": "integer", "minimum": least }),
        Shape::ExitCode => json!({ "type": "integer", "minimum": 0, "maximum": 255 }),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Size => json!({ "type": "string", "pattern": "^[0-9]+x[0-9]+$" }),
        Shape::Key => {
            let all = crate::terminal::Key::all();
            let single = all.filter(|key| !matches!(key, crate::terminal::Key::Held(..)));
            let keys: Vec<String> = single.map(|key| key.to_string()).collect();
            let held = json!({
                "type": "string",
                "pattern": "^((ctrl|alt|shift)-){1,3}(up|down|left|right|home|end|page-up\
                    |page-down|insert|delete|enter|tab|space|backspace|escape\
                    |f([1-9]|1[0-2])|[!-~])$",
            });
            let character = json!({ "type": "string", "pattern": r"^\S$" });
            let digit = json!({ "type": "integer", "minimum": 0, "maximum": 9 });
            json!({ "anyOf": [{ "enum": keys }, held, character, digit] })
        }
        Shape::RowRange => json!({
            "type": ["string", "integer"],
            "pattern": r"^\s*[0-9]+\s*(\.\.\s*[0-9]+\s*)?$",
        }),
        Shape::OneOf(choices) => json!({ "enum": choices }),
        Shape::Object(vocabulary) => {
            if !definitions.contains_key(vocabulary.name) {
                // First a placeholder, as turns contain turns.
                definitions.insert(vocabulary.name.into(), Value::Null);
                let definition = object(vocabulary, definitions);
                definitions.insert(vocabulary.name.into(), definition);
            }
            json!({ "$ref": format!("#/$defs/{}", vocabulary.name) })
        }
        Shape::TextOrObject(vocabulary) => {
            let object = self::shape(Shape::Object(vocabulary), definitions);
            json!({ "anyOf": [text(), object] })
        }
        Shape::Turns => {
            let turn = self::shape(Shape::Object(&vocabulary::TURN), definitions);
            json!({ "type": "array", "items": turn, "minItems": 1 })
        }
        Shape::ListOf(element) => {
            json!({ "type": "array", "items": self::shape(*element, definitions) })
        }
        Shape::MapOf(value) => {
            json!({ "type": "object", "additionalProperties": self::shape(*value, definitions) })
        }
        Shape::OneOrList(one) => {
            let one = self::shape(*one, definitions);
            json!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
        }
        Shape::Either(one, other) => {
            let either = [one, other].map(|it| self::shape(*it, definitions));
            json!({ "anyOf": either })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::super::compile::{CompileOptions, compile};
    use super::super::vocabulary::{SCENARIO, TURN};
    use super::*;

    /// Returns every vocabulary that can be reached from the scenario's.
    fn vocabularies() -> Vec<&'static Vocabulary> {
        fn reach(vocabulary: &'static Vocabulary, found: &mut Vec<&'static Vocabulary>) {
            if found.iter().any(|known| known.name == vocabulary.name) {
                return;
            }
            found.push(vocabulary);
            vocabulary
                .keys
                .iter()
                .for_each(|word| reach_shape(word.shape, found));
        }
        fn reach_shape(shape: Shape, found: &mut Vec<&'static Vocabulary>) {
            match shape {
                Shape::Object(vocabulary) | Shape::TextOrObject(vocabulary) => {
                    reach(vocabulary, found);
                }
                Shape::Turns => reach(&TURN, found),
                Shape::ListOf(inner) | Shape::MapOf(inner) | Shape::OneOrList(inner) => {
                    reach_shape(*inner, found);
                }
                Shape::Either(one, other) => {
                    for it in [one, other] {
                        reach_shape(*it, found);
                    }
                }
                _ => {}
            }
        }
        let mut found = Vec::new();
        reach(&SCENARIO, &mut found);
        found
    }

    fn properties(schema: &Value) -> BTreeSet<&str> {
        schema["properties"]
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect()
    }

    #[test]
    fn it_has_every_key_and_no_other() {
        let schema = schema();
        let vocabularies = vocabularies();
        assert_eq!(
            vocabularies.len() - 1,
            schema["$defs"].as_object().unwrap().len()
        );
        for vocabulary in vocabularies {
            let object = match vocabulary.name {
                "scenario" => &schema,
                name => &schema["$defs"][name],
            };
            assert_eq!(
                properties(object),
                vocabulary.names().collect(),
                "{}",
                vocabulary.name
            );
            assert_eq!(object["additionalProperties"], false);
            for (name, property) in object["properties"].as_object().unwrap() {
                assert!(
                    property["description"].is_string(),
                    "{}.{name}",
                    vocabulary.name
                );
            }
        }
    }

    /// Checks a value against the schema, implementing as much of JSON Schema as the schema uses.
    fn conforms(value: &Value, schema: &Value, root: &Value) -> Result<(), String> {
        let fail = |reason: String| Err(format!("{value}: {reason}"));
        if let Some(reference) = schema["$ref"].as_str() {
            let definition = root
                .pointer(reference.trim_start_matches('#'))
                .ok_or("no such $ref")?;
            return conforms(value, definition, root);
        }
        if let Some(any) = schema["anyOf"].as_array() {
            return match any
                .iter()
                .any(|schema| conforms(value, schema, root).is_ok())
            {
                true => Ok(()),
                false => fail("none of anyOf".into()),
            };
        }
        if let Some(choices) = schema["enum"].as_array() {
            return if choices.contains(value) {
                Ok(())
            } else {
                fail("not in enum".into())
            };
        }
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_u64() => "integer",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let allowed: Vec<&str> = match &schema["type"] {
            Value::String(one) => vec![one],
            Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
            _ => return fail("the schema has no type".into()),
        };
        let fits = allowed.contains(&kind) || (kind == "integer" && allowed.contains(&"number"));
        if !fits {
            return fail(format!("not one of {allowed:?}"));
        }
        if let (Some(text), Some(pattern)) = (value.as_str(), schema["pattern"].as_str())
            && !regex::Regex::new(pattern).unwrap().is_match(text)
        {
            return fail(format!("does not match {pattern}"));
        }
        for element in value.as_array().into_iter().flatten() {
            conforms(element, &schema["items"], root)?;
        }
        for (name, value) in value.as_object().into_iter().flatten() {
            match (&schema["properties"][name], &schema["additionalProperties"]) {
                (Value::Null, Value::Object(_)) => {
                    conforms(value, &schema["additionalProperties"], root)?;
                }
                (Value::Null, _) => return fail(format!("has the unknown key {name}")),
                (property, _) => conforms(value, property, root)?,
            }
        }
        for required in schema["required"].as_array().into_iter().flatten() {
            if value.get(required.as_str().unwrap_or_default()).is_none() {
                return fail(format!("has no {required}"));
            }
        }
        Ok(())
    }

    #[test]
    fn accepted_scenarios_conform() {
        let source = include_str!("../../tests/scenarios/every-turn.yaml");
        let directory = Some(Path::new("tests/scenarios"));
        let options = CompileOptions {
            directory,
            ..CompileOptions::default()
        };
        assert!(compile(source, None, options).is_ok());
        let value: Value = serde_saphyr::from_str(source).unwrap();
        let schema = schema();
        conforms(&value, &schema, &schema).unwrap();
    }

    #[test]
    fn misspelt_keys_do_not_conform() {
        let value: Value = serde_saphyr::from_str(
            "{roles: {a: {run: [p], actions: {x: [{promt: y}]}}}, flow: []}",
        )
        .unwrap();
        let schema = schema();
        assert!(
            conforms(&value, &schema, &schema)
                .unwrap_err()
                .contains("promt")
        );
    }
}
