//! Values with names.

use std::sync::Arc;

/// A value and its name, such as a capture. Cheap to clone, as events, records and reporters share
/// it.
pub type NamedValue = (Arc<str>, Arc<str>);

/// Named values as a map from name to value, ordered by name; of several values of one name, the
/// last.
pub(super) mod as_map {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize as _, Serializer};

    use super::NamedValue;

    pub fn serialize<S: Serializer>(
        values: &[NamedValue],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let by_name: BTreeMap<_, _> = values.iter().map(|(name, value)| (name, value)).collect();
        by_name.serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<NamedValue>, D::Error> {
        let by_name = BTreeMap::<Arc<str>, Arc<str>>::deserialize(deserializer)?;
        Ok(by_name.into_iter().collect())
    }
}
