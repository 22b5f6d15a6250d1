import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import test, { type TestContext } from 'node:test';
import { type Ended, Program, temporaryFolder } from './program.ts';

interface Message {
  readonly worker: number;
  readonly message: string;
  readonly interval: number;
  readonly destination_worker: number;
}

const schema = 'CREATE TABLE messages_table (id INTEGER PRIMARY KEY, data JSON)';

function says(worker: number, message: string, destination_worker: number, interval = 0): Message {
  return { worker, message, interval, destination_worker };
}

/** Makes a database of messages: rows with their ids, or messages that get the ids 1, 2, 3 and so on. */
function databaseOf(folder: string, rows: readonly (Message | readonly [id: SQLInputValue, data: SQLInputValue])[], sql = schema): string {
  const db = new DatabaseSync(join(folder, 'talk.db'));
  db.exec(sql);
  const insert = db.prepare('INSERT INTO messages_table VALUES (?, ?)');
  insert.setReadBigInts(true);
  db.exec('BEGIN');
  for (const [at, row] of rows.entries()) {
    const [id, data] = 'worker' in row ? [at + 1, JSON.stringify(row)] : row;
    insert.run(id, data);
  }
  db.exec('COMMIT');
  db.close();
  return 'talk.db';
}

function play(context: TestContext, folder: string, words: readonly string[]): Program {
  return new Program(context, ['workers', ...words], { folder });
}

/** Returns the expected blocks: the contract, as a loop. */
function blocksOf(messages: readonly Message[]): readonly string[] {
  const heard = new Map<number, Message>();
  return messages.map((said) => {
    const last = heard.get(said.worker);
    heard.set(said.destination_worker, said);
    return `worker: ${said.worker}\nworker_listened: ${last?.worker ?? 0}\nmessage: "${said.message}"\nmessage_listened: "${last?.message ?? ''}"\n`;
  });
}

const withBlankLines = (blocks: readonly string[]) => blocks.map((block) => `${block}\n`).join('');

/** Returns all files of a folder, with hashes of their contents. */
function contentsOf(folder: string) {
  return readdirSync(folder).map((name) => [
    name,
    createHash('sha256')
      .update(readFileSync(join(folder, name)))
      .digest('hex'),
  ]);
}

const talk = [says(1, 'Hello', 2, 50), says(2, 'Hi, "1"', 3, 50), says(3, 'zwei\nZeilen, größer 🚀', 2, 50)];

test('three chained messages are printed as they happen, and the file is not changed', async (context) => {
  const folder = temporaryFolder(context);
  const file = databaseOf(folder, talk);
  const before = contentsOf(folder);
  const startedAt = performance.now();
  const { code, stdout, stderr } = await play(context, folder, ['--database', file]).ended;
  assert.ok(performance.now() - startedAt >= 150);
  assert.deepEqual([code, stderr], [0, '']);
  assert.equal(
    stdout,
    `worker: 1
worker_listened: 0
message: "Hello"
message_listened: ""

worker: 2
worker_listened: 1
message: "Hi, "1""
message_listened: "Hello"

worker: 3
worker_listened: 2
message: "zwei
Zeilen, größer 🚀"
message_listened: "Hi, "1""

`,
  );
  assert.deepEqual(contentsOf(folder), before);
});

test('verbose: the table, a row of it, and the intervals', async (context) => {
  const folder = temporaryFolder(context);
  const file = databaseOf(folder, [
    [7, JSON.stringify(says(1, 'Hello', 2, 100))],
    [9, JSON.stringify(says(2, 'Hi', 2, 20))],
  ]);
  const { code, stdout } = await play(context, folder, ['--database', file, '--verbose']).ended;
  assert.deepEqual(
    [code, stdout],
    [
      0,
      `Table schema:
${schema}

Sample row:
ID: 7
Data: {"worker":1,"message":"Hello","interval":100,"destination_worker":2}

worker: 1
worker_listened: 0
message: "Hello"
message_listened: ""
interval: 100 ms
accumulated_time: 100 ms
destination_worker: 2

worker: 2
worker_listened: 1
message: "Hi"
message_listened: "Hello"
interval: 20 ms
accumulated_time: 120 ms
destination_worker: 2

`,
    ],
  );
});

