//! Words of the scenario language: keys, and the shapes of their values.

/// The keys of one kind of map.
#[derive(Debug)]
pub struct Vocabulary {
    /// The kind of map, for messages: "a role".
    pub what: &'static str,
    /// Its name in the schema.
    pub name: &'static str,
    pub keys: &'static [Word],
    /// Keys that are reserved for a later version, and refused.
    pub later: &'static [&'static str],
    /// True if it may have keys that begin with [`EXTENSION`].
    pub extensible: bool,
}

/// The beginning of the names of extensions.
pub const EXTENSION: &str = "x-";

/// One key.
#[derive(Debug)]
pub struct Word {
    pub name: &'static str,
    pub about: &'static str,
    pub shape: Shape,
    pub required: bool,
}

/// The shape of a key's value.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// Any scalar, as written.
    Text,
    Template,
    /// A literal text, or a regular expression between slashes.
    Pattern,
    Expression,
    Duration,
    /// A duration or two with `..` between them.
    DurationRange,
    /// A whole number of at least this.
    Count(u64),
    ExitCode,
    Flag,
    /// `50x200`
    Size,
    /// `3..10`, or one row.
    RowRange,
    Key,
    OneOf(&'static [&'static str]),
    Object(&'static Vocabulary),
    /// A map, or the text of its first key only.
    TextOrObject(&'static Vocabulary),
    ListOf(&'static Shape),
    /// A map with arbitrary keys.
    MapOf(&'static Shape),
    /// One or a list.
    OneOrList(&'static Shape),
    Either(&'static Shape, &'static Shape),
    /// A list of turns, which may contain turns.
    Turns,
}

impl Vocabulary {
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().map(|word| word.name)
    }

    pub fn knows(&self, name: &str) -> bool {
        self.keys.iter().any(|word| word.name == name)
    }

    /// Returns `true` if the key is an extension, whose value has no meaning of its own: a place
    /// for YAML anchors.
    pub fn ignores(&self, name: &str) -> bool {
        self.extensible && name.starts_with(EXTENSION)
    }

    /// Returns `true` if the key is reserved for a later version.
    pub fn comes_later(&self, name: &str) -> bool {
        self.later.contains(&name)
    }
}

pub(super) const fn word(name: &'static str, shape: Shape, about: &'static str) -> Word {
    Word {
        name,
        about,
        shape,
        required: false,
    }
}

pub(super) const fn required(name: &'static str, shape: Shape, about: &'static str) -> Word {
    Word {
        name,
        about,
        shape,
        required: true,
    }
}
