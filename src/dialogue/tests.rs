//! Whole dialogues, each run with its output read in different pieces.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

const QUIET: Duration = DEFAULT_QUIET;

/// One step of a made-up dialogue.
#[derive(Debug, Clone)]
enum Step {
    /// The program writes this, and then there is nothing more to read.
    Says(Vec<u8>),
    SaysErr(Vec<u8>),
    /// Nothing is written for a while.
    Quiet,
    Ends,
    EndsErr,
    Waits(Vec<(On, Pattern)>, Vec<String>),
    /// The wait before, once more.
    WaitsAgain,
    /// A reply, and whether its echo is expected.
    Types(String, bool),
    Presses(Key),
    EntersLoop,
    LeavesLoop,
    /// The lines for rows go into the log.
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

fn on(sources: &[(On, &str)]) -> Vec<(On, Pattern)> {
    sources
        .iter()
        .map(|&(on, source)| (on, pattern(source)))
        .collect()
}

fn types(text: &str) -> Step {
    Types(text.to_owned(), true)
}

fn unseen(text: &str) -> Step {
    Types(text.to_owned(), false)
}

/// How output is read.
#[derive(Debug, Clone)]
enum Reads {
    Whole,
    ByteByByte,
    /// Asking after each read what has come of it.
    ByteByByteAsking,
    Pieces(Vec<usize>),
}

/// A role for made-up dialogues.
struct Role {
    watch: Arc<Watch>,
    terminal: bool,
    /// Whether interludes echo.
    echo: bool,
}

impl Role {
    fn new(fail_on: &[(&str, &str)], interludes: &[(On, &str)]) -> Role {
        let fail_on = fail_on
            .iter()
            .map(|&(category, source)| (category.to_owned(), pattern(source)))
            .collect();
        Role {
            watch: Arc::new(Watch::new(fail_on, &on(interludes))),
            terminal: true,
            echo: true,
        }
    }

    fn plain() -> Role {
        Role::new(&[], &[])
    }

    fn pipes(mut self) -> Role {
        self.terminal = false;
        self.echo = false;
        self
    }

