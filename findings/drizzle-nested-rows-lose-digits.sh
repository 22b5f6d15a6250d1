#!/usr/bin/env bash
# Drizzle 0.45.4 on PGlite 0.5.14: rows loaded by `with` have different numbers than the same rows loaded by `select()`: a bigint id that no row has,
# and a price without its cents.
#
# A column `bigint({ mode: 'bigint' })` is a BigInt, and a `numeric` is a text, so that they are exact; Drizzle recommends `with` for related rows
# (https://orm.drizzle.team/docs/rqb). You would expect the same value for the same column either way, as the types promise. But related rows are
# collected as JSON by the database, and parsed by JSON.parse: anything above 2^53 is rounded before Drizzle turns it into a BigInt or a text. The
# type is right, but the value is wrong. An id of the kind that Snowflake generators make points to another row, or to none. A numeric loses the zeros
# that its scale gives it, and digits from the 17th on. A timestamp as a text has another form. The row at the top of the same query is right.
#
# Seen, for one row of `lines` by select(), and below its order by with: { lines: true }:
#   bigint id                     9007199254740995n               9007199254740996n, for which select() finds no row
#   bigint order_id               9007199254740993n               9007199254740992n; the order itself has 9007199254740993n
#   numeric(30, 4)                "12345678901234567890.1200"     "12345678901234567000"
#   numeric(10, 2)                "9.50"                          "9.5"
#   timestamp, mode string        "2026-01-01 10:00:00.12"        "2026-01-01T10:00:00.12"
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts drizzle-orm@0.45.4 @electric-sql/pglite@0.5.14 >/dev/null 2>&1 || exit 2

cat >nested.mjs <<'JS'
import { PGlite } from '@electric-sql/pglite';
import { eq, relations } from 'drizzle-orm';
import { bigint, numeric, pgTable, timestamp } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/pglite';

const orders = pgTable('orders', { id: bigint({ mode: 'bigint' }).primaryKey() });
const lines = pgTable('lines', {
  id: bigint({ mode: 'bigint' }).primaryKey(),
  orderId: bigint('order_id', { mode: 'bigint' }),
  total: numeric({ precision: 30, scale: 4 }),
  price: numeric({ precision: 10, scale: 2 }),
  at: timestamp({ mode: 'string', precision: 6 }),
});
const linesOfOrder = relations(orders, ({ many }) => ({ lines: many(lines) }));
const orderOfLine = relations(lines, ({ one }) => ({ order: one(orders, { fields: [lines.orderId], references: [orders.id] }) }));

const client = new PGlite();
const database = drizzle(client, { schema: { orders, lines, linesOfOrder, orderOfLine } });
await client.exec(`
  CREATE TABLE orders (id bigint PRIMARY KEY);
  CREATE TABLE lines (id bigint PRIMARY KEY, order_id bigint, total numeric(30, 4), price numeric(10, 2), at timestamp(6));
`);
await database.insert(orders).values({ id: 9007199254740993n });
await database.insert(lines).values({
  id: 9007199254740995n,
  orderId: 9007199254740993n,
  total: '12345678901234567890.12',
  price: '9.50',
  at: '2026-01-01 10:00:00.12',
});

const [selected] = await database.select().from(lines);
const [order] = await database.query.orders.findMany({ with: { lines: true } });
const [nested] = order.lines;
const found = await database.select().from(lines).where(eq(lines.id, nested.id));
const shown = ({ id, orderId, total, price, at }) => [id, orderId, total, price, at].join(' | ');
console.log('select():', shown(selected));
console.log('with:    ', shown(nested), '| below the order', order.id, '| rows with that id:', found.length);
if (shown(selected) !== '9007199254740995 | 9007199254740993 | 12345678901234567890.1200 | 9.50 | 2026-01-01 10:00:00.12') process.exit(2);
const isAsDescribed =
  order.id === 9007199254740993n &&
  nested.id === 9007199254740996n &&
  found.length === 0 &&
  shown(nested) === '9007199254740996 | 9007199254740992 | 12345678901234567000 | 9.5 | 2026-01-01T10:00:00.12';
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exitCode = isAsDescribed ? 0 : 1;
await client.close();
JS
node nested.mjs
