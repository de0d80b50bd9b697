//! The five roles, one per program, and their demo accounts.

/// The user of a program.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr, strum::VariantArray,
)]
#[strum(serialize_all = "kebab-case")]
pub enum Role {
    CustomerPortal,
    InventoryStaff,
    WarehouseManager,
    LogisticsManager,
    DeliveryPersonnel,
}

impl Role {
    /// Returns the name, as in `rehearsal shop ROLE`.
    pub fn name(self) -> &'static str {
        self.into()
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::CustomerPortal => "Customer Portal",
            Self::InventoryStaff => "Inventory Desk",
            Self::WarehouseManager => "Warehouse Desk",
            Self::LogisticsManager => "Logistics Desk",
            Self::DeliveryPersonnel => "Delivery Desk",
        }
    }

    pub fn id_prompt(self) -> &'static str {
        match self {
            Self::CustomerPortal => "Customer ID: ",
            Self::InventoryStaff => "Staff ID: ",
            Self::WarehouseManager => "Manager ID: ",
            Self::LogisticsManager => "Logistics ID: ",
            Self::DeliveryPersonnel => "Personnel ID: ",
        }
    }

    /// Returns the number of seeded accounts.
    pub fn accounts(self) -> usize {
        match self {
            Self::CustomerPortal => 1000,
            _ => 20,
        }
    }

    /// Returns the id of an account, from 1: `CUST001` to `CUST999`, `CUST1000`; `STAFF001` and so
    /// on.
    pub fn account_id(self, number: usize) -> String {
        let prefix = match self {
            Self::CustomerPortal => "CUST",
            Self::InventoryStaff => "STAFF",
            Self::WarehouseManager => "MGR",
            Self::LogisticsManager => "LOG",
            Self::DeliveryPersonnel => "DEL",
        };
        format!("{prefix}{number:03}")
    }

    /// Returns the password, the same for all demo accounts of the role.
    pub fn password(self) -> &'static str {
        match self {
            Self::CustomerPortal => "customer123",
            Self::InventoryStaff => "staff123",
            Self::WarehouseManager => "manager123",
            Self::LogisticsManager => "logistics123",
            Self::DeliveryPersonnel => "delivery123",
        }
    }
}
