//! The expression engine's environment: its filters and functions.

use std::sync::LazyLock;

use minijinja::value::Value;
use minijinja::{Environment, ErrorKind, UndefinedBehavior};

/// The functions that an expression may call.
pub(super) const FUNCTIONS: [&str; 2] = ["range", "dict"];

/// The expression engine, immutable and therefore shared by all threads.
pub(super) static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.remove_global("debug");
    environment.remove_global("namespace");
    environment.add_filter("pad", pad);
    environment.set_fuel(Some(FUEL));
    environment
});

/// The limit on what one expression may do and produce on its way to its value. In the unit of the
/// expression engine: an instruction, or 64 bytes.
const FUEL: u64 = 16 * 1024 * 1024 / 64;

/// The maximum width of `pad`; more is taken for a mistake.
const PAD_LIMIT: usize = 4096;

/// Pads a number or a text with zeros from the left, after a minus sign.
fn pad(value: &Value, width: usize) -> Result<String, minijinja::Error> {
    if width > PAD_LIMIT {
        return Err(minijinja::Error::new(
            ErrorKind::InvalidOperation,
            format!("`pad({width})` is wider than {PAD_LIMIT}"),
        ));
    }
    let text = value.to_string();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.as_str()),
    };
    let missing = width.saturating_sub(text.chars().count());
    Ok(format!("{sign}{}{digits}", "0".repeat(missing)))
}