test('as JSON lines, in id order whatever the ids are', async (context) => {
  const folder = temporaryFolder(context);
  const file = databaseOf(folder, [
    ['9223372036854775807', JSON.stringify(says(2, 'last', 1))],
    [-5, JSON.stringify(says(1, 'first', 2, 10))],
  ]);
  const { code, stdout } = await play(context, folder, ['--database', file, '--json', '--verbose']).ended;
  assert.deepEqual(
    [code, stdout],
    [
      0,
      `{"id":-5,"worker":1,"worker_listened":0,"message":"first","message_listened":"","interval":10,"accumulated_time":10,"destination_worker":2}
{"id":9223372036854775807,"worker":2,"worker_listened":1,"message":"last","message_listened":"first","interval":0,"accumulated_time":10,"destination_worker":1}
`,
    ],
  );
});

test('10,000 messages without intervals are printed in order', async (context) => {
  const folder = temporaryFolder(context);
  const messages = Array.from({ length: 10_000 }, (_, at) => says(((at * 7) % 5) + 1, `message ${at}`, ((at * at) % 5) + 1));
  const file = databaseOf(folder, messages);
  const { code, stdout, stderr } = await play(context, folder, ['--database', file]).ended;
  assert.deepEqual([code, stderr], [0, '']);
  assert.ok(stdout === withBlankLines(blocksOf(messages)));
});

test('a worker that talks to itself hears it; --workers sets their number', async (context) => {
  const folder = temporaryFolder(context);
  const messages = [says(7, 'I', 7), says(7, 'am', 7), says(6, 'so', 1), says(1, 'what', 6)];
  const file = databaseOf(folder, messages);
  const { code, stdout } = await play(context, folder, ['--database', file, '--workers', '7']).ended;
  assert.deepEqual([code, stdout], [0, withBlankLines(blocksOf(messages))]);
});

test('an empty table is a run without blocks', async (context) => {
  const folder = temporaryFolder(context);
  const file = databaseOf(folder, []);
  const { code, stdout, stderr } = await play(context, folder, ['--database', file]).ended;
  assert.deepEqual([code, stdout, stderr], [0, '', '']);
  const verbose = await play(context, folder, ['--database', file, '--verbose']).ended;
  assert.deepEqual([verbose.code, verbose.stdout], [0, `Table schema:\n${schema}\n\n`]);
});

const good = JSON.stringify(says(1, 'good', 2));
const bad = (changes: object) => JSON.stringify({ ...says(1, 'bad', 2), ...changes });

/** Expects one line, no block, and an unchanged folder. For everything that is refused see systems/workers/play/messages-file.test.ts. */
async function assertRefused(context: TestContext, folder: string, file: string, message: RegExp): Promise<void> {
  const before = contentsOf(folder);
  const { code, stdout, stderr } = await play(context, folder, ['--database', file, '--verbose', '--state', 'state.db']).ended;
  assert.match(stderr, /^millrace: .+: cannot be played: .+\n$/);
  assert.match(stderr.trimEnd(), message);
  assert.deepEqual([code, stdout], [1, '']);
  assert.deepEqual(contentsOf(folder), before);
}

test('data that cannot be played is one line with the row and exit code 1, before the first block', async (context) => {
  const wrong: readonly [data: SQLInputValue, message: RegExp][] = [
    ['no\nJSON', /row 42: data: expected JSON, found: /],
    [null, /row 42: data: expected JSON, found NULL$/],
    [bad({ destination_worker: undefined }), /row 42: destination_worker: expected an integer from 1 to 5, found nothing$/],
    [bad({ worker: '2' }), /row 42: worker: expected an integer from 1 to 5, found "2"$/],
    [bad({ interval: -1 }), /row 42: interval: expected an integer from 0 to 2147483647, found -1$/],
  ];
  for (const [data, message] of wrong) {
    const folder = temporaryFolder(context);
    const file = databaseOf(folder, [
      [1, good],
      [42, data],
      [43, good],
    ]);
    await assertRefused(context, folder, file, message);
  }
});

