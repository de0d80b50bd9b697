use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

const LINES: TypedMode = TypedMode {
    echo: true,
    lines: true,
};
const HIDDEN: TypedMode = TypedMode {
    echo: false,
    lines: true,
};
const KEYS: TypedMode = TypedMode {
    echo: false,
    lines: false,
};

/// A person at a program, and the disk.
struct Session {
    capture: Capture,
    at: Duration,
    disk: Vec<Chunk>,
    /// All that was ever on it.
    seen: String,
}

impl Session {
    fn new() -> Session {
        let size = ScreenSize {
            rows: 10,
            columns: 40,
        };
        Session {
            capture: Capture::new(size, Instant::now()),
            at: Duration::ZERO,
            disk: Vec::new(),
            seen: String::new(),
        }
    }

    fn then(&mut self, act: impl FnOnce(&mut Capture, Duration)) -> &mut Self {
        self.at += Duration::from_millis(10);
        act(&mut self.capture, self.at);
        match self.capture.take() {
            Captured::More(chunks) => self.disk.extend(chunks),
            Captured::All(chunks) => self.disk = chunks,
        }
        self.seen.push_str(&shown(&self.disk));
        self
    }

    fn out(&mut self, text: &str) -> &mut Self {
        self.then(|it, at| it.output(at, text.as_bytes()))
    }

    fn types(&mut self, mode: TypedMode, text: &str) -> &mut Self {
        self.then(|it, at| it.typed(at, text.as_bytes(), mode))
    }

    fn exits(&mut self) -> &mut Self {
        self.then(|it, at| it.exited(at, 0))
    }

    fn quiet(&mut self) -> &mut Self {
        self.then(|it, _| it.quiet())
    }

    /// The content of the disk: output as it is, typed text in `<>`.
    fn shows(&self) -> String {
        shown(&self.disk)
    }
}

fn shown(chunks: &[Chunk]) -> String {
    let mut text = String::new();
    for chunk in chunks {
        match &chunk.event {
            ChunkEvent::Output(bytes) => text.push_str(&String::from_utf8_lossy(bytes)),
            ChunkEvent::Typed { bytes, .. } => {
                text.push_str(&format!("<{}>", String::from_utf8_lossy(bytes)));
            }
            ChunkEvent::TypedSecret { number } => text.push_str(&format!("<secret {number}>")),
            ChunkEvent::Resized(_) => text.push_str("<size>"),
            ChunkEvent::Marked(mark) => text.push_str(&format!("<{mark:?}>")),
            ChunkEvent::Exited(code) => text.push_str(&format!("<exit {code}>")),
        }
    }
    text
}

#[test]
fn a_line_typed_with_echo_off_is_a_secret() {
    let mut it = Session::new();
    it.out("Login: ").types(LINES, "ann\r").out("ann\r\nWord: ");
    assert_eq!(it.shows(), "Login: <ann><\r>ann\r\nWord: ");
    it.types(HIDDEN, "47").types(HIDDEN, "12\x7f1");
    assert_eq!(it.shows(), "Login: <ann><\r>ann\r\nWord: ");
    it.types(HIDDEN, "\r").out("\r\n").exits();
    assert_eq!(
        it.shows(),
        "Login: <ann><\r>ann\r\nWord: <secret 1>\r\n<exit 0>"
    );
    assert!(!it.seen.contains("47"));
    assert_eq!(it.capture.doubtful(), []);
    let (_, secrets) = it.capture.finish();
    assert_eq!(secrets, HashMap::from([(1, "4711".to_owned())]));
}

#[test]
fn equal_secrets_have_equal_numbers() {
    let mut it = Session::new();
    for text in ["4711\r", "4712\r", "4711\r"] {
        it.out("? ").types(HIDDEN, text).out("\r\n");
    }
    let expected = "? <secret 1>\r\n? <secret 2>\r\n? <secret 1>\r\n";
    assert_eq!(it.shows(), expected);
}

