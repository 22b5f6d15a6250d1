#!/usr/bin/env bash
# MikroORM 7.2.2 (@mikro-orm/core, @mikro-orm/sqlite): of the entities whose keys are dates in the same second, it writes the changes of only one.
#
# A Date may be a primary key, or a part of one, as for an order of a customer at a time, or the reading of a sensor. MikroORM remembers what it has
# loaded by primary key (https://mikro-orm.io/docs/unit-of-work), and `flush()` writes what has changed of it. You would expect two keys to be one
# only if the database takes them for the same. But MikroORM turns a Date into its text as JavaScript prints it, which has no milliseconds. Inserting,
# finding and removing work: four orders come back as four entities, each with its own date. But each one loaded takes the place of the one before, and
# what has lost its place is not looked at any more: its changes are dropped, without an error, and stay visible in the program. With dates in whole
# seconds, as a test may have them, everything is written.
#
# Seen, for four orders of which each total is raised by 100, and what the database has after `flush()`:
#   key of an order               apart         changed after find()     changed after being created
#   date                          1 s           101 102 103 104          101 102 103 104
#   date                          100 ms        1 2 3 104                1 2 3 104
#   customer and date             1 s           101 102 103 104          101 102 103 104
#   customer and date             100 ms        1 2 3 104                1 2 3 104
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund node@26.10.0 @mikro-orm/core@7.2.2 @mikro-orm/sqlite@7.2.2 >/dev/null 2>&1 || exit 2

cat >orders.mjs <<'JS'
import { EntitySchema, MikroORM } from '@mikro-orm/sqlite';

const at = { type: 'Date', primary: true, length: 3 };
const total = { type: 'number' };
const ByDate = new EntitySchema({ name: 'ByDate', tableName: 'by_date', properties: { at, customer: { type: 'string' }, total } });
const ByBoth = new EntitySchema({
  name: 'ByBoth',
  tableName: 'by_both',
  properties: { customer: { type: 'string', primary: true }, at, total },
});
const orm = await MikroORM.init({ entities: [ByDate, ByBoth], dbName: ':memory:' });
await orm.schema.create();

/** What the database has after four orders were changed that are so far apart: once they were found, and once they were created. */
async function totalsAfter(entity, table, milliseconds) {
  const stored = async () => {
    const rows = await orm.em.getConnection().execute(`SELECT total FROM ${table} ORDER BY at`);
    return rows.map((row) => row.total).join(' ');
  };
  const create = async () => {
    await orm.em.getConnection().execute(`DELETE FROM ${table}`);
    const manager = orm.em.fork();
    const orders = [1, 2, 3, 4].map((number) =>
      manager.create(entity, {
        customer: 'a',
        at: new Date(Date.parse('2026-01-01T00:00:00Z') + (number - 1) * milliseconds),
        total: number,
      }),
    );
    await manager.flush();
    // All four are inserted in any case.
    if ((await stored()) !== '1 2 3 4') process.exit(2);
    return { manager, orders };
  };
  const raised = async ({ manager, orders }) => {
    for (const order of orders) order.total += 100;
    await manager.flush();
    return stored();
  };

  await create();
  const manager = orm.em.fork();
  const orders = await manager.find(entity, {}, { orderBy: { at: 'asc' } });
  // And each is found as an entity of its own.
  if (orders.map((order) => order.total).join(' ') !== '1 2 3 4' || new Set(orders).size !== 4) process.exit(2);
  return [await raised({ manager, orders }), await raised(await create())];
}

let isAsDescribed = true;
for (const [what, entity, table] of [['date', ByDate, 'by_date'], ['customer and date', ByBoth, 'by_both']]) {
  for (const [milliseconds, expected] of [[1000, '101 102 103 104'], [100, '1 2 3 104']]) {
    const seen = await totalsAfter(entity, table, milliseconds);
    console.log(`${what}, ${milliseconds} ms apart: ${seen.join('; ')}`);
    if (milliseconds === 1000 && seen.some((totals) => totals !== expected)) process.exit(2);
    isAsDescribed &&= seen.every((totals) => totals === expected);
  }
}
await orm.close();
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exitCode = isAsDescribed ? 0 : 1;
JS
node_modules/.bin/node orders.mjs
