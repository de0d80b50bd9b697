//! `rehearsal record` at a real terminal, with a script in the place of the person. Belongs to `cli`.

mod imports;
mod person;
mod proofs;
mod scenarios;
mod secrets;
mod shop;

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rehearsal::model::ExitCause;
use rehearsal::process::TerminalMode;
use rehearsal::recorder::{ChunkEvent, Mark, Recording};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::child::with_spawner;
use crate::support::running::Finished;
use crate::support::sandbox::{Sandbox, files_below};
use crate::support::wait;
use person::Person;

const DESK: &str = r#"
import getpass

if input("Agent ID: ") != "ann" or getpass.getpass("PIN: ") != "s3cr3t":
    raise SystemExit("Login failed")
print("Hello ann, with s3", end="", flush=True)
print("cr3t, which is czNjcjN0 and %733cr3t")
while True:
    print("\n1. New ticket\n0. Quit")
    choice = input("Your choice: ")
    if choice == "1":
        subject = input("Subject: ")
        print(f"Ticket T-{len(subject):04} opened for {subject}")
    elif choice == "0":
        print("Bye")
        break
"#;

/// The only recording beside `my.yaml`.
fn recording(sandbox: &Sandbox) -> Recording {
    Recording::read(&recording_path(sandbox)).unwrap()
}

fn recording_path(sandbox: &Sandbox) -> PathBuf {
    let mut files = files_below(&sandbox.home().join("my.recordings"));
    files.retain(|it| it.extension().is_some_and(|it| it == "cast"));
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}

fn output_of(recording: &Recording) -> Vec<u8> {
    let outputs = recording
        .chunks
        .iter()
        .filter_map(|chunk| match &chunk.event {
            ChunkEvent::Output(bytes) => Some(bytes.clone()),
            _ => None,
        });
    outputs.collect::<Vec<_>>().concat()
}

/// The typed texts, a secret as `secret N`.
fn typed_in(recording: &Recording) -> Vec<String> {
    let typed = recording
        .chunks
        .iter()
        .filter_map(|chunk| match &chunk.event {
            ChunkEvent::Typed { bytes, .. } => Some(String::from_utf8_lossy(bytes).into_owned()),
            ChunkEvent::TypedSecret { number } => Some(format!("secret {number}")),
            _ => None,
        });
    typed.collect()
}

/// Forms in which a text may be in a file: as it is; escaped as in JSON, YAML, a URL, Python and a shell;
/// in hexadecimal digits; and in base64 at any offset.
fn forms(text: &str) -> Vec<String> {
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![text.to_owned(), hex.to_uppercase(), hex];
    let json = serde_json::to_string(text).unwrap();
    let json = &json[1..json.len() - 1];
    forms.extend([json.to_owned(), json.replace('/', r"\/")]);
    // JSON within JSON, as in a recording of a program that prints it.
    let twice = serde_json::to_string(json).unwrap();
    forms.push(twice[1..twice.len() - 1].to_owned());
    let ascii = |escape: &dyn Fn(char) -> String| -> String {
        let of = |it: char| {
            if it.is_ascii() {
                it.to_string()
            } else {
                escape(it)
            }
        };
        json.chars().map(of).collect()
    };
    forms.push(ascii(&|it| {
        let mut units = [0; 2];
        let units = it.encode_utf16(&mut units).iter();
        units.map(|it| format!("\\u{it:04x}")).collect()
    }));
    forms.push(ascii(&|it| format!("\\U{:08x}", u32::from(it))));
    // YAML in single quotes.
    forms.push(text.replace('\'', "''"));
    for is_upper in [true, false] {
        let of = |byte: u8| match byte {
            byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                char::from(byte).to_string()
            }
            byte if is_upper => format!("%{byte:02X}"),
            byte => format!("%{byte:02x}"),
        };
        let url: String = text.bytes().map(of).collect();
        forms.extend([url.replace("%20", "+"), url.replace("%2F", "/"), url]);
    }
    forms.push(text.replace('\\', r"\\").replace('\'', r"\'"));
    forms.push(text.replace('\'', r"'\''"));
    for offset in 0..3 {
        let bytes = [&[0; 2][..offset], text.as_bytes()].concat();
        let coded = STANDARD_NO_PAD.encode(&bytes);
        // The characters at both ends depend on the bytes beside the text.
        let end = bytes.len() * 8 / 6;
        forms.push(coded[(offset * 8).div_ceil(6)..end].to_owned());
    }
    forms.retain(|form| form == text || form.len() > 5);
    forms.sort();
    forms.dedup();
    forms
}

