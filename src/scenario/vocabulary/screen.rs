//! Keys for screens: conditions on what a screen shows, keys to press, fields to fill.

use super::words::{Shape, Vocabulary, Word, required, word};

/// Keys of a condition that may stand beside `screen`, and within it.
pub const SCREEN_CONDITIONS: [&str; 7] = [
    AT.name,
    ROWS.name,
    BELOW.name,
    RIGHT_OF.name,
    CURSOR_AT.name,
    FOR.name,
    STILL.name,
];

// Keys shared by turns, alternatives, interludes, `until` and `menu`.
pub(super) const SCREEN: Word = word(
    "screen",
    Shape::TextOrObject(&SCREEN_WAIT),
    "Wait: the screen shows this, drawn since the last reply; or a map.",
);
pub(super) const AT: Word = word(
    "at",
    Shape::Object(&CELL),
    "Beside `screen`: the cell at which the text begins.",
);
pub(super) const ROWS: Word = word(
    "rows",
    Shape::RowRange,
    "Beside `screen`: the rows in which the text is, such as `20..24`, from 1.",
);
pub(super) const BELOW: Word = word(
    "below",
    Shape::Pattern,
    "Beside `screen`: the text is in a row below this one.",
);
pub(super) const RIGHT_OF: Word = word(
    "right_of",
    Shape::Pattern,
    "Beside `screen`: the text is behind this one in its row.",
);
pub(super) const CURSOR_AT: Word = word(
    "cursor",
    Shape::Object(&CURSOR),
    "Beside `screen`: the place of the cursor.",
);
pub(super) const FOR: Word = word(
    "for",
    Shape::Duration,
    "Beside `screen`: the time for which the condition has to hold.",
);
pub(super) const STILL: Word = word(
    "still",
    Shape::Flag,
    "Beside `screen`: what was there before the last reply counts, too.",
);
pub(super) const FILL: Word = word(
    "fill",
    Shape::OneOrList(&FIELDS),
    "Reply on a screen: values for the fields behind these labels, each checked on the screen.",
);
pub(super) const TYPE: Word = word("type", Shape::Template, "Reply: this text, without Enter.");
pub(super) const PASTE: Word = word(
    "paste",
    Shape::Template,
    "Reply: this text, as a terminal pastes it, without Enter.",
);
static FIELDS: Shape = Shape::MapOf(&TEXT_OR_FIELD_VALUE);
static TEXT_OR_FIELD_VALUE: Shape = Shape::Either(&Shape::Template, &TRANSFORMED_VALUE);
static TRANSFORMED_VALUE: Shape = Shape::Object(&FIELD_VALUE);
static KEY_OR_PRESS: Shape = Shape::Either(&Shape::Key, &REPEATED_KEY);
static REPEATED_KEY: Shape = Shape::Object(&KEY_PRESS);
pub(super) const PRESS: Word = word(
    "press",
    Shape::OneOrList(&KEY_OR_PRESS),
    "Reply: a key, or a list: `[tab, tab, f3]`, `{key: down, times: 3}`.",
);
pub(super) const RESIZE: Word = word(
    "resize",
    Shape::Size,
    "Gives the program's terminal another size, in rows and columns.",
);

pub static SCREEN_WAIT: Vocabulary = Vocabulary {
    what: "`screen`",
    name: "screen",
    keys: &[
        word("text", Shape::Pattern, "The text that the screen shows."),
        word(
            "gone",
            Shape::Pattern,
            "The text that was on the screen and is not any more.",
        ),
        AT,
        ROWS,
        BELOW,
        RIGHT_OF,
        CURSOR_AT,
        FOR,
        STILL,
    ],
    later: &[],
    extensible: false,
};

pub static CELL: Vocabulary = Vocabulary {
    what: "a cell",
    name: "cell",
    keys: &[
        required("row", Shape::Count(1), "Its row, from 1 at the top."),
        required("column", Shape::Count(1), "Its column, from 1 at the left."),
    ],
    later: &[],
    extensible: false,
};

pub static CURSOR: Vocabulary = Vocabulary {
    what: "`cursor`",
    name: "cursor",
    keys: &[
        word(
            "right_of",
            Shape::Pattern,
            "It is in the row of this text, behind it.",
        ),
        word("below", Shape::Pattern, "It is in a row below this text."),
        word("row", Shape::Count(1), "Its row, from 1 at the top."),
        word("column", Shape::Count(1), "Its column, from 1 at the left."),
    ],
    later: &[],
    extensible: false,
};

pub static FIELD_VALUE: Vocabulary = Vocabulary {
    what: "the value of a field",
    name: "field_value",
    keys: &[
        required("type", Shape::Template, "The text to type."),
        word(
            "shows",
            Shape::Template,
            "All that the field shows then, such as a date with its slashes; empty if it shows nothing.",
        ),
    ],
    later: &[],
    extensible: false,
};

pub static KEY_PRESS: Vocabulary = Vocabulary {
    what: "a key press",
    name: "key_press",
    keys: &[
        required("key", Shape::Key, "The key."),
        word(
            "times",
            Shape::Count(1),
            "The number of times; 1 by default.",
        ),
    ],
    later: &[],
    extensible: false,
};
