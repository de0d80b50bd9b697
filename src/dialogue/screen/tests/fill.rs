use super::{Recording, at, draw, drawn};
use crate::dialogue::screen::{FieldValue, FormFiller, KeyPress, KeyStep};
use crate::terminal::{Key, Screen};

fn filler(fields: &[(&str, &str)]) -> FormFiller {
    let fields = fields.iter().map(|(label, value)| FieldValue {
        label: (*label).to_owned(),
        value: (*value).to_owned(),
        shows: None,
    });
    FormFiller::new(fields.collect())
}

/// Returns the next step on a settled screen, or the error once the program has had its time.
fn next(filler: &mut FormFiller, screen: &Screen) -> String {
    let step = match filler.next(screen, false) {
        Ok(KeyStep::Wait) => filler.next(screen, true),
        step => step,
    };
    match step {
        Ok(KeyStep::Press(KeyPress::Key(key))) => key.to_string(),
        Ok(KeyStep::Press(KeyPress::Text(text))) => format!("text:{text}"),
        Ok(KeyStep::Done) => "done".into(),
        Ok(step) => format!("{step:?}"),
        Err(error) => format!("{:?}: {}", error.kind, error.message),
    }
}

/// Fills on a recording of a program, which has to have been recorded with the same keys.
fn filled(recording: &str, fields: &[(&str, &str)]) -> String {
    let mut recording = Recording::open(recording);
    let mut filler = filler(fields);
    let mut keys = Vec::new();
    loop {
        let key = next(&mut filler, recording.screen());
        keys.push(key.clone());
        if keys.len() > 50 || !recording.press(&key) {
            return keys.join(" ");
        }
    }
}

#[test]
fn fields_are_filled_in_real_programs() {
    let erased = "end backspace backspace backspace text";
    for (recording, fields, expected) in [
        (
            "whiptail-input",
            [("Name:", "Al")].as_slice(),
            format!("{erased}:Al done"),
        ),
        (
            "dialog-input",
            &[("Name:", "Al")],
            format!("{erased}:Al done"),
        ),
        (
            "questionary-text",
            &[("Name:", "Al")],
            format!("{erased}:Al done"),
        ),
        (
            "whiptail-password",
            &[("Password:", "secret")],
            "text:secret done".into(),
        ),
        (
            "dialog-form",
            &[("Customer:", "C-17"), ("Quantity:", "12")],
            format!("{erased}:C-17 tab tab tab down text:12 done"),
        ),
    ] {
        assert_eq!(filled(recording, fields), expected, "{recording}");
    }
}

/// A form program: fields behind labels, Tab or arrows between them.
#[derive(Debug, Clone)]
struct Form {
    fields: Vec<FormField>,
    focus: usize,
    look: Look,
    /// The keys between fields.
    next: Key,
    has_home: bool,
    has_backspace: bool,
}

#[derive(Debug, Clone)]
struct FormField {
    label: &'static str,
    text: Vec<char>,
    cursor: usize,
    width: usize,
    refuses: &'static str,
    is_masked: bool,
}

#[derive(Debug, Clone, Copy)]
enum Look {
    Brackets,
    Underscores,
    Ground,
    Plain,
    TwoColumns,
}

fn field(label: &'static str, text: &str) -> FormField {
    FormField {
        label,
        cursor: text.chars().count(),
        text: text.chars().collect(),
        width: 10,
        refuses: "",
        is_masked: false,
    }
}

impl Form {
    fn new(look: Look) -> Form {
        Form {
            fields: vec![
                field("Customer:", "C-1"),
                field("Quantity:", ""),
                field("Town", "Rome"),
            ],
            focus: 1,
            look,
            next: Key::Tab,
            has_home: true,
            has_backspace: true,
        }
    }

    fn draw(&self) -> String {
        let mut output = String::from("\x1b[2J") + &at(2, 3, "Order form");
        let mut cursor = String::new();
        for (index, field) in (0_u16..).zip(&self.fields) {
            let (row, column) = match self.look {
                Look::TwoColumns => (5 + index / 2, 3 + 36 * (index % 2)),
                _ => (5 + index, 3),
            };
            let scrolled = (field.cursor + 1).saturating_sub(field.width);
            let shown = field.text.iter().skip(scrolled).take(field.width);
            let shown: String = shown
                .map(|it| if field.is_masked { '*' } else { *it })
                .collect();
            let (before, after, blank) = match self.look {
                Look::Brackets => ("[", "]", " "),
                Look::Underscores => ("", "", "_"),
                Look::Ground => ("\x1b[44m", "\x1b[0m", " "),
                Look::Plain | Look::TwoColumns => ("", "", " "),
            };
            let blanks = blank.repeat(field.width - shown.chars().count());
            let text = format!("{:10} {before}{shown}{blanks}{after}", field.label);
            output += &at(row, column, &text);
            if usize::from(index) == self.focus {
                let bracket = usize::from(matches!(self.look, Look::Brackets));
                let offset = u16::try_from(11 + bracket + field.cursor - scrolled).unwrap();
                cursor = at(row, column + offset, "");
            }
        }
        output + &at(20, 3, "F2 save") + &cursor
    }