/// Asserts that no file of the sandbox has any of these texts.
fn assert_nowhere(sandbox: &Sandbox, texts: &[&str], except: &str) {
    let directory = Path::new(sandbox.mark());
    let files = files_below(directory);
    assert!(!files.is_empty());
    for file in files.iter().filter(|it| !it.ends_with(except)) {
        let bytes = fs::read(file).unwrap();
        for text in texts.iter().flat_map(|text| forms(text)) {
            let found = bytes.windows(text.len()).any(|it| it == text.as_bytes());
            assert!(!found, "{text} is in {}", file.display());
        }
    }
}

/// Runs `my.yaml` as it was written.
fn run(sandbox: &Sandbox, arguments: &str, variables: &[(&str, &str)]) {
    let mut command = sandbox.command(&format!("run my.yaml {arguments}"));
    command.envs(variables.iter().copied());
    command.env("REHEARSAL_SHOP_DB", sandbox.home().join("shop.db"));
    Finished::of(&mut command).assert_code(0);
}

const RECORD: [&str; 6] = [
    "rehearsal",
    "record",
    "--no-proof",
    "--into",
    "my.yaml",
    "--",
];

fn record<'w>(words: &[&'w str]) -> Vec<&'w str> {
    RECORD.iter().chain(words).copied().collect()
}

/// Works at the desk, from the log-in to the menu.
async fn log_in(person: &mut Person) {
    person.sees("Agent ID: ").await;
    person.types("ann\r");
    person.sees("PIN: ").await;
    let is_hidden = || person.child.echo() == TerminalMode::Raw;
    assert!(is_hidden(), "the recorder has the terminal in raw mode");
    person.types_hidden("s3cr3t\r").await;
    person.sees("Your choice: ").await;
}

#[test]
fn a_session_is_passed_through_byte_by_byte() {
    let script = "stty size; echo $TERM $COLORTERM; printf '\\377\\033[31mred\\033[m\\033[6n'; \
                  stty raw -echo; head -c 5 | od -c; exit 7";
    with_spawner(async |spawner| {
        let sandbox = Sandbox::new();
        let mut shown = Vec::new();
        for words in [
            vec!["/bin/sh", "-c", script],
            record(&["/bin/sh", "-c", script]),
        ] {
            let mut person = Person::at(spawner, &sandbox, &words).await;
            person.sees("[6n").await;
            let is_raw = || person.child.echo() == TerminalMode::Raw;
            wait::until_async(wait::LONG, "raw mode", is_raw).await;
            person.types("\x03\x1a\x11");
            person.types("\u{fc}");
            assert_eq!(person.exits().await, Some(ExitCause::Code(7)));
            shown.push(person.shown);
        }
        assert!(
            shown[1].starts_with(&shown[0]),
            "{:?}",
            String::from_utf8_lossy(&shown[1])
        );
        let recording = recording(&sandbox);
        assert_eq!(output_of(&recording), shown[0]);
        assert_eq!(recording.command, ["/bin/sh", "-c", script]);
        let last = recording.chunks.last().map(|it| &it.event);
        assert_eq!(last, Some(&ChunkEvent::Exited(7)));
    });
}

#[test]
fn a_new_size_reaches_the_program() {
    // Blocked, the signal waits until it is asked for.
    let script = "import os, signal\n\
                  signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGWINCH])\n\
                  show = lambda: os.write(1, ('size %d %d\\n' % os.get_terminal_size()).encode())\n\
                  show()\nsignal.sigwait([signal.SIGWINCH])\nshow()\ninput()\n";
    with_spawner(async |spawner| {
        let sandbox = Sandbox::with("size.py", script);
        let mut person = Person::at(spawner, &sandbox, &record(&["python3", "size.py"])).await;
        person.sees("size 80 24").await;
        person.child.resize(31, 97);
        person.sees("size 97 31").await;
        person.types("\r");
        assert_eq!(person.exits().await, Some(ExitCause::Code(0)));
        let sizes = recording(&sandbox)
            .chunks
            .into_iter()
            .filter_map(|chunk| match chunk.event {
                ChunkEvent::Resized(size) => Some((size.rows, size.columns)),
                _ => None,
            });
        assert_eq!(sizes.collect::<Vec<_>>(), [(31, 97)]);
    });
}

