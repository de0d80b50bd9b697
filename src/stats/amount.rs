//! Amounts: decimal numbers as people and programs write them, compared by value.
//!
//! An amount is, in this order and with blanks only between the number and its currency:
//! - a sign, `+`, `-` or `−`, which may also follow the currency;
//! - a currency: a symbol such as `$` or `₹`, or a code such as `EUR`, before or after the number;
//! - the whole part: digits, also in groups of three (`1,449`) or as in India (`1,00,000`), without
//!   leading zeros, so that a number such as `007` stays an id;
//! - a point and the fraction. One of the two parts may be missing: `5`, `.1`.
//!
//! Anything else is a text: a point or a comma at the end, a comma as decimal separator (`1,5`,
//! `1.449,00`), exponents, percentages, words beside the number.

use std::borrow::Cow;

/// Codes of ISO 4217 that are taken for a currency. Other words of three letters may be anything.
const CODES: [&str; 32] = [
    "AED", "ARS", "AUD", "BRL", "CAD", "CHF", "CLP", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD",
    "HUF", "IDR", "ILS", "INR", "JPY", "KRW", "MXN", "MYR", "NOK", "NZD", "PHP", "PLN", "RON",
    "SAR", "SEK", "SGD", "THB", "TRY", "USD",
];

/// An amount; its digits are exact, whatever their number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Amount<'t> {
    is_negative: bool,
    /// Without groups.
    whole: Cow<'t, str>,
    /// Without zeros at its end.
    fraction: &'t str,
    currency: Option<&'t str>,
}

impl<'t> Amount<'t> {
    /// Reads an amount; `None` for any other text.
    pub(super) fn parse(text: &'t str) -> Option<Self> {
        let (sign, rest) = sign(text.trim());
        let (before, rest) = currency_before(rest);
        let (sign, rest) = match (sign, before) {
            (None, Some(_)) => self::sign(rest),
            _ => (sign, rest),
        };
        let (after, number) = match before {
            None => currency_after(rest),
            Some(_) => (None, rest),
        };
        let (whole, fraction) = match number.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None if number.is_empty() => return None,
            None => (number, ""),
        };
        if !is_whole(whole) || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let whole = match whole {
            "" => Cow::Borrowed("0"),
            _ if whole.contains(',') => Cow::Owned(whole.replace(',', "")),
            _ => Cow::Borrowed(whole),
        };
        let fraction = fraction.trim_end_matches('0');
        let is_zero = whole == "0" && fraction.is_empty();
        Some(Amount {
            is_negative: sign == Some('-') && !is_zero,
            whole,
            fraction,
            currency: before.or(after),
        })
    }

    /// Returns `true` if both are the same amount, in the same currency if both name one.
    pub(super) fn agrees(&self, other: &Amount<'_>) -> bool {
        let same_currency = match (self.currency, other.currency) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        };
        same_currency
            && (self.is_negative, &*self.whole, self.fraction)
                == (other.is_negative, &*other.whole, other.fraction)
    }
}

/// Splits a sign off; `'-'` for either minus.
fn sign(text: &str) -> (Option<char>, &str) {
    if let Some(rest) = text.strip_prefix('+') {
        return (Some('+'), rest);
    }
    match text.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => (Some('-'), rest),
        None => (None, text),
    }
}

fn currency_before(text: &str) -> (Option<&str>, &str) {
    let length = match text.chars().next() {
        Some(first) if is_symbol(first) => first.len_utf8(),
        _ if text.get(..3).is_some_and(|code| CODES.contains(&code)) => 3,
        _ => return (None, text),
    };
    let (currency, rest) = text.split_at(length);
    (Some(currency), rest.trim_start())
}

fn currency_after(text: &str) -> (Option<&str>, &str) {
    let length = match text.chars().next_back() {
        Some(last) if is_symbol(last) => last.len_utf8(),
        _ => 3,
    };
    let Some((rest, currency)) = text
        .len()
        .checked_sub(length)
        .and_then(|at| text.split_at_checked(at))
    else {
        return (None, text);
    };
    let is_currency = CODES.contains(&currency) || currency.chars().all(is_symbol);
    if is_currency {
        (Some(currency), rest.trim_end())
    } else {
        (None, text)
    }
}

/// Returns `true` for a symbol of a currency (Unicode's block of them, and the older ones).
fn is_symbol(c: char) -> bool {
    matches!(c, '$' | '£' | '¥' | '฿' | '\u{20a0}'..='\u{20cf}')
}