    fn press(&mut self, press: &KeyPress) {
        let len = self.fields.len();
        let (has_home, has_backspace, next) = (self.has_home, self.has_backspace, self.next);
        let field = &mut self.fields[self.focus];
        match press {
            KeyPress::Text(text) => {
                for it in text.chars().filter(|it| !field.refuses.contains(*it)) {
                    field.text.insert(field.cursor, it);
                    field.cursor += 1;
                }
            }
            KeyPress::Key(Key::Backspace) if has_backspace && field.cursor > 0 => {
                field.cursor -= 1;
                field.text.remove(field.cursor);
            }
            KeyPress::Key(Key::Delete) if field.cursor < field.text.len() => {
                field.text.remove(field.cursor);
            }
            KeyPress::Key(Key::Ctrl('u')) => {
                field.text.clear();
                field.cursor = 0;
            }
            KeyPress::Key(Key::Home) if has_home => field.cursor = 0,
            KeyPress::Key(Key::End) if has_home => field.cursor = field.text.len(),
            KeyPress::Key(key) if *key == next => self.focus = (self.focus + 1) % len,
            KeyPress::Key(_) | KeyPress::Paste(_) => {}
        }
    }
}

/// Fills a form, and returns what its fields hold then, or the error.
fn fill(form: &mut Form, fields: &[(&str, &str)]) -> String {
    let mut filler = filler(fields);
    let mut screen = drawn(&form.draw());
    let mut is_overdue = false;
    loop {
        match filler.next(&screen, is_overdue) {
            Ok(KeyStep::Press(press)) => {
                form.press(&press);
                draw(&mut screen, &form.draw());
                is_overdue = false;
            }
            Ok(KeyStep::Wait) => {
                assert!(!is_overdue, "a wait beyond its time");
                is_overdue = true;
            }
            Ok(KeyStep::Done) => {
                let fields = form
                    .fields
                    .iter()
                    .map(|it| it.text.iter().collect::<String>());
                return fields.collect::<Vec<_>>().join(",");
            }
            Ok(step) => return format!("{step:?}"),
            Err(error) => return format!("{:?}: {}", error.kind, error.message),
        }
    }
}

#[test]
fn fields_of_any_look_are_filled() {
    let fields = [
        ("Customer:", "C-17"),
        ("Town", "Oslo (N)"),
        ("Quantity:", "7"),
    ];
    let looks = [
        Look::Brackets,
        Look::Underscores,
        Look::Ground,
        Look::Plain,
        Look::TwoColumns,
    ];
    for look in looks {
        let expected = "C-17,7,Oslo (N)";
        assert_eq!(fill(&mut Form::new(look), &fields), expected, "{look:?}");
        let mut form = Form {
            next: Key::Down,
            ..Form::new(look)
        };
        assert_eq!(fill(&mut form, &fields), expected, "{look:?} down");
        let mut form = Form {
            has_backspace: false,
            ..Form::new(look)
        };
        assert_eq!(fill(&mut form, &fields), expected, "{look:?} delete");
        let mut form = Form {
            has_backspace: false,
            has_home: false,
            ..Form::new(look)
        };
        assert_eq!(fill(&mut form, &fields), expected, "{look:?} ctrl-u");
        let mut form = Form::new(look);
        form.fields[1].is_masked = true;
        assert_eq!(fill(&mut form, &fields), expected, "{look:?} masked");
        let long = "a value longer than its field";
        let mut form = Form::new(look);
        let taken = fill(&mut form, &[("Quantity:", long)]);
        let expected = match look {
            // Such a field has no end to be seen.
            Look::Plain | Look::TwoColumns => {
                "NotTaken: the field of `Quantity:` shows `its field` after its value was typed"
            }
            Look::Brackets | Look::Underscores | Look::Ground => {
                "C-1,a value longer than its field,Rome"
            }
        };
        assert_eq!(taken, expected, "{look:?} long");
        assert_eq!(
            fill(&mut form.clone(), &[("Town", "")]),
            format!("C-1,{long},")
        );
    }
}