#[test]
fn a_signal_from_the_keyboard_goes_to_the_program() {
    with_spawner(async |spawner| {
        let sandbox = Sandbox::new();
        let script =
            "trap 'echo interrupted; exit 3' INT; echo ready; while :; do read -r line; done";
        let mut person = Person::at(spawner, &sandbox, &record(&["/bin/bash", "-c", script])).await;
        person.sees("ready").await;
        person.types("\x03");
        person.sees("interrupted").await;
        assert_eq!(person.exits().await, Some(ExitCause::Code(3)));
    });
}

#[test]
fn what_is_typed_with_echo_off_is_in_no_file() {
    with_spawner(async |spawner| {
        let sandbox = Sandbox::with("desk.py", DESK);
        let mut person = Person::at(spawner, &sandbox, &record(&["python3", "desk.py"])).await;
        log_in(&mut person).await;
        // The person sees what the program shows.
        let shown = String::from_utf8_lossy(&person.shown).into_owned();
        assert!(shown.contains("with s3cr3t, which is"), "{shown}");
        person.types("s3cr3t\r");
        person.sees("Your choice: ").await;
        person.types("0\r");
        assert_eq!(person.exits().await, Some(ExitCause::Code(0)));
        assert_nowhere(
            &sandbox,
            &["s3cr3t", "s3cr", "czNjcjN0", "733cr"],
            "desk.py",
        );
        let recording = recording(&sandbox);
        let typed = ["ann", "\r", "secret 1", "secret 1", "0", "\r"];
        assert_eq!(typed_in(&recording), typed);
        let output = String::from_utf8(output_of(&recording)).unwrap();
        assert!(
            output.contains("with ***, which is *** and ***"),
            "{output}"
        );
    });
}

#[test]
fn a_password_in_a_box_is_in_no_file() {
    with_spawner(async |spawner| {
        let sandbox = Sandbox::new();
        let words = [
            "/usr/bin/whiptail",
            "--passwordbox",
            "Who are you",
            "10",
            "40",
        ];
        if !Path::new(words[0]).exists() {
            eprintln!("skipped: there is no whiptail");
            return;
        }
        let mut person = Person::at(spawner, &sandbox, &record(&words)).await;
        person.sees("Cancel").await;
        let mut stars = String::new();
        for key in ["r", "e", "x", "4", "2"] {
            person.types(key);
            person.sees("*").await;
            stars.push('*');
        }
        person.types("\r");
        assert_eq!(person.exits().await, Some(ExitCause::Code(0)));
        assert_nowhere(&sandbox, &["rex42", "\"rex", "\"r\""], "");
        assert_eq!(typed_in(&recording(&sandbox)), ["secret 1"]);
    });
}

#[test]
fn an_answer_in_doubt_is_a_secret_until_the_person_denies_it() {
    for (answer, typed) in [("n", "abc1\r"), ("", "secret 1")] {
        with_spawner(async |spawner| {
            let sandbox = Sandbox::new();
            let script = "read -p 'Token: ' token; echo got";
            let words = record(&["/bin/bash", "-c", script]);
            let mut person = Person::at(spawner, &sandbox, &words).await;
            person.sees("Token: ").await;
            person.types("abc1\r");
            person
                .sees("Is what you typed after `Token:` a secret? [Y/n] ")
                .await;
            assert_nowhere(&sandbox, &["abc1"], "");
            person.types(&format!("{answer}\r"));
            assert_eq!(person.exits().await, Some(ExitCause::Code(0)));
            assert_eq!(typed_in(&recording(&sandbox)), [typed]);
        });
    }
}

#[test]
fn a_recording_outlives_kill() {
    with_spawner(async |spawner| {
        let sandbox = Sandbox::with("desk.py", DESK);
        let mut person = Person::at(spawner, &sandbox, &record(&["python3", "desk.py"])).await;
        log_in(&mut person).await;
        let pid = Pid::from_raw(person.child.pid().try_into().unwrap()).unwrap();
        kill_process(pid, Signal::KILL).unwrap();
        assert_eq!(person.exits().await, Some(ExitCause::Signal(9)));
        let output = String::from_utf8(output_of(&recording(&sandbox))).unwrap();
        assert!(output.ends_with("Your choice: "), "{output}");
        assert_nowhere(&sandbox, &["s3cr"], "desk.py");
        let path = recording_path(&sandbox);
        let from = path
            .strip_prefix(sandbox.home())
            .unwrap()
            .display()
            .to_string();
        let line = format!("record --no-proof --into my.yaml --from {from}");
        sandbox.rehearsal(&line).assert_code(0);
        assert!(sandbox.read("my.yaml").contains("Agent ID:"));
        run(
            &sandbox,
            "--flows 3 --parallel 2",
            &[("DESK_PIN", "s3cr3t")],
        );
    });
}

