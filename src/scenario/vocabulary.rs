//! Vocabulary of the scenario language: every key with its description. The compiler and the schema
//! for editors are both derived from it, so they cannot differ.

mod flow;
mod screen;
mod turns;
mod words;

pub(super) use flow::{FLOW_RETRY, LIFETIME, STEP, STEP_RETRY};
use screen::{AT, BELOW, CURSOR_AT, FOR, PRESS, RIGHT_OF, ROWS, SCREEN, STILL};
pub(super) use screen::{CELL, CURSOR, FIELD_VALUE, KEY_PRESS, SCREEN_CONDITIONS, SCREEN_WAIT};
pub(super) use turns::{ALTERNATIVE, PICK, REPEAT, TURN, UNTIL};
use turns::{PROMPT, SEE, SEND};
pub(super) use words::{EXTENSION, Shape, Vocabulary};
use words::{required, word};

pub(super) const TAKES: [&str; 3] = ["sequential", "random", "unique"];
pub(super) const PER: [&str; 2] = ["flow", "instance"];
pub(super) const TERMINALS: [&str; 2] = ["pty", "pipes"];

/// The keys of the file's top level.
pub(super) static SCENARIO: Vocabulary = Vocabulary {
    what: "a scenario",
    name: "scenario",
    keys: &[
        word(
            "name",
            Shape::Text,
            "The scenario's name; the file's name by default.",
        ),
        word("description", Shape::Text, "One sentence for people."),
        word(
            "variables",
            Shape::MapOf(&Shape::Template),
            "Initial values of every flow; one may use those before it.",
        ),
        word(
            "secrets",
            Shape::ListOf(&Shape::Text),
            "Names of variables and captures whose values are masked everywhere.",
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
            "Defaults for roles, steps and turns.",
        ),
        required(
            "roles",
            Shape::MapOf(&Shape::Object(&ROLE)),
            "The roles: each has a program, its menu and its actions.",
        ),
        required(
            "flow",
            Shape::ListOf(&Shape::Object(&STEP)),
            "The steps of the journey, in order.",
        ),
        word(
            "load",
            Shape::Object(&LOAD),
            "The number of flows, and their starts.",
        ),
        word(
            "retry",
            Shape::TextOrObject(&FLOW_RETRY),
            "The number of retries of a failed flow, with new instances of all its programs; or a \
             map.",
        ),
        word(
            "chaos",
            Shape::OneOrList(&Shape::Text),
            "Faults injected into scripts, with frequency and target: `kill 5%`, `freeze 2% for \
             500ms`, `garbage once at STEP`, `refuse 1% role ROLE`, `resize 40x120 5%`.",
        ),
        word(
            "thresholds",
            Shape::ListOf(&Shape::TextOrObject(&THRESHOLD)),
            "Conditions on the run's figures, such as `flow.p95 < 2s`; if one is crossed, the exit \
             code is 99.",
        ),
        word(
            "integrity",
            Shape::Object(&INTEGRITY),
            "Conditions on the values of all flows together; if one is violated, the exit code is \
             98.",
        ),
    ],
    later: &[],
    extensible: true,
};

pub(super) static INTEGRITY: Vocabulary = Vocabulary {
    what: "`integrity`",
    name: "integrity",
    keys: &[
        word(
            "unique",
            Shape::ListOf(&Shape::Text),
            "Captures whose value no two flows may share.",
        ),
        word(
            "agree",
            Shape::ListOf(&Shape::ListOf(&Shape::Text)),
            "Lists of values that must be equal within a flow, such as `[total, collected]`: the \
             same text, or the same amount.",
        ),
        word(
            "own",
            Shape::MapOf(&Shape::Text),
            "Captures that must be the flow's own: with `delivered_order: order_id`, the captured \
             `delivered_order` must be the `order_id` of the same flow.",
        ),
        word(
            "audit",
            Shape::Object(&AUDIT),
            "A command that audits the data when all flows have ended.",
        ),
    ],
    later: &[],
    extensible: false,
};

