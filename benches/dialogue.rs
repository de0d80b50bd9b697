//! Cost of a dialogue: decoding, matching, and a typical exchange.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use regex_automata::{meta, util::syntax};
use rehearsal::dialogue::{
    Awaited, DEFAULT_QUIET, Dialogue, DialogueSettings, Finding, On, Pattern, RoleMatcher, WaitSet,
};
use rehearsal::model::Stream;
use rehearsal::terminal::{EchoMode, Typed};

const SETTINGS: DialogueSettings = DialogueSettings {
    columns: Some(200),
    screen: None,
    quiet: DEFAULT_QUIET,
};

fn matcher() -> Arc<RoleMatcher> {
    Arc::new(RoleMatcher::new(
        vec![
            (
                "refused".to_owned(),
                Pattern::literal("Invalid credentials"),
            ),
            (
                "crashed".to_owned(),
                Pattern::literal("Traceback (most recent call last)"),
            ),
        ],
        &[Awaited::Text(
            On::Prompt,
            Pattern::literal("Press Enter to continue"),
        )],
    ))
}

fn menu(colours: bool) -> String {
    let (on, off) = if colours {
        ("\x1b[1;34m", "\x1b[0m")
    } else {
        ("", "")
    };
    let mut screen = String::from("\r\n");
    for row in 1..=14 {
        screen +=
            &format!("  {on}{row}.{off} Row number {row} with a {on}label{off} of its own\r\n");
    }
    screen + "Select operation (0-14): "
}

/// Feeds output, waits and replies, as a script machine does.
fn exchange(dialogue: &mut Dialogue, screen: &str, waits: &WaitSet, typed: &Typed, now: Instant) {
    dialogue.begin(waits);
    dialogue.feed(Stream::Out, screen.as_bytes(), now);
    dialogue.drained();
    match dialogue.poll(now) {
        Finding::Wait { .. } => dialogue.answered(typed, EchoMode::Lines),
        other => panic!("{other:?}"),
    }
    dialogue.feed(Stream::Out, b"3\r\n", now);
}

fn exchanges(c: &mut Criterion) {
    let mut group = c.benchmark_group("exchange");
    let now = Instant::now();
    let typed = Typed::line("3", true).expect("a line");
    let literal = [Awaited::Text(
        On::Prompt,
        Pattern::literal("Select operation"),
    )];
    let ending = [Awaited::Text(On::Prompt, Pattern::literal("(0-14):"))];
    let mixed = [
        Awaited::Text(On::Prompt, Pattern::literal("(0-14):")),
        Awaited::Text(
            On::Line,
            Pattern::regex(r"Order ID: (?<id>ORD-\d+)").expect("valid"),
        ),
        Awaited::Text(On::Line, Pattern::literal("already assigned")),
    ];
    for (name, colours, waits) in [
        ("plain", false, &ending[..]),
        ("coloured", true, &ending[..]),
        ("three waits", false, &mixed[..]),
    ] {
        let screen = menu(colours);
        let waits = WaitSet::new(waits, Vec::new());
        let mut dialogue = Dialogue::new(matcher(), SETTINGS, now);
        group.throughput(Throughput::Bytes(screen.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| exchange(&mut dialogue, &screen, &waits, &typed, now));
        });
    }
    group.bench_function("building a wait for a literal", |b| {
        b.iter(|| WaitSet::new(black_box(&literal), Vec::new()));
    });
    group.finish();
}

fn flood(c: &mut Criterion) {
    let mut group = c.benchmark_group("flood of 25 MB");
    group.sample_size(10);
    let now = Instant::now();
    for (name, line) in [
        (
            "plain",
            "A line of output that says nothing of interest at all\r\n".to_owned(),
        ),
        (
            "coloured",
            "\x1b[32mINFO\x1b[0m of \x1b[1mno\x1b[0m interest\r\n".to_owned(),
        ),
        ("without line ends", "x".repeat(64)),
    ] {
        let chunk = line.repeat(4096 / line.len());
        let chunks = (25 << 20) / chunk.len();
        group.throughput(Throughput::Bytes((chunks * chunk.len()) as u64));
        let waits = WaitSet::new(
            &[
                Awaited::Text(
                    On::Line,
                    Pattern::regex(r"Order ID: (?<id>ORD-\d+)").expect("valid"),
                ),
                Awaited::Text(On::Prompt, Pattern::literal("Select")),
            ],
            Vec::new(),
        );
        group.bench_function(name, |b| {
            b.iter(|| {
                let mut dialogue = Dialogue::new(matcher(), SETTINGS, now);
                dialogue.begin(&waits);
                for _ in 0..chunks {
                    dialogue.feed(Stream::Out, chunk.as_bytes(), now);
                    dialogue.drained();
                    black_box(dialogue.poll(now));
                }
            });
        });
    }
    group.finish();
}

/// A regular expression as patterns have it, with `\d`, `\w`, `\b` and `.` that know all of Unicode,
/// and its twin that knows ASCII only: what the twin saves where it can be used. Measured on 2
/// cores: with digits 0.13 ms against 0.75 ms to compile and find once, with words 0.11 ms against
/// 1.6 ms, which is paid in every flow by patterns with values of the flow; what is compiled finds
/// as fast in both forms.
fn ascii_twins(c: &mut Criterion) {
    let screen = menu(false).repeat(4) + "Order ID: ORD-20240115-143035 of Ada, total 12.50\r\n";
    for (name, source) in [
        ("digits", r"Order ID: (?<id>ORD-\d{8}-\d{6})"),
        (
            "words",
            r"\b(?<key>\w+) ID: (?<id>\S+) of (?<name>.+), total (?<total>\d+\.\d+)",
        ),
    ] {
        let mut group = c.benchmark_group(format!("regular expression of {name}"));
        for (form, unicode) in [("Unicode", true), ("ASCII", false)] {
            let build = || {
                meta::Regex::builder()
                    .syntax(syntax::Config::new().unicode(unicode).utf8(false))
                    .build(source)
                    .expect("valid")
            };
            let find = |regex: &meta::Regex| {
                let mut captures = regex.create_captures();
                regex.captures(black_box(&screen), &mut captures);
                assert!(captures.is_match());
            };
            group.bench_function(format!("{form}: compile and find once"), |b| {
                b.iter(|| find(&build()));
            });
            let regex = build();
            group.bench_function(format!("{form}: find"), |b| b.iter(|| find(&regex)));
        }
        group.finish();
    }
}

criterion_group!(benches, exchanges, flood, ascii_twins);
criterion_main!(benches);