    /// What is heard, a line each; times are the numbers of the steps.
    fn run(&self, steps: &[Step], reads: &Reads) -> String {
        let start = Instant::now();
        let mut now = start;
        let settings = Settings {
            terminal: self.terminal,
            quiet: QUIET,
        };
        let mut run = Run {
            role: self,
            start,
            dialogue: Dialogue::new(Arc::clone(&self.watch), settings, now),
            log: String::new(),
            ended: false,
        };
        let mut waits = None;
        for (number, step) in steps.iter().enumerate() {
            now = start + Duration::from_secs(number as u64);
            match step {
                Says(bytes) => run.says(Stream::Out, bytes, now, reads),
                SaysErr(bytes) => run.says(Stream::Err, bytes, now, reads),
                Quiet => now += QUIET,
                Ends => run.dialogue.closed(Stream::Out, now),
                EndsErr => run.dialogue.closed(Stream::Err, now),
                Waits(set, tolerated) => {
                    let set = WaitSet::new(set, tolerated.clone());
                    run.dialogue.begin(&set);
                    waits = Some(set);
                }
                WaitsAgain => run.dialogue.begin(waits.as_ref().expect("a wait before")),
                Types(text, echo) => {
                    let typed = Typed::line(text, self.terminal).expect("a line");
                    run.dialogue.answered(&typed, *echo);
                }
                Presses(key) => run
                    .dialogue
                    .answered(&Typed::key(*key, self.terminal), self.terminal),
                EntersLoop => run.dialogue.enter_loop(),
                LeavesLoop => run.dialogue.leave_loop(),
                ShowsLines => {
                    let lines = run.dialogue.lines().join("|");
                    writeln!(run.log, "lines {lines}").expect("a string takes all");
                }
            }
            run.hears(now);
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
            Reads::ByteByByteAsking => (1..bytes.len()).for_each(|to| {
                cut(to, self);
                self.hears(now);
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

    fn hears(&mut self, now: Instant) {
        loop {
            let log = &mut self.log;
            let written = match self.dialogue.poll(now) {
                Heard::Nothing | Heard::QuietAt(_) => return,
                Heard::Wait {
                    index,
                    at,
                    captures,
                    line,
                } => {
                    let at = (at - self.start).as_secs();
                    let captures: String = captures
                        .iter()
                        .map(|(name, value)| format!(" {name}={value}"))
                        .collect();
                    writeln!(log, "wait {index}{captures} @{at} [{line}]")
                }
                Heard::Interlude { index, at, line } => {
                    let at = (at - self.start).as_secs();
                    let enter = Typed::key(Key::Enter, self.role.terminal);
                    self.dialogue.answered_interlude(&enter, self.role.echo);
                    writeln!(log, "interlude {index} @{at} [{line}]")
                }
                Heard::FailOn { category, at, line } => {
                    let at = (at - self.start).as_secs();
                    writeln!(log, "fail {category} @{at} [{line}]")
                }
                Heard::Ended { at } => {
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

/// Runs a dialogue with its output read in all ways; what is heard has to be `expected`.
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
        Reads::ByteByByteAsking,
        Reads::Pieces(vec![1, 2, 3, 5, 8, 13, 21]),
        Reads::Pieces(vec![7, 1, 1, 7, 1, 1, 7]),
    ] {
        assert_eq!(role.run(steps, &reads), expected, "{reads:?}");
    }
}

#[test]
fn a_prompt_is_the_unfinished_line() {
    let steps = [
        prompt("Name:"),
        says("Name: Ann\r\n"),
        says("Full Name: "),
        types("Ann"),
        says("Ann\r\n"),
        prompt("Name:"),
        says("Name: "),
    ];
    check(
        &Role::plain(),
        &steps,
        "wait 0 @2 [Full Name: ]
         wait 0 @6 [Name: ]",
    );
}

#[test]
fn a_prompt_in_the_middle_has_to_be_quiet() {
    let steps = [prompt("Name:"), says("Name: (Ann) "), ShowsLines, Quiet];
    check(
        &Role::plain(),
        &steps,
        "lines Name: (Ann) \nwait 0 @1 [Name: (Ann) ]",
    );
    let steps = [prompt("Name:"), says("Name: An"), says("n\n"), Quiet, Ends];
    check(&Role::plain(), &steps, "ended @4");
}

#[test]
fn a_capture_that_may_grow_has_to_be_quiet() {
    let steps = [
        prompt(r"/due (?<due>\d+)/"),
        says("Amount due 12"),
        says("50"),
        Quiet,
    ];
    check(
        &Role::plain(),
        &steps,
        "wait 0 due=1250 @2 [Amount due 1250]",
    );
    let steps = [prompt(r"/due (?<due>\d+)\)/"), says("(due 12) ")];
    check(&Role::plain(), &steps, "wait 0 due=12 @1 [(due 12) ]");
}

#[test]
fn lines_are_complete() {
    let steps = [
        see(r"/Order ID: (?<id>ORD-\d+)$/"),
        says("Order ID: ORD-0"),
        Quiet,
        says("0042"),
        says("\r"),
        says("\n"),
    ];
    check(
        &Role::plain(),
        &steps,
        "wait 0 id=ORD-00042 @5 [Order ID: ORD-00042]",
    );
}

#[test]
fn a_wait_sees_all_since_the_last_answer() {
    let steps = [
        says("one\ntwo\nthree\n> "),
        see("three"),
        see("one"),
        see("two"),
        prompt(">"),
        types("go"),
        see("one"),
        says("go\r\nfour\r\none\r\n> "),
    ];
    check(
        &Role::plain(),
        &steps,
        "wait 0 @0 [three]
         wait 0 @0 [one]
         wait 0 @0 [two]
         wait 0 @0 [> ]
         wait 0 @7 [one]",
    );
}

#[test]
fn a_reply_to_a_line_leaves_what_follows_visible() {
    let steps = [
        see("two"),
        says("one\ntwo\nthree\nfour\n> "),
        types("x"),
        see("three"),
        see("one"),
        prompt(">"),
    ];
    check(
        &Role::plain(),
        &steps,
        "wait 0 @1 [two]
         wait 0 @1 [three]
         wait 0 @1 [> ]",
    );
    // The furthest match counts, in whatever order the waits came.
    let steps = [
        says("one\ntwo\nthree\n"),
        see("three"),
        see("one"),
        types("x"),
        see("two"),
    ];
    check(&Role::plain(), &steps, "wait 0 @0 [three]\nwait 0 @0 [one]");
}

#[test]
fn an_answered_prompt_never_matches_again() {
    for rest in [
        "\r\n",
        "x\r\n",
        "\r> x\r\n",
        "\r\x1b[K> \r> x\r\n",
        "\r> \x1b[3G",
    ] {
        let steps = [
            says("> "),
            prompt(">"),
            types("x"),
            prompt(">"),
            says(rest),
            Quiet,
            see(">"),
            says("done\r\n"),
        ];
        check(&Role::plain(), &steps, "wait 0 @0 [> ]");
    }
}

#[test]
fn on_pipes_the_answer_follows_its_prompt() {
    let steps = [
        says("Name: "),
        prompt("Name:"),
        unseen("Ann"),
        see(r"/^(?<greeting>.+)$/"),
        says("Hello Ann\nAge: "),
        prompt("Age:"),
    ];
    check(
        &Role::plain().pipes(),
        &steps,
        "wait 0 @0 [Name: ]
         wait 0 greeting=Hello Ann @4 [Hello Ann]
         wait 0 @4 [Age: ]",
    );
}

#[test]
fn the_echo_is_not_heard() {
    for (typed, echo) in [
        ("bob", "bob\r\n"),
        ("Zoé 😀", "Zoé 😀\r\n"),
        ("", "\r\n"),
        ("1", "1\r\n"),
        ("bob", "b\x1b[1mo\x1b[mb\r\n"),
        ("bob", "tick\r\nbob\r\n"),
        ("bob", "tick bob\r\n"),
        ("bob", "tick\r\ntick: bob\r\n"),
    ] {
        let steps = [
            says("Name: "),
            prompt("Name:"),
            types(typed),
            any(&[
                (On::Line, "/^b|bob|^1|é/"),
                (On::Prompt, "b"),
                (On::Prompt, "1"),
            ]),
            says(echo),
            Quiet,
            says("1. Menu\r\n"),
            ShowsLines,
        ];
        let role = Role::plain();
        let log = role.run(&steps, &Reads::Whole);
        let (heard, lines) = log.split_once("lines ").expect("lines");
        assert_eq!(
            heard, "wait 0 @0 [Name: ]\nwait 0 @6 [1. Menu]\n",
            "{echo:?}"
        );
        assert!(!lines.contains("bob"), "{lines}");
        check(&role, &steps, &log);
    }
}

#[test]
fn an_echo_that_comes_in_parts_is_waited_for() {
    let steps = [
        says("> "),
        prompt(">"),
        types("yes"),
        any(&[(On::Prompt, "y"), (On::Prompt, "ye"), (On::Prompt, "yes")]),
        says("y"),
        says("e"),
        says("s"),
        Quiet,
        says("\r\nyes? y"),
        Quiet,
    ];
    check(&Role::plain(), &steps, "wait 0 @0 [> ]\nwait 0 @8 [yes? y]");
}

#[test]
fn an_echo_that_never_comes_hides_nothing_else() {
    let steps = [
        says("> "),
        prompt(">"),
        types("1"),
        see(r"/Order ID: (?<id>\S+)/"),
        says("\r\nOrder ID: ORD-1\r\n"),
    ];
    check(
        &Role::plain(),
        &steps,
        "wait 0 @0 [> ]\nwait 0 id=ORD-1 @4 [Order ID: ORD-1]",
    );
}

#[test]
fn typing_ahead() {
    let steps = [
        see("Welcome"),
        says("Welcome\r\n"),
        types("1"),
        says("1. Orders\r\nSelect: 1\r\n"),
        see("Orders"),
        types("2"),
        says("2\r\nPage: "),
        prompt("Page:"),
        ShowsLines,
    ];
    check(
        &Role::plain(),
        &steps,
        "wait 0 @1 [Welcome]
         wait 0 @3 [1. Orders]
         wait 0 @6 [Page: ]
         lines Select: |Page: ",
    );
}

#[test]
fn keys_echo_too() {
    let steps = [
        says("> "),
        prompt(">"),
        Presses(Key::Ctrl('c')),
        any(&[(On::Line, "^"), (On::Prompt, "C")]),
        says("^C"),
        says("\r\n"),
        Quiet,
        says("^ again\r\n"),
        Presses(Key::Up),
        prompt("A"),
        says("^[[A"),
        Quiet,
        says("A"),
    ];
    check(
        &Role::plain(),
        &steps,
        "wait 0 @0 [> ]
         wait 0 @7 [^ again]
         wait 0 @12 [A]",
    );
}

#[test]
fn secrets_have_no_echo_but_a_line_end() {
    let steps = [
        says("Password: "),
        prompt("Password:"),
        unseen("secret"),
        see(r"/^(?<all>.+)$/"),
        says("\r\nWelcome\r\n"),
    ];
    check(
        &Role::plain(),
        &steps,
        "wait 0 @0 [Password: ]\nwait 0 all=Welcome @4 [Welcome]",
    );
}

#[test]
fn the_earliest_of_several() {
    let both = [(On::Line, "stock"), (On::Line, "error")];
    check(
        &Role::plain(),
        &[any(&both), says("x error: stock\n")],
        "wait 1 @1 [x error: stock]",
    );
    check(
        &Role::plain(),
        &[any(&both), says("stock\nerror\n"), any(&both)],
        "wait 0 @1 [stock]\nwait 0 @1 [stock]",
    );
    let both = [
        (On::Prompt, "y/n"),
        (On::Prompt, "Sure"),
        (On::Line, "gone"),
    ];
    check(&Role::plain(), &[any(&both), says("Sure (y/n)")], "");
    check(
        &Role::plain(),
        &[any(&both), says("Sure y/n")],
        "wait 1 @1 [Sure y/n]",
    );
    check(
        &Role::plain(),
        &[any(&both), says("gone\nSure y/n")],
        "wait 2 @1 [gone]",
    );
}

#[test]
fn failures_win_at_the_same_place() {
    let role = || Role::new(&[("bad", "Error"), ("crash", "Traceback")], &[]);
    check(
        &role(),
        &[see("Error"), says("ok\nan Error\n")],
        "fail bad @1 [an Error]\nwait 0 @1 [an Error]",
    );
    check(
        &role(),
        &[see("ok"), says("ok\nan Error\n"), see("x")],
        "wait 0 @1 [ok]\nfail bad @1 [an Error]",
    );
    // Seen once only, also in an unfinished line.
    check(
        &role(),
        &[prompt("?"), says("Error. Again?"), says("\nx\n"), see("y")],
        "fail bad @1 [Error. Again?]\nwait 0 @1 [Error. Again?]",
    );
    check(
        &role(),
        &[see("x"), says("Error"), Quiet, says("s\n")],
        "fail bad @1 [Error]",
    );
    check(
        &role(),
        &[see("x"), says("an Error"), Ends],
        "fail bad @1 [an Error]\nended @2",
    );
}

#[test]
fn a_category_can_be_tolerated() {
    let role = Role::new(
        &[("bad", "Error"), ("worse", "Error 7"), ("crash", "gone")],
        &[],
    );
    let tolerating = |source: &str| Waits(on(&[(On::Line, source)]), vec!["bad".to_owned()]);
    check(
        &role,
        &[
            tolerating("done"),
            says("Error 1\nError 7\nError gone\ndone\n"),
        ],
        "fail worse @1 [Error 7]
         fail crash @1 [Error gone]
         wait 0 @1 [done]",
    );
    check(
        &role,
        &[
            tolerating("done"),
            says("Error 1\ndone\n"),
            see("x"),
            says("Error 2\n"),
        ],
        "wait 0 @1 [done]\nfail bad @3 [Error 2]",
    );
}

#[test]
fn interludes_are_answered_on_the_way() {
    let role = Role::new(&[], &[(On::Prompt, "Press Enter"), (On::Line, "--more--")]);
    check(
        &role,
        &[
            see("done"),
            says("Order 7\r\nPress Enter "),
            says("\r\nb\r\n--more--\r\nPress Enter"),
            says("\r\ndone\r\n"),
            see("Order 7"),
            see("b"),
            see("Press"),
            see("more"),
        ],
        "interlude 0 @1 [Press Enter ]
         interlude 1 @2 [--more--]
         interlude 0 @2 [Press Enter]
         wait 0 @3 [done]
         wait 0 @1 [Order 7]
         wait 0 @2 [b]",
    );
    // The turn's own wait wins.
    check(
        &role,
        &[
            prompt("Press Enter"),
            says("Press Enter"),
            Presses(Key::Enter),
            see("x"),
            says("\r\nx\r\n"),
        ],
        "wait 0 @1 [Press Enter]\nwait 0 @4 [x]",
    );
    // What stands before an interlude in its line is seen, and so is what follows it on pipes.
    check(
        &role.pipes(),
        &[
            see("/^(?<word>[a-z]+)$/"),
            says("ORD-7. Press Enter"),
            says("done\n"),
            see("/^(?<id>ORD-[0-9]+)/"),
        ],
        "interlude 0 @1 [ORD-7. Press Enter]
         wait 0 word=done @2 [done]
         wait 0 id=ORD-7 @1 [ORD-7. Press Enter]",
    );
}

#[test]
fn in_a_loop_nothing_matches_twice() {
    let steps = [
        EntersLoop,
        says("item 1\nitem 2\nlast\n? "),
        any(&[(On::Line, r"/item (?<n>\d)/"), (On::Prompt, "?")]),
        WaitsAgain,
        WaitsAgain,
        WaitsAgain,
        see("last"),
        see("last"),
        LeavesLoop,
        see("item"),
    ];
    check(
        &Role::plain(),
        &steps,
        "wait 0 n=1 @1 [item 1]
         wait 0 n=2 @1 [item 2]
         wait 1 @1 [? ]
         wait 0 @1 [last]
         wait 0 @1 [item 1]",
    );
}

#[test]
fn the_end_completes_a_line() {
    check(
        &Role::plain(),
        &[see("bye"), says("good bye"), Quiet, Ends],
        "wait 0 @1 [good bye]",
    );
    check(
        &Role::plain(),
        &[prompt("bye"), says("bye now, and"), Ends],
        "wait 0 @1 [bye now, and]",
    );
    check(&Role::plain(), &[any(&[]), says("x\n"), Ends], "ended @2");
    check(
        &Role::plain().pipes(),
        &[see("bye"), Ends, err("bye"), EndsErr],
        "wait 0 @2 [bye]",
    );
}

#[test]
fn pipes_keep_streams_apart() {
    let steps = [
        any(&[(On::Line, "warn"), (On::Prompt, "Name:")]),
        err("war"),
        says("Name: "),
        unseen("Ann"),
        see("warn"),
        err("n\nn: warn\n"),
        see("/./"),
        says("Hi\n"),
    ];
    check(
        &Role::plain().pipes(),
        &steps,
        "wait 1 @2 [Name: ]
         wait 0 @5 [n: warn]
         wait 0 @5 [n]",
    );
    // What came on the other stream before a reply is left behind, but for failures.
    let role = || Role::new(&[("bad", "Error")], &[]).pipes();
    check(
        &role(),
        &[
            see("ok"),
            says("ok\n"),
            err("Error\nold\n"),
            unseen("x"),
            see("old"),
        ],
        "wait 0 @1 [ok]\nfail bad @2 [Error]",
    );
}

#[test]
fn a_line_without_an_end_is_cut() {
    let long = "é".repeat(40 << 10);
    let steps = [
        see("/^(?<all>.+)$/"),
        says(&format!("x{long}\nend\n")),
        see("end"),
    ];
    let log = Role::plain().run(&steps, &Reads::Whole);
    assert!(log.ends_with("wait 0 @1 [end]\n"));
    let first = log.lines().next().expect("a line");
    assert!(first.len() > 2 * (64 << 10) - 2 && first.len() < 2 * (64 << 10) + 50);
    for reads in [Reads::ByteByByte, Reads::Pieces(vec![1000, 70_000, 1])] {
        assert!(Role::plain().run(&steps, &reads) == log, "{reads:?}");
    }
}

fn dialogue(waits: &WaitSet, now: Instant) -> Dialogue {
    let watch = Watch::new(vec![("bad".into(), pattern("Error"))], &[]);
    let settings = Settings {
        terminal: true,
        quiet: QUIET,
    };
    let mut dialogue = Dialogue::new(Arc::new(watch), settings, now);
    dialogue.begin(waits);
    dialogue
}

#[test]
fn a_flood_is_heard_in_linear_time_and_bounded_memory() {
    let now = Instant::now();
    let waits = WaitSet::new(&on(&[(On::Line, "needle"), (On::Prompt, ">")]), Vec::new());
    let mut dialogue = dialogue(&waits, now);
    let chunk = "some line of output that says nothing at all\r\n".repeat(89);
    let total = 8 << 20;
    let mut fed = 0;
    while fed < total {
        dialogue.feed(Stream::Out, chunk.as_bytes(), now);
        dialogue.drained();
        assert_eq!(dialogue.poll(now), Heard::Nothing);
        fed += chunk.len();
    }
    dialogue.feed(Stream::Out, b"needle\n", now);
    assert!(matches!(dialogue.poll(now), Heard::Wait { index: 0, .. }));
    let channel = &dialogue.channels[0];
    assert!(channel.searched_bytes() <= fed + 100);
    assert!(channel.kept_bytes() < 2 << 20, "{}", channel.kept_bytes());
    assert!(dialogue.lines().len() > 20_000);
    let tail = dialogue.tail(2, 100);
    assert!(
        tail.starts_with('(') && tail.ends_with("at all\nneedle"),
        "{tail}"
    );
}

#[test]
fn a_flood_in_one_piece_loses_nothing() {
    let now = Instant::now();
    let waits = WaitSet::new(&on(&[(On::Line, "needle")]), Vec::new());
    let mut dialogue = dialogue(&waits, now);
    let rest = "nothing\n".repeat(1 << 20);
    dialogue.feed(
        Stream::Out,
        format!("needle\nx Error\n{rest}").as_bytes(),
        now,
    );
    assert!(matches!(dialogue.poll(now), Heard::Wait { .. }));
    assert!(dialogue.channels[0].kept_bytes() < 2 << 20);
    dialogue.begin(&waits);
    assert!(matches!(dialogue.poll(now), Heard::FailOn { .. }));
    assert_eq!(dialogue.poll(now), Heard::Nothing);
}

#[test]
fn a_line_that_grows_is_not_searched_again_and_again() {
    let now = Instant::now();
    let waits = WaitSet::new(
        &on(&[(On::Prompt, "/x+>/"), (On::Line, "needle")]),
        Vec::new(),
    );
    let mut dialogue = dialogue(&waits, now);
    for _ in 0..100_000 {
        dialogue.feed(Stream::Out, b"0123456789", now);
        dialogue.drained();
        assert!(!matches!(dialogue.poll(now), Heard::Wait { .. }));
    }
    assert!(dialogue.channels[0].searched_bytes() <= 1_100_000);
}

#[test]
fn a_loop_over_many_lines_is_linear() {
    let now = Instant::now();
    let waits = WaitSet::new(&on(&[(On::Line, "item"), (On::Line, "last")]), Vec::new());
    let mut dialogue = dialogue(&waits, now);
    dialogue.enter_loop();
    let text = format!("{}last\n", "item and more of it\n".repeat(5_000));
    dialogue.feed(Stream::Out, text.as_bytes(), now);
    dialogue.drained();
    for _ in 0..5_000 {
        assert!(matches!(dialogue.poll(now), Heard::Wait { index: 0, .. }));
        dialogue.begin(&waits);
    }
    assert!(matches!(dialogue.poll(now), Heard::Wait { index: 1, .. }));
    assert!(dialogue.channels[0].searched_bytes() <= 3 * text.len());
}

#[test]
fn the_transcript_and_the_tail() {
    let now = Instant::now();
    let waits = WaitSet::new(&on(&[(On::Prompt, "Name:")]), Vec::new());
    let mut dialogue = dialogue(&waits, now);
    dialogue.feed(Stream::Out, b"\x1b[1mHi\x1b[m\r\nNa", now);
    assert_eq!(dialogue.take_text().as_deref(), Some("Hi\n"));
    dialogue.feed(Stream::Out, b"me: \x1b[6n", now);
    dialogue.drained();
    assert_eq!(dialogue.take_text().as_deref(), Some("Name: "));
    assert!(matches!(dialogue.poll(now), Heard::Wait { .. }));
    assert_eq!(dialogue.take_terminal_answers(), b"\x1b[1;1R");
    dialogue.answered(&Typed::line("Ann", true).expect("a line"), true);
    dialogue.feed(Stream::Out, b"Ann\r\nHello\r\n", now);
    dialogue.drained();
    assert_eq!(dialogue.take_text().as_deref(), Some("\nHello\n"));
    assert_eq!(dialogue.take_text(), None);
    assert_eq!(dialogue.tail(10, 1000), "Hi\nName:\nHello");
    assert_eq!(dialogue.tail(2, 8), "e:\nHello");
    assert_eq!(dialogue.lines(), ["Hello"]);
}

/// Steps of a dialogue that fits together more or less.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let output = prop_oneof![
        3 => "[ab1: é]{1,5}".prop_map(String::into_bytes),
        2 => Just(b"\r\n".to_vec()),
        1 => proptest::sample::select(vec![
            &b"\n"[..], b"\r", b"\x08", b"\x1b[1m", b"\x1b[2J", b"\x1b[3C", b"\x1b[2G", b"a\r\n",
            b"1\r\n", b"^C", b"Error", b"more", b"\xff", b"> ",
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
        2 => (proptest::sample::select(vec!["", "a", "1", "ab", "aa"]), any_bool())
            .prop_map(|(text, echo)| Types(text.to_owned(), echo)),
        1 => Just(Quiet),
        1 => Just(Presses(Key::Ctrl('c'))),
        1 => Just(EntersLoop),
        1 => Just(LeavesLoop),
        1 => Just(ShowsLines),
    ];
    (Just(any(&[])), proptest::collection::vec(step, 1..14)).prop_map(|(first, rest)| {
        let mut steps = vec![first];
        steps.extend(rest);
        steps
    })
}

fn any_bool() -> impl Strategy<Value = bool> {
    proptest::bool::ANY
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_is_heard_does_not_depend_on_the_reads(
        steps in steps(),
        sizes in proptest::collection::vec(0_usize..6, 0..8),
    ) {
        let role = || Role::new(&[("bad", "Error")], &[(On::Prompt, "more")]);
        let whole = role().run(&steps, &Reads::Whole);
        prop_assert_eq!(&role().run(&steps, &Reads::ByteByByte), &whole);
        prop_assert_eq!(&role().run(&steps, &Reads::Pieces(sizes)), &whole);
        prop_assert_eq!(&role().run(&steps, &Reads::ByteByByteAsking), &whole);
    }
}