#[test]
fn a_form_that_cannot_be_filled_is_an_error() {
    let mut form = Form::new(Look::Brackets);
    form.fields[1].refuses = "x";
    assert_eq!(
        fill(&mut form, &[("Quantity:", "1x")]),
        "NotTaken: the field of `Quantity:` shows `1` after its value was typed"
    );
    assert_eq!(
        fill(&mut form, &[("Colour:", "1x")]),
        "NotFound: the label `Colour:` is not on the screen"
    );
    form.fields[0].label = "Quantity:";
    assert_eq!(
        fill(&mut form, &[("Quantity:", "1")]),
        "Ambiguous: the label `Quantity:` is on the screen 2 times, in rows 5, 6"
    );
    form.next = Key::Function(9);
    assert_eq!(
        fill(&mut form, &[("Town", "1")]),
        "NoEffect: `tab`, `down` and `up` do not bring the cursor to the field of `Town`"
    );
    let screen = drawn("Name: [Bob]\x1b[?25l\x1b[9;1H");
    let mut hidden = filler(&[("Name:", "Al")]);
    let steps: Vec<String> = (0..4).map(|_| next(&mut hidden, &screen)).collect();
    assert_eq!(steps[..3], ["tab", "up", "down"]);
    assert!(steps[3].contains("the cursor is hidden"), "{steps:?}");
}

/// Fills one field of a program that draws this after each text; returns the error, if any.
fn fill_one(value: &str, shows: Option<&str>, before: &str, after: &str) -> Result<(), String> {
    let mut filler = FormFiller::new(vec![FieldValue {
        label: "Value:".into(),
        value: value.into(),
        shows: shows.map(str::to_owned),
    }]);
    let now = std::time::Instant::now();
    let mut screen = drawn(&format!("Value: [{before}"));
    let mut is_overdue = false;
    loop {
        match filler.next(&screen, is_overdue) {
            Ok(KeyStep::Press(press)) => {
                is_overdue = false;
                screen.answered(now);
                if let KeyPress::Text(_) = press {
                    draw(&mut screen, after);
                }
            }
            Ok(KeyStep::Wait) => is_overdue = true,
            Ok(KeyStep::Done) => return Ok(()),
            Ok(step) => return Err(format!("{step:?}")),
            Err(error) => {
                return Err(format!(
                    "{}; {}",
                    error.message,
                    error.hint.unwrap_or_default()
                ));
            }
        }
    }
}

#[test]
fn what_stood_in_a_field_is_no_proof_that_its_value_was_taken() {
    let stars = "****      ]\x1b[1;9H";
    let error = fill_one("abcd", None, stars, "").expect_err("nothing was drawn");
    assert!(error.contains("nothing was drawn in it since"), "{error}");
    assert_eq!(fill_one("abcd", None, stars, "\x1b[1;9H****"), Ok(()));
    let error = fill_one("abcd", None, "abcd      ]\x1b[1;9H", "").expect_err("no change");
    assert!(error.contains("showed `abcd` before"), "{error}");
}

#[test]
fn a_field_may_show_its_value_in_another_form() {
    let blank = "          ]\x1b[1;9H";
    for (value, shows, before, after, error) in [
        (
            "ab12",
            None,
            blank,
            "AB12",
            Some("write the value as it is shown"),
        ),
        ("AB12", None, blank, "AB12", None),
        ("ab12", Some("AB12"), blank, "AB12", None),
        ("7", None, blank, "7.00", Some("{type: …, shows: …}")),
        ("7", Some("7.00"), blank, "7.00", None),
        (
            "7",
            Some("7.00"),
            blank,
            "8.00",
            Some("`shows` is all of what the field shows"),
        ),
        (
            "31122026",
            Some("31/12/2026"),
            "__/__/____]\x1b[1;9H",
            "\x1b[1;9H31/12/2026",
            None,
        ),
        ("secret", None, blank, "", Some("shows: \"\"")),
        ("secret", Some(""), blank, "", None),
        ("secret", Some(""), blank, "s", Some("shows `s`")),
        ("Jose\u{301}", None, blank, "Jos\u{e9}", None),
        ("Jos\u{e9}", None, blank, "Jose\u{301}", None),
    ] {
        let filled = fill_one(value, shows, before, after);
        match error {
            None => assert_eq!(filled, Ok(()), "{value} {shows:?}"),
            Some(error) => {
                let found = filled.expect_err(value);
                assert!(found.contains(error), "{found}");
            }
        }
    }
}

#[test]
fn an_empty_mask_is_not_cleared() {
    for (mask, is_empty) in [
        ("__/__/____", true),
        ("(___) ___-__", true),
        ("__:__", true),
        ("12/__/____", false),
        ("-", false),
    ] {
        let screen = drawn(&format!("Date: [{mask}]\x1b[1;8H"));
        let value = FieldValue {
            label: "Date:".to_owned(),
            value: "31122026".to_owned(),
            shows: None,
        };
        let step = FormFiller::new(vec![value]).next(&screen, false);
        let is_typed = matches!(step, Ok(KeyStep::Press(KeyPress::Text(_))));
        assert_eq!(is_typed, is_empty, "{mask}: {step:?}");
    }
}
