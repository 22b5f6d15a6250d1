import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type TestContext } from 'node:test';
import { type Ended, Program, temporaryFolder } from './program.ts';

/** Returns a module whose pipelines have these options in addition to their handlers. */
function moduleOf(options: string, more = ''): string {
  return `
import { pipeline } from 'millrace';
const any = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
const closed = { call: async () => ({ result: 'postponed', reason: 'closed', retryAfterMs: 1_000_000 }) };
export const orders = pipeline('orders', {
  event: any,
  key: ({ key }) => key,
  state: any,
  retry: { attempts: 1 },
  onGiveUp: 'skip',
  handle({ fail }, state, turn) {
    if (fail) throw new Error('not today');
    turn.timers.set('unpaid', { after: '1h' });
    for (const n of [1, 2, 3]) turn.deliver('shop', { n });
    return { seen: true };
  },
  ${options}
});
${more}`;
}

const modules = {
  'first.ts': moduleOf(`
    timers: { unpaid: () => undefined },
    deliver: { shop: { to: closed } },
    schedule: { every: '1h', source: () => [] },`),
  'renamed.ts': moduleOf('timers: { payment_deadline: () => undefined }, deliver: { mail: { to: closed } },'),
  'without.ts': `
import { pipeline } from 'millrace';
const any = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
export const other = pipeline('other', { event: any, handle: () => undefined });`,
} as const;

class Shop {
  readonly #context: TestContext;
  readonly #folder: string;

