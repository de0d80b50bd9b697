//! Initial data of the shop: accounts, products, stock.

use std::env;

use rusqlite::{Transaction, params};
use strum::VariantArray;

use super::role::Role;

pub const STOCK_VARIABLE: &str = "REHEARSAL_SHOP_STOCK";

/// Large enough that no load test sells out by accident.
const DEFAULT_STOCK: i64 = 1_000_000;

const SCHEMA: &str = include_str!("schema.sql");

#[derive(Debug, thiserror::Error)]
#[error("{STOCK_VARIABLE} is `{0}`: write how many of each product there are, such as 100")]
pub struct StockError(String);

/// Returns the initial stock of each product, from the environment or the default.
pub fn initial_stock() -> Result<i64, StockError> {
    let Some(text) = env::var_os(STOCK_VARIABLE) else {
        return Ok(DEFAULT_STOCK);
    };
    let text = text.to_string_lossy();
    match text.parse() {
        Ok(stock) if stock >= 0 => Ok(stock),
        _ => Err(StockError(text.into_owned())),
    }
}

/// Creates and fills the tables.
pub fn fill(transaction: &Transaction<'_>, stock: i64) -> rusqlite::Result<()> {
    transaction.execute_batch(SCHEMA)?;
    let mut insert = transaction.prepare(
        "INSERT INTO accounts (id, role, name, password, address) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let mut people = 1..;
    for role in Role::VARIANTS {
        for (number, person) in (1..=role.accounts()).zip(&mut people) {
            let id = role.account_id(number);
            let (name, address) = (name(person), address(number));
            insert.execute(params![id, role.name(), name, role.password(), address])?;
        }
    }
    let mut insert = transaction.prepare(
        "INSERT INTO products (category, name, price_paise, initial_stock, on_hand)
         VALUES (?1, ?2, ?3, ?4, ?4)",
    )?;
    for (category, products) in CATALOGUE {
        for (name, price_paise) in products {
            insert.execute(params![category, name, price_paise, stock])?;
        }
    }
    Ok(())
}

/// Deletes all orders and restores the stock. Ids continue, so that none is used twice.
pub fn reset(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch(
        "DELETE FROM orders; DELETE FROM order_lines; DELETE FROM allocations;
         DELETE FROM packings; DELETE FROM deliveries; DELETE FROM payments;
         DELETE FROM history;
         UPDATE products SET received = 0, on_hand = initial_stock;",
    )
}

/// Returns a person's name; all pairs of names are used before one is repeated.
fn name(person: usize) -> String {
    let first = FIRST_NAMES[person % FIRST_NAMES.len()];
    let last = LAST_NAMES[(person / FIRST_NAMES.len() + person) % LAST_NAMES.len()];
    format!("{first} {last}")
}

fn address(number: usize) -> String {
    let street = STREETS[number % STREETS.len()];
    format!("{number} {street}")
}

const FIRST_NAMES: [&str; 20] = [
    "Aarav",
    "José",
    "अनन्या",
    "Priya",
    "Zoë",
    "Rohan",
    "Łukasz",
    "Meera",
    "François",
    "Kabir",
    "सीता",
    "Ingrid",
    "Arjun",
    "Björn",
    "Lakshmi",
    "Siân",
    "विक्रम",
    "Nadia",
    "Håkon",
    "Farah",
];

const LAST_NAMES: [&str; 20] = [
    "Sharma",
    "Álvarez",
    "Iyer",
    "शर्मा",
    "O’Brien",
    "Patel",
    "Müller",
    "Nair",
    "Lefèvre",
    "Khan",
    "Reddy",
    "Søndergård",
    "वर्मा",
    "Das",
    "Kowalczyk",
    "Mehta",
    "Núñez",
    "Bose",
    "Ångström",
    "Gill",
];

const STREETS: [&str; 8] = [
    "MG Road, Bengaluru 560001",
    "Linking Road, Mumbai 400050",
    "Park Street, Kolkata 700016",
    "Anna Salai, Chennai 600002",
    "Rue Suffren, Puducherry 605001",
    "चाँदनी चौक, दिल्ली 110006",
    "Banjara Hills, Hyderabad 500034",
    "Law Garden, Ahmedabad 380006",
];

/// Product names and prices in paise, by category.
const CATALOGUE: [(&str, &[(&str, i64)]); 5] = [
    (
        "Grocery",
        &[
            ("Basmati Rice 5 kg", 64_900),
            ("Toor Dal 1 kg", 17_500),
            ("Cold-Pressed Sesame Oil 1 l", 38_500),
            ("Jaggery Powder 1 kg", 11_000),
            ("Kashmiri Saffron 1 g", 42_000),
            ("Crème Caramel Mix", 9_550),
            ("Jalapeño Pickle 400 g", 21_025),
            ("आम का अचार 500 g", 16_000),
        ],
    ),
    (
        "Tea and Coffee",
        &[
            ("Assam Tea 500 g", 29_900),
            ("दार्जिलिंग चाय 250 g", 45_000),
            ("Nilgiri Green Tea 100 g", 19_900),
            ("Masala Chai 250 g", 18_500),
            ("Filter Coffee 500 g", 32_500),
            ("Café au Lait Sachets", 24_075),
            ("Rosé Hibiscus Infusion", 22_000),
            ("Monsoon Malabar Beans 250 g", 39_900),
        ],
    ),
    (
        "Kitchen",
        &[
            ("Steel Tiffin Box", 54_900),
            ("Pressure Cooker 3 l", 189_900),
            ("Cast-Iron Tawa", 114_900),
            ("Copper Water Bottle", 79_900),
            ("Chef’s Knife 20 cm", 125_000),
            ("Mortar and Pestle", 68_050),
            ("Brass Filter Set", 97_500),
            ("Crêpe Pan 24 cm", 139_900),
        ],
    ),
    (
        "Electronics",
        &[
            ("Wireless Mouse", 69_900),
            ("Mechanical Keyboard", 349_900),
            ("USB-C Charger 65 W", 249_900),
            ("Power Bank 10000 mAh", 119_900),
            ("LED Desk Lamp", 149_900),
            ("Bluetooth Speaker", 219_950),
            ("Noise-Cancelling Headphones", 799_900),
            ("Smart Plug", 89_900),
        ],
    ),
    (
        "Books",
        &[
            ("गोदान – प्रेमचंद", 25_000),
            ("Don Quijote de la Mancha", 59_900),
            ("Les Misérables", 64_900),
            ("Malgudi Days", 29_900),
            ("The Discovery of India", 49_900),
            ("Gitanjali", 19_900),
            ("Cien años de soledad", 44_900),
            ("Panchatantra", 34_950),
        ],
    ),
];
