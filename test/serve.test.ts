import assert from 'node:assert/strict';
import { on } from 'node:events';
import { copyFileSync, linkSync, mkdirSync, rmSync, statSync, watch, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type TestContext } from 'node:test';
import { type Ended, Program, temporaryFolder } from './program.ts';

const channel = '193270a9-c9cf-404a-8f83-838e71d9ae67';
const metadata = { channel, messageNumber: 1, messageTime: '2022-02-02T19:39:05.86337+01:00', messageType: 'RocketLaunched' };
const launch = { metadata, message: { type: 'Falcon-9', launchSpeed: 500, mission: 'ARTEMIS' } };
const faster = (messageNumber: number, by: number) => ({
  metadata: { ...metadata, messageNumber, messageType: 'RocketSpeedIncreased' },
  message: { by },
});

async function post(url: string, body: unknown, headers: Readonly<Record<string, string>> = {}) {
  const answer = await fetch(`${url}/messages`, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body), headers });
  return { status: answer.status, type: answer.headers.get('content-type'), body: await answer.json() };
}

async function get(url: string, path: string): Promise<unknown> {
  return (await fetch(`${url}${path}`)).json();
}

function serveRockets(context: TestContext, folder: string): Program {
  return new Program(context, ['serve', 'rockets', '--port', '0', '--database', './mill.db'], { folder });
}

test('the ready line is the only output, and requests are served from then on', async (context) => {
  const program = serveRockets(context, temporaryFolder(context));
  const url = await program.listening();
  assert.deepEqual(await get(url, '/ping'), { pong: true });
  const { code, stdout, stderr } = await program.kill('SIGTERM');
  assert.match(stdout, /^millrace \d+\.\d+\.\d+ listening on http:\/\/127\.0\.0\.1:\d+ \(rockets; sqlite:\/\S+\/mill\.db\)\n$/);
  assert.deepEqual([code, stderr], [0, '']);
});

test('every malformed message is refused with its faults, and nothing of it is stored', async (context) => {
  const program = serveRockets(context, temporaryFolder(context));
  const url = await program.listening();
  const withMetadata = (changes: object) => ({ ...launch, metadata: { ...metadata, ...changes } });
  const withMessage = (message: unknown, messageType = 'RocketLaunched') => ({ metadata: { ...metadata, messageType }, message });
  const malformed: readonly unknown[] = [
    ...[null, [], 'text', 5, {}, { metadata }, { message: launch.message }, { metadata: null, message: null }],
    ...['', 'x', channel.slice(1), `${channel}0`, channel.replace('-', ''), 5, null, undefined].map((id) => withMetadata({ channel: id })),
    ...[0, -1, 1.5, '1', null, undefined, true, 2 ** 60, []].map((messageNumber) => withMetadata({ messageNumber })),
    ...['yesterday', '2022-02-02', '2022-02-30T00:00:00Z', 1643827145, null, undefined].map((messageTime) => withMetadata({ messageTime })),
    ...['RocketLanded', 'rocketlaunched', '', '__proto__', 'constructor', 7, null, undefined].map((messageType) =>
      withMetadata({ messageType }),
    ),
    ...[null, 'text', [], {}, { type: 'F', mission: 'M' }, { launchSpeed: 1, mission: 'M' }, { type: 'F', launchSpeed: 1 }].map((message) =>
      withMessage(message),
    ),
    ...[-1, '500', null].map((launchSpeed) => withMessage({ ...launch.message, launchSpeed })),
    ...['RocketSpeedIncreased', 'RocketSpeedDecreased'].flatMap((type) =>
      [{ by: 0 }, { by: -5 }, { by: '5' }, { by: null }, {}].map((message) => withMessage(message, type)),
    ),
    ...[{}, { reason: 5 }].map((message) => withMessage(message, 'RocketExploded')),
    ...[{}, { newMission: null }].map((message) => withMessage(message, 'RocketMissionChanged')),
    ...['', 'no JSON', '{"metadata":', '{"a":1e999}', JSON.stringify(launch).replace(':500', ':1e999')],
  ];
  for (const message of malformed) {
    const { status, type, body } = await post(url, message);
    assert.equal(status, 400, `${JSON.stringify(message)} was answered ${status} ${JSON.stringify(body)}`);
    assert.equal(type, 'application/problem+json');
  }
  assert.deepEqual(await get(url, '/rockets'), { count: 0, rockets: [], sort: 'id', order: 'asc' });
  assert.equal((await post(url, launch)).status, 202);
});

