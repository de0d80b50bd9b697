//! Whole dialogues, each run with its output read in different pieces.

mod echo_styles;
mod echoes;
mod floods;
mod waits;
mod watching;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::terminal::{Key, KeyModes};

const QUIET: Duration = DEFAULT_QUIET;
/// Width of the terminal.
const COLUMNS: u16 = 40;

/// Step of a test dialogue.
#[derive(Debug, Clone)]
enum Step {
    /// The program writes this, then the reader is drained.
    Says(Vec<u8>),
    SaysErr(Vec<u8>),
    /// Quiet time.
    Quiet,
    /// The program can do nothing before input comes.
    Blocks,
    Ends,
    EndsErr,
    Waits(Vec<Awaited>, Vec<String>),
    /// The previous wait again.
    WaitsAgain,
    /// A reply, typed in this mode of the terminal.
    Types(String, EchoMode),
    /// The program begins to read single keys.
    ReadsKeys,
    Presses(Key),
    EntersLoop,
    LeavesLoop,
    /// The lines for rows are logged.
    ShowsLines,
}

use Step::*;

fn says(text: &str) -> Step {
    Says(text.as_bytes().to_vec())
}

fn err(text: &str) -> Step {
    SaysErr(text.as_bytes().to_vec())
}

/// `/…/` is an expression, everything else a literal.
fn pattern(source: &str) -> Pattern {
    match source.strip_prefix('/').and_then(|s| s.strip_suffix('/')) {
        Some(source) => Pattern::regex(source).expect("a valid expression"),
        None => Pattern::literal(source),
    }
}

fn see(source: &str) -> Step {
    any(&[(On::Line, source)])
}

fn prompt(source: &str) -> Step {
    any(&[(On::Prompt, source)])
}

fn any(sources: &[(On, &str)]) -> Step {
    Waits(on(sources), Vec::new())
}

fn on(sources: &[(On, &str)]) -> Vec<Awaited> {
    sources
        .iter()
        .map(|&(on, source)| Awaited::Text(on, pattern(source)))
        .collect()
}

fn types(text: &str) -> Step {
    Types(text.to_owned(), EchoMode::Lines)
}

fn types_keys(text: &str) -> Step {
    Types(text.to_owned(), EchoMode::Raw)
}

fn unseen(text: &str) -> Step {
    Types(text.to_owned(), EchoMode::Hidden)
}

/// Split of output into reads.
#[derive(Debug, Clone)]
enum Reads {
    Whole,
    ByteByByte,
    /// Polled after each byte.
    ByteByByteWithPolls,
    Pieces(Vec<usize>),
}

/// Role of a test dialogue.
struct Role {
    matcher: Arc<RoleMatcher>,
    terminal: bool,
}

impl Role {
    fn new(fail_on: &[(&str, &str)], interludes: &[(On, &str)]) -> Role {
        let fail_on = fail_on
            .iter()
            .map(|&(category, source)| (category.to_owned(), pattern(source)))
            .collect();
        Role {
            matcher: Arc::new(RoleMatcher::new(fail_on, &on(interludes))),
            terminal: true,
        }
    }

    fn plain() -> Role {
        Role::new(&[], &[])
    }

    fn pipes(mut self) -> Role {
        self.terminal = false;
        self
    }

    fn mode(&self) -> EchoMode {
        if self.terminal {
            EchoMode::Lines
        } else {
            EchoMode::Hidden
        }
    }

    /// Returns the findings, a line each; times are step numbers.
    fn run(&self, steps: &[Step], reads: &Reads) -> String {
        let start = Instant::now();
        let mut now = start;
        let settings = DialogueSettings {
            columns: self.terminal.then_some(COLUMNS),
            screen: None,
            quiet: QUIET,
        };
        let mut run = Run {
            role: self,
            start,
            dialogue: Dialogue::new(Arc::clone(&self.matcher), settings, now),
            log: String::new(),
            ended: false,
        };
        let mut waits = None;
        for (number, step) in steps.iter().enumerate() {
            now = start + Duration::from_secs(number as u64);
            match step {
                Says(bytes) => run.says(Stream::Out, bytes, now, reads),
                SaysErr(_) if self.terminal => {}
                SaysErr(bytes) => run.says(Stream::Err, bytes, now, reads),
                Quiet => now += QUIET,
                Blocks => run.dialogue.lines_are_whole(),
                Ends => run.dialogue.closed(Stream::Out, now),
                EndsErr => run.dialogue.closed(Stream::Err, now),
                Waits(set, tolerated) => {
                    let set = WaitSet::new(set, tolerated.clone());
                    run.dialogue.begin(&set);
                    waits = Some(set);
                }
                WaitsAgain => run.dialogue.begin(waits.as_ref().expect("a wait before")),
                Types(text, mode) => {
                    let typed = Typed::line(text, self.terminal).expect("a line");
                    let mode = if self.terminal {
                        *mode
                    } else {
                        EchoMode::Hidden
                    };
                    run.dialogue.answered(&typed, mode);
                }
                ReadsKeys => run.dialogue.set_raw(),
                Presses(key) => {
                    let typed = Typed::key(*key, self.terminal, KeyModes::default());
                    run.dialogue.answered(&typed, self.mode());
                }
                EntersLoop => run.dialogue.enter_loop(),
                LeavesLoop => run.dialogue.leave_loop(),
                ShowsLines => {
                    let lines = run.dialogue.lines().join("|");
                    writeln!(run.log, "lines {lines}").expect("a string takes all");
                }
            }
            run.polls(now);
        }
        run.log
    }
}

