//! Model programs that draw what is typed in every way, and waits that must not be satisfied by it.

use super::*;

/// A way in which a program and its terminal draw a reply.
#[derive(Debug, Clone, Copy)]
enum Style {
    /// The terminal echoes.
    Terminal,
    /// The terminal echoes, then the program reads keys and draws the reply again.
    Both,
    /// The same, with the prompt.
    BothWithPrompt,
    /// The same, and the prompt is repainted at each key.
    BothRepainted,
    /// The terminal echoes single keys, and the program draws them, too.
    BothPerKey,
    Own,
    /// The prompt is repainted at each key.
    Repainted,
    /// The same, with cursor movements in place of the prompt.
    Moved,
    /// A row of fixed width that scrolls, as line editors draw it on a plain terminal.
    Scrolled,
    /// Rows joined by the terminal's automatic wrapping.
    Wrapped,
    /// Rows joined by line ends.
    WrappedByLineEnds,
    /// Drawn again after the cursor was moved back from rows below.
    MovedBack,
    /// Drawn at an absolute position at each key, with more text behind it.
    Addressed,
    /// The whole screen is cleared and drawn again at each key, with text before the prompt.
    Boxed,
    /// Drawn with a row below it at each key.
    WithRowBelow,
    /// The terminal echoes, and the program draws the row above again.
    BothAbove,
    /// Bracketed paste, highlighted, then drawn again.
    Pasted,
    Stars,
    /// Only the line end is drawn.
    Nothing,
    /// Not even the line end is drawn.
    Silent,
    /// A password prompt of a terminal.
    Hidden,
}

const STYLES: [Style; 21] = [
    Style::Terminal,
    Style::Both,
    Style::BothWithPrompt,
    Style::BothRepainted,
    Style::BothPerKey,
    Style::Own,
    Style::Repainted,
    Style::Moved,
    Style::Scrolled,
    Style::Wrapped,
    Style::WrappedByLineEnds,
    Style::MovedBack,
    Style::Addressed,
    Style::Boxed,
    Style::WithRowBelow,
    Style::BothAbove,
    Style::Pasted,
    Style::Stars,
    Style::Nothing,
    Style::Silent,
    Style::Hidden,
];

impl Style {
    fn mode(self) -> EchoMode {
        match self {
            Style::Terminal
            | Style::Both
            | Style::BothWithPrompt
            | Style::BothRepainted
            | Style::BothAbove => EchoMode::Lines,
            Style::BothPerKey => EchoMode::Keys,
            Style::Hidden => EchoMode::Hidden,
            _ => EchoMode::Raw,
        }
    }

