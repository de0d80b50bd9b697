//! Keys of steps and of the run around them.

use super::words::{Shape, Vocabulary, Word, required, word};

pub static STEP: Vocabulary = Vocabulary {
    what: "a step",
    name: "step",
    keys: &[
        required("step", Shape::Text, "The name in reports."),
        required("role", Shape::Text, "The role that performs it."),
        required("do", Shape::Text, "The action of the role."),
        word(
            "provides",
            Shape::ListOf(&Shape::Text),
            "Captures that the step must make.",
        ),
        word(
            "when",
            Shape::Expression,
            "The step is skipped unless this is true.",
        ),
        word("timeout", Shape::Duration, "The time limit of the step."),
        word("delay", Shape::Duration, "A pause before the step."),
        word(
            "tolerate",
            Shape::ListOf(&Shape::Text),
            "Categories of the role's `fail_on` that do not fail this step.",
        ),
        word(
            "retry",
            Shape::TextOrObject(&STEP_RETRY),
            "The number of retries after a failure, or a map.",
        ),
        word(
            "exclusive",
            Shape::Text,
            "The name of a mutex: one flow at a time performs the steps with this name.",
        ),
        word(
            "rate",
            Shape::Text,
            "The maximum rate of its starts: `1/s`, `30/m`.",
        ),
        word(
            "together",
            Shape::Count(2),
            "This many flows are held before it, and released at once.",
        ),
    ],
    later: &[],
    extensible: false,
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
            "Restart the role's script and log it in by the role's first step; `true` by default. \
             A script that has exited is restarted in any case.",
        ),
        RETRY_DELAY,
    ],
    later: &[],
    extensible: false,
};

pub static FLOW_RETRY: Vocabulary = Vocabulary {
    what: "`retry`",
    name: "flow_retry",
    keys: &[RETRY_TIMES, RETRY_ON, RETRY_DELAY],
    later: &[],
    extensible: false,
};

const RETRY_TIMES: Word = word(
    "times",
    Shape::Count(1),
    "The maximum number of further attempts; 1 by default.",
);

const RETRY_ON: Word = word(
    "on",
    Shape::ListOf(&Shape::Text),
    "The failures that are retried: kinds such as `timeout`, `ended_early`, `wrong_exit`, or \
     categories of `fail_on`; by default all that another attempt might fix.",
);

const RETRY_DELAY: Word = word("delay", Shape::Duration, "A pause before each attempt.");

pub static LIFETIME: Vocabulary = Vocabulary {
    what: "`lifetime`",
    name: "lifetime",
    keys: &[required(
        "pool",
        Shape::Count(1),
        "The number of the program's instances, which serve all flows. A flow waits for a free one.",
    )],
    later: &[],
    extensible: false,
};
