//! Named values and their serialized form.
//!
//! Named values are serialized as a map from name to value, ordered by name; the last of several
//! values of one name wins. For use as `#[serde(with = "value")]`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize as _, Serializer};

/// A value and its name, such as a capture. Cheap to clone, as events, records and reporters share
/// it.
pub type NamedValue = (Arc<str>, Arc<str>);

pub(super) fn serialize<S: Serializer>(
    values: &[NamedValue],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    by_name(values).serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<NamedValue>, D::Error> {
    let by_name = BTreeMap::<Arc<str>, Arc<str>>::deserialize(deserializer)?;
    Ok(by_name.into_iter().collect())
}

/// The serialized map.
pub(super) fn by_name(values: &[NamedValue]) -> BTreeMap<&str, &str> {
    let pairs = values.iter().map(|(name, value)| (&**name, &**value));
    pairs.collect()
}