test('a body is JSON whatever its Content-Type says', async (context) => {
  const program = serveRockets(context, temporaryFolder(context));
  const url = await program.listening();
  for (const [index, type] of ['text/plain', 'application/x-www-form-urlencoded', 'x', 'application/json; charset=utf-8'].entries()) {
    const { status } = await post(url, { ...launch, metadata: { ...metadata, messageNumber: index + 1 } }, { 'content-type': type });
    assert.equal(status, 202, type);
  }
});

test('acknowledged events survive kill -9, including waiting messages, and the next start continues at once', async (context) => {
  const folder = temporaryFolder(context);
  const first = serveRockets(context, folder);
  const url = await first.listening();
  const messages = [launch, ...Array.from({ length: 50 }, (_, index) => faster(index + 3, 10))];
  const answers = await Promise.all(messages.map((message) => post(url, message)));
  assert.ok(answers.every(({ status }) => status === 202));
  await first.kill('SIGKILL');

  const second = serveRockets(context, folder);
  const again = await second.listening();
  assert.deepEqual((await post(again, faster(3, 10))).body, { status: 'duplicate' });
  assert.deepEqual((await post(again, faster(2, 5))).body, { status: 'accepted' });
  // A read waits for everything accepted before it, but not for long.
  let rocket = Object(await get(again, `/rockets/${channel}`));
  while (rocket.lastMessageNumber !== 52) rocket = Object(await get(again, `/rockets/${channel}`));
  assert.deepEqual([rocket.speed, rocket.pendingMessages], [1005, 0]);
});

test('SIGTERM and SIGINT stop it with exit code 0, and the next start finds everything', async (context) => {
  const folder = temporaryFolder(context);
  for (const [index, signal] of (['SIGTERM', 'SIGINT'] as const).entries()) {
    const program = serveRockets(context, folder);
    const url = await program.listening();
    assert.deepEqual((await post(url, launch)).body, { status: index === 0 ? 'accepted' : 'duplicate' });
    const { code, stderr } = await program.kill(signal);
    assert.deepEqual([code, stderr], [0, '']);
  }
});

test('a database has one owner; a second process learns who, and takes over when that one is killed', async (context) => {
  const folder = temporaryFolder(context);
  const owner = serveRockets(context, folder);
  await owner.listening();
  const { code, stdout, stderr } = await serveRockets(context, folder).ended;
  assert.deepEqual([code, stdout], [1, '']);
  assertOneLine(stderr, new RegExp(`mill\\.db.*${owner.child.pid}`));
  await owner.kill('SIGKILL');
  await serveRockets(context, folder).listening();
});

test('a port in use is one line that names it', async (context) => {
  const folder = temporaryFolder(context);
  const other = createServer().listen(0, '127.0.0.1');
  context.after(() => other.close());
  const { promise, resolve } = Promise.withResolvers<void>();
  other.on('listening', resolve);
  await promise;
  const address = other.address();
  assert.ok(typeof address === 'object' && address !== null);
  const { code, stderr } = await new Program(context, ['serve', 'rockets', '--port', String(address.port), '--database', 'memory:'], {
    folder,
  }).ended;
  assert.equal(code, 1);
  assertOneLine(stderr, new RegExp(`127\\.0\\.0\\.1:${address.port}.*in use`));
});

test('a .env file configures it, and the environment takes precedence', async (context) => {
  const folder = temporaryFolder(context);
  writeFileSync(join(folder, '.env'), 'PORT=nonsense\nDATABASE_URL=memory:\n');
  const { stderr } = await new Program(context, ['serve'], { folder }).ended;
  assertOneLine(stderr, /PORT: expected an integer from 0 to 65535, found "nonsense"/);
  const { stdout } = await served(context, ['serve'], folder, { PORT: '0' });
  assert.match(stdout, /; memory, lost when it stops\)\n$/);
});