#[test]
fn a_secret_is_masked_wherever_it_is_printed_or_typed_again() {
    let mut it = Session::new();
    it.out("Key of the day: s3cret\r\n? ")
        .types(HIDDEN, "s3cret\r");
    assert_eq!(it.shows(), "Key of the day: ***\r\n? <secret 1>");
    let before = it.seen.len();
    it.out("\r\nYou said \x1b[1ms3")
        .out("cr")
        .out("et\x1b[m and %733cret.\r\nAgain: ");
    for key in ["s", "3", "cret"] {
        it.types(LINES, key).out(key);
    }
    it.types(LINES, "\r")
        .out("\r\n")
        .types(LINES, "echo s3cret\r")
        .exits();
    assert!(!it.seen[before..].contains("s3cret") && !it.seen[before..].contains("s3"));
    let tail = it
        .shows()
        .split_off("Key of the day: ***\r\n? <secret 1>".len());
    let expected = "\r\nYou said \x1b[1m***\x1b[m and ***.\r\nAgain: <secret 1>***\r\n\
                    <echo ***><\r><exit 0>";
    assert_eq!(tail, expected);
}

#[test]
fn a_line_after_a_prompt_for_a_secret_is_one_until_the_person_denies_it() {
    for is_secret in [true, false] {
        let mut it = Session::new();
        it.out("Token: ");
        for key in ["a", "b", "c", "1"] {
            it.types(LINES, key).out(key);
        }
        assert_eq!(it.shows(), "Token: ");
        it.types(LINES, "\r").out("\r\nabc1 is valid\r\n").exits();
        let masked = "Token: <secret 1>***\r\n*** is valid\r\n<exit 0>";
        assert_eq!(it.shows(), masked);
        let doubtful = DoubtfulSecret {
            number: 1,
            prompt: "Token:".into(),
            was_shown: true,
        };
        assert_eq!(it.capture.doubtful(), [doubtful]);
        it.then(|it, _| it.answer(1, is_secret));
        assert_eq!(it.capture.doubtful(), []);
        let expected = match is_secret {
            true => masked,
            false => "Token: <abc1\r>abc1\r\nabc1 is valid\r\n<exit 0>",
        };
        assert_eq!(it.shows(), expected);
        let (chunks, secrets) = it.capture.finish();
        assert_eq!(shown(&chunks), expected);
        assert_eq!(secrets.len(), usize::from(is_secret));
    }
}

#[test]
fn what_was_typed_before_the_echo_was_switched_off_is_taken_back() {
    let mut it = Session::new();
    it.out("? ")
        .types(LINES, "s3c")
        .types(HIDDEN, "ret\r")
        .out("\r\n")
        .exits();
    assert_eq!(it.shows(), "? <secret 1>\r\n<exit 0>");
    let (_, secrets) = it.capture.finish();
    assert_eq!(secrets[&1], "s3cret");
}

#[test]
fn a_discarded_line_is_nowhere() {
    let mut it = Session::new();
    it.out("? ").types(HIDDEN, "s3cr\x03").out("^C").exits();
    assert_eq!(it.shows(), "? <\x03>^C<exit 0>");
    assert!(it.capture.finish().1.is_empty());
}

#[test]
fn keys_that_are_drawn_are_no_secret() {
    let mut it = Session::new();
    it.out("$ ").types(KEYS, "l");
    assert_eq!(it.shows(), "$ ");
    it.out("l");
    assert_eq!(it.shows(), "$ <l>l");
    it.types(KEYS, "s -l\r")
        .out("s -l\r\n")
        .out("total 0\r\n$ ");
    assert_eq!(it.shows(), "$ <l>l<s -l><\r>s -l\r\ntotal 0\r\n$ ");
    it.types(KEYS, "echo token ")
        .out("echo token ")
        .types(KEYS, "abc")
        .out("abc");
    assert!(it.shows().ends_with("<echo token >echo token <abc>abc"));
    assert_eq!(it.capture.doubtful(), []);
}

#[test]
fn keys_that_are_drawn_late_are_waited_for() {
    let mut it = Session::new();
    it.out("$ ")
        .types(KEYS, "date\r")
        .out("da")
        .out("te\r\nMonday\r\n");
    assert_eq!(it.shows(), "$ <date><\r>date\r\nMonday\r\n");
}

#[test]
fn keys_that_are_masked_are_a_secret() {
    let mut it = Session::new();
    it.out("\x1b[5;5HName of your dog");
    it.out("\x1b[7;5H________\x1b[7;5H");
    for (number, key) in ["r", "e", "x", "1"].iter().enumerate() {
        // The whole field is drawn, as by newt.
        let stars = "*".repeat(number + 1);
        it.types(KEYS, key)
            .out(&format!("\x1b[7;5H{stars}\x1b[7;{}H", 6 + number));
    }
    it.types(KEYS, "\t")
        .out("\x1b[8;5HOK")
        .types(KEYS, "\r")
        .exits();
    assert!(
        !it.seen.contains("<r") && !it.seen.contains("<e>"),
        "{}",
        it.seen
    );
    assert!(
        it.shows().contains("<secret 1>\x1b[7;5H*"),
        "{}",
        it.shows()
    );
    assert!(
        it.shows().ends_with("<\t>\x1b[8;5HOK<\r><exit 0>"),
        "{}",
        it.shows()
    );
    assert_eq!(it.capture.doubtful(), []);
    assert_eq!(it.capture.finish().1[&1], "rex1");
}

