import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import type { ErrorCode, MillraceError } from '../../../errors.ts';
import { ask, commitOf, delivery } from '../../contract/fixtures.ts';
import type { NewEvent, Store, StoreDeclaration } from '../../store.ts';
import { mountOrSkip } from '../fixture.test.ts';
import { inventoryOfFile } from '../inventory-of-file.ts';
import { sqlite } from '../sqlite-store.ts';

const pageBytes = 4_096;
const declaration: StoreDeclaration = { pipelines: [{ name: 'visits', numbered: false }], tables: [] };
let folder = '';

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-'));
});
after(() => rmSync(folder, { recursive: true }));

function events(count: number, bodyLength: number): NewEvent[] {
  const body = JSON.stringify('x'.repeat(bodyLength));
  const event = {
    partition: { pipeline: 'visits', slice: 0 },
    id: 'id',
    knownSince: null,
    traceparent: null,
    origin: null,
    number: null,
    acceptedAt: 1_750_000_000_000,
    body,
  };
  return Array.from({ length: count }, (_, i) => ({ ...event, key: `key ${i}` }));
}

/** Returns the error of opening it, which must fit on one line and name the path. */
async function openingError(path: string, code: ErrorCode): Promise<string> {
  const store = sqlite(path, { busyTimeoutMs: 50 });
  const error = await store.open(declaration).then(
    () => store.close().then(() => assert.fail(`expected ${code}, it could be opened`)),
    (thrown: MillraceError) => thrown,
  );
  assert.equal(error.code, code, error.message);
  assert.ok(error.message.startsWith(path), error.message);
  assert.ok(!error.message.includes('\n'), error.message);
  await assert.rejects(store.claim({ pipeline: 'visits', slice: 0 }), { code: 'MILL_STORE_UNAVAILABLE' });
  return error.message;
}

/** Returns the path of a database with events of a thousand bytes. */
async function filled(name: string, count = 1_000): Promise<string> {
  const path = join(folder, name);
  await whileOpen(sqlite(path), (store) => store.append(events(count, 1_000)));
  return path;
}

async function whileOpen(store: Store, body: (store: Store) => Promise<unknown>): Promise<void> {
  await store.open(declaration);
  try {
    await body(store);
  } finally {
    await store.close();
  }
}

describe('opening a foreign file', () => {
  test('text is not a database, and nothing is left beside it', async () => {
    const path = join(folder, 'text.db');
    writeFileSync(path, 'This is text. '.repeat(1_000));
    assert.match(await openingError(path, 'MILL_STORE_CORRUPT'), /not a database/);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith('text.db')),
      ['text.db'],
    );
  });

  test('an empty file is an empty database, and missing folders are created', async () => {
    const path = join(folder, 'empty.db');
    writeFileSync(path, '');
    await whileOpen(sqlite(path), (store) => store.append(events(1, 1)));
    await whileOpen(sqlite(join(folder, 'a', 'b', 'new.db')), (store) => store.append(events(1, 1)));
  });

  test('a truncated file is damaged, wherever it was cut', async () => {
    const path = await filled('cut.db');
    const { size } = statSync(path);
    truncateSync(path, size - 1_000);
    await openingError(path, 'MILL_STORE_CORRUPT');
    truncateSync(path, size / 2);
    await openingError(path, 'MILL_STORE_CORRUPT');
    truncateSync(path, 50);
    await openingError(path, 'MILL_STORE_CORRUPT');
  });

  test('an overwritten file is damaged', async () => {
    const path = await filled('scribbled.db');
    writeFileSync(path, Buffer.alloc(statSync(path).size - 4_096, 7), { flag: 'r+' });
    await openingError(path, 'MILL_STORE_CORRUPT');
  });

  test('a small file is checked completely: it is damaged whichever page was overwritten', async () => {
    const path = await filled('page.db', 20);
    const whole = readFileSync(path);
    for (let at = pageBytes; at < whole.length; at += pageBytes) {
      writeFileSync(path, Buffer.concat([whole.subarray(0, at), Buffer.alloc(pageBytes, 7), whole.subarray(at + pageBytes)]));
      await openingError(path, 'MILL_STORE_CORRUPT');
    }
  });

  for (const version of [1, 2, 3, 4]) {
    test(`a database of version ${version}, which no release made, is refused and left unchanged`, async () => {
      const path = await filled(`version-${version}.db`);
      const plain = new DatabaseSync(path);
      plain.exec(`UPDATE millrace_meta SET value = ${version} WHERE name = 'schema_version'`);
      const expected = new RegExp(`expected .* version 11, found version ${version}\\. It was created before the first release .*new file`);
      assert.match(await openingError(path, 'MILL_TABLE_CHANGED'), expected);
      assert.throws(() => inventoryOfFile(path, { uncounted: [], named: [] }), { code: 'MILL_TABLE_CHANGED', message: expected });
      assert.equal(plain.prepare('SELECT value FROM millrace_meta').get()?.value, version);
      plain.close();
    });
  }

  test('a database of a newer Millrace is refused and left unchanged', async () => {
    const path = await filled('newer.db');
    const plain = new DatabaseSync(path);
    plain.exec("UPDATE millrace_meta SET value = 99 WHERE name = 'schema_version'");
    assert.match(await openingError(path, 'MILL_TABLE_CHANGED'), /expected .* version 11, found version 99/);
    assert.equal(plain.prepare('SELECT value FROM millrace_meta').get()?.value, 99);
    plain.close();
  });
});