/// Returns `true` for no digits, or a number without leading zeros, with sound groups if any.
fn is_whole(text: &str) -> bool {
    let mut groups = text.rsplit(',');
    let last = groups.next().unwrap_or_default();
    let digits = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b',');
    let leading_zero = text.len() > 1 && text.starts_with('0');
    if !digits || leading_zero {
        return false;
    }
    let others: Vec<usize> = groups.map(str::len).collect();
    let Some((first, middle)) = others.split_last() else {
        return true;
    };
    let groups_of = |length| middle.iter().all(|it| *it == length) && (1..=length).contains(first);
    last.len() == 3 && (groups_of(3) || groups_of(2))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn same(one: &str, other: &str) -> bool {
        let read = |text| Amount::parse(text).unwrap_or_else(|| panic!("{text} is an amount"));
        read(one).agrees(&read(other))
    }

    #[test]
    fn the_same_amount_may_be_written_in_many_ways() {
        for (one, other) in [
            ("1,449.00", "1449.00"),
            ("$1000.00", "$1000"),
            ("+5", "5"),
            (".1", "0.10"),
            ("-0", "0.0"),
            ("-$5", "$-5.00"),
            ("\u{2212}5", "-5"),
            ("1,00,000", "100,000"),
            ("₹ 2,898", "2898.00 ₹"),
            ("EUR 5", "5.0EUR"),
            ("$5", "5"),
            (" 5 ", "5"),
        ] {
            assert!(same(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("1449.00", "1449.01"),
            ("5", "-5"),
            ("$5", "€5"),
            ("9007199254740993", "9007199254740992"),
            ("0.1", "0.01"),
        ] {
            assert!(!same(one, other), "{one} {other}");
        }
    }

    #[test]
    fn other_texts_are_no_amounts() {
        for text in [
            "", ".", "-", "$", "1.", "007", "00.5", "1e3", "1,5", "1,4490", "1.449,00", "12,34,56",
            ",449", "0,449", "1,,449", "5%", "5-", "--5", "-+5", "$5$", "ORD 10", "ORD10", "EUR",
            "5 pieces", "1 449", "1_000", "0x10", "1.2.3", "- 5", "٣", "12:30", "(5)", "EURUSD 5",
        ] {
            assert_eq!(Amount::parse(text), None, "{text}");
        }
    }

    fn grouped(whole: u64, indian: bool) -> String {
        let digits = whole.to_string();
        let (mut groups, mut left, mut size) = (Vec::new(), digits.as_str(), 3);
        while left.len() > size {
            let (rest, group) = left.split_at(left.len() - size);
            groups.push(group);
            left = rest;
            size = if indian { 2 } else { 3 };
        }
        groups.push(left);
        groups.reverse();
        groups.join(",")
    }

    /// A way to write a number of cents.
    #[derive(Debug, Clone, Copy)]
    struct Style {
        form: u8,
        zeros: usize,
        plus: bool,
        currency: Option<(bool, usize)>,
    }

    impl Style {
        fn write(self, negative: bool, whole: u64, cents: u64) -> String {
            let digits = match self.form {
                0 if whole == 0 && cents > 0 => String::new(),
                0 => whole.to_string(),
                form => grouped(whole, form == 1),
            };
            let fraction = match cents {
                0 if self.zeros == 0 => String::new(),
                _ => format!(".{cents:02}{}", "0".repeat(self.zeros)),
            };
            let sign = match (negative, self.plus) {
                (true, _) => "-",
                (false, true) => "+",
                (false, false) => "",
            };
            match self.currency {
                None => format!("{sign}{digits}{fraction}"),
                Some((true, blanks)) => format!("{sign}€{:blanks$}{digits}{fraction}", ""),
                Some((false, blanks)) => format!("{sign}{digits}{fraction}{:blanks$}€", ""),
            }
        }
    }

    prop_compose! {
        fn style()(
            form in 0..3_u8, zeros in 0..3_usize, plus: bool,
            currency in prop::option::of((any::<bool>(), 0..3_usize)),
        ) -> Style {
            Style { form, zeros, plus, currency }
        }
    }

    proptest! {
        #[test]
        fn amounts_agree_exactly_if_they_are_equal(
            one in style(), other in style(), negative: bool,
            whole in 0..100_000_000_u64, cents in 0..100_u64, more in 1..1000_u64,
        ) {
            let first = one.write(negative, whole, cents);
            prop_assert!(same(&first, &other.write(negative, whole, cents)), "{}", first);
            let sum = whole * 100 + cents + more;
            let second = other.write(negative, sum / 100, sum % 100);
            prop_assert!(!same(&first, &second), "{first} {second}");
        }

        #[test]
        fn any_text_is_read(text in "\\PC{0,12}|[-+$€.,0-9 ]{0,10}") {
            if let Some(amount) = Amount::parse(&text) {
                prop_assert!(amount.agrees(&amount));
                prop_assert!(text.contains(|c: char| c.is_ascii_digit()));
            }
        }
    }
}