struct Run<'a> {
    role: &'a Role,
    start: Instant,
    dialogue: Dialogue,
    log: String,
    ended: bool,
}

impl Run<'_> {
    fn says(&mut self, stream: Stream, bytes: &[u8], now: Instant, reads: &Reads) {
        let mut from = 0;
        let mut cut = |to: usize, run: &mut Self| {
            let to = to.clamp(from, bytes.len());
            run.dialogue.feed(stream, &bytes[from..to], now);
            from = to;
        };
        match reads {
            Reads::Whole => {}
            Reads::ByteByByte => (1..bytes.len()).for_each(|to| cut(to, self)),
            Reads::ByteByByteWithPolls => (1..bytes.len()).for_each(|to| {
                cut(to, self);
                self.polls(now);
            }),
            Reads::Pieces(sizes) => {
                let mut to = 0;
                for size in sizes {
                    to += size;
                    cut(to, self);
                }
            }
        }
        cut(bytes.len(), self);
        self.dialogue.drained();
    }

    fn polls(&mut self, now: Instant) {
        loop {
            let log = &mut self.log;
            let written = match self.dialogue.poll(now) {
                Finding::Nothing | Finding::QuietAt(_) => return,
                Finding::Wait {
                    index,
                    at,
                    captures,
                } => {
                    let line = self.dialogue.matched_line();
                    let at = (at - self.start).as_secs();
                    let captures: String = captures
                        .iter()
                        .map(|(name, value)| format!(" {name}={value}"))
                        .collect();
                    writeln!(log, "wait {index}{captures} @{at} [{line}]")
                }
                Finding::Interlude { index, at, line } => {
                    let at = (at - self.start).as_secs();
                    let enter = Typed::key(Key::Enter, self.role.terminal, KeyModes::default());
                    self.dialogue.answered_interlude(&enter, self.role.mode());
                    writeln!(log, "interlude {index} @{at} [{line}]")
                }
                Finding::FailOn { category, at, line } => {
                    let at = (at - self.start).as_secs();
                    writeln!(log, "fail {category} @{at} [{line}]")
                }
                Finding::Ended { at } => {
                    if self.ended {
                        return;
                    }
                    self.ended = true;
                    let at = (at - self.start).as_secs();
                    writeln!(log, "ended @{at}").expect("a string takes all");
                    return;
                }
            };
            written.expect("a string takes all");
        }
    }
}

/// Runs a dialogue with its output split in all ways, and compares its findings.
#[track_caller]
fn check(role: &Role, steps: &[Step], expected: &str) {
    let expected: String = expected
        .lines()
        .map(str::trim_start)
        .filter(|line| !line.is_empty())
        .map(|line| format!("{line}\n"))
        .collect();
    for reads in [
        Reads::Whole,
        Reads::ByteByByte,
        Reads::ByteByByteWithPolls,
        Reads::Pieces(vec![1, 2, 3, 5, 8, 13, 21]),
        Reads::Pieces(vec![7, 1, 1, 7, 1, 1, 7]),
    ] {
        assert_eq!(role.run(steps, &reads), expected, "{reads:?}");
    }
}