describe('opening an unwritable path', () => {
  test('a folder, or a path below a file, is reported', async () => {
    mkdirSync(join(folder, 'folder.db'));
    assert.match(await openingError(join(folder, 'folder.db'), 'MILL_STORE_READ_ONLY'), /it is a folder/);
    writeFileSync(join(folder, 'file'), '');
    assert.match(await openingError(join(folder, 'file', 'x.db'), 'MILL_STORE_READ_ONLY'), /file is not a folder/);
  });

  test('a file system without room for files is reported, without waiting', {
    skip: process.platform !== 'linux' && 'there is no /proc',
  }, async () => {
    await openingError('/proc/x.db', 'MILL_STORE_READ_ONLY');
    assert.match(await openingError('/proc/folder/x.db', 'MILL_STORE_READ_ONLY'), /ENOENT/);
  });

  // Permissions do not stop root, who can mount the read-only file system of the next test instead.
  if (process.getuid?.() !== 0) {
    test('a file or folder without permission is reported', async () => {
      const path = await filled('forbidden.db');
      execFileSync('chmod', ['400', path]);
      assert.match(await openingError(path, 'MILL_STORE_READ_ONLY'), /EACCES/);
    });
  }

  test('a read-only file system is reported', async (t) => {
    const mounted = mountOrSkip(t, join(folder, 'read-only'));
    if (mounted === undefined) return;
    const path = join(mounted, 'x.db');
    await whileOpen(sqlite(path), (store) => store.append(events(1, 1)));
    execFileSync('mount', ['-o', 'remount,ro', mounted]);
    assert.match(await openingError(path, 'MILL_STORE_READ_ONLY'), /EROFS/);
    assert.match(await openingError(join(mounted, 'new.db'), 'MILL_STORE_READ_ONLY'), /EROFS/);
  });

  test('a full disk refuses the call and keeps accepted events; with room again work continues', async (t) => {
    const mounted = mountOrSkip(t, join(folder, 'full'));
    if (mounted === undefined) return;
    await whileOpen(sqlite(join(mounted, 'x.db')), async (store) => {
      const accepted = await appendUntilRefused(store);
      assert.deepEqual(await store.query('SELECT count(*) AS count, max(position) AS last FROM millrace_log_visits', []), [
        { count: accepted, last: accepted },
      ]);
      execFileSync('mount', ['-o', 'remount,size=4m', mounted]);
      assert.deepEqual((await store.append(events(10, 1_000)))[0], { status: 'accepted', position: accepted + 1 });
    });
    // Without the reserve there is no room even for the log's index.
    rmSync(join(mounted, 'x.db-reserve'));
    assert.throws(() => writeFileSync(join(mounted, 'filler'), Buffer.alloc(4 * 1024 * 1024)), { code: 'ENOSPC' });
    assert.match(await openingError(join(mounted, 'x.db'), 'MILL_STORE_FULL'), /no space/);
  });
});

async function appendUntilRefused(store: Store): Promise<number> {
  for (let accepted = 0; accepted < 10_000; accepted += 100) {
    try {
      await store.append(events(100, 1_000));
    } catch (error) {
      assert.equal((error as MillraceError).code, 'MILL_STORE_FULL');
      return accepted;
    }
  }
  return assert.fail('the disk was never full');
}

