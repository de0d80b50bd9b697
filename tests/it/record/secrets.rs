//! Secrets: where they must not be, in all the forms that files give them.

use rehearsal::model::ExitCause;

use super::person::Person;
use super::{assert_nowhere, record, recording, run, typed_in};
use crate::support::child::with_spawner;
use crate::support::sandbox::Sandbox;

/// Shows what it was told, in the forms in which other programs write it.
const VAULT: &str = r#"
import getpass, json, urllib.parse, html, base64

name = input("Name: ")
key = getpass.getpass("Key: ")
print("Raw", key)
print("JSON", json.dumps({"key": key}), "Python", repr(key))
print("URL", urllib.parse.quote(key), "HTML", html.escape(key))
print("Base64", base64.b64encode(key.encode()).decode())
input("More? ")
print("Done")
"#;

#[test]
fn secrets_of_all_characters_are_in_no_file() {
    for secret in [
        "q\"uo'te9",
        r"back\sl\ash9",
        "gr\u{fc}n-\u{4e2d}\u{1f511}9",
        "a: b, {c} #d9",
        "100% &<b>+9",
    ] {
        with_spawner(async |spawner| {
            let sandbox = Sandbox::with("vault.py", VAULT);
            let words = [
                "rehearsal",
                "record",
                "--into",
                "my.yaml",
                "--",
                "python3",
                "vault.py",
            ];
            let mut person = Person::at(spawner, &sandbox, &words).await;
            person.sees("Name: ").await;
            person.types("Ann\r");
            person.sees("Key: ").await;
            person.types_secret(&format!("{secret}\r")).await;
            person.sees("More? ").await;
            person.types("no\r");
            person.sees("(Enter: no more): ").await;
            person.types("\r");
            let exit = person.exits().await;
            let shown = String::from_utf8_lossy(&person.shown).into_owned();
            assert_eq!(exit, Some(ExitCause::Code(0)), "{shown}");
            let typed = typed_in(&recording(&sandbox));
            assert!(typed.contains(&"secret 1".to_owned()), "{typed:?}");
            run(&sandbox, "--flows 2", &[("VAULT_KEY", secret)]);
            assert_nowhere(&sandbox, &[secret], "vault.py");
        });
    }
}

#[test]
fn an_answer_is_taken_for_a_secret_afterwards() {
    let script = "name = input('Name: ')\nword = input('Magic word: ')\n\
                  print(f'Welcome {name}, you said {word}')\n\
                  if input('Next: ') == word: print('Again', word)\n";
    with_spawner(async |spawner| {
        let sandbox = Sandbox::with("word.py", script);
        let mut person = Person::at(spawner, &sandbox, &record(&["python3", "word.py"])).await;
        person.sees("Name: ").await;
        person.types("Ann\r");
        person.sees("Magic word: ").await;
        // With an error that was corrected.
        person.types("xyzzx\x7fy\r");
        person.sees("Next: ").await;
        person.types("\x1ds");
        person
            .sees("the last answer is a secret; the recording was rewritten")
            .await;
        assert_nowhere(&sandbox, &["xyzzy", "xyzz"], "word.py");
        person.types(" ");
        // The promise is for all that follows, too: text, and a mark.
        person.types("\x1dp\x15you said xyzzy\r");
        person.types("xyzzy\r");
        assert_eq!(person.exits().await, Some(ExitCause::Code(0)));
        assert_nowhere(&sandbox, &["xyzzy", "xyzz"], "word.py");
        assert!(typed_in(&recording(&sandbox)).ends_with(&["secret 1".into(), "secret 1".into()]));
        let scenario = sandbox.read("my.yaml");
        assert!(
            scenario.contains("send: \"${word_magic_word}\""),
            "{scenario}"
        );
        run(&sandbox, "--flows 2", &[("WORD_MAGIC_WORD", "xyzzy")]);
    });
}
