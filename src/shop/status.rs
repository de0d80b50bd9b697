//! Status of an order, and the action it awaits.

use std::fmt;

use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};

/// In the order of an order's life, so that `status >= Status::Approved` means "approved or later".
/// A cancelled order was cancelled before any processing and therefore comes first.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    strum::IntoStaticStr,
    strum::VariantArray,
    strum::EnumString,
)]
#[strum(serialize_all = "lowercase")]
pub enum Status {
    Cancelled,
    Placed,
    Processed,
    Approved,
    Planned,
    #[strum(serialize = "out for delivery")]
    OutForDelivery,
    Delivered,
    Paid,
}

impl Status {
    /// Returns the name, as stored and shown.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Returns the status from which an order gets this one; itself for the first.
    pub fn before(self) -> Self {
        match self {
            Self::Cancelled | Self::Placed | Self::Processed => Self::Placed,
            Self::Approved => Self::Processed,
            Self::Planned => Self::Approved,
            Self::OutForDelivery => Self::Planned,
            Self::Delivered => Self::OutForDelivery,
            Self::Paid => Self::Delivered,
        }
    }

    /// Returns the awaited action, for "is not awaiting ...".
    pub fn awaited(self) -> &'static str {
        match self {
            Self::Cancelled | Self::Paid => "anything",
            Self::Placed => "processing",
            Self::Processed => "approval",
            Self::Approved => "delivery planning",
            Self::Planned => "acceptance",
            Self::OutForDelivery => "delivery",
            Self::Delivered => "payment",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl ToSql for Status {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.name().to_sql()
    }
}

impl FromSql for Status {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value
            .as_str()?
            .parse()
            .map_err(|_| FromSqlError::InvalidType)
    }
}
