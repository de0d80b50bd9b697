//! Written forms of a character: raw, and escaped as in JSON, Python, a shell, a URL or HTML.

/// The maximum number of backslashes before an escaped character: an escape within an escape
/// within an escape.
const MAX_BACKSLASHES: usize = 4;

/// The maximum number of hexadecimal or decimal digits of one escape.
const MAX_DIGITS: usize = 8;

/// The maximum length of a form.
pub(super) const MAX_BYTES: usize = 4 * (MAX_BACKSLASHES + MAX_DIGITS + 2);

/// Returns a test for the bytes with which a form of `c` may begin.
pub(super) fn beginnings(c: char) -> impl Fn(u8) -> bool {
    let mut buffer = [0; 4];
    let raw = c.encode_utf8(&mut buffer).as_bytes()[0];
    move |byte| byte == raw || matches!(byte, b'\\' | b'%' | b'&') || (c == ' ' && byte == b'+')
}

/// Returns `true` if these last bytes of a text may be the beginning of an escape.
pub(super) fn is_begun(rest: &[u8]) -> bool {
    matches!(rest.first(), Some(b'\\' | b'%' | b'&')) && rest.len() <= MAX_DIGITS + 2
}

/// Adds the end of every form of `c` that begins at `at`. A control character may be missing, as
/// those in the text are skipped.
pub(super) fn push_ends(text: &[u8], at: usize, c: char, ends: &mut Vec<usize>) {
    let mut buffer = [0; 4];
    let raw = c.encode_utf8(&mut buffer).as_bytes();
    let rest = &text[at..];
    if c.is_ascii_control() {
        ends.push(at);
    } else if rest.starts_with(raw) {
        ends.push(at + raw.len());
    }
    match rest.first() {
        Some(b'\\') => {
            let lengths = (1..=MAX_BACKSLASHES)
                .take_while(|&count| rest[count - 1..].first() == Some(&b'\\'));
            ends.extend(lengths.filter_map(|count| Some(at + backslashed(rest, count, c, raw)?)));
        }
        Some(b'%') => ends.extend(percent(rest, raw).map(|length| at + length)),
        Some(b'&') => ends.extend(entity(rest, c).map(|length| at + length)),
        Some(b'+') if c == ' ' => ends.push(at + 1),
        // Doubled as in SQL and YAML, or outside of the quotes of a shell.
        Some(b'\'') if c == '\'' => {
            let forms: [&[u8]; 3] = [b"''", br"'\''", br#"'"'"'"#];
            let found = forms.iter().filter(|form| rest.starts_with(form));
            ends.extend(found.map(|form| at + form.len()));
        }
        Some(b'"') if c == '"' && rest.starts_with(b"\"\"") => ends.push(at + 2),
        _ => {}
    }
}

/// Returns the length of an escape of `c` with so many backslashes: `\"`, `\n`, `\u00e9`, `\xe9`,
/// or the bytes of its UTF-8 as in `\xc3\xa9` and `\303\251`.
fn backslashed(rest: &[u8], backslashes: usize, c: char, raw: &[u8]) -> Option<usize> {
    let after = &rest[backslashes..];
    if !c.is_alphanumeric() && !c.is_ascii_control() && after.starts_with(raw) {
        return Some(backslashes + raw.len());
    }
    let letter = match c {
        '\n' => Some(b'n'),
        '\r' => Some(b'r'),
        '\t' => Some(b't'),
        '\u{1b}' => Some(b'e'),
        _ => None,
    };
    if letter.is_some() && after.first().copied() == letter {
        return Some(backslashes + 1);
    }
    code_point(rest, backslashes, c).or_else(|| escaped_bytes(rest, backslashes, raw))
}

/// Returns the length of an escape of a code point: `\xe9`, `\u00e9`, `\u{e9}`, `\U000000e9`, or
/// two UTF-16 units.
fn code_point(rest: &[u8], backslashes: usize, c: char) -> Option<usize> {
    let unit = |from: usize, letter: u8, digits: usize| {
        let (first, digit_bytes) = rest.get(from..from + 1 + digits)?.split_first()?;
        (*first == letter).then(|| number(digit_bytes, 16))?
    };
    let is_c = |value: u32| value == u32::from(c);
    for (letter, digits) in [(b'x', 2), (b'u', 4), (b'U', 8)] {
        if unit(backslashes, letter, digits).is_some_and(is_c) {
            return Some(backslashes + 1 + digits);
        }
    }
    let after = &rest[backslashes..];
    if let Some(braced) = after.strip_prefix(b"u{") {
        let digits = digits_before(braced, b'}')?;
        return number(digits, 16)
            .is_some_and(is_c)
            .then_some(backslashes + 3 + digits.len());
    }
    let mut units = [0; 2];
    let [high, low] = c.encode_utf16(&mut units) else {
        return None;
    };
    let second = 2 * backslashes + 5;
    let between = rest.get(backslashes + 5..second)?;
    let is_pair = unit(backslashes, b'u', 4) == Some((*high).into())
        && between.iter().all(|byte| *byte == b'\\')
        && unit(second, b'u', 4) == Some((*low).into());
    is_pair.then_some(second + 5)
}

/// Returns the length of all these bytes, each in hexadecimal or octal after so many backslashes.
fn escaped_bytes(rest: &[u8], backslashes: usize, raw: &[u8]) -> Option<usize> {
    let mut at = 0;
    for byte in raw {
        let mark = rest.get(at..at + backslashes)?;
        let digits = rest.get(at + backslashes..at + backslashes + 3)?;
        let value = match digits.strip_prefix(b"x") {
            Some(hexadecimal) => number(hexadecimal, 16),
            None => number(digits, 8),
        };
        if mark.iter().any(|byte| *byte != b'\\') || value != Some((*byte).into()) {
            return None;
        }
        at += backslashes + 3;
    }
    Some(at)
}

/// Returns the length of these bytes in percent-encoding (RFC 3986, 2.1), which may itself be
/// encoded again.
fn percent(rest: &[u8], raw: &[u8]) -> Option<usize> {
    let mut left = rest;
    for byte in raw {
        left = left.strip_prefix(b"%")?;
        while *byte != b'%' && left.starts_with(b"25") {
            left = &left[2..];
        }
        let (digits, after) = left.split_at_checked(2)?;
        if number(digits, 16) != Some((*byte).into()) {
            return None;
        }
        left = after;
    }
    Some(rest.len() - left.len())
}

/// Returns the length of the character reference of `c` in HTML or XML, whose `&` may itself be
/// one.
fn entity(rest: &[u8], c: char) -> Option<usize> {
    let mut left = rest.strip_prefix(b"&")?;
    while c != '&' && left.starts_with(b"amp;") {
        left = &left[4..];
    }
    let name = digits_before(left, b';')?;
    let is_c = match name {
        b"amp" => c == '&',
        b"lt" => c == '<',
        b"gt" => c == '>',
        b"quot" => c == '"',
        b"apos" => c == '\'',
        b"nbsp" => c == ' ',
        _ => {
            let digits = name.strip_prefix(b"#")?;
            let value = match digits {
                [b'x' | b'X', hexadecimal @ ..] => number(hexadecimal, 16),
                decimal => number(decimal, 10),
            };
            value == Some(c.into())
        }
    };
    is_c.then_some(rest.len() - left.len() + name.len() + 1)
}

/// Returns the short text before this end, or `None` if it does not end soon.
fn digits_before(text: &[u8], end: u8) -> Option<&[u8]> {
    let length = text
        .iter()
        .take(MAX_DIGITS + 2)
        .position(|byte| *byte == end)?;
    Some(&text[..length])
}

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    let digits = std::str::from_utf8(digits).ok()?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
    plain.then(|| u32::from_str_radix(digits, radix).ok())?
}
