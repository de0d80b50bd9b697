//! The language as a JSON Schema, for editors.

use serde_json::{Map, Value, json};

use super::vocabulary::{self, Shape, Vocabulary};

/// A duration with its unit, as `1m30s`.
const DURATION: &str = r"^\s*([0-9]+\s*[A-Za-z]+\s*)+$";

/// The JSON Schema (draft 2020-12) of a scenario. It knows every key; what a value must be beyond
/// its form (a regular expression that compiles, a name that is known) is for the compiler.
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
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn shape(shape: Shape, definitions: &mut Map<String, Value>) -> Value {
    // A scalar is taken as it is written, so that `007` and `yes` are texts, too.
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
            let keys: Vec<String> = crate::dialogue::Key::all()
                .map(|key| key.to_string())
                .collect();
            json!({ "enum": keys })
        }
        Shape::OneOf(choices) => json!({ "enum": choices }),
        Shape::Object(vocabulary) => {
            if !definitions.contains_key(vocabulary.name) {
                // First a place holder: a turn holds turns.
                definitions.insert(vocabulary.name.into(), Value::Null);
                let definition = object(vocabulary, definitions);
                definitions.insert(vocabulary.name.into(), definition);
            }
            json!({ "$ref": format!("#/$defs/{}", vocabulary.name) })
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
    }
}