describe('opening a file that another program uses', () => {
  test('a lock is waited for, as long as configured', async () => {
    const path = await filled('locked.db');
    const plain = new DatabaseSync(path);
    plain.exec('BEGIN IMMEDIATE');
    assert.match(await openingError(path, 'MILL_STORE_BUSY'), /another program/);
    plain.exec('ROLLBACK');
    await whileOpen(sqlite(path, { busyTimeoutMs: 50 }), async (store) => {
      plain.exec('BEGIN IMMEDIATE');
      await assert.rejects(store.append(events(1, 1)), { code: 'MILL_STORE_BUSY' });
      plain.exec('ROLLBACK');
      assert.deepEqual(await store.append(events(1, 1)), [{ status: 'accepted', position: 1_001 }]);
    });
    plain.close();
  });

  test('a completely locked database is busy', async () => {
    const path = join(folder, 'exclusive.db');
    const plain = new DatabaseSync(path);
    plain.exec('CREATE TABLE t (a); BEGIN EXCLUSIVE');
    await openingError(path, 'MILL_STORE_BUSY');
    plain.close();
  });

  test('a second store on the same file is refused, under any name, in one line that says who has it', async () => {
    const path = join(folder, 'owned.db');
    const link = join(folder, 'link.db');
    await whileOpen(sqlite(path), async (owner) => {
      const expected = new RegExp(`owned by process ${process.pid} on ${hostname()} since \\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z$`);
      assert.match(await openingError(path, 'MILL_STORE_OWNED'), expected);
      symlinkSync(path, link);
      await assert.rejects(sqlite(link).open(declaration), { code: 'MILL_STORE_OWNED', message: expected });
      assert.equal((await owner.append(events(1, 1)))[0]?.status, 'accepted');
      assert.match(await openingError(path, 'MILL_STORE_OWNED'), expected);
    });
    await whileOpen(sqlite(link), (store) => store.append(events(1, 1)));
  });
});

test('a database of version 5 is brought up to date: its deliveries join the flows of their keys and of their urls’ origins', async () => {
  const path = join(folder, 'version-5.db');
  const visits = { pipeline: 'visits', slice: 0 };
  const own = delivery('own', 'a', { ordered: false });
  const others = ['https://É.example/hooks?1', 'https://É.example/hooks?2', 'no url'].map((url, at) =>
    delivery(`${at}`, 'b', { url, ordered: false }),
  );
  await whileOpen(sqlite(path), async (store) => {
    const lease = await store.claim(visits);
    await lease.commit(commitOf({ deliveries: ask(own, ...others) }));
  });
  const plain = new DatabaseSync(path);
  plain.exec(`DROP INDEX millrace_idx_deliveries_flow_visits;
    ALTER TABLE millrace_deliveries_visits DROP COLUMN flow;
    UPDATE millrace_meta SET value = 5 WHERE name = 'schema_version'`);
  plain.close();
  const store = sqlite(path);
  for (const _time of [1, 2]) {
    await store.open(declaration);
    const { deliveries } = await store.dueByFlow(visits, { endpoint: 'mail', dueBy: 10, from: null, flows: 9, each: 9 });
    assert.deepEqual(
      deliveries.map(({ id, flow }) => [id, flow]),
      [
        ['0', 'address https://xn--9ca.example'],
        ['1', 'address https://xn--9ca.example'],
        ['own', 'key a'],
        ['2', 'key b'],
      ],
    );
    await store.close();
  }
});

test('a database of version 6 is brought up to date: a retry has paused no longer than since its delivery was requested', async () => {
  const path = join(folder, 'version-6.db');
  const visits = { pipeline: 'visits', slice: 0 };
  const asked = ['fresh', 'retried'].map((id) => delivery(id, 'a', { ordered: false, askedAt: 3, dueAt: 3 }));
  await whileOpen(sqlite(path), async (store) => {
    const lease = await store.claim(visits);
    const retry = { write: 'retry', endpoint: 'mail', key: 'a', id: 'retried', attempts: 1, dueAt: 9, pauseMs: 1 } as const;
    await lease.commit(commitOf({ deliveries: [...ask(...asked), retry] }));
  });
  const plain = new DatabaseSync(path);
  plain.exec("ALTER TABLE millrace_deliveries_visits DROP COLUMN pause; UPDATE millrace_meta SET value = 6 WHERE name = 'schema_version'");
  plain.close();
  for (const _time of [1, 2]) {
    await whileOpen(sqlite(path), async (store) => {
      assert.deepEqual(await store.dueMoments(visits, 'mail', 0, 9), [
        { dueAt: 3, pauseMs: 0 },
        { dueAt: 9, pauseMs: 6 },
      ]);
    });
  }
});

