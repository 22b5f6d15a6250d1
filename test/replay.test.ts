import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import * as z from 'zod';
import { checkout, type Ended, Program, temporaryFolder } from './program.ts';

/** A real input: 124 updates of 12 accounts. It may be found next to a checkout. */
const realInput = join(checkout, '../shared/data/accounts-input.json');
const withRealInput = { skip: existsSync(realInput) ? false : `there is no ${realInput}` };

const Line = z.object({
  event: z.enum(['indexed', 'callback', 'cancelled', 'ignored', 'summary']),
  id: z.string(),
  version: z.int(),
  at: z.int().optional(),
  by: z.int().optional(),
  current: z.int().optional(),
});
type Line = z.infer<typeof Line>;

function replay(context: TestContext, folder: string, words: readonly string[]): Program {
  return new Program(context, ['replay', 'accounts', ...words], { folder });
}

function fileOf(folder: string, updates: unknown): string {
  writeFileSync(join(folder, 'updates.json'), typeof updates === 'string' ? updates : JSON.stringify(updates));
  return 'updates.json';
}

function update(id: string, version: number, callbackTimeMs: number, changes: object = {}) {
  return { id, accountType: 'escrow', tokens: version, callbackTimeMs, data: {}, version, ...changes };
}

/** Returns text lines without their time stamps, and the rows of the table after them. */
function read({ code, stdout, stderr }: Ended) {
  const [told = '', table] = `\n${stdout}`.split(/\n(?=\n)/);
  const lines = told.split('\n').slice(1);
  for (const line of lines) assert.match(line, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \w+ account=\S+ version=\d+/);
  const rows = table?.split('\n').slice(1, -1);
  return { code, stderr, lines: lines.map((line) => line.slice(25)), rows: rows?.map((row) => row.split(/ {2,}/)) };
}

function readJson(stdout: string): readonly Line[] {
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => Line.parse(JSON.parse(line)));
}

const header = ['accountType', 'id', 'version', 'tokens'];

test('happenings are reported line by line, then the summary, and nothing after it', async (context) => {
  const folder = temporaryFolder(context);
  const file = fileOf(folder, [
    ...[update('a', 1, 5000), update('a', 3, 0), update('a', 2, 5000), { ...update('b', 0, 1_000), version: undefined }],
    ...[update('c', 7, 5000, { accountType: 'mint' }), update('c', 8, 0, { accountType: 'mint', tokens: 1 })],
  ]);
  const told = read(await replay(context, folder, [file, '--max-delay', '0', '--verbose']).ended);
  assert.deepEqual(told, {
    code: 0,
    stderr: '',
    lines: [
      'indexed account=a version=1',
      'indexed account=a version=3',
      'cancelled account=a version=1 by=3',
      'callback account=a version=3',
      'ignored account=a version=2 current=3',
      'indexed account=b version=0',
      'indexed account=c version=7',
      'indexed account=c version=8',
      'cancelled account=c version=7 by=8',
      'callback account=c version=8',
      'callback account=b version=0',
    ],
    rows: [header, ['escrow', 'a', '3', '3'], ['mint', 'c', '8', '1']],
  });
  const quiet = read(await replay(context, folder, [file, '--max-delay', '0']).ended);
  assert.deepEqual(
    quiet.lines,
    told.lines.filter((line) => !line.startsWith('ignored')),
  );
  assert.deepEqual(readdirSync(folder), [file]);
});

test('as JSON lines, a callback comes once its time since the update’s acceptance has passed', async (context) => {
  const folder = temporaryFolder(context);
  const file = fileOf(folder, [update('a', 1, 5000), update('b', 1, 120), update('a', 2, 60), update('a', 1, 5)]);
  const { code, stdout } = await replay(context, folder, [file, '--max-delay', '20', '--seed', '7', '--json']).ended;
  const lines = readJson(stdout);
  const atOf = (event: string, id: string, version: number) =>
    lines.find((line) => line.event === event && line.id === id && line.version === version)?.at ?? Number.NaN;
  for (const [id, version, callbackTimeMs] of [['b', 1, 120] as const, ['a', 2, 60] as const]) {
    const elapsedMs = atOf('callback', id, version) - atOf('indexed', id, version);
    assert.ok(elapsedMs >= callbackTimeMs, `${id} after ${elapsedMs} ms`);
  }
  const told = lines.map(({ at: _, ...line }) => JSON.stringify(line)).sort();
  assert.deepEqual(
    [code, told],
    [
      0,
      [
        '{"event":"callback","id":"a","version":2}',
        '{"event":"callback","id":"b","version":1}',
        '{"event":"cancelled","id":"a","version":1,"by":2}',
        '{"event":"ignored","id":"a","version":1,"current":2}',
        '{"event":"indexed","id":"a","version":1}',
        '{"event":"indexed","id":"a","version":2}',
        '{"event":"indexed","id":"b","version":1}',
        '{"event":"summary","id":"a","version":2}',
      ],
    ],
  );
  assert.match(stdout, /\n\{"event":"summary","accountType":"escrow","id":"a","version":2,"tokens":2\}\n$/);
});

