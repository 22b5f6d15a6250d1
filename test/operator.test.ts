import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { Ended, Program } from './program.ts';
import { until } from './until.ts';
import { Yard } from './yard.ts';

const orders = `
import { pipeline } from 'millrace';
const any = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
export const orders = pipeline('orders', {
  event: any,
  key: ({ key }) => key,
  state: any,
  retry: { attempts: 1 },
  timers: { unpaid: () => undefined },
  handle({ key, fail }, state, turn) {
    if (fail && state === undefined) throw new Error('order ' + key.slice(2) + ' cannot be paid');
    turn.timers.set('unpaid', { after: '1h' });
    return { seen: true };
  },
});
export const tides = pipeline('tides', { event: any, schedule: { every: '1h', source: () => [] }, handle: () => undefined });
export const steps = pipeline('steps', {
  event: any, key: ({ key }) => key, order: { by: ({ n }) => n }, handle: () => undefined,
});`;

const serve = ['serve', './orders.ts', '--port', '0', '--database', './mill.db'];

/** A server with orders, two of which have failed, and the operator's commands beside it. */
class Office {
  readonly url: string;
  readonly #yard: Yard;
  #server: Program;

  private constructor(yard: Yard, server: Program, url: string) {
    this.#yard = yard;
    this.#server = server;
    this.url = url;
  }

  static async open(context: TestContext): Promise<Office> {
    const yard = new Yard(context, { 'orders.ts': orders });
    const server = yard.start(serve);
    const office = new Office(yard, server, await server.listening());
    for (const key of ['a', 'b 7', 'c 8']) await office.post('orders', { key, fail: key !== 'a' });
    for (const n of [1, 5]) await office.post('steps', { key: 's', n });
    await until(async () => (await office.json(['dead-letters'])).length === 2 && (await office.json(['keys', 'steps'])).length === 1);
    return office;
  }

  async close(): Promise<void> {
    await this.#server.kill('SIGTERM');
  }

  /** Restarts a server on the file; returns its URL. */
  async reopen(): Promise<string> {
    this.#server = this.#yard.start(serve);
    return this.#server.listening();
  }

  /** Runs a command against the server named by the environment. */
  run(words: readonly string[]): Promise<Ended> {
    return this.#yard.start(words, { environment: { MILLRACE_URL: this.url } }).ended;
  }

  /** Returns the output of a command that must succeed. */
  async printed(...words: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(words);
    assert.deepEqual([code, stderr], [0, ''], words.join(' '));
    return stdout;
  }

  // biome-ignore lint/suspicious/noExplicitAny: what a test looks at
  async json(words: readonly string[]): Promise<any> {
    return JSON.parse(await this.printed(...words, '--json'));
  }

  async post(pipeline: string, event: unknown): Promise<void> {
    const answer = await fetch(`${this.url}/pipelines/${pipeline}/events`, { method: 'POST', body: JSON.stringify(event) });
    assert.ok(answer.ok, await answer.text());
  }
}

test('an operator sees waiting and failed work from a terminal, and acts', async (context) => {
  const office = await Office.open(context);

  assert.match(await office.printed('status'), /^PIPELINE +RECEIVED.*\norders +3 .*\nsteps +2 /);
  assert.match(await office.printed('keys', 'orders', '--status', 'parked'), /^KEY .*\nb 7 +parked .*\nc 8 +parked .*\n$/);
  assert.match(await office.printed('schedules'), /^PIPELINE +STATUS .*\ntides +running +no +- +\d{4}-.* -\n$/);
  assert.match(await office.printed('keys', 'steps'), /s +waiting +1 +2 +1\n/);
  const shown = await office.printed('show', 'orders', 'b 7');
  assert.match(shown, /status +parked\n/);
  assert.match(shown, /order 7 cannot be paid/);
  assert.match(await office.printed('dead-letters', '--groups'), /\n +2 +orders +event .* cannot be paid\n$/);
  const [letter] = await office.json(['dead-letters', '--key', 'b 7']);
  assert.match(await office.printed('dead-letters', letter.id), /Error: order 7 cannot be paid\n +at .*orders\.ts/);

  await office.printed('pause', 'orders', '--reason', 'the bank is closed');
  await office.printed('resume', 'orders');
  await office.printed('park', 'orders', 'a');
  assert.equal((await office.json(['show', 'orders', 'a'])).status, 'parked');
  await office.printed('resume', 'orders', 'a');
  assert.match(await office.printed('skip-gap', 'steps', 's'), /skipped its missing numbers/);
  await until(async () => (await office.json(['show', 'steps', 's'])).next === 6);

  assert.match(await office.printed('discard', letter.id, '--reason', 'nobody wants it'), /1 matched, 1 discarded/);
  assert.match(await office.printed('redrive', '--pipeline', 'orders', '--dry-run'), /1 matched/);
  const { operation } = await office.json(['redrive', '--pipeline', 'orders', '--start-after', '0']);
  await until(async () => (await office.json(['operations', operation.id])).state === 'ended');
  assert.match(await office.printed('operations'), /redrive +orders +ended/);
});