/** Starts the program, and stops it once it listens. */
async function served(
  context: TestContext,
  words: readonly string[],
  folder: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const program = new Program(context, words, { folder, environment });
  await program.listening();
  return program.kill('SIGTERM');
}

/** Arguments, variables, exit code, and the text of the one line. */
const refused: readonly [readonly string[], Readonly<Record<string, string>>, number, RegExp][] = [
  [['serve', '--port', 'x'], {}, 2, /^millrace: --port: expected an integer from 0 to 65535, found "x" \(see millrace serve --help\)/],
  [['serve', '--port'], {}, 2, /'--port <number>' argument missing/],
  [['serve', '--colour'], {}, 2, /unknown option '--colour' \(see millrace serve --help\)/],
  [['serve', 'nothing'], {}, 2, /unknown system "nothing"; expected rockets,/],
  [['sreve'], {}, 2, /unknown command 'sreve' \(Did you mean serve\?\) \(see millrace --help\)/],
  [['simulate', 'nothing'], {}, 2, /unknown command 'nothing' \(see millrace simulate --help\)/],
  [
    ['simulate', 'rockets', 'nowhere'],
    {},
    2,
    /URL: expected an http or https URL, found "nowhere" \(see millrace simulate rockets --help\)/,
  ],
  [['simulate', 'rockets', '--seed', '-1'], {}, 2, /--seed: expected an integer from 0/],
  [['simulate', 'rockets', '--concurrency-level', '0'], {}, 2, /--concurrency-level: expected an integer from 1 to 1000, found "0"/],
  [['simulate', 'rockets', '--max-messages', 'all'], {}, 2, /--max-messages: expected an integer/],
  [['simulate', 'rockets', '--message-delay', '5'], {}, 2, /--message-delay: expected a duration/],
  [['simulate', 'rockets', '--duplicates', '2'], {}, 2, /--duplicates: expected a number from 0 to 1/],
  [['simulate', 'rockets', '--shuffle', '-3'], {}, 2, /--shuffle: expected an integer/],
  [['serve'], { PORT: '70000' }, 1, /^millrace: PORT: expected an integer from 0 to 65535, found "70000"/],
  [['serve'], { HOST: 'http://x' }, 1, /HOST: expected an IP address or a host name/],
  [['serve'], { LOG_LEVEL: 'loud' }, 1, /LOG_LEVEL: expected one of fatal, /],
  [['serve'], { SHUTDOWN_TIMEOUT: 'soon' }, 1, /SHUTDOWN_TIMEOUT: expected a duration up to 24h, /],
  [['serve'], { QUEUE_SIZE: '0' }, 1, /QUEUE_SIZE: expected an integer from 1 /],
  [
    ['serve'],
    { DATABASE_URL: 'redis://me:hush@x' },
    1,
    /DATABASE_URL: expected postgres:.*, sqlite:PATH, .*, found "redis:\/\/me:\*\*\*@x"/,
  ],
  [
    ['serve'],
    { DATABASE_URL: 'mysql://me:hush@x' },
    1,
    /mysql: expected a URL mysql:\/\/USER@HOST\/NAME, found one without the name of a database/,
  ],
  [['serve', './missing.ts'], {}, 1, /^millrace: \.\/missing\.ts: no such file/],
];

for (const [words, environment, exitCode, line] of refused) {
  test(`refused in one line: ${[...Object.entries(environment).map((entry) => entry.join('=')), 'millrace', ...words].join(' ')}`, async (context) => {
    const { code, stdout, stderr } = await new Program(context, words, { folder: temporaryFolder(context), environment }).ended;
    assertOneLine(stderr, line);
    assert.deepEqual([code, stdout], [exitCode, '']);
  });
}

test('an unusable database is one line', async (context) => {
  const folder = temporaryFolder(context);
  writeFileSync(join(folder, 'text.db'), 'this is no database, whatever its name says'.repeat(100));
  mkdirSync(join(folder, 'folder.db'));
  for (const path of ['text.db', 'folder.db', 'text.db/mill.db']) {
    const { code, stdout, stderr } = await new Program(context, ['serve', '--port', '0', '--database', path], { folder }).ended;
    assertOneLine(stderr, new RegExp(path.replaceAll('.', '\\.')));
    assert.deepEqual([code, stdout], [1, '']);
  }
});