test('malformed updates are reported with their index and skipped', async (context) => {
  const folder = temporaryFolder(context);
  const { id: _, ...nameless } = update('a', 1, 0);
  const deep = `{"id":"deep","accountType":"x","tokens":1,"callbackTimeMs":0,"data":{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}}`;
  const malformed = [
    ...[null, 5, 'text', [], {}, nameless, update('', 1, 0), update('x'.repeat(600), 1, 0), update('a', -1, 0), update('a', 1.5, 0)],
    ...[update('a', 1, -1), update('a', 1, 1e300), update('a', 1, 0, { tokens: '5' }), update('a', 1, 0, { tokens: 2 ** 53 })],
    ...[
      update('a', 1, 0, { accountType: null }),
      update('a', 1, 0, { data: [] }),
      update('a', 1, 0, { data: { big: 'x'.repeat(2 ** 20) } }),
    ],
  ];
  const good = [update('line\nbreak', 0, 0), update('b', 1, 0)];
  const file = fileOf(folder, `[${[...malformed.map((one) => JSON.stringify(one)), deep, ...good.map((one) => JSON.stringify(one))]}]`);
  for (const maxDelay of ['0', '1']) {
    const { code, stderr, lines, rows } = read(await replay(context, folder, [file, '--max-delay', maxDelay]).ended);
    const indexes = Array.from(stderr.matchAll(/^millrace: skipped the update at index (\d+): .+$/gm), ([, index]) => Number(index));
    assert.deepEqual(indexes, [...malformed.keys(), malformed.length]);
    assert.equal(stderr.split('\n').length, indexes.length + 1, stderr);
    assert.deepEqual(
      lines.filter((line) => line.startsWith('callback')),
      ['callback account="line\\nbreak" version=0', 'callback account=b version=1'],
    );
    assert.deepEqual([code, rows], [0, [header, ['escrow', 'b', '1', '1']]]);
  }
});

test('an empty array is a run without happenings', async (context) => {
  const folder = temporaryFolder(context);
  const file = fileOf(folder, '\ufeff[]');
  assert.deepEqual(read(await replay(context, folder, [file]).ended), { code: 0, stderr: '', lines: [], rows: [header] });
});

test('a file that cannot be read or contains no JSON array is one line on stderr and exit code 1', async (context) => {
  const folder = temporaryFolder(context);
  mkdirSync(join(folder, 'folder.json'));
  const wrong: readonly [content: string | Buffer | undefined, message: RegExp][] = [
    [undefined, /expected a file, found none/],
    ['', /expected JSON, found/],
    ['[{"id":', /expected JSON, found/],
    ['{}\n{}', /expected JSON, found/],
    ['{"updates":[]}', /expected a JSON array of updates, found an object/],
    ['null', /found null/],
    [Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d]), /not UTF-8/],
  ];
  for (const [index, [content, message]] of wrong.entries()) {
    if (content !== undefined) writeFileSync(join(folder, `${index}.json`), content);
    const { code, stdout, stderr } = await replay(context, folder, [`${index}.json`, '--database', 'none.db']).ended;
    assert.match(stderr, /^millrace: \d\.json: .+\n$/);
    assert.match(stderr, message);
    assert.deepEqual([code, stdout], [1, '']);
  }
  const { code, stderr } = await replay(context, folder, ['folder.json', '--database', 'none.db']).ended;
  assert.deepEqual([code, stderr], [1, 'millrace: folder.json: expected a file, found a directory\n']);
  assert.ok(!existsSync(join(folder, 'none.db')));
});

