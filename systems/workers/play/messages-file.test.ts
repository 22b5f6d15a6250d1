import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import test, { type TestContext } from 'node:test';
import { isCode } from '../../../src/engine/promises/fixture.test.ts';
import { messageOf } from '../../../src/errors.ts';
import { MessagesFile } from './messages-file.ts';

const schema = 'CREATE TABLE messages_table (id INTEGER PRIMARY KEY, data JSON)';

type TableRow = readonly [id: SQLInputValue, data: SQLInputValue];

function folderOf(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-'));
  context.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Returns the path of a database with these rows in `messages_table`. */
function databaseOf(context: TestContext, rows: readonly TableRow[], sql = schema): string {
  const path = join(folderOf(context), 'talk.db');
  const db = new DatabaseSync(path);
  db.exec(sql);
  if (rows.length > 0) {
    const insert = db.prepare('INSERT INTO messages_table VALUES (?, ?)');
    db.exec('BEGIN');
    for (const row of rows) insert.run(...row);
    db.exec('COMMIT');
  }
  db.close();
  return path;
}

function contentsOf(folder: string) {
  const hashOf = (name: string) =>
    createHash('sha256')
      .update(readFileSync(join(folder, name)))
      .digest('hex');
  return readdirSync(folder).map((name) => [name, hashOf(name)]);
}

/** Asserts that it is refused with a message about the fault, and that its folder is unchanged. */
function assertRefused(path: string, message: RegExp): void {
  const folder = join(path, '..');
  const before = contentsOf(folder);
  assert.throws(
    () => MessagesFile.open(path, 5),
    (error) => (isCode('MILL_INVALID_CONFIGURATION')(error) && message.test(messageOf(error)) ? true : assert.fail(messageOf(error))),
  );
  assert.deepEqual(contentsOf(folder), before);
}

const says = (message: string) => JSON.stringify({ worker: 1, message, interval: 0, destination_worker: 2 });
const good = says('good');
const bad = (changes: object) => JSON.stringify({ worker: 1, message: 'bad', interval: 0, destination_worker: 2, ...changes });
const wrongData: readonly [data: SQLInputValue, message: RegExp][] = [
  ['no JSON', /row 42: data: expected JSON, found: /],
  ['', /row 42: data: expected JSON, found: /],
  [`${good} ${good}`, /row 42: data: expected JSON, found: /],
  ['[]', /row 42: expected an object, found \[\]$/],
  ['null', /row 42: expected an object, found null$/],
  ['5', /row 42: data: expected JSON, found an integer$/],
  [1.5, /row 42: data: expected JSON, found a number$/],
  [null, /row 42: data: expected JSON, found NULL$/],
  [Buffer.from([0x00, 0xff]), /row 42: data: expected JSON, found bytes that are not UTF-8$/],
  [Buffer.from('{'), /row 42: data: expected JSON, found: /],
  [`{"worker":1,"message":"${'x'.repeat(16 * 2 ** 20)}"}`, /row 42: data: expected at most 16777216 bytes, found \d+$/],
  [
    '{}',
    /row 42: worker: expected an integer from 1 to 5, found nothing; message: .+; destination_worker: .+; interval: .+, found nothing$/,
  ],
  [bad({ worker: undefined }), /row 42: worker: expected an integer from 1 to 5, found nothing$/],
  [bad({ message: undefined }), /row 42: message: expected a text, found nothing$/],
  [bad({ interval: undefined }), /row 42: interval: expected an integer from 0 to 2147483647, found nothing$/],
  [bad({ destination_worker: undefined }), /row 42: destination_worker: expected an integer from 1 to 5, found nothing$/],
  [bad({ worker: 0 }), /row 42: worker: expected an integer from 1 to 5, found 0$/],
  [bad({ worker: 6 }), /row 42: worker: .+, found 6$/],
  [bad({ worker: '2' }), /row 42: worker: .+, found "2"$/],
  [bad({ worker: null }), /row 42: worker: .+, found null$/],
  [bad({ worker: true }), /row 42: worker: .+, found true$/],
  [bad({ worker: 1.5 }), /row 42: worker: .+, found 1\.5$/],
  [bad({ destination_worker: -1 }), /row 42: destination_worker: .+, found -1$/],
  [bad({ destination_worker: [2] }), /row 42: destination_worker: .+, found \[2\]$/],
  [bad({ message: 5 }), /row 42: message: expected a text, found 5$/],
  [bad({ message: null }), /row 42: message: expected a text, found null$/],
  [bad({ interval: -1 }), /row 42: interval: .+, found -1$/],
  ['{"worker":1,"message":"x","interval":1e400,"destination_worker":2}', /row 42: interval: .+, found Infinity$/],
  [bad({ interval: 0.5 }), /row 42: interval: .+, found 0\.5$/],
  [bad({ interval: '3' }), /row 42: interval: .+, found "3"$/],
  [bad({ interval: 1e300 }), /row 42: interval: .+, found 1e\+300$/],
  [bad({ interval: 2 ** 53 }), /row 42: interval: .+, found 9007199254740992$/],
];

test('data that cannot be played is refused with the row, what was expected and what was found', (context) => {
  for (const [data, message] of wrongData) {
    const path = databaseOf(context, [
      [1, good],
      [42, data],
      [43, good],
    ]);
    assertRefused(path, message);
  }
});

test('an id must be an integer, and unique', (context) => {
  for (const id of [null, 'one', 1.5]) {
    const path = databaseOf(
      context,
      [
        [1, good],
        [id, good],
      ],
      'CREATE TABLE messages_table (id INTEGER, data JSON)',
    );
    assertRefused(path, /row .+: id: expected an integer, found (NULL|a text|a number)$/);
  }
  const twice = databaseOf(
    context,
    [
      [1, good],
      [1, good],
    ],
    'CREATE TABLE messages_table (id INTEGER, data JSON)',
  );
  assertRefused(twice, /row 1: id: expected one row of an id, found two$/);
});

test('a database without the table, or without its columns, is refused', (context) => {
  assertRefused(
    databaseOf(context, [], 'CREATE TABLE messages (id INTEGER PRIMARY KEY, data JSON)'),
    /expected a table messages_table, found none$/,
  );
  const view = `${schema.replace('messages_table', 'messages')}; CREATE VIEW messages_table AS SELECT * FROM messages`;
  assertRefused(databaseOf(context, [], view), /expected a table messages_table, found none$/);
  assertRefused(databaseOf(context, [], 'CREATE TABLE messages_table (id INTEGER PRIMARY KEY, message)'), /no such column: data$/);
  assertRefused(databaseOf(context, [], 'CREATE TABLE messages_table (data JSON)'), /no such column: id$/);
});

test('an empty file, a damaged one, and one that is not a database are refused', (context) => {
  const rows = Array.from({ length: 1_000 }, (_, at): TableRow => [at, says(`message ${at}`)]);
  const spoiled = (spoil: (bytes: Buffer) => Uint8Array) => {
    const path = databaseOf(context, rows);
    writeFileSync(path, spoil(readFileSync(path)));
    return path;
  };
  assertRefused(
    spoiled(() => Buffer.alloc(0)),
    /expected a table messages_table, found none$/,
  );
  assertRefused(
    spoiled((bytes) => bytes.fill(0x5a, 0, 100)),
    /not a database$/,
  );
  assertRefused(
    spoiled((bytes) => bytes.subarray(0, 20_000)),
    /malformed$/,
  );
  assertRefused(
    spoiled((bytes) => bytes.fill(0x5a, 8_192, 12_288)),
    /malformed$|damaged/,
  );
  assertRefused(
    spoiled((bytes) => bytes.fill(0, 8_192, 12_288)),
    /malformed$|damaged/,
  );
});

test('a path that SQLite would interpret otherwise is treated as a path', (context) => {
  const path = databaseOf(context, [[1, good]]);
  for (const name of [':memory:', `file:${path}`, `${path}?mode=rwc`]) {
    assert.throws(() => MessagesFile.open(name, 5), /cannot be played: expected a file, found none/);
  }
});

test('a journal left by a crash is taken into account, and stays in place', (context) => {
  const path = databaseOf(context, [[1, good]], `PRAGMA journal_mode = DELETE; ${schema}`);
  const writer = new DatabaseSync(path);
  context.after(() => writer.close());
  // A cache so small that uncommitted data is written to the file.
  writer.exec('PRAGMA cache_size = 5; BEGIN');
  const insert = writer.prepare('INSERT INTO messages_table VALUES (?, ?)');
  for (let id = 2; id < 5_000; id += 1) insert.run(id, 'never committed');
  const crashed = join(folderOf(context), 'talk.db');
  for (const suffix of ['', '-journal']) writeFileSync(crashed + suffix, readFileSync(path + suffix));
  const before = contentsOf(join(crashed, '..'));
  const file = MessagesFile.open(crashed, 5);
  assert.deepEqual([file.count, Array.from(file.after(undefined), ({ message }) => message)], [1, ['good']]);
  file.close();
  assert.deepEqual(contentsOf(join(crashed, '..')), before);
});
