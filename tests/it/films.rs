//! Films of the roles of a flow, and pictures of screens. Belongs to `engine`, `report` and `cli`.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use rehearsal::terminal::{Screen, ScreenSize};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{LocalModes, tcgetattr};
use serde_json::Value;

use crate::support::fixture::scenario;
use crate::support::sandbox::{Sandbox, entries, files_below};
use crate::support::terminal::Terminal;
use crate::support::wait::{self, LONG};

const SIZE: ScreenSize = ScreenSize {
    rows: 24,
    columns: 80,
};

/// A sandbox after a run of a flow that fails, its bundle, and the output of the run.
fn failed() -> (Sandbox, PathBuf, String) {
    let sandbox = Sandbox::with("test.yaml", &scenario("films/desk"));
    sandbox.write_program("boss", include_str!("fixtures/films/boss.sh"));
    sandbox.write_program("clerk", include_str!("fixtures/films/clerk.sh"));
    let finished = sandbox.rehearsal("run test.yaml --show-dialogue");
    finished.assert_code(1);
    let runs = sandbox.runs();
    let bundles = runs.iter().flat_map(|run| entries(&run.join("bundles")));
    let [bundle] = bundles.collect::<Vec<_>>().try_into().expect("one bundle");
    (sandbox, bundle, finished.out)
}

fn screen() -> Screen {
    Screen::new(SIZE, Instant::now())
}

fn feed(screen: &mut Screen, output: &[u8]) {
    screen.feed(output, Instant::now(), &mut |_| false);
}

/// The header and the events of a film.
fn film(bundle: &Path, name: &str) -> (Value, Vec<(f64, String, String)>) {
    let text = fs::read_to_string(bundle.join(name)).expect("a film");
    let mut lines = text.lines();
    let header = serde_json::from_str(lines.next().expect("a header")).expect("JSON");
    let events = lines.map(|line| serde_json::from_str(line).expect("an event"));
    (header, events.collect())
}

#[test]
fn bundles_have_a_film_of_each_role_and_pictures_of_screens() {
    let (sandbox, bundle, printed) = failed();
    let (header, events) = film(&bundle, "boss.cast");
    assert_eq!(header["version"], 2);
    assert_eq!(header["title"], "desk boss flow 1");
    let output: String = events
        .iter()
        .filter(|(_, code, _)| code == "o")
        .map(|(_, _, output)| output.as_str())
        .collect();
    assert_eq!(output, "one\r\nReady\r\nsigned\r\n");

    let (header, events) = film(&bundle, "clerk.cast");
    assert_eq!(
        (&header["height"], &header["width"]),
        (&24.into(), &80.into())
    );
    assert_eq!(header["env"]["TERM"], "xterm-256color");
    assert!(events.is_sorted_by_key(|(at, ..)| *at));
    assert_eq!((&*events[0].1, &*events[0].2), ("m", "2_order"));
    let mut played = screen();
    let mut frames = Vec::new();
    for (_, _, output) in events.iter().filter(|(_, code, _)| code == "o") {
        feed(&mut played, output.as_bytes());
        frames.push(played.frame().text());
    }
    assert!(
        frames
            .iter()
            .any(|it| it.contains("│ ORDERS │\n└────────┘"))
    );
    assert!(
        frames
            .iter()
            .any(|it| it.contains("\n                ***\n")),
        "{frames:#?}"
    );
    assert_eq!(frames.last().expect("frames").trim_end(), "REJECTED by ***");
    assert_eq!((played.cursor().row, played.cursor().column), (4, 6));

    let story = fs::read_to_string(bundle.join("transcript.txt")).expect("a transcript");
    for text in [&printed, &story] {
        for part in [
            "clerk < │ │ ORDERS │",
            "clerk <  lit: row 9 `Approve`",
            "clerk > ***",
            "clerk < │ REJECTED by *** │",
        ] {
            let text = text.replace("clerk  ", "clerk ");
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!text.contains("\u{1b}]52"), "{text}");
    }
    for path in files_below(&sandbox.home().join("rehearsal-results")) {
        let text = fs::read_to_string(&path).unwrap_or_default();
        assert!(!text.contains("hunter2"), "{}", path.display());
    }
    assert!(!printed.contains("hunter2"), "{printed}");
    sandbox.assert_empty(Instant::now());
}

