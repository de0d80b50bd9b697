//! Vocabulary of the scenario language: every key with its description. The compiler and the schema
//! for editors are both derived from it, so they cannot differ.

mod flow;
mod turns;
mod words;

pub(super) use flow::{FLOW_RETRY, LIFETIME, STEP, STEP_RETRY};
pub(super) use turns::{ALTERNATIVE, PICK, REPEAT, TURN, UNTIL};
use turns::{PRESS, PROMPT, SEE, SEND};
pub(super) use words::{Shape, Vocabulary};
use words::{required, word};

pub(super) const TAKES: [&str; 3] = ["sequential", "random", "unique"];
pub(super) const TERMINALS: [&str; 2] = ["pty", "pipes"];

/// The keys of the file's top level.
pub(super) static SCENARIO: Vocabulary = Vocabulary {
    what: "a scenario",
    name: "scenario",
    keys: &[
        word(
            "name",
            Shape::Text,
            "What the scenario is called; the file's name if left out.",
        ),
        word("description", Shape::Text, "One sentence for people."),
        word(
            "variables",
            Shape::MapOf(&Shape::Template),
            "Values that every flow begins with; one may use those before it.",
        ),
        word(
            "secrets",
            Shape::ListOf(&Shape::Text),
            "Names of variables and captures whose values are masked wherever they would appear.",
        ),
        word(
            "environment",
            Shape::ListOf(&Shape::Text),
            "Names of environment variables that expressions may read as `env.NAME`.",
        ),
        word(
            "data",
            Shape::MapOf(&Shape::Object(&DATA)),
            "Tables, of which each flow gets one row.",
        ),
        word(
            "defaults",
            Shape::Object(&DEFAULTS),
            "Values that apply where a role, a step or a turn sets none.",
        ),
        required(
            "roles",
            Shape::MapOf(&Shape::Object(&ROLE)),
            "The roles: each a program, with its menu and its actions.",
        ),
        required(
            "flow",
            Shape::ListOf(&Shape::Object(&STEP)),
            "The steps of the journey, in order.",
        ),
        word(
            "load",
            Shape::Object(&LOAD),
            "How many flows are performed.",
        ),
        word(
            "retry",
            Shape::TextOrObject(&FLOW_RETRY),
            "How often a failed flow is repeated, with new instances of all its programs: a number, \
             or a map.",
        ),
        word(
            "chaos",
            Shape::OneOrList(&Shape::Text),
            "Faults injected into scripts, with how often and where: `kill 5%`, `freeze 2% for \
             500ms`, `garbage once at STEP`, `refuse 1% role ROLE`.",
        ),
        word(
            "thresholds",
            Shape::ListOf(&Shape::TextOrObject(&THRESHOLD)),
            "Conditions on the run's figures, as `flow.p95 < 2s`; if one is not met, rehearsal ends \
             with exit code 99.",
        ),
        word(
            "integrity",
            Shape::Object(&INTEGRITY),
            "What must be true of the values of all flows together; if it is not, rehearsal ends \
             with exit code 98.",
        ),
    ],
    later: &[],
};

pub(super) static INTEGRITY: Vocabulary = Vocabulary {
    what: "`integrity`",
    name: "integrity",
    keys: &[
        word(
            "unique",
            Shape::ListOf(&Shape::Text),
            "Captures of which no two flows may have the same value.",
        ),
        word(
            "agree",
            Shape::ListOf(&Shape::ListOf(&Shape::Text)),
            "Lists of values that must be equal within a flow, as `[total, collected]`: the same \
             text, or the same amount.",
        ),
        word(
            "own",
            Shape::MapOf(&Shape::Text),
            "Captures that must be the flow's own, as `delivered_order: order_id`: what was seen \
             as `delivered_order` is the `order_id` of this flow and of no other.",
        ),
        word(
            "audit",
            Shape::Object(&AUDIT),
            "A command that audits the data when all flows have ended.",
        ),
    ],
    later: &[],
};

pub(super) static AUDIT: Vocabulary = Vocabulary {
    what: "an audit",
    name: "audit",
    keys: &[
        required(
            "run",
            Shape::ListOf(&Shape::Template),
            "The program and its arguments, found as those of roles; it must end with exit code 0.",
        ),
        word(
            "expect",
            Shape::OneOrList(&Shape::Pattern),
            "What must be in a line of its output.",
        ),
        word(
            "within",
            Shape::Duration,
            "How long it may take; `1m` by default.",
        ),
        word(
            "environment",
            Shape::MapOf(&Shape::Template),
            "Environment variables of the program, on top of those of rehearsal.",
        ),
        word(
            "directory",
            Shape::Template,
            "Where the program runs, from the scenario's folder.",
        ),
    ],
    later: &[],
};

pub(super) static THRESHOLD: Vocabulary = Vocabulary {
    what: "a threshold",
    name: "threshold",
    keys: &[
        required(
            "check",
            Shape::Text,
            "A figure, a comparison and a limit: `step.NAME.p99 < 500ms`, `flow.failed_rate < 1%`, \
             `flow.rate >= 4/s`, `dropped == 0`.",
        ),
        word(
            "over",
            Shape::Duration,
            "Every stretch of this length has to meet it, as long as flows are started; without, \
             the run as a whole.",
        ),
        word(
            "stop",
            Shape::Flag,
            "Ends the run as soon as it is not met; flows in flight may finish.",
        ),
    ],
    later: &[],
};

pub(super) static DATA: Vocabulary = Vocabulary {
    what: "a table of data",
    name: "data",
    keys: &[
        required(
            "file",
            Shape::Text,
            "A file of comma-separated values beside the scenario; its first line names the columns.",
        ),
        word(
            "take",
            Shape::OneOf(&TAKES),
            "Which row a flow gets: in order (`sequential`, the default), drawn (`random`), or \
             each row once (`unique`: the run ends when they are used up).",
        ),
    ],
    later: &[],
};

