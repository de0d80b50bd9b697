//! Keys of turns and of the maps within them.

use super::screen::{
    AT, BELOW, CURSOR_AT, FILL, FOR, PASTE, PRESS, RESIZE, RIGHT_OF, ROWS, SCREEN, STILL, TYPE,
};
use super::words::{Shape, Vocabulary, Word, required, word};

// Keys shared by turns, alternatives and interludes.
pub(super) const PROMPT: Word = word(
    "prompt",
    Shape::Pattern,
    "Wait: the unfinished last line contains this.",
);
pub(super) const SEE: Word = word(
    "see",
    Shape::Pattern,
    "Wait: a complete line contains this.",
);
const EXITS: Word = word(
    "exits",
    Shape::ExitCode,
    "Wait: the program exits with this code.",
);
const READS: Word = word(
    "reads",
    Shape::Flag,
    "Wait: `true` for the moment at which the program reads its input; for programs without a \
     prompt.",
);
pub(super) const SEND: Word = word("send", Shape::Template, "Reply: this text and Enter.");
const SECRET: Word = word(
    "secret",
    Shape::Template,
    "Reply: this text and Enter once the terminal's echo is off; the text is masked.",
);
const CHOOSE: Word = word(
    "choose",
    Shape::OneOrList(&Shape::Template),
    "Reply: the key of the one menu row with this label. On a screen, arrow keys to that row, or to \
     each of a list, and Enter.",
);
const PICK_ROW: Word = word(
    "pick",
    Shape::Object(&PICK),
    "Reply: the number of one row of a listing.",
);

const WHICH: [&str; 3] = ["first", "last", "random"];
const SINCE: [&str; 1] = ["step"];

pub static TURN: Vocabulary = Vocabulary {
    what: "a turn",
    name: "turn",
    keys: &[
        PROMPT,
        word(
            "see",
            Shape::OneOrList(&Shape::Pattern),
            "Wait: a complete line contains this.",
        ),
        EXITS,
        READS,
        SCREEN,
        SEND,
        SECRET,
        CHOOSE,
        PICK_ROW,
        PRESS,
        FILL,
        TYPE,
        PASTE,
        word(
            "first_of",
            Shape::ListOf(&Shape::Object(&ALTERNATIVE)),
            "Alternatives, of which the first to match is taken.",
        ),
        word(
            "repeat",
            Shape::Object(&REPEAT),
            "Turns repeated until an expected text appears.",
        ),
        word(
            "think",
            Shape::DurationRange,
            "A pause of the user, excluded from latencies.",
        ),
        word(
            "assert",
            Shape::Expression,
            "A condition that must be true.",
        ),
        word(
            "run",
            Shape::ListOf(&Shape::Template),
            "A plain command; `see` beside it must be in its output.",
        ),
        RESIZE,
        word(
            "name",
            Shape::Text,
            "Measures the turn separately under this name: from the reply before it to the end of \
             its wait.",
        ),
        word("within", Shape::Duration, "The turn's time limit."),
        word(
            "rate",
            Shape::Text,
            "The maximum rate of its replies by all flows together: `1/s`, `30/m`.",
        ),
        word(
            "exclusive",
            Shape::Text,
            "The name of a mutex: one flow at a time, from its reply to the evidence after it, at \
             the turns with this name.",
        ),
        word(
            "overwrite",
            Shape::Flag,
            "Captures of this turn may replace earlier values.",
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

pub static ALTERNATIVE: Vocabulary = Vocabulary {
    what: "an alternative",
    name: "alternative",
    keys: &[
        PROMPT,
        SEE,
        EXITS,
        READS,
        SCREEN,
        SEND,
        SECRET,
        CHOOSE,
        PICK_ROW,
        PRESS,
        FILL,
        TYPE,
        PASTE,
        word(
            "again",
            Shape::Flag,
            "Then wait for one of the alternatives again.",
        ),
        word(
            "fail",
            Shape::Text,
            "Then the step fails with this category.",
        ),
        word("do", Shape::Turns, "Then these turns follow."),
        word(
            "overwrite",
            Shape::Flag,
            "Captures may replace earlier values.",
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

pub static REPEAT: Vocabulary = Vocabulary {
    what: "`repeat`",
    name: "repeat",
    keys: &[
        required("do", Shape::Turns, "The turns of one round."),
        required("until", Shape::Object(&UNTIL), "The text that ends it."),
        required("at_most", Shape::Count(1), "The maximum number of rounds."),
        word("every", Shape::Duration, "A pause between rounds."),
    ],
    later: &[],
    extensible: false,
};

pub static UNTIL: Vocabulary = Vocabulary {
    what: "`until`",
    name: "until",
    keys: &[
        word(
            "prompt",
            Shape::Pattern,
            "The unfinished last line contains this.",
        ),
        word("see", Shape::Pattern, "A complete line contains this."),
        SCREEN,
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

pub static PICK: Vocabulary = Vocabulary {
    what: "`pick`",
    name: "pick",
    keys: &[
        required(
            "row",
            Shape::OneOrList(&Shape::Template),
            "Texts that must all be in the row.",
        ),
        word(
            "count",
            Shape::Pattern,
            "For listings without numbers: a pattern of its rows; the row's position is sent.",
        ),
        word(
            "which",
            Shape::OneOf(&WHICH),
            "The choice among several rows; by default there must be exactly one.",
        ),
        word(
            "since",
            Shape::OneOf(&SINCE),
            "`step`: the row may also stand in what this step has seen before its last reply.",
        ),
    ],
    later: &[],
    extensible: false,
};