test('a file that is not a database of messages is one line and exit code 1, and is neither created nor changed', async (context) => {
  const folder = temporaryFolder(context);
  await assertRefused(context, folder, 'missing.db', /expected a file, found none/);
  mkdirSync(join(folder, 'folder.db'));
  await assertRefused(context, join(folder, 'folder.db'), '../folder.db', /expected a file, found a directory$/);
  const corrupt = temporaryFolder(context);
  writeFileSync(join(corrupt, 'talk.db'), 'this is no database, however long it may be; '.repeat(100));
  await assertRefused(context, corrupt, 'talk.db', /not a database/);
  const other = temporaryFolder(context);
  databaseOf(other, [], `${schema}; ALTER TABLE messages_table RENAME TO messages; CREATE TEMP TABLE messages_table (id, data)`);
  await assertRefused(context, other, 'talk.db', /expected a table messages_table, found none$/);
});

test('an impossible command line is exit code 2', async (context) => {
  const folder = temporaryFolder(context);
  const file = databaseOf(folder, talk);
  symlinkSync(file, join(folder, 'alias.db'));
  const wrong = [
    [],
    ['--database', ''],
    ['--database', file, '--workers', '0'],
    ['--database', file, '--workers', '1001'],
    ['--database', file, '--state', file],
    ['--database', file, '--state', 'alias.db'],
    [file],
  ];
  const before = contentsOf(folder);
  for (const words of wrong) {
    const { code, stdout, stderr } = await play(context, folder, words).ended;
    assert.match(stderr, /^millrace: .+ \(see millrace workers --help\)\n$/);
    assert.deepEqual([code, stdout], [2, ''], words.join(' '));
  }
  assert.match((await play(context, folder, []).ended).stderr, /usage: millrace workers --database PATH/);
  assert.deepEqual(contentsOf(folder), before);
});

test('a blob that is JSON is played, and so is a database in UTF-16', async (context) => {
  const messages = [says(1, 'größer 🚀', 2), says(2, 'ja', 1)];
  for (const encoding of ['UTF-8', 'UTF-16le', 'UTF-16be']) {
    const folder = temporaryFolder(context);
    const rows = messages.map((one, at) => [at, at === 0 ? JSON.stringify(one) : Buffer.from(JSON.stringify(one))] as const);
    const file = databaseOf(folder, rows, `PRAGMA encoding = '${encoding}'; ${schema}`);
    const { code, stdout } = await play(context, folder, ['--database', file]).ended;
    assert.deepEqual([code, stdout], [0, withBlankLines(blocksOf(messages))]);
  }
});

test('a database with a write-ahead log is played completely, at rest, in use, or left by a crash, and nothing is left beside it', async (context) => {
  const folder = temporaryFolder(context);
  const file = databaseOf(folder, talk.slice(0, 1), `PRAGMA journal_mode = WAL; ${schema}`);
  const blocks = blocksOf(talk);
  const atRest = contentsOf(folder);
  assert.deepEqual(
    atRest.map(([name]) => name),
    [file],
  );
  assert.equal((await play(context, folder, ['--database', file]).ended).stdout, withBlankLines(blocks.slice(0, 1)));
  assert.deepEqual(contentsOf(folder), atRest);
  const writer = new DatabaseSync(join(folder, file));
  context.after(() => writer.close());
  const insert = writer.prepare('INSERT INTO messages_table VALUES (?, ?)');
  insert.run(2, JSON.stringify(talk[1]));
  assert.equal((await play(context, folder, ['--database', file]).ended).stdout, withBlankLines(blocks.slice(0, 2)));
  insert.run(3, JSON.stringify(talk[2]));
  const crashed = temporaryFolder(context);
  for (const name of [file, `${file}-wal`]) writeFileSync(join(crashed, name), readFileSync(join(folder, name)));
  const before = contentsOf(crashed);
  assert.equal((await play(context, crashed, ['--database', file]).ended).stdout, withBlankLines(blocks));
  assert.deepEqual(contentsOf(crashed), before);
});