pub(super) static DEFAULTS: Vocabulary = Vocabulary {
    what: "`defaults`",
    name: "defaults",
    keys: &[
        word(
            "terminal",
            Shape::OneOf(&TERMINALS),
            "`pty` (the default) or `pipes`.",
        ),
        word(
            "size",
            Shape::Size,
            "The terminal's rows and columns; `50x200` by default.",
        ),
        word(
            "startup",
            Shape::Duration,
            "From a program's start until its first step's first wait is over; `10s` by default.",
        ),
        word(
            "step",
            Shape::Duration,
            "How long a step may take; `30s` by default.",
        ),
        word(
            "flow",
            Shape::Duration,
            "How long a whole flow may take; not limited by default.",
        ),
        word(
            "delay",
            Shape::Duration,
            "A pause before every step but the first; `0s` by default.",
        ),
        word(
            "quiet",
            Shape::Duration,
            "How long a line must be quiet until a prompt within it counts; `10ms` by default.",
        ),
    ],
    later: &[],
};

pub(super) static ROLE: Vocabulary = Vocabulary {
    what: "a role",
    name: "role",
    keys: &[
        word("title", Shape::Text, "Its name for people."),
        required(
            "run",
            Shape::ListOf(&Shape::Template),
            "The program and its arguments, never a shell's line. Looked for beside the scenario, \
             in --scripts DIR, beside rehearsal, then on PATH; `rehearsal` is this very program.",
        ),
        word(
            "terminal",
            Shape::OneOf(&TERMINALS),
            "`pty`, or `pipes`: standard input, output and error apart.",
        ),
        word(
            "size",
            Shape::Size,
            "The terminal's rows and columns, as `50x200`.",
        ),
        word(
            "environment",
            Shape::MapOf(&Shape::Template),
            "Environment variables of the program, on top of those of rehearsal.",
        ),
        word(
            "directory",
            Shape::Template,
            "Where the program runs, from the scenario's folder.",
        ),
        word("menu", Shape::Object(&MENU), "How its menus look."),
        word(
            "interludes",
            Shape::ListOf(&Shape::Object(&INTERLUDE)),
            "Prompts that may come at any time and are answered on the way.",
        ),
        word(
            "fail_on",
            Shape::MapOf(&Shape::OneOrList(&Shape::Pattern)),
            "Texts that fail the step, by the category that reports name.",
        ),
        word(
            "lifetime",
            Shape::TextOrObject(&LIFETIME),
            "`flow`, the default: every flow has its own instance of the program. `{pool: 5}`: \
             five instances, each logged in once, serve all flows.",
        ),
        required(
            "actions",
            Shape::MapOf(&Shape::Turns),
            "What the role can do, each a list of turns. `leave` is performed when a flow ended \
             well, and `return` before it and between flows that share the program: it brings the \
             program back to its menu.",
        ),
    ],
    later: &[],
};

pub(super) static MENU: Vocabulary = Vocabulary {
    what: "`menu`",
    name: "menu",
    keys: &[
        word(
            "prompt",
            Shape::Pattern,
            "Awaited by every `choose` and `pick` without a wait.",
        ),
        word(
            "row",
            Shape::Pattern,
            "A regular expression between slashes with the groups `key` and `label`.",
        ),
    ],
    later: &[],
};

pub(super) static INTERLUDE: Vocabulary = Vocabulary {
    what: "an interlude",
    name: "interlude",
    keys: &[
        PROMPT,
        SEE,
        SEND,
        PRESS,
        word(
            "at_most",
            Shape::Count(1),
            "How often it may come in one step; 50 by default.",
        ),
    ],
    later: &[],
};

pub(super) static LOAD: Vocabulary = Vocabulary {
    what: "`load`",
    name: "load",
    keys: &[
        word(
            "flows",
            Shape::Count(1),
            "How many flows there are, at most.",
        ),
        word("duration", Shape::Duration, "How long flows are started."),
        word(
            "parallel",
            Shape::Count(0),
            "How many workers perform flows, one after the other; 1 by default.",
        ),
        word(
            "flows_each",
            Shape::Count(1),
            "How many flows each worker performs.",
        ),
        word(
            "rate",
            Shape::Text,
            "How many flows start in a time, `5/s`, `300/m` or `40/h`, however the earlier ones went.",
        ),
        word(
            "stages",
            Shape::ListOf(&Shape::Object(&STAGE)),
            "How `parallel` or `rate` changes: linearly to the value of each stage.",
        ),
        word(
            "arrivals",
            Shape::OneOf(&["even", "poisson"]),
            "How the flows of a rate are spread: evenly, or as independent people come.",
        ),
        word(
            "most_in_flight",
            Shape::Count(1),
            "A flow that is due while so many are in flight is dropped; 200 by default.",
        ),
        word(
            "warm_up",
            Shape::Duration,
            "Flows due in this time are performed and not counted.",
        ),
        word(
            "graceful_stop",
            Shape::Duration,
            "How long flows may take to finish when the time is over, or after Ctrl-C; 30s by default.",
        ),
        word(
            "pause",
            Shape::Duration,
            "How long a worker rests after a flow.",
        ),
        word("pace", Shape::Duration, "How often a worker starts a flow."),
    ],
    later: &["start_after", "weight"],
};

pub(super) static STAGE: Vocabulary = Vocabulary {
    what: "a stage",
    name: "stage",
    keys: &[
        required("for", Shape::Duration, "How long the stage takes."),
        word(
            "parallel",
            Shape::Count(0),
            "How many workers there are at its end.",
        ),
        word("rate", Shape::Text, "The rate at its end."),
    ],
    later: &[],
};
