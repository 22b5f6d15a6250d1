import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { createSchema } from '../schema/schema.ts';
import { ChosenIds } from './chosen-ids.ts';
import { hashOf, IdFilter } from './id-filter.ts';

const pipeline = 'visits';

function opened(): { db: DatabaseSync; ids: ChosenIds } {
  const db = new DatabaseSync(':memory:');
  createSchema(db, [pipeline]);
  return { db, ids: reopened(db) };
}

function reopened(db: DatabaseSync): ChosenIds {
  const ids = new ChosenIds(db, pipeline);
  ids.reload();
  return ids;
}

/** Too many for one bucket, so that there are several buckets, and more than one shelf. */
const many = Array.from({ length: 300_000 }, (_, at) => `id ${Math.imul(at, 2_654_435_761)}`);

function rememberAll(ids: ChosenIds, names: readonly string[], acceptedAt = 1): void {
  for (const name of names) assert.ok(ids.remember(name, acceptedAt, 0), `${name} is new`);
}

test('an id is known in any bucket, even after a reopening', () => {
  const { db, ids } = opened();
  rememberAll(ids, many);
  assert.ok(Number(db.prepare('SELECT count(*) AS n FROM millrace_id_buckets_visits').get()?.n) > 33);
  for (const again of [ids, reopened(db)]) {
    for (let at = 0; at < many.length; at += 7) assert.equal(again.remember(many[at] as string, 2, 0), false);
    assert.ok(again.remember(`new in ${again === ids ? 'this life' : 'the next'}`, 2, 0));
  }
});

test('an id is known only from the given moment on, in any bucket', () => {
  const { ids } = opened();
  rememberAll(ids, many.slice(0, 100_000), 1);
  rememberAll(ids, many.slice(100_000), 5);
  assert.equal(ids.remember(many[0] as string, 9, 1), false);
  assert.equal(ids.remember(many[0] as string, 9, 2), true);
  assert.equal(ids.remember(many[0] as string, 9, 9), false, 'known by its newer moment');
  assert.equal(ids.remember(many[299_999] as string, 9, 5), false);
  assert.equal(ids.remember(many[299_999] as string, 9, 6), true);
});

test('ids removed by a rollback are unknown, and ids restored by one are known', () => {
  const { db, ids } = opened();
  rememberAll(ids, many.slice(0, 270_000));
  db.exec('BEGIN');
  rememberAll(ids, many.slice(270_000));
  assert.equal(ids.forget(2, 500_000), 300_000);
  rememberAll(ids, many);
  db.exec('ROLLBACK');
  ids.reload();
  for (let at = 0; at < 270_000; at += 7) assert.equal(ids.remember(many[at] as string, 2, 0), false);
  rememberAll(ids, many.slice(270_000));
});

test('a rollback restores shelves whose places were given to smaller ones meanwhile', () => {
  const { db, ids } = opened();
  const lots = Array.from({ length: 560_000 }, (_, at) => `lot ${at}`);
  rememberAll(ids, lots);
  db.exec('BEGIN');
  assert.equal(ids.forget(2, 1_000_000), lots.length);
  rememberAll(ids, many.slice(0, 10_000));
  db.exec('ROLLBACK');
  ids.reload();
  for (let at = 0; at < lots.length; at += 11) assert.equal(ids.remember(lots[at] as string, 2, 0), false);
});

test('old ids are forgotten in parts, and then their buckets', () => {
  const { db, ids } = opened();
  rememberAll(ids, many, 1);
  rememberAll(ids, ['newest'], 5);
  let forgotten = 0;
  for (let part = ids.forget(5, 10_000); part > 0; part = ids.forget(5, 10_000)) {
    assert.ok(part <= 10_000);
    forgotten += part;
  }
  const left = Number(db.prepare('SELECT count(*) AS n FROM millrace_ids_visits').get()?.n);
  assert.equal(forgotten + left, 300_001);
  assert.ok(left <= 16_384, 'only what shares a bucket with the newest is left');
  assert.equal(ids.remember('newest', 6, 0), false);
  assert.equal(ids.forget(6, 500_000), left);
  rememberAll(ids, many);
});

test('a filter knows every id of its buckets, and few others', () => {
  const filter = new IdFilter(10_000);
  const ids = many.slice(0, 10_000);
  for (const id of ids) filter.add(31, hashOf(id));
  filter.add(0, hashOf('alone'));
  for (const again of [filter, copyOf(filter, 10_000)]) {
    assert.ok(ids.every((id) => again.placesOf(hashOf(id)) >>> 31 === 1));
    assert.equal(again.placesOf(hashOf('alone')) & 1, 1);
    const mistaken = ids.filter((id) => again.placesOf(hashOf(`not ${id}`)) !== 0).length;
    assert.ok(mistaken < ids.length / 500, `${mistaken} of ${ids.length}`);
  }
});

function copyOf(filter: IdFilter, capacity: number): IdFilter {
  const copy = new IdFilter(capacity);
  for (const place of [0, 31]) copy.restore(place, filter.bytesOf(place));
  return copy;
}
