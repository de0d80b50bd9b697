//! Faults on demand, which tests inject into the shop to check that a scenario detects them.
//!
//! `REHEARSAL_SHOP_FAULT` contains a list such as `slow=200,crash@warehouse-manager:0.1`. It is
//! read once at the start, and chances are drawn once per process.

use strum::VariantArray;

use super::role::Role;

pub const VARIABLE: &str = "REHEARSAL_SHOP_FAULT";

/// Kinds of faults.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr, strum::VariantArray,
)]
#[strum(serialize_all = "kebab-case")]
pub enum Kind {
    CollidingIds,
    LostAllocation,
    StaleListing,
    Slow,
    Crash,
    Hang,
    ErrorLine,
    Flood,
}

/// The value that a fault takes after its `=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    /// A number with this default and this unit.
    Number(u64, &'static str),
    /// This word only.
    Word(&'static str),
}

impl Kind {
    fn name(self) -> &'static str {
        self.into()
    }

    fn takes(self) -> Takes {
        match self {
            Self::Slow => Takes::Number(200, "MS"),
            Self::Flood => Takes::Number(1, "MB"),
            Self::Crash => Takes::Word("abort"),
            _ => Takes::Nothing,
        }
    }

    fn effect(self) -> &'static str {
        match self {
            Self::CollidingIds => "orders placed within one second get the same id",
            Self::LostAllocation => "inventory: an order is processed, its stock is not allocated",
            Self::StaleListing => {
                "warehouse, delivery: approving or collecting writes back the status once listed"
            }
            Self::Slow => "each answer is delayed, by 200 ms by default",
            Self::Crash => {
                "crashes halfway through the screen of the first choice: exit code 70, or SIGABRT"
            }
            Self::Hang => "stops answering after the first choice in the menu, for an hour",
            Self::ErrorLine => "an [ERROR] line after the login, without an error",
            Self::Flood => "a flood of output before the first menu, of 1 MB by default",
        }
    }

    /// Formats the fault as in the variable: `slow[=MS]`.
    fn usage(self) -> String {
        match self.takes() {
            Takes::Nothing => self.name().to_owned(),
            Takes::Number(_, unit) => format!("{}[={unit}]", self.name()),
            Takes::Word(word) => format!("{}[={word}]", self.name()),
        }
    }
}

/// A fault of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fault {
    kind: Kind,
    /// Milliseconds, megabytes, or 1 for the word.
    value: u64,
}

/// The faults of this process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FaultError {
    #[error("unknown fault `{0}`; known are: {known}", known = known())]
    Unknown(String),
    #[error("`{0}`: the fault `{name}` is written {usage}", name = .1.name(), usage = .1.usage())]
    Value(String, Kind),
    #[error("`{0}`: unknown role `{1}`; known are: {roles}", roles = role_names())]
    Role(String, String),
    #[error("`{0}`: a chance is a number from 0 to 1, such as :0.1")]
    Chance(String),
}

impl Faults {
    /// Parses `list` and selects the faults for `role`; `dice` returns random numbers from 0 to 1.
    pub fn parse(
        list: &str,
        role: Role,
        mut dice: impl FnMut() -> f64,
    ) -> Result<Self, FaultError> {
        let mut faults = Vec::new();
        for item in list
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
        {
            let order = parse_item(item)?;
            let concerned = order.role.is_none_or(|wanted| wanted == role);
            // Drawn for every fault, so that one fault's chance does not depend on whether another
            // is for this role.
            let thrown = order.chance.is_none_or(|chance| dice() < chance);
            if concerned && thrown {
                faults.push(order.fault);
            }
        }
        Ok(Self(faults))
    }

    pub fn has(&self, kind: Kind) -> bool {
        self.value(kind).is_some()
    }

    /// Returns the fault's value if the fault is selected. The last of several wins.
    pub fn value(&self, kind: Kind) -> Option<u64> {
        let of_kind = |fault: &&Fault| fault.kind == kind;
        self.0.iter().rev().find(of_kind).map(|fault| fault.value)
    }
}

/// An item of the list, for any role.
struct Order {
    fault: Fault,
    role: Option<Role>,
    chance: Option<f64>,
}