    /// Returns the pieces in which the echo of `reply` arrives, up to its line end.
    fn echo(self, prompt: &str, reply: &str) -> Vec<String> {
        let columns = usize::from(COLUMNS);
        let keys: Vec<usize> = reply
            .char_indices()
            .map(|(at, c)| at + c.len_utf8())
            .collect();
        let repaint = || {
            keys.iter()
                .map(|&to| format!("\r{prompt}{}\x1b[K", &reply[..to]))
        };
        let line_end = || "\r\n".to_owned();
        let terminal = format!("{reply}\r\n");
        match self {
            Style::Terminal | Style::Own => vec![terminal],
            Style::Both => vec![terminal.clone(), terminal],
            Style::BothWithPrompt => vec![terminal, format!("{prompt}{reply}\r\n")],
            Style::BothRepainted => [terminal]
                .into_iter()
                .chain(repaint())
                .chain([line_end()])
                .collect(),
            Style::BothPerKey => {
                let doubled = reply.chars().map(|c| format!("{c}{c}"));
                doubled.chain([line_end()]).collect()
            }
            Style::Repainted => repaint().chain([line_end()]).collect(),
            Style::Moved => {
                let behind = prompt.chars().count() + 1;
                let keys = keys
                    .iter()
                    .map(|&to| format!("\x1b[{behind}G{}", &reply[..to]));
                keys.chain([line_end()]).collect()
            }
            Style::Scrolled => {
                let shown: Vec<char> = prompt.chars().chain(reply.chars()).collect();
                let mut pieces = Vec::new();
                let mut from = prompt.chars().count();
                let mut to = shown.len().min(columns - 1);
                pieces.push(shown[from..to].iter().collect());
                while to < shown.len() {
                    from = to - columns / 3;
                    to = shown.len().min(from + columns - 2);
                    pieces.push(format!("\r<{}", shown[from..to].iter().collect::<String>()));
                }
                pieces.push(line_end());
                pieces
            }
            Style::Wrapped | Style::WrappedByLineEnds => {
                let join = match self {
                    Style::Wrapped => " \r",
                    _ => "\r\n",
                };
                let shown: Vec<char> = prompt.chars().chain(reply.chars()).collect();
                let before = prompt.chars().count();
                let rows = shown.chunks(columns).enumerate().map(|(row, piece)| {
                    let piece = &piece[if row == 0 { before } else { 0 }..];
                    let join = if row == 0 { "" } else { join };
                    format!("{join}{}", piece.iter().collect::<String>())
                });
                rows.chain([line_end()]).collect()
            }
            Style::MovedBack => {
                let shown: Vec<char> = prompt.chars().chain(reply.chars()).collect();
                let rows: Vec<String> = shown
                    .chunks(columns)
                    .map(|row| format!("{}\r\r\n", row.iter().collect::<String>()))
                    .collect();
                let rows = rows.concat();
                vec![
                    format!("\x1b[6D{rows}\r\r\n\r\r\n \x08\x1b[2A\x1b[9C"),
                    format!(
                        "\x1b[{}A\x1b[9D\x1b[J{rows}\x1b[J",
                        shown.len().div_ceil(columns)
                    ),
                ]
            }
            Style::Addressed => keys
                .iter()
                .map(|&to| format!("\x1b[1;1H{prompt}{} [x]", &reply[..to]))
                .chain([line_end()])
                .collect(),
            Style::Boxed => keys
                .iter()
                .map(|&to| {
                    let (drawn, rest) = reply.split_at(to);
                    let column = rest.len() % 2 + 9;
                    format!("\x1b[2J\x1b[H+--+\r\n| {prompt}{drawn}\r\n+--+\x1b[2;{column}H")
                })
                .chain(["\x1b[5;1H".to_owned()])
                .collect(),
            Style::WithRowBelow => keys
                .iter()
                .map(|&to| {
                    format!(
                        "\r\x1b[K{prompt}{}\r\n\x1b[K(help)\x1b[A\r\x1b[9C",
                        &reply[..to]
                    )
                })
                .chain([line_end(), line_end()])
                .collect(),
            Style::BothAbove => vec![
                terminal,
                format!("\x1b[1A\r\x1b[K{prompt}{reply} \u{2713}\r\n"),
            ],
            Style::Pasted => vec![
                format!("\x1b[?2004h\x1b[7m{reply}\x1b[27m"),
                format!("\r{prompt}{reply}"),
                "\r\n\x1b[?2004l\r".to_owned(),
            ],
            Style::Stars => vec!["*".repeat(keys.len()), line_end()],
            Style::Nothing | Style::Hidden => vec![line_end()],
            Style::Silent => Vec::new(),
        }
    }
}

/// A dialogue of one reply with a model program.
#[derive(Debug, Clone)]
struct Case {
    style: Style,
    prompt: &'static str,
    reply: String,
    /// Rows that the program prints after the reply.
    output: Vec<String>,
    /// The program's next prompt.
    next: String,
    pattern: &'static str,
    /// The program is quiet between the pieces that it draws.
    is_slow: bool,
}

impl Case {
    fn steps(&self) -> Vec<Step> {
        let mut steps = vec![
            prompt("/[:>] $/"),
            says(self.prompt),
            Types(self.reply.clone(), self.style.mode()),
            any(&[(On::Line, self.pattern), (On::Prompt, self.pattern)]),
        ];
        for (place, piece) in self.style.echo(self.prompt, &self.reply).iter().enumerate() {
            if place == 1
                && matches!(
                    self.style,
                    Style::Both | Style::BothWithPrompt | Style::BothRepainted
                )
            {
                steps.push(ReadsKeys);
            }
            steps.push(says(piece));
            if self.is_slow && self.style.mode() != EchoMode::Lines {
                steps.push(Quiet);
            }
        }
        let output = self.output.iter().map(|row| format!("{row}\r\n"));
        steps.push(says(&(output.collect::<String>() + &self.next)));
        steps.push(Quiet);
        steps
    }