  constructor(context: TestContext) {
    this.#context = context;
    this.#folder = temporaryFolder(context);
    for (const [name, text] of Object.entries(modules)) writeFileSync(join(this.#folder, name), text);
  }

  get file(): string {
    return join(this.#folder, 'mill.db');
  }

  serve(module: keyof typeof modules): Program {
    return this.#run(['serve', `./${module}`, '--port', '0', '--database', './mill.db'], { LOG_LEVEL: 'info' });
  }

  store(...words: readonly string[]): Promise<Ended> {
    return this.#run(['store', ...words], { DATABASE_URL: './mill.db' }).ended;
  }

  /** Serves the first declaration, accepts orders of the keys and one that fails, and stops. */
  async fill(keys: readonly string[]): Promise<void> {
    const program = this.serve('first.ts');
    const url = await program.listening();
    for (const key of keys) await this.post(`${url}/pipelines/orders/events`, { key });
    await this.post(`${url}/pipelines/orders/events`, { key: 'z', fail: true });
    const { status } = await this.post(`${url}/pipelines/orders/schedule`, { action: 'stop' });
    assert.equal(status, 200);
    assert.equal((await program.kill('SIGTERM')).code, 0);
  }

  async post(url: string, body: unknown): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
    const answer = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
    return { status: answer.status, body: Object(await answer.json()) };
  }

  #run(words: readonly string[], environment: Readonly<Record<string, string>>): Program {
    return new Program(this.#context, words, { folder: this.#folder, environment });
  }
}

async function get(url: string): Promise<Record<string, unknown>> {
  return Object(await (await fetch(url)).json());
}

/** Returns the lines of a JSON log about leftovers, without the fields common to all lines. */
function leftoversIn(log: string): readonly object[] {
  return log
    .split('\n')
    .filter((line) => line.includes('stored'))
    .map((line) => {
      const { level: _, time: _1, pid: _2, hostname: _3, ...said } = JSON.parse(line);
      return said;
    });
}

test('a server reports leftovers of renamed or removed timers, endpoints and schedules, and lets deliveries be withdrawn', async (context) => {
  const shop = new Shop(context);
  await shop.fill(['a', 'b']);
  const program = shop.serve('renamed.ts');
  const url = await program.listening();
  await program.printed(/a stored schedule belongs to a pipeline/);
  await program.printed(/stored timers have a name/);
  assert.deepEqual(leftoversIn(program.stderr), [
    { pipeline: 'orders', msg: 'a stored schedule belongs to a pipeline that no longer declares one' },
    {
      pipeline: 'orders',
      endpoint: 'shop',
      deliveries: 6,
      outcomes: 0,
      msg: 'stored work waits for an endpoint that is no longer declared',
    },
    { pipeline: 'orders', timer: 'unpaid', timers: 2, msg: 'stored timers have a name that is no longer declared' },
  ]);
  const health = await get(`${url}/health`);
  assert.equal(health.status, 'ok');
  assert.deepEqual(health.leftovers, [
    { gone: 'schedule', pipeline: 'orders' },
    { gone: 'endpoint', pipeline: 'orders', endpoint: 'shop', deliveries: 6, outcomes: 0 },
    { gone: 'timer', pipeline: 'orders', timer: 'unpaid', timers: 2 },
  ]);
  const concerns = Object((await get(`${url}/concerns`)).items) as { kind: string; pipeline: string; why: string }[];
  const leftovers = concerns.flatMap(({ kind, pipeline, why }) => (kind === 'leftover' ? [`${pipeline}: ${why}`] : []));
  assert.match(leftovers.join('\n'), /^orders: .*endpoint shop is gone \(deliveries 6, outcomes 0\)/m);
  const withdraw = (pipeline: string, endpoint: string) => shop.post(`${url}/pipelines/${pipeline}/deliveries/${endpoint}/withdraw`, {});
  assert.deepEqual(await withdraw('orders', 'shop'), { status: 200, body: { withdrawn: 6 } });
  const refused = await Promise.all([withdraw('orders', 'shop'), withdraw('orders', 'mail'), withdraw('nobody', 'shop')]);
  assert.deepEqual(
    refused.map(({ status, body }) => [status, body.code]),
    [
      [404, 'MILL_NOT_FOUND'],
      [409, 'MILL_CONFLICT'],
      [404, 'MILL_NOT_FOUND'],
    ],
  );
  assert.equal(Object((await get(`${url}/health`)).leftovers).length, 2);
  assert.equal((await program.kill('SIGTERM')).code, 0);
  const { code, stdout } = await shop.store('delete', 'orders', '--schedule', '--yes');
  assert.deepEqual([code, stdout.split('\n').slice(1)], [0, ['its schedule', '']]);
  assert.match((await shop.store('list')).stdout, /^orders +0 +0 +2 +2 +0 +0 +1$/m);
});

test('a removed pipeline’s data is listed while a server runs, and deleted when none does', async (context) => {
  const shop = new Shop(context);
  await shop.fill(['a', 'b']);
  const program = shop.serve('without.ts');
  const url = await program.listening();
  await program.printed(/no longer declared/);
  const [letter] = Object((await get(`${url}/dead-letters`)).items);
  for (const action of ['redrive', 'discard']) {
    const { status, body } = await shop.post(`${url}/dead-letters/${letter.id}/${action}`, {});
    assert.deepEqual([status, body.code], [409, 'MILL_CONFLICT']);
    assert.match(String(body.detail), /its pipeline, orders, is not declared\..*millrace store delete orders/);
  }
  const listed = await shop.store('list', '--json');
  assert.deepEqual([listed.code, listed.stderr], [0, '']);
  const stored = JSON.parse(listed.stdout);
  assert.deepEqual(
    stored.map(({ pipeline }: { pipeline: string }) => pipeline),
    ['millrace_schedules', 'orders', 'other'],
  );
  assert.deepEqual(stored[1], {
    pipeline: 'orders',
    waiting: 0,
    states: 2,
    keys: [],
    timers: [{ name: 'unpaid', count: 2 }],
    outcomes: [],
    deliveries: [{ name: 'shop', count: 6 }],
    deadLetters: 1,
    inbox: 0,
  });
  const owned = await shop.store('delete', 'orders', '--yes');
  assert.deepEqual([owned.code, owned.stdout], [1, '']);
  assert.match(owned.stderr, /^millrace: \S+mill\.db: owned by process \d+ on \S+ since \S+\n$/);
  assert.equal((await program.kill('SIGTERM')).code, 0);

  const asked = await shop.store('delete', 'orders');
  assert.equal(asked.code, 2);
  assert.equal(
    asked.stdout,
    `PIPELINE  INBOX  WAITING  STATES  TIMERS  DELIVERIES  OUTCOMES  DEAD LETTERS
orders        0        0       2       2           6         0             1
  timers: unpaid 2
  deliveries: shop 6
its schedule
`,
  );
  assert.match(asked.stderr, /^millrace: store delete: expected --yes [^\n]*nothing was deleted \(see millrace store delete --help\)\n$/);
  assert.equal((await shop.store('delete', 'orders', '--yes')).code, 0);
  const db = new DatabaseSync(shop.file, { readOnly: true });
  const left = db.prepare("SELECT name FROM sqlite_schema WHERE name LIKE '%orders%'").all();
  db.close();
  assert.deepEqual(left, []);
  const again = shop.serve('without.ts');
  await again.listening();
  assert.deepEqual(leftoversIn((await again.kill('SIGTERM')).stderr), []);
  const unknown = await shop.store('delete', 'orders', '--yes');
  assert.deepEqual([unknown.code, unknown.stdout], [1, '']);
  assert.match(unknown.stderr, /^millrace: expected a pipeline of the database \(millrace_schedules, other\), found orders\n$/);

  const inbox = new DatabaseSync(shop.file);
  inbox.exec("INSERT INTO millrace_inbox (pipeline, event) VALUES ('ordres', '1'), ('ordres', '2')");
  const withRows = await shop.store('list');
  assert.match(withRows.stdout, /^ordres +2 +0 +0 +0 +0 +0 +0$/m);
  const typo = await shop.store('delete', 'ordres', '--yes');
  assert.deepEqual([typo.code, typo.stderr], [0, '']);
  assert.match(typo.stdout, /^ordres +2 /m);
  assert.equal(inbox.prepare('SELECT count(*) AS rows FROM millrace_inbox').get()?.rows, 0);
  inbox.close();
});

test('a store that is missing, or not ours, is refused in one line and left alone', async (context) => {
  const shop = new Shop(context);
  const db = new DatabaseSync(shop.file);
  db.exec('CREATE TABLE mine (a)');
  db.close();
  for (const [words, code, found] of [
    [['list', '--database', './none.db'], 1, /none\.db: expected a database, found no file/],
    [['list'], 1, /mill\.db: expected a Millrace database, found another kind/],
    [['list', '--database', 'memory:'], 2, /expected a persistent database, found memory:/],
  ] as const) {
    const ended = await shop.store(...words);
    assert.deepEqual([ended.code, ended.stdout, ended.stderr.split('\n').length], [code, '', 2], words.join(' '));
    assert.match(ended.stderr, found);
  }
  const { stdout } = await shop.store('list', '--database', './none.db', '--help');
  assert.match(stdout, /\$ millrace store list --database/);
});