#[test]
fn keys_of_which_nothing_is_drawn_are_a_secret() {
    for (prompt, is_doubtful) in [("Password: ", false), ("Say it: ", true)] {
        let mut it = Session::new();
        it.out(prompt);
        for key in ["r", "e", "x", "2\x7f1"] {
            it.types(KEYS, key);
        }
        it.types(KEYS, "\r").out("\r\nWelcome\r\n");
        assert_eq!(it.shows(), prompt);
        it.quiet();
        assert_eq!(it.shows(), format!("{prompt}<secret 1>\r\nWelcome\r\n"));
        assert!(!it.seen.contains("rex"));
        assert_eq!(it.capture.doubtful().len(), usize::from(is_doubtful));
        assert_eq!(it.capture.finish().1[&1], "rex1");
    }
}

#[test]
fn keys_of_menus_are_no_secret() {
    let mut it = Session::new();
    it.out("\x1b[H\x1b[7mone\x1b[m\r\ntwo\r\nthree");
    it.types(KEYS, "jj")
        .out("\x1b[Hone\r\ntwo\r\n\x1b[7mthree\x1b[m");
    it.types(KEYS, "\x1b[A")
        .out("\x1b[Hone\r\n\x1b[7mtwo\x1b[m\r\nthree");
    it.types(KEYS, "q").exits();
    assert!(it.shows().contains("<jj>"), "{}", it.shows());
    assert!(it.shows().ends_with("<q><exit 0>"), "{}", it.shows());
    assert_eq!(it.capture.doubtful(), []);
}

#[test]
fn a_clock_is_no_reaction_to_keys() {
    let mut it = Session::new();
    it.out("\x1b[2J\x1b[1;30H10:00:01\x1b[5;1H> ");
    for (second, key) in ["s", "3", "c"].iter().enumerate() {
        it.types(KEYS, key)
            .out(&format!("\x1b[1;30H10:00:0{}\x1b[5;3H", second + 3));
    }
    it.types(KEYS, "\r").out("\x1b[1;30H10:00:09").quiet();
    assert!(it.shows().contains("<secret 1>"), "{}", it.shows());
    assert!(
        !it.seen.contains("<s>") && !it.seen.contains("<3>"),
        "{}",
        it.seen
    );
}

#[test]
fn nothing_is_recorded_during_a_pause() {
    let mut it = Session::new();
    it.out("a").then(|it, at| it.marked(at, Mark::Paused));
    it.out("b")
        .types(LINES, "c\r")
        .then(|it, at| it.marked(at, Mark::Resumed));
    it.out("d").exits();
    assert_eq!(it.shows(), "a<Paused><Resumed>d<exit 0>");
}

fn steps() -> impl Strategy<Value = Vec<(u8, String)>> {
    let text = prop_oneof![
        Just("s3cret".to_owned()),
        Just("s3".to_owned()),
        Just("cret".to_owned()),
        "[a-z3 ]{0,5}",
        Just("\r\n".to_owned()),
    ];
    prop::collection::vec((0..4_u8, text), 0..30)
}

proptest! {
    #[test]
    fn a_secret_that_is_known_never_reaches_the_disk(steps in steps(), mode in any::<bool>()) {
        let mut it = Session::new();
        it.out("? ").types(HIDDEN, "s3cret\r").out("\r\n");
        for (kind, text) in steps {
            match kind {
                0 | 1 => it.out(&text),
                2 => it.types(if mode { LINES } else { KEYS }, &text),
                _ => it.types(HIDDEN, &text),
            };
        }
        it.exits();
        prop_assert!(!it.seen.contains("s3cret"), "{}", it.seen);
        let outputs: Vec<u8> = it.disk.iter().flat_map(|chunk| match &chunk.event {
            ChunkEvent::Output(bytes) => bytes.clone(),
            _ => Vec::new(),
        }).collect();
        prop_assert!(!String::from_utf8_lossy(&outputs).contains("s3cret"));
    }
}