/// Random dialogues.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let output = prop_oneof![
        3 => "[ab1: é]{1,5}".prop_map(String::into_bytes),
        2 => Just(b"\r\n".to_vec()),
        1 => proptest::sample::select(vec![
            &b"\n"[..], b"\r", b"\x08", b"\x1b[1m", b"\x1b[2J", b"\x1b[3C", b"\x1b[2G", b"a\r\n",
            b"1\r\n", b"^C", b"Error", b"more", b"\xff", b"> ", b"\r> ", b"ab\r\n", b"> \x1b[3G",
        ])
        .prop_map(<[u8]>::to_vec),
    ];
    let says = proptest::collection::vec(output, 1..6).prop_map(|pieces| Says(pieces.concat()));
    let sources = vec![
        "a",
        "b:",
        "1",
        "é",
        "> ",
        "/^a/",
        r"/(?<x>\w+):/",
        "/[ab]+$/",
        "/1 ?$/",
        "/^.b/",
    ];
    let wait = proptest::collection::vec(
        (
            prop_oneof![Just(On::Line), Just(On::Prompt)],
            proptest::sample::select(sources),
        ),
        0..3,
    )
    .prop_map(|sources| any(&sources));
    let step = prop_oneof![
        4 => says,
        3 => wait,
        1 => Just(WaitsAgain),
        2 => (proptest::sample::select(vec!["", "a", "1", "ab", "aa"]), mode())
            .prop_map(|(text, mode)| Types(text.to_owned(), mode)),
        1 => Just(ReadsKeys),
        1 => Just(Quiet),
        1 => Just(Blocks),
        1 => Just(Presses(Key::Ctrl('c'))),
        1 => Just(EntersLoop),
        1 => Just(LeavesLoop),
        1 => Just(ShowsLines),
        1 => proptest::sample::select(vec!["a\n", "b: ", "Error", "\n"]).prop_map(err),
    ];
    (Just(any(&[])), proptest::collection::vec(step, 1..14)).prop_map(|(first, rest)| {
        let mut steps = vec![first];
        steps.extend(rest);
        steps
    })
}

fn mode() -> impl Strategy<Value = EchoMode> {
    proptest::sample::select(vec![
        EchoMode::Lines,
        EchoMode::Keys,
        EchoMode::Raw,
        EchoMode::Hidden,
    ])
}

fn any_bool() -> impl Strategy<Value = bool> {
    proptest::bool::ANY
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn findings_do_not_depend_on_the_reads(
        steps in steps(),
        sizes in proptest::collection::vec(0_usize..6, 0..8),
    ) {
        let role = || Role::new(&[("bad", "Error")], &[(On::Prompt, "more")]);
        let whole = role().run(&steps, &Reads::Whole);
        prop_assert_eq!(&role().run(&steps, &Reads::ByteByByte), &whole);
        prop_assert_eq!(&role().run(&steps, &Reads::Pieces(sizes.clone())), &whole);
        prop_assert_eq!(&role().run(&steps, &Reads::ByteByByteWithPolls), &whole);
    }

    #[test]
    fn findings_on_pipes_do_not_depend_on_the_reads(
        steps in steps(),
        sizes in proptest::collection::vec(0_usize..6, 0..8),
    ) {
        let role = || Role::new(&[("bad", "Error")], &[(On::Prompt, "more")]).pipes();
        let whole = role().run(&steps, &Reads::Whole);
        prop_assert_eq!(&role().run(&steps, &Reads::ByteByByte), &whole);
        prop_assert_eq!(&role().run(&steps, &Reads::Pieces(sizes)), &whole);
        prop_assert_eq!(&role().run(&steps, &Reads::ByteByByteWithPolls), &whole);
    }

    /// An echo is never matched, wherever it lands in the output.
    #[test]
    fn typed_text_is_never_matched(
        typed in "[a-z]{1,6}( [a-zé]{1,3})?",
        on_its_way in proptest::sample::select(vec!["", "TICK\r\n", "TICK ", "[1] X\r\nY: "]),
        prompt_first in any_bool(),
        then in proptest::sample::select(vec!["DONE\r\n", "\r\nDONE\r\n# ", "# "]),
    ) {
        let role = Role::plain();
        let first = if prompt_first { prompt(">") } else { see(">") };
        let end = if prompt_first { "" } else { "\r\n" };
        let steps = [
            first,
            says(&format!("> {end}")),
            types(&typed),
            any(&[(On::Line, "/[a-zé]/"), (On::Prompt, "/[a-zé]/")]),
            says(&format!("{on_its_way}{typed}\r\n{then}")),
            Quiet,
            ShowsLines,
        ];
        let whole = role.run(&steps, &Reads::Whole);
        let (heard, lines) = whole.split_once("lines ").expect("lines");
        prop_assert_eq!(heard.lines().count(), 1, "{}", whole);
        let shows_echo = lines.contains(|c: char| c.is_lowercase());
        prop_assert_eq!(shows_echo, on_its_way.ends_with(' '), "{}", lines);
        prop_assert_eq!(&role.run(&steps, &Reads::ByteByByte), &whole);
    }
}