#[test]
fn the_terminal_is_restored_when_the_recorder_is_stopped() {
    for signal in [Signal::TERM, Signal::HUP] {
        with_spawner(async |spawner| {
            let sandbox = Sandbox::with("desk.py", DESK);
            let script = "\"$REHEARSAL\" record --into my.yaml -- python3 desk.py; \
                          echo \"left with $?\"; read -r line";
            let mut person = Person::at(spawner, &sandbox, &["/bin/sh", "-c", script]).await;
            person.sees("Agent ID: ").await;
            assert_eq!(person.child.echo(), TerminalMode::Raw);
            let shell = person.child.pid();
            let children = fs::read_to_string(format!("/proc/{shell}/task/{shell}/children"));
            let children = children.unwrap();
            let recorder: i32 = children.split_whitespace().next().unwrap().parse().unwrap();
            kill_process(Pid::from_raw(recorder).unwrap(), signal).unwrap();
            person.sees("left with 130").await;
            assert_eq!(person.child.echo(), TerminalMode::On);
            person.types("\r");
            person.exits().await;
        });
    }
}

#[test]
fn the_menu_marks_places_and_leaves_the_screen_as_it_was() {
    with_spawner(async |spawner| {
        let sandbox = Sandbox::with("desk.py", DESK);
        let mut person = Person::at(spawner, &sandbox, &record(&["python3", "desk.py"])).await;
        log_in(&mut person).await;
        person.types("1\r");
        person.sees("Subject: ").await;
        person.types("Printer\r");
        person.sees("Your choice: ").await;
        person.types("\x1d");
        person.sees("[p]roof").await;
        person.types("p");
        person.sees("text that proves success").await;
        person.types("\x15Ticket T-0007 opened\r");
        person.types("\x1dc\x15T-0007\rticket\r");
        // Twice, it is typed.
        person.types("\x1d\x1d");
        person.sees("^]").await;
        person.types("\x15");
        person.types("0\r");
        assert_eq!(person.exits().await, Some(ExitCause::Code(0)));
        let marks = recording(&sandbox)
            .chunks
            .into_iter()
            .filter_map(|chunk| match chunk.event {
                ChunkEvent::Marked(mark) => Some(mark),
                _ => None,
            });
        let expected = [
            Mark::Proof("Ticket T-0007 opened".into()),
            Mark::Capture {
                name: "ticket".into(),
                text: "T-0007".into(),
            },
        ];
        assert_eq!(marks.collect::<Vec<_>>(), expected);
    });
}

#[test]
fn text_that_was_typed_ahead_is_no_secret() {
    // It reads keys, and shows a line when it has all of it.
    let script = "import sys, termios, tty\n\
                  def ask(prompt):\n\
                  \x20   print(prompt, end='', flush=True)\n\
                  \x20   line = ''\n\
                  \x20   while (key := sys.stdin.read(1)) not in '\\r\\n': line += key\n\
                  \x20   print(line, end='\\r\\n', flush=True)\n\
                  \x20   return line\n\
                  tty.setraw(0)\n\
                  name = ask('Name: ')\n\
                  print(f'{ask(\"Colour: \")} for {name}', end='\\r\\n')\n";
    with_spawner(async |spawner| {
        let sandbox = Sandbox::with("keys.py", script);
        let mut person = Person::at(spawner, &sandbox, &record(&["python3", "keys.py"])).await;
        person.sees("Name: ").await;
        person.types("Ann Lee\r");
        person.sees("Colour: ").await;
        person.types("blue\r");
        assert_eq!(person.exits().await, Some(ExitCause::Code(0)));
        let scenario = sandbox.read("my.yaml");
        assert!(scenario.contains("colour: blue"), "{scenario}");
        run(&sandbox, "--flows 2", &[]);
    });
}

#[test]
fn without_a_terminal_nothing_is_started() {
    let sandbox = Sandbox::new();
    let finished = sandbox.rehearsal("record -- touch made");
    finished.assert_code(2);
    assert!(
        finished.err.contains("needs a terminal"),
        "{}",
        finished.err
    );
    assert!(!sandbox.has("made"));
}
