//! Names of keys as other programs write them.

/// Other names of keys, as on keyboards and in terminfo, curses, vim and tmux, each with ours.
const SYNONYMS: [(&str, &str); 26] = [
    ("esc", "escape"),
    ("return", "enter"),
    ("ret", "enter"),
    ("cr", "enter"),
    ("newline", "enter"),
    ("del", "delete"),
    ("dc", "delete"),
    ("ins", "insert"),
    ("ic", "insert"),
    ("bs", "backspace"),
    ("bspace", "backspace"),
    ("back", "backspace"),
    ("rubout", "backspace"),
    ("pgup", "page-up"),
    ("ppage", "page-up"),
    ("prior", "page-up"),
    ("pageup", "page-up"),
    ("pgdn", "page-down"),
    ("pgdown", "page-down"),
    ("npage", "page-down"),
    ("next", "page-down"),
    ("pagedown", "page-down"),
    ("spc", "space"),
    ("spacebar", "space"),
    ("btab", "shift-tab"),
    ("stab", "shift-tab"),
];

/// Beginnings of other names for keys with a modifier.
const MODIFIERS: [(&str, &str); 12] = [
    ("^", "ctrl-"),
    ("control-", "ctrl-"),
    ("ctl-", "ctrl-"),
    ("strg-", "ctrl-"),
    ("c-", "ctrl-"),
    ("meta-", "alt-"),
    ("option-", "alt-"),
    ("opt-", "alt-"),
    ("m-", "alt-"),
    ("a-", "alt-"),
    ("s-", "shift-"),
    ("umschalt-", "shift-"),
];

/// Names before a character or a name on the keypad.
const KEYPAD: [&str; 3] = ["kp-", "numpad-", "num-"];

/// Returns our name for a key in another spelling, as far as its parts are known. It need not be the
/// name of a key.
pub(super) fn translated(name: &str) -> String {
    let bare = name.strip_prefix('<').and_then(|it| it.strip_suffix('>'));
    let mut rest = bare.unwrap_or(name).to_lowercase().replace(['_', ' '], "-");
    if let Some(plain) = rest.strip_prefix("key-") {
        rest = plain.to_owned();
    }
    let mut translated = String::new();
    loop {
        // Of `ctrl++`, the second is the key.
        let known = ["ctrl", "alt", "shift"].into_iter();
        let joined = known.flat_map(|it| [format!("{it}-"), format!("{it}+")]);
        let own = joined.map(|it| (it.clone(), it.replace('+', "-")));
        let other = MODIFIERS.iter().flat_map(|&(theirs, ours)| {
            let plus = theirs.replace('-', "+");
            [
                (theirs.to_owned(), ours.to_owned()),
                (plus, ours.to_owned()),
            ]
        });
        let found = own.chain(other).find_map(|(theirs, ours)| {
            let after = rest.strip_prefix(theirs.as_str())?;
            (!after.is_empty()).then(|| (ours, after.to_owned()))
        });
        let Some((ours, after)) = found else { break };
        translated.push_str(&ours);
        rest = after;
    }
    if let Some(key) = KEYPAD.iter().find_map(|it| rest.strip_prefix(it)) {
        return format!("{translated}keypad-{key}");
    }
    let synonym = SYNONYMS.iter().find(|(theirs, _)| *theirs == rest);
    translated.push_str(synonym.map_or(rest.as_str(), |(_, ours)| ours));
    translated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_translated_one_by_one() {
        for (name, expected) in [
            ("ctrl++", "ctrl-+"),
            ("ctrl--", "ctrl--"),
            ("Meta-Return", "alt-enter"),
            ("c-m-x", "ctrl-alt-x"),
            ("S-F6", "shift-f6"),
            ("num_5", "keypad-5"),
            ("^", "^"),
            ("", ""),
            ("<>", ""),
        ] {
            assert_eq!(translated(name), expected, "{name}");
        }
    }
}