pub(super) static AUDIT: Vocabulary = Vocabulary {
    what: "an audit",
    name: "audit",
    keys: &[
        required(
            "run",
            Shape::ListOf(&Shape::Template),
            "The program and its arguments, found like those of roles; the exit code must be 0.",
        ),
        word(
            "expect",
            Shape::OneOrList(&Shape::Pattern),
            "Patterns that must each match a line of its output.",
        ),
        word(
            "within",
            Shape::Duration,
            "The time limit; `1m` by default.",
        ),
        word(
            "environment",
            Shape::MapOf(&Shape::Template),
            "Environment variables of the program, in addition to rehearsal's.",
        ),
        word(
            "directory",
            Shape::Template,
            "The program's working directory, relative to the scenario's directory.",
        ),
    ],
    later: &[],
    extensible: false,
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
            "The length of windows in which it must hold, as long as flows are started; by default \
             it must hold for the whole run.",
        ),
        word(
            "stop",
            Shape::Flag,
            "Ends the run as soon as it is crossed; flows in flight may finish.",
        ),
    ],
    later: &[],
    extensible: false,
};

pub(super) static DATA: Vocabulary = Vocabulary {
    what: "a table of data",
    name: "data",
    keys: &[
        required(
            "file",
            Shape::Text,
            "A CSV file, relative to the scenario's directory; its first line names the columns.",
        ),
        word(
            "take",
            Shape::OneOf(&TAKES),
            "The choice of a flow's row: in order (`sequential`, the default), `random`, or each \
             row once (`unique`: the run ends when they are used up).",
        ),
        word(
            "per",
            Shape::OneOf(&PER),
            "`flow`, the default: every flow gets a row. `instance`: every instance of a pool has \
             the row of its number, read as `instance.COLUMN`.",
        ),
    ],
    later: &[],
    extensible: false,
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
            "screen",
            Shape::Size,
            "The rows and columns of the screens of roles with neither `size` nor `terminal: \
             pipes`.",
        ),
        word(
            "startup",
            Shape::Duration,
            "The time limit from a program's start to the end of its first step's first wait; \
             `10s` by default.",
        ),
        word(
            "step",
            Shape::Duration,
            "The time limit of a step; `30s` by default.",
        ),
        word(
            "flow",
            Shape::Duration,
            "The time limit of a whole flow; none by default.",
        ),
        word(
            "delay",
            Shape::Duration,
            "A pause before every step but the first; `0s` by default.",
        ),
        word(
            "quiet",
            Shape::Duration,
            "The time without output after which a prompt matches that is not at the end of the \
             line, unless the program is seen to wait for its input before; `10ms` by default.",
        ),
        word(
            "directory",
            Shape::Template,
            "The working directory of roles without their own.",
        ),
        word(
            "menu",
            Shape::Object(&MENU),
            "The format of menus; a role's own `prompt` and `row` win.",
        ),
        word(
            "interludes",
            Shape::ListOf(&Shape::Object(&INTERLUDE)),
            "The interludes of roles without their own.",
        ),
        word(
            "fail_on",
            Shape::MapOf(&Shape::OneOrList(&Shape::Pattern)),
            "Texts that fail the step in every role, by category; a role's own categories win.",
        ),
    ],
    later: &[],
    extensible: false,
};

