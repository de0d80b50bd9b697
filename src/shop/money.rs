//! Amounts of money: whole paise inside, rupees with two decimals on the screen.

use std::fmt;
use std::iter::Sum;
use std::str::FromStr;

use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlResult, ToSqlOutput, ValueRef};

/// An amount in paise, a hundredth of a rupee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Paise(pub i64);

impl Paise {
    pub fn times(self, quantity: i64) -> Self {
        Self(self.0 * quantity)
    }

    pub fn minus(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Sum for Paise {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        Self(amounts.map(|amount| amount.0).sum())
    }
}

/// Formats without thousands separators, so that a scenario can calculate with the text.
impl fmt::Display for Paise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("₹{}.{:02}", self.0 / 100, self.0 % 100);
        f.pad(&text)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("not an amount of money: write it as 1298 or 1298.50")]
pub struct NotMoney;

/// Parses `1298`, `1298.5`, `1298.50` and the same after a `₹`.
impl FromStr for Paise {
    type Err = NotMoney;

    fn from_str(text: &str) -> Result<Self, NotMoney> {
        let text = text.trim().trim_start_matches('₹').trim_start();
        let (rupees, paise) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if rupees.is_empty() || rupees.len() > 12 || paise.len() > 2 {
            return Err(NotMoney);
        }
        if !digits(rupees) || !digits(paise) {
            return Err(NotMoney);
        }
        format!("{rupees}{paise:0<2}")
            .parse()
            .map(Self)
            .map_err(|_| NotMoney)
    }
}

impl ToSql for Paise {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

impl FromSql for Paise {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        i64::column_result(value).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_survive_the_screen() {
        for paise in [0, 5, 99, 100, 129_850, 123_456_789] {
            let shown = Paise(paise).to_string();
            assert_eq!(shown.parse::<Paise>().unwrap(), Paise(paise), "{shown}");
        }
        assert_eq!("1298.5".parse::<Paise>().unwrap(), Paise(129_850));
    }

    #[test]
    fn invalid_amounts_are_refused() {
        for text in ["", "-5", "1.234", "12a", "1,298", ".", "9999999999999"] {
            assert!(text.parse::<Paise>().is_err(), "{text}");
        }
    }
}
