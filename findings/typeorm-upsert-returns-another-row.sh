#!/usr/bin/env bash
# TypeORM 1.1.3 with its driver `sqljs` on sql.js 1.17.0 (SQLite): `upsert()` of a row that exists returns the id of another row and puts that row's values
# into the object it was given; `insert()` of several rows returns the last id for each of them.
#
# Both return `identifiers`, one for each object, and write generated values back to the objects, so that a program can go on with the id. With this
# driver TypeORM takes the id that the connection inserted last, for all objects. An upsert that updates does not insert, so that id is of whichever row, of
# this table or another, came last. Then TypeORM reads the columns that have defaults from the row of that id, and overwrites what
# the object has: the object has the key of one row, and the id and the priority of another. An update by that id changes the wrong row. A test with one
# row in the table finds everything right. `save()`, which inserts one by one, sets the right ids.
#
# Seen, for jobs a, b, c with the ids 1, 2, 3, whose priority is 0 and whose state is "waiting" by default:
#   insert a, b, c                         identifiers 3 3 3, and the objects have the ids 3 3 3
#   save a, b, c                           the objects have the ids 1 2 3
#   upsert { name a, priority 9 }          identifier 3, and the object is { name a, priority 0, id 3, state waiting }; in the table a has priority 9
#   update the state by that identifier    a waiting, b waiting, c running
#   the same upsert, after a first and after a second row was inserted into another table: identifier 1, and 2
#
# Exits 0 while this holds, 1 once it no longer does, 2 if the check cannot be made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts typeorm@1.1.3 sql.js@1.17.0 reflect-metadata@0.2.2 >/dev/null 2>&1 || exit 2

cat >upsert.mjs <<'JS'
import 'reflect-metadata';
import typeorm from 'typeorm';

const { DataSource, EntitySchema } = typeorm;
const id = { type: 'integer', primary: true, generated: 'increment' };
const Job = new EntitySchema({
  name: 'Job',
  columns: {
    id,
    name: { type: 'text', unique: true },
    priority: { type: 'integer', default: 0 },
    state: { type: 'text', default: 'waiting' },
  },
});
const Note = new EntitySchema({ name: 'Note', columns: { id, text: { type: 'text' } } });

async function connected() {
  const source = await new DataSource({ type: 'sqljs', entities: [Job, Note], synchronize: true }).initialize();
  const jobs = source.getRepository('Job');
  const stored = async (shown) => (await jobs.find({ order: { id: 'asc' } })).map(shown).join(' ');
  return { jobs, notes: source.getRepository('Note'), stored };
}
const ids = (rows) => rows.map((row) => row.id).join(' ');
const three = () => ['a', 'b', 'c'].map((name) => ({ name }));
const found = {};

const inserting = await connected();
const inserted = three();
const { identifiers } = await inserting.jobs.insert(inserted);
found.insert = `${ids(identifiers)}; ${ids(inserted)}`;

const { jobs, notes, stored } = await connected();
const saved = three();
await jobs.save(saved);
// What is right in any case.
if (ids(saved) !== '1 2 3' || (await inserting.stored((job) => job.name + job.id)) !== 'a1 b2 c3') process.exit(2);

const job = { name: 'a', priority: 9 };
const upserted = await jobs.upsert(job, ['name']);
found.upsert = `${ids(upserted.identifiers)}; ${job.name} ${job.priority} ${job.id} ${job.state}`;
if ((await stored((job) => `${job.id} ${job.name} ${job.priority}`)) !== '1 a 9 2 b 0 3 c 0') process.exit(2);
await jobs.update(upserted.identifiers[0].id, { state: 'running' });
found.update = await stored((job) => `${job.name} ${job.state}`);

await notes.insert({ text: 'first' });
found.otherTable = ids((await jobs.upsert({ name: 'a', priority: 9 }, ['name'])).identifiers);
await notes.insert({ text: 'second' });
found.otherTableAgain = ids((await jobs.upsert({ name: 'a', priority: 9 }, ['name'])).identifiers);

console.log(found);
const isAsDescribed =
  found.insert === '3 3 3; 3 3 3' &&
  found.upsert === '3; a 0 3 waiting' &&
  found.update === 'a waiting b waiting c running' &&
  found.otherTable === '1' &&
  found.otherTableAgain === '2';
console.log(isAsDescribed ? 'as described' : 'not as described any more');
process.exitCode = isAsDescribed ? 0 : 1;
JS
node upsert.mjs
