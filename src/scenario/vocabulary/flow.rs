//! Keys of steps and of the run around them.

use super::words::{Shape, Vocabulary, Word, required, word};

pub static STEP: Vocabulary = Vocabulary {
    what: "a step",
    name: "step",
    keys: &[
        required("step", Shape::Text, "Its name, which reports show."),
        required("role", Shape::Text, "Who does it."),
        required("do", Shape::Text, "Which action of the role."),
        word(
            "provides",
            Shape::ListOf(&Shape::Text),
            "Captures that must have been made when the step ends.",
        ),
        word(
            "when",
            Shape::Expression,
            "The step is skipped unless this holds.",
        ),
        word("timeout", Shape::Duration, "How long the step may take."),
        word("delay", Shape::Duration, "A pause before the step."),
        word(
            "tolerate",
            Shape::ListOf(&Shape::Text),
            "Categories of the role's `fail_on` that do not fail this step.",
        ),
        word(
            "retry",
            Shape::TextOrObject(&STEP_RETRY),
            "How often it is performed again if it fails: a number, or a map.",
        ),
        word(
            "exclusive",
            Shape::Text,
            "A name: one flow at a time performs the steps that have it.",
        ),
        word(
            "rate",
            Shape::Text,
            "At most so many flows begin it in a time: `1/s`, `30/m`.",
        ),
        word(
            "together",
            Shape::Count(2),
            "So many flows are held before it, and released at once.",
        ),
    ],
    later: &[],
};

pub static STEP_RETRY: Vocabulary = Vocabulary {
    what: "`retry`",
    name: "step_retry",
    keys: &[
        RETRY_TIMES,
        RETRY_ON,
        word(
            "restart",
            Shape::Flag,
            "Whether the role's script is restarted and logged in by the role's first step \
             again; `true` by default. One that has ended is in any case.",
        ),
        RETRY_DELAY,
    ],
    later: &[],
};

pub static FLOW_RETRY: Vocabulary = Vocabulary {
    what: "`retry`",
    name: "flow_retry",
    keys: &[RETRY_TIMES, RETRY_ON, RETRY_DELAY],
    later: &[],
};

const RETRY_TIMES: Word = word(
    "times",
    Shape::Count(1),
    "How often at most, after the first attempt; once by default.",
);

const RETRY_ON: Word = word(
    "on",
    Shape::ListOf(&Shape::Text),
    "After which failures: kinds as `timeout`, `ended_early`, `wrong_exit`, or categories of \
     `fail_on`; by default any that another attempt might mend.",
);

const RETRY_DELAY: Word = word("delay", Shape::Duration, "A pause before each attempt.");

pub static LIFETIME: Vocabulary = Vocabulary {
    what: "`lifetime`",
    name: "lifetime",
    keys: &[required(
        "pool",
        Shape::Count(1),
        "How many instances of the program serve all flows. A flow waits until one is free.",
    )],
    later: &[],
};