test('a database file with a second hard link is one line, for each command that stores events in one', async (context) => {
  const folder = temporaryFolder(context);
  writeFileSync(join(folder, 'mill.db'), '');
  linkSync(join(folder, 'mill.db'), join(folder, 'other.db'));
  writeFileSync(join(folder, 'updates.json'), '[]');
  const played = new DatabaseSync(join(folder, 'played.db'));
  played.exec('CREATE TABLE messages_table (id INTEGER PRIMARY KEY, data TEXT)');
  played.close();
  for (const words of [
    ['serve', 'rockets', '--port', '0', '--database', 'mill.db'],
    ['serve', 'rockets', '--port', '0', '--database', 'other.db'],
    ['replay', 'accounts', 'updates.json', '--database', 'mill.db'],
    ['workers', '--database', 'played.db', '--state', 'mill.db'],
  ]) {
    const { code, stderr } = await new Program(context, words, { folder }).ended;
    assertOneLine(stderr, /(mill|other)\.db: the file has 2 hard links.*keep one name/);
    assert.equal(code, 1, words.join(' '));
  }
});

test('deleting the database file while it serves ends it with one line, and the request that discovers this is refused', async (context) => {
  const folder = temporaryFolder(context);
  const program = new Program(context, ['serve', 'rockets', '--port', '0', '--database', './mill.db'], {
    folder,
    environment: { LOG_LEVEL: 'silent' },
  });
  const url = await program.listening();
  assert.equal((await post(url, launch)).status, 202);
  // The answer means that its turn has been committed.
  await get(url, '/rockets');
  rmSync(join(folder, 'mill.db'));
  // A check of the files is valid for 10 ms, so a message right after the last check may still be accepted.
  let number = 2;
  let answer = await post(url, faster(number, 5));
  while (answer.status === 202) {
    number += 1;
    answer = await post(url, faster(number, 5));
  }
  assert.deepEqual([answer.status, (answer.body as { code: string }).code], [503, 'MILL_STORE_MOVED']);
  const { code, stderr } = await program.ended;
  assertOneLine(stderr, /mill\.db: the database file was moved or deleted while it was open/);
  assert.equal(code, 1);
});

test('another program’s lock is a 503 that says so, on the health page too, and ends with the lock', async (context) => {
  const folder = temporaryFolder(context);
  const program = serveRockets(context, folder);
  const url = await program.listening();
  const other = new DatabaseSync(join(folder, 'mill.db'), { timeout: 60_000 });
  context.after(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  for (let times = 0; times < 3; times += 1) {
    const answer = await fetch(`${url}/messages`, { method: 'POST', body: JSON.stringify(launch) });
    const { code } = (await answer.json()) as { code: string };
    assert.deepEqual([answer.status, code, answer.headers.get('retry-after')], [503, 'MILL_STORE_BUSY', '1']);
  }
  const { reason } = (await get(url, '/health')) as { reason: string };
  assert.match(reason, /another program has locked the database/);
  other.exec('COMMIT');
  const { status, body } = await post(url, launch);
  assert.deepEqual([status, body], [202, { status: 'accepted' }]);
  assert.equal((await fetch(`${url}/health`)).status, 200);
});

test('after some idle seconds everything is in the database file, without its log', async (context) => {
  const folder = temporaryFolder(context);
  const url = await serveRockets(context, folder).listening();
  assert.equal((await post(url, launch)).status, 202);
  const log = join(folder, 'mill.db-wal');
  const watcher = watch(folder);
  const changes = on(watcher, 'change');
  while (statSync(log).size > 0) await changes.next();
  watcher.close();
  copyFileSync(join(folder, 'mill.db'), join(folder, 'copy.db'));
  const copy = new DatabaseSync(join(folder, 'copy.db'));
  assert.equal(copy.prepare('SELECT count(*) AS count FROM millrace_log_rockets').get()?.count, 1);
  copy.close();
  const metrics = await (await fetch(`${url}/metrics`, { headers: { accept: 'text/plain' } })).text();
  assert.match(metrics, /^millrace_store_log_bytes 0$/m);
});

function assertOneLine(text: string, line: RegExp): void {
  assert.match(text, /^millrace: [^\n]+\n$/);
  assert.match(text, line);
}