/// A program that draws a secret character by character, overwrites half of it, draws it over the end
/// of a row, and then does not go on.
const SLOW: &str = r#"import os, sys, time, tty
tty.setraw(0)
def draw(text):
    sys.stdout.write(text)
    sys.stdout.flush()
    time.sleep(0.03)
draw("\x1b[2J\x1b[HPIN:")
secret = b""
while not secret.endswith(b"\r"):
    secret += os.read(0, 100)
secret = secret[:-1].decode()
draw("\x1b[3;5H")
for character in secret:
    draw(character)
for _ in range(2):
    for at in range(len(secret) // 2):
        draw("\x1b[3;%dH#" % (5 + at))
    draw("\x1b[3;5H" + secret)
    draw("\x1b[5;76H" + secret)
    draw("\x1b[7;1H" + secret[len(secret) // 2:])
    draw("\x1b[5;76H\x1b[K")
draw("\x1b[9;1HHALF")
os.read(0, 1)
"#;

#[test]
fn no_four_characters_of_a_secret_are_in_any_file_of_a_run() {
    const SECRET: &str = "q\"Zv<7&rT'9kWx";
    let scenario = "roles:\n  clerk:\n    run: [python3, slow.py]\n    screen: 24x80\n    actions:\n      work:\n\
         \u{20}       - {screen: 'PIN:', secret: '${pin}'}\n\
         \u{20}       - screen: HALF\n\
         \u{20}       - {screen: WHOLE, within: 500ms}\n\
         variables: {pin: \"q\\\"Zv<7&rT'9kWx\"}\nsecrets: [pin]\n\
         flow: [{step: 1_work, role: clerk, do: work}]\n";
    let sandbox = Sandbox::with("test.yaml", scenario);
    sandbox.write("slow.py", SLOW);
    let line = "run test.yaml --show-dialogue --html=report.html";
    let finished = sandbox.rehearsal(line);
    finished.assert_code(1);
    let secret: Vec<char> = SECRET.chars().collect();
    let mut parts: Vec<String> = Vec::new();
    for part in secret.windows(4) {
        let part: String = part.iter().collect();
        let json = serde_json::to_string(&part).expect("a text");
        let html = part
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('"', "&quot;");
        let html_numbers = html.replace('\'', "&#39;");
        parts.extend([json.trim_matches('"').to_owned(), html, html_numbers, part]);
    }
    let found_in = |text: &[u8]| {
        let is_in = |part: &&String| text.windows(part.len()).any(|it| it == part.as_bytes());
        parts.iter().find(is_in).cloned()
    };
    let written = ["slow.py", "test.yaml"].map(|name| sandbox.home().join(name));
    let files = files_below(&sandbox.home());
    let files: Vec<_> = files
        .iter()
        .filter(|path| !written.contains(path))
        .collect();
    assert!(
        files
            .iter()
            .any(|path| path.extension().is_some_and(|it| it == "cast"))
    );
    for path in files {
        let bytes = fs::read(path).unwrap_or_default();
        assert_eq!(found_in(&bytes), None, "{}", path.display());
    }
    assert_eq!(found_in(finished.out.as_bytes()), None, "{}", finished.out);
    assert_eq!(found_in(finished.err.as_bytes()), None, "{}", finished.err);
}

/// A player on a pseudo-terminal, and what its terminal shows.
struct Watching {
    child: Child,
    keys: File,
    /// Keeps the terminal open until the player has ended.
    theirs: File,
    shown: Arc<Mutex<(Screen, Vec<u8>)>>,
    reader: JoinHandle<()>,
}

impl Watching {
    fn start(sandbox: &Sandbox, bundle: &Path, options: &str) -> Watching {
        let terminal = Terminal::new(SIZE.columns);
        let theirs = terminal.theirs();
        let stdio = || theirs.try_clone().expect("a descriptor");
        let mut command = sandbox.command(&format!("replay --watch {options}"));
        command.arg(bundle);
        command.stdin(stdio()).stdout(stdio()).stderr(stdio());
        let child = command.spawn().expect("it starts");
        let shown = Arc::new(Mutex::new((screen(), Vec::new())));
        let keys = terminal.ours.try_clone().expect("a descriptor");
        let (mut ours, seen) = (terminal.ours, Arc::clone(&shown));
        let reader = thread::spawn(move || {
            let mut block = [0; 4096];
            // A terminal without another end gives an error.
            while let Ok(length @ 1..) = ours.read(&mut block) {
                let mut seen = seen.lock().expect("no panic");
                feed(&mut seen.0, &block[..length]);
                seen.1.extend_from_slice(&block[..length]);
            }
        });
        Watching {
            child,
            keys,
            theirs,
            shown,
            reader,
        }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("a terminal");
    }

    fn text(&self) -> String {
        self.shown.lock().expect("no panic").0.frame().text()
    }

    /// Waits until all of these texts are on the screen.
    #[track_caller]
    fn until(&self, texts: &[&str]) {
        wait::retry(Instant::now() + LONG, || {
            let shown = self.text();
            let missing = texts.iter().find(|text| !shown.contains(**text));
            missing.map_or(Ok(()), |text| Err(format!("no {text:?} in\n{shown}")))
        });
    }

    /// Waits for the end. Returns the exit code and all output; the terminal must be as before.
    fn end(mut self) -> (Option<i32>, String) {
        let status = wait::retry(Instant::now() + LONG, || {
            let status = self.child.try_wait().expect("it is ours");
            status.ok_or_else(|| format!("it goes on:\n{}", self.text()))
        });
        let modes = tcgetattr(&self.theirs).expect("a terminal").local_modes;
        let usual = LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG;
        assert!(modes.contains(usual), "{modes:?}");
        drop(self.theirs);
        self.reader.join().expect("a reader does not panic");
        let shown = self.shown.lock().expect("no panic");
        let output = String::from_utf8_lossy(&shown.1).into_owned();
        assert!(
            output.ends_with("\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"),
            "{output:?}"
        );
        (status.code(), output)
    }
}

#[test]
fn films_are_watched_with_pauses_steps_and_roles() {
    let (sandbox, bundle, _) = failed();
    let mut watching = Watching::start(&sandbox, &bundle, "--speed 0.01");
    watching.until(&[" boss (all) │ ", "0.01x", "playing"]);
    watching.press(" ");
    watching.until(&["paused"]);
    watching.press("..");
    watching.until(&["Ready", "1_sign"]);
    watching.press("\t");
    watching.until(&[" clerk │ "]);
    watching.press("+");
    watching.until(&["0.02x"]);
    watching.press("..");
    watching.until(&["Password:", "2_order", "┌────────┐"]);
    watching.press("\x1b[C");
    watching.until(&["REJECTED by ***", "│ end │"]);
    watching.press("\x1b");
    watching.press("[D");
    watching.until(&["paused"]);
    watching.press("q");
    let (code, output) = watching.end();
    assert_eq!(code, Some(0));
    for hostile in ["\x1b]", "\x07", "?1003", "hunter2"] {
        assert!(!output.contains(hostile), "{hostile:?} in {output:?}");
    }
}

#[test]
fn the_terminal_is_restored_after_a_signal() {
    let (sandbox, bundle, _) = failed();
    let film = bundle.join("clerk.cast");
    let watching = Watching::start(&sandbox, &film, "--speed 16 --idle-limit 10ms");
    watching.until(&[" clerk │ 2_order", "REJECTED by ***", "│ end │"]);
    kill_process(Pid::from_child(&watching.child), Signal::TERM).expect("it is ours");
    assert_eq!(watching.end().0, Some(130));
}

#[test]
fn what_cannot_be_watched_is_refused_with_a_remedy() {
    let (sandbox, bundle, _) = failed();
    let bundle = bundle.display();
    let cases = [
        (format!("{bundle}"), "--watch needs a terminal"),
        (format!("{bundle} --role cook"), "no film of `cook`"),
        ("nowhere".to_owned(), "cannot read nowhere"),
        (format!("{bundle} --speed 0"), "write a factor from 0.01"),
        (format!("{bundle} --json"), "cannot be used with"),
    ];
    for (line, error) in cases {
        let finished = sandbox.rehearsal(&format!("replay --watch {line}"));
        finished.assert_code(2).assert_err(error);
    }
    fs::remove_file(sandbox.home().join(format!("{bundle}/boss.cast"))).expect("a film");
    fs::write(format!("{bundle}/clerk.cast"), "{}").expect("a film");
    let finished = sandbox.rehearsal(&format!("replay --watch {bundle}"));
    finished.assert_code(2).assert_err("clerk.cast: line 1: ");
}