test('an impossible command line is exit code 2', async (context) => {
  const folder = temporaryFolder(context);
  const file = fileOf(folder, []);
  const wrong = [[], [file, '--max-delay', '-1'], [file, '--max-delay', '1s'], [file, '--seed', 'x'], [file, '--database', 'redis://x']];
  for (const words of wrong) {
    const { code, stdout, stderr } = await replay(context, folder, words).ended;
    assert.match(stderr, /^millrace: .+ \(see millrace replay accounts --help\)\n$/);
    assert.deepEqual([code, stdout], [2, ''], words.join(' '));
  }
});

/** Reads the tables like another program. */
function tablesOf(folder: string) {
  const database = new DatabaseSync(join(folder, 'mill.db'), { readOnly: true });
  try {
    const select = (sql: string) => database.prepare(sql).all();
    return {
      accounts: select('SELECT * FROM accounts ORDER BY id'),
      updates: select('SELECT * FROM account_updates ORDER BY id, version'),
      unsettled: select('SELECT id, version FROM account_updates WHERE (callback_at IS NULL) = (cancelled_at IS NULL)'),
    };
  } finally {
    database.close();
  }
}

test('SIGINT stops it, and the same command continues from there, including timers; a finished one changes nothing', async (context) => {
  const folder = temporaryFolder(context);
  // However late the signal arrives on a busy machine, one callback is still pending.
  const file = fileOf(folder, [update('a', 1, 10_000), update('b', 1, 0), update('a', 2, 8_000), update('c', 1, 50)]);
  const words = [file, '--max-delay', '600', '--seed', '3', '--database', 'mill.db', '--json'];
  const first = replay(context, folder, words);
  await first.printed(/"callback","id":"b"/);
  const stopped = await first.kill('SIGINT');
  assert.equal(stopped.code, 0);
  assert.doesNotMatch(stopped.stdout, /summary/);
  assert.equal(stopped.stderr, 'millrace: stopped; run the same command to resume\n');
  const second = await replay(context, folder, words).ended;
  assert.deepEqual([second.code, second.stderr], [0, '']);
  const happened = [...readJson(stopped.stdout), ...readJson(second.stdout)].map(({ event, id, version }) => `${event} ${id}${version}`);
  assert.deepEqual(happened.toSorted(), [
    ...['callback a2', 'callback b1', 'callback c1', 'cancelled a1'],
    ...['indexed a1', 'indexed a2', 'indexed b1', 'indexed c1', 'summary a2'],
  ]);
  const before = tablesOf(folder);
  assert.deepEqual(before.unsettled, []);
  const third = await replay(context, folder, words).ended;
  assert.deepEqual([third.code, third.stderr], [0, '']);
  assert.equal(third.stdout, second.stdout.slice(second.stdout.indexOf('{"event":"summary"')));
  assert.deepEqual(tablesOf(folder), before);
  // Repeated updates are not waited for: with this delay that would take hours.
  const fourth = await replay(context, folder, words.with(2, '3600000')).ended;
  assert.deepEqual([fourth.code, fourth.stdout], [0, third.stdout]);
});

test('SIGINT without a database leaves nothing behind', async (context) => {
  const folder = temporaryFolder(context);
  const file = fileOf(folder, [update('a', 1, 100_000)]);
  const program = replay(context, folder, [file]);
  await program.printed(/indexed account=a/);
  const { code, stdout, stderr } = await program.kill('SIGINT');
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(stdout, /^\S+ indexed account=a version=1\n$/);
  assert.deepEqual(readdirSync(folder), [file]);
});

test('a callback that came due while it was down fires at the start, before a newer version can cancel it', async (context) => {
  const folder = temporaryFolder(context);
  const words = ['updates.json', '--max-delay', '0', '--database', 'mill.db', '--json'];
  // However slowly the first run stops on a busy machine, it is gone by then.
  const dueMs = 4_000;
  fileOf(folder, [update('a', 1, dueMs)]);
  const first = replay(context, folder, words);
  const [, indexedAt] = await first.printed(/"indexed".*"at":(\d+)/);
  assert.doesNotMatch((await first.kill('SIGINT')).stdout, /callback/);
  fileOf(folder, [update('a', 1, dueMs), update('a', 2, 0)]);
  await pause(Number(indexedAt) + dueMs - Date.now());
  const { code, stdout } = await replay(context, folder, words).ended;
  assert.equal(code, 0);
  const told = readJson(stdout).map(({ event, version }) => `${event} ${version}`);
  assert.deepEqual(told, ['callback 1', 'ignored 1', 'indexed 2', 'callback 2', 'summary 2']);
});