test('an operator’s typing error, or a refusal by the server, is one line', async (context) => {
  const office = await Office.open(context);
  const refused = async (words: readonly string[], code: number, message: RegExp) => {
    const ended = await office.run(words);
    assert.deepEqual([ended.code, ended.stdout], [code, ''], words.join(' '));
    assert.match(ended.stderr, message);
    assert.equal(ended.stderr.trimEnd().split('\n').length, 1, ended.stderr);
  };
  await refused(['show', 'orders', 'nobody'], 1, /unknown key "nobody"/);
  await refused(['keys', 'nothing'], 1, /nothing/);
  await refused(['skip-gap', 'steps', 'x'], 1, /x/);
  await refused(['keys', 'orders', '--limit', 'all'], 2, /--limit: expected a whole number, found "all"/);
  await refused(['redrive'], 2, /expected either ids or options/);
  await refused(['status', '--url', 'ftp://x'], 2, /expected http:\/\/HOST:PORT, found ftp:\/\/x/);
  await refused(['status', '--url', 'http://127.0.0.1:1'], 1, /127\.0\.0\.1:1/);
});

test('groups of dead letters that are not printed are mentioned, from a server and from a file', async (context) => {
  const office = await Office.open(context);
  await office.post('orders', { key: 'd in words', fail: true });
  await until(async () => (await office.json(['dead-letters', '--groups'])).length === 2);
  const groups = async (...words: readonly string[]) => {
    const { stdout, stderr } = await office.run(['dead-letters', '--groups', '--json', ...words]);
    return [JSON.parse(stdout).length, stderr];
  };
  const line = 'millrace: there are more groups, with fewer dead letters each; a higher --limit, --pipeline or --kind lists them\n';
  for (const from of [[], ['--file', './mill.db']]) {
    assert.deepEqual(await groups('--limit', '1', ...from), [1, line]);
    assert.deepEqual(await groups('--limit', '2', ...from), [2, '']);
  }
});

test('a file can be inspected while a server runs on it, with the same answers as the server’s', async (context) => {
  const office = await Office.open(context);
  const file = ['--file', './mill.db'];
  for (const words of [
    ['keys', 'orders'],
    ['keys', 'orders', '--status', 'parked'],
    ['show', 'orders', 'b 7'],
    ['dead-letters', '--kind', 'event'],
    ['dead-letters', '--groups'],
  ])
    assert.deepEqual(await office.json([...words, ...file]), await office.json(words), words.join(' '));
  assert.match(await office.printed('keys', 'orders', '--status', 'parked', ...file), /^KEY .*\nb 7 +parked .*\nc 8 +parked .*\n$/);
  await until(async () => (await office.json(['keys', 'steps', '--status', 'waiting', ...file])).length === 1);
  const [letter] = await office.json(['dead-letters', ...file]);
  assert.match(await office.printed('dead-letters', letter.id, ...file), /Error: order 7 cannot be paid\n +at .*orders\.ts/);
  const refused = async (words: readonly string[], code: number, message: RegExp) => {
    const ended = await office.run([...words, ...file]);
    assert.deepEqual([ended.code, ended.stdout, ended.stderr.trimEnd().split('\n').length], [code, '', 1], ended.stderr);
    assert.match(ended.stderr, message);
  };
  await refused(['pause', 'orders'], 1, /mill\.db/);
  await refused(['redrive', letter.id], 1, /mill\.db/);
  await refused(['show', 'orders', 'nobody'], 1, /unknown key "nobody"/);
  await refused(['keys', 'nothing'], 1, /expected a pipeline of the database \(.*orders.*\), found nothing/);
  await refused(['keys', 'orders', '--status', 'lost'], 1, /--status: expected open/);
  await refused(['dead-letters', '--from', 'noon'], 2, /--from: expected a time/);
  await refused(['keys', 'orders', '--url', 'http://127.0.0.1:1'], 2, /--file/);
});

test('an order left in an unowned file is carried out by the next engine that starts on it', async (context) => {
  const office = await Office.open(context);
  const file = ['--file', './mill.db'];
  const [first, second] = await office.json(['dead-letters']);
  await office.close();
  assert.match(await office.printed('redrive', '--pipeline', 'orders', '--dry-run', ...file), /^2 matched\n$/);
  assert.match(
    await office.printed('redrive', first.id, '--reason', 'paid by now', ...file),
    /^1 matched, to be redriven by the next server/,
  );
  assert.match(await office.printed('discard', '--pipeline', 'orders', '--key', second.key, ...file), /^1 matched, to be discarded/);
  await office.printed('pause', 'steps', '--reason', 'a bad release', ...file);
  const ended = await office.run(['resume', 'orders', 'b 7', ...file]);
  assert.deepEqual([ended.code, ended.stdout], [2, '']);

  const url = ['--url', await office.reopen()];
  await until(async () => (await office.json(['operations', ...url])).every(({ state }: { state: string }) => state === 'ended'));
  const operations = await office.json(['operations', ...url]);
  assert.deepEqual(
    operations.map(({ action, matched, done, reason }: Record<string, unknown>) => [action, matched, done, reason]),
    [
      ['discard', 1, 1, null],
      ['redrive', 1, 1, 'paid by now'],
    ],
  );
  // The redriven order has failed again.
  await until(async () => (await office.json(['dead-letters', ...url])).length === 1);
  const [again] = await office.json(['dead-letters', ...url]);
  assert.deepEqual([again.key, again.id === first.id], [first.key, false]);
  const steps = await (await fetch(`${url[1]}/pipelines/steps`)).json();
  assert.equal(Object(steps).paused, true);
  const { items } = Object(await (await fetch(`${url[1]}/audit`)).json());
  assert.ok(items.some(({ action, reason }: Record<string, unknown>) => action === 'pause' && reason === 'a bad release'));
  await office.close();
  await office.printed('resume', 'steps', ...file);
});