test('a database of version 7 is brought up to date, and then has an inbox', async () => {
  const path = join(folder, 'version-7.db');
  await whileOpen(sqlite(path), async () => undefined);
  const plain = new DatabaseSync(path);
  plain.exec("DROP TABLE millrace_inbox; UPDATE millrace_meta SET value = 7 WHERE name = 'schema_version'");
  for (const count of [1, 2]) {
    await whileOpen(sqlite(path), async (store) => {
      plain.exec("INSERT INTO millrace_inbox (pipeline, event) VALUES ('visits', '1')");
      assert.deepEqual(await store.inbox?.waiting(['visits'], 10), [{ name: 'visits', count }]);
    });
  }
  assert.equal(plain.prepare("SELECT value FROM millrace_meta WHERE name = 'schema_version'").get()?.value, 11);
  plain.close();
});

test('a database of version 8 is brought up to date, and then has indexes of parked and retried keys', async () => {
  const path = join(folder, 'version-8.db');
  await whileOpen(sqlite(path), async () => undefined);
  const plain = new DatabaseSync(path);
  const indexes = ['keys_parked', 'held_retried', 'causes_retried'].map((name) => `millrace_idx_${name}_visits`);
  plain.exec(`${indexes.map((name) => `DROP INDEX ${name};`).join('')} UPDATE millrace_meta SET value = 8 WHERE name = 'schema_version'`);
  await whileOpen(sqlite(path), async () => undefined);
  const made = plain.prepare("SELECT name FROM sqlite_schema WHERE type = 'index'").all();
  assert.deepEqual(new Set(made.map(({ name }) => name)).intersection(new Set(indexes)), new Set(indexes));
  plain.close();
});

test('a database of version 9 is brought up to date, and then records operators’ actions', async () => {
  const path = join(folder, 'version-9.db');
  await whileOpen(sqlite(path), async () => undefined);
  const plain = new DatabaseSync(path);
  plain.exec("DROP TABLE millrace_audit; UPDATE millrace_meta SET value = 9 WHERE name = 'schema_version'");
  plain.close();
  const entry = { id: '1', at: 1, who: null, action: 'pause', pipeline: 'visits', key: null, subject: null, reason: null };
  await whileOpen(sqlite(path), (store) => store.noteAudit(entry));
  await whileOpen(sqlite(path), async (store) => assert.deepEqual(await store.audit({ limit: 10 }), [entry]));
});

test('a database of version 10 is brought up to date, and then records how far topics were read', async () => {
  const path = join(folder, 'version-10.db');
  await whileOpen(sqlite(path), async () => undefined);
  const plain = new DatabaseSync(path);
  plain.exec("DROP TABLE millrace_source_offsets; UPDATE millrace_meta SET value = 10 WHERE name = 'schema_version'");
  plain.close();
  const offset = { pipeline: 'visits', source: 'kafka:orders', topicId: 'one', partition: 0 };
  const batch = { ...offset, expected: null, next: 7, takings: [] };
  await whileOpen(sqlite(path), async (store) => void (await (await store.claim({ pipeline: 'visits', slice: 0 })).takeBatch(batch)));
  await whileOpen(sqlite(path), async (store) => {
    assert.deepEqual(await store.sourceOffsets('visits', 'kafka:orders'), [{ ...offset, next: 7 }]);
  });
});

test('a database of version 5 is brought up to date: its gaps are noted from now on, even for undeclared pipelines', async () => {
  const path = join(folder, 'version-5.db');
  await whileOpen(sqlite(path), async () => undefined);
  const plain = new DatabaseSync(path);
  plain.exec("DROP TABLE millrace_gaps_visits; UPDATE millrace_meta SET value = 5 WHERE name = 'schema_version'");
  plain.exec('CREATE TABLE millrace_log_gone AS SELECT * FROM millrace_log_visits');
  plain.close();
  const visits = { pipeline: 'visits', slice: 0 };
  const gap = { next: 1, first: 3, since: 7 };
  await whileOpen(sqlite(path), async (store) => {
    const lease = await store.claim(visits);
    assert.equal(lease.standing.gaps, 0);
    await lease.commit(commitOf({ gaps: [{ key: 'a', gap }] }));
  });
  await whileOpen(sqlite(path), async (store) => {
    assert.deepEqual(await store.gaps(visits, { limit: 10 }), [{ key: 'a', ...gap }]);
    await store.forget('gone');
  });
});
