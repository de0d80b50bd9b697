-- The ids that users see (orders and deliveries) are not declared unique: a fault of the shop
-- assigns one twice, and the audit has to detect it.

CREATE TABLE accounts (
    id       TEXT PRIMARY KEY,
    role     TEXT NOT NULL,
    name     TEXT NOT NULL,
    -- In clear text: these are public demo accounts, and a login must be cheap.
    password TEXT NOT NULL,
    address  TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE products (
    id            INTEGER PRIMARY KEY,
    category      TEXT NOT NULL,
    name          TEXT NOT NULL,
    price_paise   INTEGER NOT NULL,
    initial_stock INTEGER NOT NULL,
    received      INTEGER NOT NULL DEFAULT 0,
    on_hand       INTEGER NOT NULL
);

CREATE TABLE orders (
    key          INTEGER PRIMARY KEY AUTOINCREMENT,
    id           TEXT NOT NULL,
    customer_id  TEXT NOT NULL,
    address      TEXT NOT NULL,
    status       TEXT NOT NULL,
    -- The history entry of the latest move, by which orders are sorted.
    moved        INTEGER NOT NULL,
    total_paise  INTEGER NOT NULL
);
CREATE INDEX orders_by_id ON orders (id);
CREATE INDEX orders_by_status ON orders (status, moved);
CREATE INDEX orders_by_customer ON orders (customer_id);

CREATE TABLE order_lines (
    order_key   INTEGER NOT NULL,
    product_id  INTEGER NOT NULL,
    quantity    INTEGER NOT NULL,
    price_paise INTEGER NOT NULL,
    PRIMARY KEY (order_key, product_id)
) WITHOUT ROWID;

CREATE TABLE allocations (
    order_key  INTEGER NOT NULL,
    product_id INTEGER NOT NULL,
    quantity   INTEGER NOT NULL,
    PRIMARY KEY (order_key, product_id)
) WITHOUT ROWID;

CREATE TABLE packings (
    order_key  INTEGER NOT NULL,
    product_id INTEGER NOT NULL,
    minutes    INTEGER NOT NULL,
    PRIMARY KEY (order_key, product_id)
) WITHOUT ROWID;

CREATE TABLE deliveries (
    key          INTEGER PRIMARY KEY AUTOINCREMENT,
    id           TEXT NOT NULL,
    order_key    INTEGER NOT NULL,
    route        TEXT NOT NULL,
    slot         TEXT NOT NULL,
    -- The person who accepted it, and the recipient: empty until then.
    accepted_by  TEXT,
    received_by  TEXT
);
CREATE INDEX deliveries_by_id ON deliveries (id);
CREATE INDEX deliveries_by_order ON deliveries (order_key);

CREATE TABLE payments (
    key          INTEGER PRIMARY KEY AUTOINCREMENT,
    order_key    INTEGER NOT NULL,
    amount_paise INTEGER NOT NULL,
    method       TEXT NOT NULL,
    collected_by TEXT NOT NULL
);
CREATE INDEX payments_by_order ON payments (order_key);

CREATE TABLE history (
    key       INTEGER PRIMARY KEY AUTOINCREMENT,
    order_key INTEGER NOT NULL,
    status    TEXT NOT NULL,
    account   TEXT NOT NULL,
    at        TEXT NOT NULL
);
CREATE INDEX history_by_order ON history (order_key);
