use super::Recording;
use crate::dialogue::screen::select::RowSelector;
use crate::dialogue::screen::{KeyPress, KeyStep};
use crate::terminal::Screen;

/// Returns the next step on a settled screen, or the error once the program has had its time.
fn next(selector: &mut RowSelector, screen: &Screen) -> String {
    let step = match selector.next(screen, false) {
        Ok(KeyStep::Wait) => selector.next(screen, true),
        step => step,
    };
    match step {
        Ok(KeyStep::Press(KeyPress::Key(key))) => key.to_string(),
        Ok(KeyStep::Last(KeyPress::Key(key))) => format!("{key}."),
        Ok(step) => format!("{step:?}"),
        Err(error) => format!("{:?}: {}", error.kind, error.message),
    }
}

fn selector(labels: &[&str]) -> RowSelector {
    RowSelector::new(labels.iter().map(|&label| label.to_owned()).collect())
}

/// Chooses on a recording of a program, which has to have been recorded with the same keys.
fn chosen(recording: &str, labels: &[&str]) -> String {
    let mut recording = Recording::open(recording);
    let mut selector = selector(labels);
    let mut keys = Vec::new();
    loop {
        let key = next(&mut selector, recording.screen());
        keys.push(key.clone());
        if keys.len() > 50 || !recording.press(&key) {
            return keys.join(" ");
        }
    }
}

#[test]
fn rows_are_chosen_in_real_programs() {
    for (recording, labels, expected) in [
        ("whiptail-menu", ["Cherry"].as_slice(), "down down enter."),
        ("whiptail-menu", &["3"], "down down enter."),
        ("whiptail-menu", &["Apple"], "enter."),
        (
            "whiptail-checklist",
            &["Apple", "Banana", "Cherry"],
            "space down down space enter.",
        ),
        ("whiptail-yesno", &["No"], "right enter."),
        ("whiptail-yesno", &["Yes"], "enter."),
        ("dialog-menu", &["Fig"], "down down down down down enter."),
        ("dialog-radio", &["Banana"], "down space enter."),
        ("dialog-yesno", &["No"], "right enter."),
        ("questionary-select", &["Damson"], "down down enter."),
        (
            "questionary-checkbox",
            &["Apple", "Cherry"],
            "space down down space enter.",
        ),
        ("inquirer-py", &["Banana"], "down enter."),
        ("ptk-radio", &["Banana"], "down space"),
        ("inquirer-select", &["Elder"], "down down down down enter."),
        (
            "inquirer-select",
            &["Cherry"],
            "down down NoEffect: `Cherry (disabled)` is lit, and it is disabled",
        ),
        (
            "inquirer-checkbox",
            &["Apple", "Cherry"],
            "space down down space enter.",
        ),
        ("enquirer-select", &["Banana"], "down enter."),
        ("enquirer-multi", &["Banana"], "down space enter."),
    ] {
        assert_eq!(
            chosen(recording, labels),
            expected,
            "{recording} {labels:?}"
        );
    }
}