test('if killed at any moment and restarted until the end, every indexed version has one callback or cancellation', async (context) => {
  const folder = temporaryFolder(context);
  const updates = Array.from({ length: 300 }, (_, index) => update(`account-${index % 7}`, (index * 5) % 97, (index * 31) % 150));
  const words = [fileOf(folder, updates), '--max-delay', '4', '--database', 'mill.db', '--json'];
  const told: Line[] = [];
  for (let round = 0; round < 6; round += 1) {
    const program = replay(context, folder, words);
    const line = 1 + Math.floor(Math.random() * 60);
    await program.printed(new RegExp(`^(?:.*\\n){${line}}`));
    // The last output before the process died may be half a line.
    const { stdout } = await program.kill('SIGKILL');
    told.push(...readJson(stdout.slice(0, stdout.lastIndexOf('\n') + 1)));
  }
  const { code, stdout, stderr } = await replay(context, folder, words).ended;
  assert.deepEqual([code, stderr], [0, '']);
  told.push(...readJson(stdout));
  const { updates: rows, unsettled } = tablesOf(folder);
  const newest = new Map<string, number>();
  const expected = updates.filter(({ id, version }) => version > (newest.get(id) ?? -1) && newest.set(id, version));
  const name = ({ id, version }: Readonly<Record<string, unknown>>) => `${id} ${version}`;
  assert.deepEqual(unsettled, []);
  assert.deepEqual(rows.map(name).sort(), expected.map(name).sort());
  // Outcomes reported again after a kill were the same.
  for (const row of rows) {
    const ends = new Set(
      told.filter((line) => /callback|cancelled/.test(line.event) && name(line) === name(row)).map(({ event }) => event),
    );
    assert.deepEqual([...ends], [row.callback_at === null ? 'cancelled' : 'callback'], name(row));
  }
});

test('an update that cannot be handled ends it with one line and exit code 1', async (context) => {
  const folder = temporaryFolder(context);
  const words = ['updates.json', '--max-delay', '0', '--database', 'mill.db'];
  fileOf(folder, [update('a', 1, 0), update('b', 1, 0)]);
  assert.equal((await replay(context, folder, words).ended).code, 0);
  const database = new DatabaseSync(join(folder, 'mill.db'));
  database.exec("UPDATE millrace_keys_accounts SET state_version = 2 WHERE key = 'a'");
  database.close();
  fileOf(folder, [update('a', 2, 0), update('b', 2, 0)]);
  for (const indexed of [/^\S+ indexed account=b version=2\n\S+ callback account=b version=2\n$/, /^$/]) {
    const { code, stdout, stderr } = await replay(context, folder, words).ended;
    assert.match(stdout, indexed);
    assert.match(stderr, /millrace: account "a" failed permanently: .+\n$/);
    assert.equal(code, 1);
  }
});

const realSummary = [
  ['account', 'gkDF8QaR', '39', '517'],
  ['auction', 'kbtvQBEr', '11', '271'],
  ['auctionData', 'cYcekbx6', '11', '960'],
  ['escrow', 'A72KnHfa', '12', '880'],
  ['masterEdition', 'U5kG5d2y', '12', '772'],
  ['metadata', 'ZBTDeX9W', '12', '696'],
  ['mint', '6BhkGCMV', '39', '330'],
];

test('a real input: 96 indexed, 28 ignored, each indexed one with a callback or a cancellation', withRealInput, async (context) => {
  const { code, stderr, lines, rows } = read(
    await replay(context, temporaryFolder(context), [realInput, '--max-delay', '0', '--verbose']).ended,
  );
  const count = (event: string) => lines.filter((line) => line.startsWith(event)).length;
  assert.deepEqual([code, stderr, count('indexed'), count('ignored')], [0, '', 96, 28]);
  assert.equal(count('callback') + count('cancelled'), 96);
  assert.deepEqual(
    rows?.slice(1).map(([type, id, ...numbers]) => [type, id?.slice(0, 8), ...numbers]),
    realSummary,
  );
});