pub(super) static ROLE: Vocabulary = Vocabulary {
    what: "a role",
    name: "role",
    keys: &[
        word("title", Shape::Text, "The name in reports."),
        required(
            "run",
            Shape::ListOf(&Shape::Template),
            "The program and its arguments, not a shell command. The program is searched for \
             beside the scenario, in --scripts DIR, beside rehearsal, then on PATH; `rehearsal` is this \
             program itself.",
        ),
        word(
            "terminal",
            Shape::OneOf(&TERMINALS),
            "`pty`, or `pipes`: separate standard input, output and error.",
        ),
        word(
            "size",
            Shape::Size,
            "The terminal's rows and columns, such as `50x200`.",
        ),
        word(
            "screen",
            Shape::Size,
            "The rows and columns of its screen, such as `24x80`: for programs that draw. TERM is \
             `xterm-256color`.",
        ),
        word(
            "environment",
            Shape::MapOf(&Shape::Template),
            "Environment variables of the program, in addition to rehearsal's.",
        ),
        word(
            "directory",
            Shape::Template,
            "The program's working directory, relative to the scenario's directory.",
        ),
        word("menu", Shape::Object(&MENU), "The format of its menus."),
        word(
            "interludes",
            Shape::ListOf(&Shape::Object(&INTERLUDE)),
            "Prompts that may come at any time and are answered without ending the wait.",
        ),
        word(
            "fail_on",
            Shape::MapOf(&Shape::OneOrList(&Shape::Pattern)),
            "Texts that fail the step, by category.",
        ),
        word(
            "lifetime",
            Shape::TextOrObject(&LIFETIME),
            "`flow`, the default: every flow has its own instance of the program, which it leaves at \
             its end. `steps`: the same, left after the role's last step, while the flow goes on. \
             `{pool: 5}`: five instances, each logged in once, serve all flows.",
        ),
        required(
            "actions",
            Shape::MapOf(&Shape::Turns),
            "The actions of the role, each a list of turns. `leave` is performed when a flow ended \
             well, or the role's steps with `lifetime: steps`, and `return` before it and between \
             flows that share the program: it brings the program back to its menu.",
        ),
    ],
    later: &[],
    extensible: false,
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
            "screen",
            Shape::TextOrObject(&SCREEN_WAIT),
            "The same in a role with a screen: shown by every screen with its menu.",
        ),
        word(
            "row",
            Shape::Pattern,
            "A regular expression between slashes with the groups `key` and `label`.",
        ),
    ],
    later: &[],
    extensible: false,
};

pub(super) static INTERLUDE: Vocabulary = Vocabulary {
    what: "an interlude",
    name: "interlude",
    keys: &[
        PROMPT,
        SEE,
        SCREEN,
        AT,
        ROWS,
        BELOW,
        RIGHT_OF,
        CURSOR_AT,
        FOR,
        STILL,
        SEND,
        PRESS,
        word(
            "at_most",
            Shape::Count(1),
            "The maximum number of times in one step; 50 by default.",
        ),
    ],
    later: &[],
    extensible: false,
};

pub(super) static LOAD: Vocabulary = Vocabulary {
    what: "`load`",
    name: "load",
    keys: &[
        word("flows", Shape::Count(1), "The maximum number of flows."),
        word(
            "duration",
            Shape::Duration,
            "The time during which flows are started.",
        ),
        word(
            "parallel",
            Shape::Count(0),
            "The number of workers, each performing one flow after the other; 1 by default.",
        ),
        word(
            "flows_each",
            Shape::Count(1),
            "The number of flows of each worker.",
        ),
        word(
            "rate",
            Shape::Text,
            "The rate of flow starts, `5/s`, `300/m` or `40/h`, whether or not earlier flows have \
             ended.",
        ),
        word(
            "stages",
            Shape::ListOf(&Shape::Object(&STAGE)),
            "Changes of `parallel` or `rate`: linearly to the value of each stage.",
        ),
        word(
            "arrivals",
            Shape::OneOf(&["even", "poisson"]),
            "The spacing of a rate: even, or random as independent users arrive.",
        ),
        word(
            "most_in_flight",
            Shape::Count(1),
            "A flow that is due while this many are in flight is dropped; 200 by default.",
        ),
        word(
            "warm_up",
            Shape::Duration,
            "Flows due in this time are performed and not counted.",
        ),
        word(
            "graceful_stop",
            Shape::Duration,
            "The time for flows in flight to finish at the end or after Ctrl-C; 30s by default.",
        ),
        word(
            "pause",
            Shape::Duration,
            "The pause of a worker after each flow.",
        ),
        word(
            "pace",
            Shape::Duration,
            "The time from one start of a worker's flows to the next.",
        ),
    ],
    later: &["start_after", "weight"],
    extensible: false,
};

pub(super) static STAGE: Vocabulary = Vocabulary {
    what: "a stage",
    name: "stage",
    keys: &[
        required(
            "for",
            Shape::Duration,
            "How long the stage takes; `0s` is a jump to its value.",
        ),
        word(
            "parallel",
            Shape::Count(0),
            "How many workers there are at its end.",
        ),
        word("rate", Shape::Text, "The rate at its end."),
    ],
    later: &[],
    extensible: false,
};