/// Parses `name[=value]` followed by `@role` and `:chance` in either order.
fn parse_item(item: &str) -> Result<Order, FaultError> {
    let end = item.find(['@', ':']).unwrap_or(item.len());
    let (fault, mut rest) = item.split_at(end);
    let fault = parse_fault(item, fault)?;
    let (mut role, mut chance) = (None, None);
    while let Some(mark) = rest.chars().next() {
        let body = &rest[1..];
        let end = body.find(['@', ':']).unwrap_or(body.len());
        let text = &body[..end];
        if mark == '@' {
            role = Some(parse_role(item, text)?);
        } else {
            chance = Some(parse_chance(item, text)?);
        }
        rest = &body[end..];
    }
    Ok(Order {
        fault,
        role,
        chance,
    })
}

fn parse_fault(item: &str, text: &str) -> Result<Fault, FaultError> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    };
    let kind: Kind = name
        .parse()
        .map_err(|_| FaultError::Unknown(name.to_owned()))?;
    let value = match (kind.takes(), value) {
        (Takes::Number(default, _), None) => Some(default),
        (Takes::Number(..), Some(value)) => value.parse().ok(),
        (Takes::Word(word), Some(value)) => (value == word).then_some(1),
        (Takes::Word(_) | Takes::Nothing, None) => Some(0),
        (Takes::Nothing, Some(_)) => None,
    };
    let value = value.ok_or_else(|| FaultError::Value(item.to_owned(), kind))?;
    Ok(Fault { kind, value })
}

fn parse_role(item: &str, text: &str) -> Result<Role, FaultError> {
    text.parse()
        .map_err(|_| FaultError::Role(item.to_owned(), text.to_owned()))
}

fn parse_chance(item: &str, text: &str) -> Result<f64, FaultError> {
    text.parse()
        .ok()
        .filter(|chance| (0.0..=1.0).contains(chance))
        .ok_or_else(|| FaultError::Chance(item.to_owned()))
}

fn known() -> String {
    let usages: Vec<_> = Kind::VARIANTS.iter().map(|kind| kind.usage()).collect();
    usages.join(", ")
}

fn role_names() -> String {
    let names: Vec<_> = Role::VARIANTS.iter().map(|role| role.name()).collect();
    names.join(", ")
}

/// Lists the faults for `rehearsal shop --help`.
pub fn help() -> String {
    let line = |kind: &Kind| format!("  {:<16} {}", kind.usage(), kind.effect());
    let lines: Vec<_> = Kind::VARIANTS.iter().map(line).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(list: &str, role: Role) -> Result<Faults, String> {
        Faults::parse(list, role, || 0.5).map_err(|error| error.to_string())
    }

    #[test]
    fn values_defaults_roles_and_chances() {
        let role = Role::WarehouseManager;
        let faults = parse(
            "slow=70, crash=abort@warehouse-manager,flood,hang:0.4",
            role,
        )
        .unwrap();
        assert_eq!(faults.value(Kind::Slow), Some(70));
        assert_eq!(faults.value(Kind::Crash), Some(1));
        assert_eq!(faults.value(Kind::Flood), Some(1));
        assert!(!faults.has(Kind::Hang));
        let faults = parse("crash@customer-portal,hang:0.6@warehouse-manager", role).unwrap();
        assert!(!faults.has(Kind::Crash));
        assert!(faults.has(Kind::Hang));
        assert_eq!(parse("", role), Ok(Faults::default()));
    }

    #[test]
    fn mistakes_are_named_with_a_correction() {
        let error = |list| parse(list, Role::CustomerPortal).unwrap_err();
        assert!(error("crush").starts_with("unknown fault `crush`; known are: colliding-ids, "));
        assert!(error("slow=fast").ends_with("the fault `slow` is written slow[=MS]"));
        assert!(error("hang=3").ends_with("is written hang"));
        assert!(error("crash@cook").contains("unknown role `cook`; known are: customer-portal"));
        assert!(error("crash:7").ends_with("a number from 0 to 1, such as :0.1"));
    }
}