    /// Returns the first match in what the program says itself, with its capture.
    fn said(&self) -> Option<(String, Option<String>)> {
        let wanted = pattern(self.pattern);
        let rows = self.output.iter().chain([&self.next]);
        let mut found = rows.filter_map(|row| {
            let range = wanted.find(row, 0..row.len())?;
            let captures = wanted.captures(row, range.start, row.len());
            let value = captures.first().map(|(_, value)| value.as_ref().to_owned());
            Some((row[range].to_owned(), value))
        });
        found.next()
    }

    /// Returns whether a match cannot be distinguished from a drawn reply.
    fn is_ambiguous(&self, text: &str, value: Option<&str>) -> bool {
        let drawn = [self.prompt, &self.reply, &self.reply].concat();
        let doubled: String = self.reply.chars().flat_map(|c| [c, c]).collect();
        let may_be_drawn =
            |text: &str| drawn.contains(text.trim()) || doubled.contains(text.trim());
        let draws = !matches!(self.style, Style::Terminal | Style::Hidden);
        draws && (may_be_drawn(text) || value.is_some_and(may_be_drawn))
    }
}

fn case() -> impl Strategy<Value = Case> {
    let reply = prop_oneof![
        "[a-d01]{1,4}",
        "[a-d]{2,5}( (Order|saved|0|ok:)){0,3}",
        "[a-c]{30,90} (Order saved|total: 12) [a-c]{0,30}",
        Just("0001".to_owned()),
        Just("Zoé 😀".to_owned()),
    ];
    let style = proptest::sample::select(STYLES.to_vec());
    let asked = proptest::sample::select(vec!["Note: ", "> ", "Order id (1-3): "]);
    let pattern = proptest::sample::select(vec![
        "Order saved",
        "saved",
        "a",
        "0",
        "ok",
        ">",
        "Note:",
        r"/saved: (?<v>\S+)/",
        r"/total: (?<v>\d+)/",
        r"/(?<v>\d+)/",
        r"/(?<v>[a-z]+ [a-z]+)/",
        "/^b.*/",
    ]);
    (style, asked, reply, pattern, any_bool()).prop_flat_map(
        |(style, prompt, reply, pattern, is_slow)| {
            let texts = vec![
                format!("saved: {reply}!"),
                format!("total: 1{reply}"),
                format!("hello {reply}"),
                format!("x{reply}x"),
                "Order saved".to_owned(),
                "REJECTED".to_owned(),
                "total: 10.50".to_owned(),
                "b 7".to_owned(),
                String::new(),
            ];
            let output = proptest::collection::vec(proptest::sample::select(texts), 0..4);
            let next = proptest::sample::select(vec!["Next: ", "# ", prompt]);
            (output, next).prop_map(move |(output, next)| Case {
                style,
                prompt,
                reply: reply.clone(),
                output,
                next: next.to_owned(),
                pattern,
                is_slow,
            })
        },
    )
}

proptest! {
    // `PROPTEST_CASES` sets another number.
    #![proptest_config(ProptestConfig { cases: 2 * ProptestConfig::default().cases, ..Default::default() })]

    /// A program that never prints a text never satisfies a wait for it; one that does, always.
    #[test]
    fn only_the_program_satisfies_a_wait(
        case in case(),
        sizes in proptest::collection::vec(0_usize..9, 0..12),
    ) {
        let role = Role::plain();
        let log = role.run(&case.steps(), &Reads::Whole);
        let found: Vec<&str> = log.lines().skip(1).collect();
        match case.said() {
            None => prop_assert!(found.is_empty(), "{}", log),
            Some((text, value)) => {
                let is_ambiguous = case.is_ambiguous(&text, value.as_deref());
                if !is_ambiguous {
                    prop_assert_eq!(found.len(), 1, "{}", log);
                    if let Some(value) = value {
                        let expected = format!(" v={value} ");
                        prop_assert!(found[0].contains(&expected), "{} {}", log, expected);
                    }
                }
            }
        }
        prop_assert_eq!(&role.run(&case.steps(), &Reads::ByteByByte), &log);
        prop_assert_eq!(&role.run(&case.steps(), &Reads::Pieces(sizes)), &log);
        prop_assert_eq!(&role.run(&case.steps(), &Reads::ByteByByteWithPolls), &log);
    }
}
