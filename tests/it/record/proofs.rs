//! The proof of a new scenario: what its first run prints otherwise, and fresh values.

use rehearsal::model::ExitCause;

use super::person::Person;
use super::run;
use crate::support::child::with_spawner;
use crate::support::sandbox::Sandbox;

/// Asks for words that it has printed, and which are others each time.
const GATE: &str = r#"
import random

def word():
    return "".join(random.choice("bdfgklmnprst") + random.choice("aeiou") for _ in range(4))

input("Name: ")
for question in ("Word of the day", "Second word"):
    given = word()
    print(f"Today it is {given}, with greetings from {word()}")
    if input(f"{question}: ") != given:
        raise SystemExit("Wrong")
print("Right, well done")
"#;

const DESK: &str = r#"
name = input("Name: ")
if int(input("Quantity: ")) > 5:
    raise SystemExit("Too many")
print(f"Stored for {name}")
"#;

fn words<'w>(options: &[&'w str], program: &'w str) -> Vec<&'w str> {
    let first = ["rehearsal", "record", "--into", "my.yaml"];
    let last = ["--", "python3", program];
    [&first[..], options, &last[..]].concat()
}

#[test]
fn words_that_are_others_each_time_are_captured() {
    with_spawner(async |spawner| {
        let sandbox = Sandbox::with("gate.py", GATE);
        let mut person = Person::at(spawner, &sandbox, &words(&[], "gate.py")).await;
        person.sees("Name: ").await;
        person.types("Ann\r");
        for question in ["Word of the day: ", "Second word: "] {
            person.sees("Today it is ").await;
            let from = person.shown.len() - person.unseen().len();
            person.sees(question).await;
            let shown = String::from_utf8_lossy(&person.shown[from..]).into_owned();
            let (word, _) = shown.split_once(',').expect("a word");
            person.types(&format!("{word}\r"));
        }
        person.sees("Proof: the scenario as it is").await;
        person.sees("The scenario was adapted").await;
        person.sees("Proof: the scenario as adapted").await;
        person.sees("(Enter: no more): ").await;
        person.types("\r");
        person.sees("in single bytes").await;
        let exit = person.exits().await;
        let scenario = sandbox.read("my.yaml");
        assert_eq!(
            exit,
            Some(ExitCause::Code(0)),
            "{}\n{scenario}",
            person.unseen()
        );
        assert_eq!(scenario.matches("(?<").count(), 2, "{scenario}");
        run(&sandbox, "--flows 5 --parallel 2", &[]);
    });
}

#[test]
fn a_fresh_value_is_tried() {
    with_spawner(async |spawner| {
        for (option, typed, exit) in [
            (None, "quantity=3", 0),
            (None, "quantity=7", 1),
            (Some("quantity=4"), "", 0),
        ] {
            let sandbox = Sandbox::with("desk.py", DESK);
            let options: Vec<&str> = option.iter().flat_map(|it| ["--fresh", *it]).collect();
            let words = words(&options, "desk.py");
            let mut person = Person::at(spawner, &sandbox, &words).await;
            person.sees("Name: ").await;
            person.types("Ann\r");
            person.sees("Quantity: ").await;
            person.types("2\r");
            if option.is_none() {
                person
                    .sees("Typed in the recording: name=Ann, quantity=2")
                    .await;
                person.sees("(Enter: no more): ").await;
                person.types("colour=red\r");
                person.sees("There is no variable `colour`").await;
                person.types(&format!("{typed}\r\r"));
            }
            person.sees("and fresh values of quantity").await;
            if exit == 1 {
                person
                    .sees("With the recorded values it was completed")
                    .await;
            }
            let ended = person.exits().await;
            assert_eq!(ended, Some(ExitCause::Code(exit)), "{}", person.unseen());
            // The scenario keeps what was recorded.
            assert!(sandbox.read("my.yaml").contains("quantity: \"2\""));
        }
    });
}