test('rows added during a play are not part of it', async (context) => {
  const folder = temporaryFolder(context);
  const file = databaseOf(folder, [says(1, 'one', 2), says(2, 'two', 1, 1_000)], `PRAGMA journal_mode = WAL; ${schema}`);
  const program = play(context, folder, ['--database', file]);
  await program.printed(/"one"/);
  const writer = new DatabaseSync(join(folder, file));
  writer.prepare('INSERT INTO messages_table VALUES (?, ?)').run(3, JSON.stringify(says(9, 'nobody', 9)));
  writer.close();
  assert.deepEqual((await program.ended).code, 0);
  assert.equal(program.stdout, withBlankLines(blocksOf([says(1, 'one', 2), says(2, 'two', 1)])));
});

test('a run lasts hardly longer than the sum of its intervals, however many they are', async (context) => {
  const folder = temporaryFolder(context);
  const file = databaseOf(
    folder,
    Array.from({ length: 200 }, (_, at) => says((at % 5) + 1, `message ${at}`, ((at + 1) % 5) + 1, 5)),
  );
  const run = async () => {
    const program = play(context, folder, ['--database', file]);
    await program.printed(/message 0"/);
    const firstAt = performance.now();
    await program.printed(/message: "message 199"/);
    const elapsedMs = performance.now() - firstAt;
    assert.equal((await program.ended).code, 0);
    return elapsedMs;
  };
  // A busy machine delays some runs less than others, or not at all. A delay of the play itself affects all of them.
  const took: number[] = [];
  do took.push(await run());
  while (took.length < 5 && Math.min(...took) >= 1_400);
  assert.ok(took.every((elapsedMs) => elapsedMs > 900) && Math.min(...took) < 1_400, `199 times 5 ms took ${took.join(', ')} ms`);
});

test('it ends silently when nobody reads any more, and the same command continues from there', async (context) => {
  const folder = temporaryFolder(context);
  const messages = Array.from({ length: 400 }, (_, at) => says((at % 5) + 1, `message ${at}`, ((at + 1) % 5) + 1, 2));
  const file = databaseOf(folder, messages);
  const words = ['--database', file, '--state', 'state.db'];
  const first = play(context, folder, words);
  await first.printed(/message 9"/);
  first.child.stdout?.destroy();
  const { code, stderr } = await first.ended;
  assert.deepEqual([code, stderr], [0, '']);
  const { stdout } = await play(context, folder, words).ended;
  const second = blocksRead(stdout);
  // Blocks in the pipe when it was closed count as printed, although nobody read them.
  assert.ok(second.length > 0 && second.length < 400);
  assert.deepEqual(second, blocksOf(messages).slice(-second.length));
});

/** Returns the whole blocks that were printed. */
function blocksRead(stdout: string): readonly string[] {
  return stdout
    .split('\n\n')
    .slice(0, -1)
    .map((block) => `${block}\n`);
}

test('if killed at ten random moments, no block is lost and at most the last one is repeated', async (context) => {
  const folder = temporaryFolder(context);
  const messages = Array.from({ length: 300 }, (_, at) => says(((at * 3) % 5) + 1, `message ${at}`, ((at * at) % 5) + 1, at % 3));
  const file = databaseOf(folder, messages);
  const words = ['--database', file, '--state', 'state.db'];
  const expected = blocksOf(messages);
  let next = 0;
  const take = ({ stdout }: Pick<Ended, 'stdout'>) => {
    const blocks = blocksRead(stdout);
    // The first block may be the last one of the previous run.
    const from = next > 0 && blocks[0] === expected[next - 1] ? next - 1 : next;
    assert.deepEqual(blocks, expected.slice(from, from + blocks.length));
    next = Math.max(next, from + blocks.length);
  };
  for (let kill = 0; kill < 10; kill += 1) {
    const program = play(context, folder, words);
    const blocks = 1 + Math.floor(Math.random() * 20);
    await Promise.race([program.printed(new RegExp(`^(?:.*\\n){${blocks * 5}}`)), program.ended]);
    take(await program.kill('SIGKILL'));
  }
  const { code, stderr, stdout } = await play(context, folder, words).ended;
  assert.deepEqual([code, stderr], [0, '']);
  take({ stdout });
  assert.equal(next, messages.length);
  assert.deepEqual(await play(context, folder, words).ended, { code: 0, signal: null, stdout: '', stderr: '' });
});

test('SIGINT stops it, the same command continues from there, and so does the accumulated time', async (context) => {
  const folder = temporaryFolder(context);
  const messages = [says(1, 'one', 2, 10), says(2, 'two', 3, 20), says(3, 'three', 1, 100_000)];
  const file = databaseOf(folder, messages);
  const words = ['--database', file, '--state', 'state.db', '--json'];
  const first = play(context, folder, words);
  await first.printed(/"two"/);
  const { code, stderr } = await first.kill('SIGINT');
  assert.deepEqual([code, stderr], [0, 'millrace: stopped; run the same command to resume\n']);
  const db = new DatabaseSync(join(folder, file));
  db.exec(`UPDATE messages_table SET data = json_set(data, '$.interval', 5) WHERE id = 3`);
  db.close();
  const second = await play(context, folder, words).ended;
  assert.deepEqual(
    [second.code, second.stdout],
    [
      0,
      '{"id":3,"worker":3,"worker_listened":2,"message":"three","message_listened":"two","interval":5,"accumulated_time":35,"destination_worker":1}\n',
    ],
  );
});

test('SIGTERM without a state leaves nothing behind', async (context) => {
  const folder = temporaryFolder(context);
  const file = databaseOf(folder, [says(1, 'one', 2), says(2, 'two', 3, 100_000)]);
  const program = play(context, folder, ['--database', file]);
  await program.printed(/"one"/);
  const { code, stderr } = await program.kill('SIGTERM');
  assert.deepEqual([code, stderr, readdirSync(folder)], [0, '', [file]]);
});

test('a state of another file, or of other workers, is one line and exit code 1, and stays unchanged', async (context) => {
  const folder = temporaryFolder(context);
  const file = databaseOf(folder, [says(1, 'one', 2, 1), says(2, 'two', 1)]);
  const words = ['--database', file, '--state', 'state.db'];
  assert.equal((await play(context, folder, words).ended).code, 0);
  const refused = async (sql: string, message: RegExp, ...more: readonly string[]) => {
    const changed = temporaryFolder(context);
    for (const name of readdirSync(folder)) writeFileSync(join(changed, name), readFileSync(join(folder, name)));
    const db = new DatabaseSync(join(changed, file));
    db.exec(sql);
    db.close();
    for (let round = 0; round < 2; round += 1) {
      const { code, stdout, stderr } = await play(context, changed, [...words, '--verbose', ...more]).ended;
      assert.match(stderr, /^millrace: the state does not belong to talk\.db: .+\n$/);
      assert.match(stderr, message);
      assert.deepEqual([code, stdout], [1, '']);
    }
  };
  await refused('DELETE FROM messages_table WHERE id = 2', /expected row 2, where it stopped, found none/);
  await refused(`UPDATE messages_table SET data = json_set(data, '$.message', 'zwei') WHERE id = 2`, /expected row 2, .+ to be unchanged/);
  await refused(`UPDATE messages_table SET data = json_set(data, '$.interval', 2) WHERE id = 1`, /up to row 2 to add up to 1 ms, found 2/);
  await refused('SELECT 1', /expected 5 workers, as at the start, found 6/, '--workers', '6');
  // The formatting of the stored JSON makes no difference.
  const db = new DatabaseSync(join(folder, file));
  db.exec(
    `UPDATE messages_table SET data = json_pretty(data); INSERT INTO messages_table VALUES (3, '${JSON.stringify(says(1, 'three', 2))}')`,
  );
  db.close();
  const last = await play(context, folder, words).ended;
  assert.deepEqual(
    [last.code, last.stdout],
    [0, withBlankLines(blocksOf([says(1, 'one', 2), says(2, 'two', 1), says(1, 'three', 2)]).slice(2))],
  );
  assert.ok(existsSync(join(folder, 'state.db')));
});
