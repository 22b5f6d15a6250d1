import assert from 'node:assert/strict';
import type { Answer, OutgoingCall, Transport } from '../../src/index.ts';
import { testMill } from '../../src/testing/index.ts';
import { type StoreContext, testOn } from '../stores.fixture.test.ts';
import { type MessagesPipelineOptions, messagesPipeline } from './pipeline.ts';
import { judgeProvider } from './provider.ts';
import { type MessageRow, messages } from './table.ts';

const test = testOn('sqlite', 'postgres', 'mariadb');

const startAt = Date.UTC(2026, 10, 21, 10);

/** Stands in for a server: gives the test's answers, and records the calls. */
class Stub {
  readonly calls: OutgoingCall[] = [];
  answer: (call: OutgoingCall, signal: AbortSignal) => Answer | Promise<Answer> = accept;
  /** Its last answer, which the test's clock does not wait for. */
  latest: Answer | Promise<Answer> | undefined;

  take(call: OutgoingCall, signal: AbortSignal): Answer | Promise<Answer> {
    this.calls.push(call);
    this.latest = this.answer(call, signal);
    return this.latest;
  }

  get ids(): readonly string[] {
    return this.calls.map(({ id }) => id);
  }
}

/** The test kit makes no calls, so these are never used. */
const unused: Transport = { call: () => Promise.reject(new Error('expected no call')) };

function accept({ id }: OutgoingCall): Answer {
  return { result: 'delivered', answer: { messageId: `m-${id}`, rawResponse: `{"messageId":"m-${id}"}` } };
}

const unavailable: Answer = { result: 'failed', reason: 'status 503', answer: { rawResponse: 'later' } };

/** The pipeline on a clock that stands still, with a database that anyone may write; a batch of 2 is due every minute. */
async function start(context: StoreContext, options: Partial<MessagesPipelineOptions> = {}) {
  const provider = new Stub();
  const cache = new Stub();
  const pipeline = messagesPipeline({
    provider: unused,
    isProviderWell: () => true,
    cache: undefined,
    interval: 60_000,
    batchSize: 2,
    workers: 2,
    batchTimeout: 10_000,
    messageTimeout: 5_000,
    backoff: 1_000,
    attempts: 3,
    ...options,
  });
  const answer = (call: OutgoingCall, signal: AbortSignal) => (call.endpoint === 'sms' ? provider : cache).take(call, signal);
  const { store, run } = context.openStore({ isVirtual: true });
  const t = await testMill({ pipelines: [pipeline], store, startAt, answer });
  context.after(() => t.stop());
  /** Adds a row as anyone would. A higher number means a newer row. */
  const insert = async (
    number: number,
    { id = `row-${number}`, to = `+90${number}`, content = `Nr ${number}`, created_at = createdAt(number) } = {},
  ) => {
    await run('INSERT INTO messages (id, "to", content, created_at) VALUES (?, ?, ?, ?)', id, to, content, created_at);
  };
  const row = async (id: string): Promise<Partial<MessageRow>> => {
    const { created_at: _, ...rest } = (await t.rows(messages)).find((one) => one.id === id) ?? {};
    return Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null));
  };
  return { t, provider, cache, run, insert, row, batch: () => t.advance('1m') };
}

function createdAt(number: number): string {
  return `2026-11-21 09:00:${String(number).padStart(2, '0')}`;
}

test('a batch every interval takes the oldest rows, each sent once, unchanged', async (context) => {
  const { provider, insert, batch, row } = await start(context);
  for (const number of [3, 1, 4, 2, 5]) await insert(number);
  await insert(0, { created_at: '2026-11-21T09:00:02.500Z', id: 'between', content: 'çok "güzel" 🚀\n' });
  assert.deepEqual(provider.ids, []);
  await batch();
  assert.deepEqual(provider.ids, ['row-1', 'row-2']);
  await batch();
  assert.deepEqual(provider.ids.slice(2), ['between', 'row-3']);
  for (let more = 0; more < 3; more += 1) await batch();
  assert.deepEqual(provider.ids.slice(4), ['row-4', 'row-5']);
  assert.equal(provider.calls[2]?.body, JSON.stringify({ to: '+900', content: 'çok "güzel" 🚀\n' }));
  assert.deepEqual(await row('row-1'), {
    id: 'row-1',
    to: '+901',
    content: 'Nr 1',
    status: 'SUCCESS',
    message_id: 'm-row-1',
    raw_response: '{"messageId":"m-row-1"}',
    sent_at: '2026-11-21T10:01:00.000Z',
    updated_at: '2026-11-21T10:01:00.000Z',
    attempts: 1,
  });
});

test('a submitted message is a row like the others', async (context) => {
  const { t, provider, batch, row } = await start(context);
  const createdAt = '2026-11-21T10:00:00.000Z';
  await t.ingest('messages', { kind: 'submitted', id: 'mine', to: '+90', content: 'Hello', createdAt });
  assert.deepEqual(await row('mine'), { id: 'mine', to: '+90', content: 'Hello', status: 'PENDING', updated_at: createdAt, attempts: 0 });
  await batch();
  assert.deepEqual(provider.ids, ['mine']);
});

test('rows that cannot be sent fail with the reason or are left alone, and hold up none behind them', async (context) => {
  const { provider, insert, batch, row } = await start(context);
  await insert(1, { to: ' ' });
  await insert(2, { content: '' });
  await insert(3, { content: 'ü'.repeat(256) });
  await insert(4, { content: 'x'.repeat(2_000_000) });
  await insert(5, { to: '1'.repeat(21) });
  for (const id of ['', 'x'.repeat(513), 'schlüssel', 'a\u0001', '\x7fa', 'a\n', 'a\tb']) await insert(0, { id });
  await insert(6);
  await insert(7, { content: 'ü'.repeat(255) });
  for (let times = 0; times < 4; times += 1) await batch();
  assert.deepEqual(provider.ids, ['row-6', 'row-7']);
  const reasons = [
    'to: expected 1 to 20 characters, found only blanks',
    'content: expected 1 to 255 characters, found none',
    'content: expected at most 255 characters, found 256',
    'content: expected at most 255 characters, found far more',
    'to: expected at most 20 characters, found 21',
  ];
  for (const [index, reason] of reasons.entries()) {
    const { status, reason: found } = await row(`row-${index + 1}`);
    assert.deepEqual([status, found], ['FAILED', reason]);
  }
});

testOn('sqlite')('an id that only SQLite can hold is left alone', async (context) => {
  const { provider, insert, batch, run } = await start(context);
  await insert(0, { id: 'a\0b' });
  await run(`INSERT INTO messages (id, "to", content, created_at) VALUES (CAST(x'61ff' AS TEXT), '1', '1', '2026')`);
  await insert(1, { id: "~ !'[]{}" });
  await batch();
  assert.deepEqual(provider.ids, ["~ !'[]{}"]);
});

test('a deleted row, or one that is not pending, is not sent', async (context) => {
  const { provider, insert, batch, run } = await start(context);
  for (const number of [1, 2, 3]) await insert(number);
  await run(`UPDATE messages SET deleted_at = '2026-11-21 10:00:00' WHERE id = 'row-1'`);
  await run(`UPDATE messages SET status = 'FAILED' WHERE id = 'row-2'`);
  await batch();
  assert.deepEqual(provider.ids, ['row-3']);
});

test('a failed attempt waits for its backoff, and the last one makes a dead letter that can be redriven', async (context) => {
  const { t, provider, insert, batch, row } = await start(context, { backoff: 70_000 });
  provider.answer = () => unavailable;
  await insert(1);
  await batch();
  const { retry_at, ...first } = await row('row-1');
  assert.deepEqual([first.status, first.attempts, first.reason, first.raw_response], ['PENDING', 1, 'status 503', 'later']);
  const retryAt = String(retry_at);
  assert.ok(retryAt >= '2026-11-21T10:01:35' && retryAt <= '2026-11-21T10:02:10.000Z', retryAt);
  for (let times = 0; times < 10; times += 1) await batch();
  assert.deepEqual(
    provider.calls.map(({ id, attempt }) => [id, attempt]),
    [1, 2, 3].map((attempt) => ['row-1', attempt]),
  );
  const given = await row('row-1');
  assert.deepEqual([given.status, given.attempts, given.reason, given.retry_at], ['FAILED', 3, 'status 503', undefined]);
  const [letter] = await t.deadLetters();
  assert.ok(letter?.kind === 'delivery');
  assert.deepEqual([letter.delivery.id, letter.attempts], ['row-1', 3]);

  provider.answer = accept;
  await t.mill.redrive(letter.id);
  assert.deepEqual([(await row('row-1')).status, (await row('row-1')).attempts], ['PENDING', 0]);
  await batch();
  const sent = await row('row-1');
  assert.deepEqual([sent.status, sent.reason, provider.calls.at(-1)?.id], ['SUCCESS', undefined, 'row-1']);
});

test('a refused message fails at once', async (context) => {
  const { t, provider, insert, batch, row } = await start(context);
  provider.answer = () => ({ result: 'refused', reason: 'status 400', answer: { rawResponse: 'bad number' } });
  await insert(1);
  await batch();
  await batch();
  const { status, reason, raw_response } = await row('row-1');
  assert.deepEqual([status, reason, raw_response], ['FAILED', 'status 400', 'bad number']);
  assert.deepEqual([provider.calls.length, (await t.deadLetters()).length], [1, 1]);
});

test('a message that may have been sent is failed, says so, and is sent again only at an operator’s request', async (context) => {
  const { t, provider, insert, batch, row } = await start(context);
  provider.answer = () => ({ result: 'unknown', reason: 'status 202, whose body breaks off', answer: { rawResponse: '{"mess' } });
  await insert(1);
  for (let times = 0; times < 5; times += 1) await batch();
  const { status, reason, raw_response, attempts } = await row('row-1');
  assert.deepEqual([status, attempts, raw_response], ['FAILED', 1, '{"mess']);
  assert.equal(reason, 'unknown: it may have been sent: status 202, whose body breaks off');
  const [letter, ...others] = await t.deadLetters();
  assert.ok(letter?.kind === 'delivery');
  assert.deepEqual([provider.calls.length, letter.delivery.id, others.length], [1, 'row-1', 0]);
  assert.match(letter.reason, /unknown: it may have arrived: status 202/);
  provider.answer = accept;
  await t.mill.redrive(letter.id);
  await batch();
  assert.deepEqual([(await row('row-1')).status, (await row('row-1')).reason, provider.calls.length], ['SUCCESS', undefined, 2]);
});

for (const messageId of ['\ud800', 'a\0b', 'x'.repeat(60_000)]) {
  test(`a message is sent once, even under an id such as ${JSON.stringify(messageId.slice(0, 8))}`, async (context) => {
    const { t, provider, insert, batch, row } = await start(context);
    provider.answer = () => judgeProvider({ status: 202, headers: {}, body: JSON.stringify({ messageId }) });
    await insert(1);
    for (let times = 0; times < 5; times += 1) await batch();
    const { status, message_id } = await row('row-1');
    assert.deepEqual([status, message_id, provider.calls.length], ['SUCCESS', messageId.toWellFormed().replaceAll('\0', '\uFFFD'), 1]);
    assert.deepEqual(await t.deadLetters(), []);
  });
}

test('a sent message is never sent again, whatever is written into its row', async (context) => {
  const { provider, insert, batch, run, row } = await start(context);
  await insert(1);
  await batch();
  await run(`UPDATE messages SET status = 'PENDING', message_id = NULL, sent_at = NULL`);
  await batch();
  assert.equal((await row('row-1')).message_id, 'm-row-1');
  await run('DELETE FROM messages');
  await insert(1, { content: 'again' });
  await batch();
  const { status, sent_at } = await row('row-1');
  assert.deepEqual([provider.calls.length, status, sent_at], [1, 'SUCCESS', '2026-11-21T10:01:00.000Z']);
});

test('changes that others make to a row during its call stay', async (context) => {
  const { t, provider, insert, batch, run, row } = await start(context);
  provider.answer = async (call) => {
    await run(`UPDATE messages SET deleted_at = '2026-11-21', content = 'changed'`);
    return accept(call);
  };
  await insert(1);
  await batch();
  await provider.latest;
  await t.drain();
  const { status, content, deleted_at } = await row('row-1');
  assert.deepEqual([status, content, deleted_at], ['SUCCESS', 'changed', '2026-11-21']);
});

test('a message failed by hand during its failing attempt is not retried', async (context) => {
  const { t, provider, insert, batch, run, row } = await start(context);
  provider.answer = async () => {
    await run(`UPDATE messages SET status = 'FAILED'`);
    return unavailable;
  };
  await insert(1);
  for (let times = 0; times < 3; times += 1) {
    await batch();
    await provider.latest;
    await t.drain();
  }
  assert.deepEqual([provider.calls.length, (await row('row-1')).status], [1, 'FAILED']);
});

test('rows not begun when their batch’s time is over stay pending, and those under way have failed', async (context) => {
  const { provider, insert, batch, row, t } = await start(context, { workers: 1, batchSize: 3, messageTimeout: 60_000 });
  const aborted: string[] = [];
  provider.answer = ({ id }, signal) =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        aborted.push(id);
        reject(signal.reason);
      });
    });
  for (const number of [1, 2, 3]) await insert(number);
  await batch();
  await t.advance('10s');
  assert.deepEqual([provider.ids, aborted], [['row-1'], ['row-1']]);
  assert.deepEqual([(await row('row-1')).attempts, (await row('row-2')).attempts], [1, 0]);
  provider.answer = accept;
  await batch();
  assert.deepEqual(provider.ids.slice(1), ['row-1', 'row-2', 'row-3']);
});

test('while the provider does not answer, the least tried messages go first', async (context) => {
  let isWell = false;
  const { provider, insert, batch } = await start(context, { isProviderWell: () => isWell, batchSize: 1 });
  provider.answer = () => unavailable;
  for (const number of [1, 2, 3]) await insert(number);
  for (let times = 0; times < 5; times += 1) await batch();
  assert.deepEqual(provider.ids, ['row-1', 'row-2', 'row-3', 'row-1', 'row-2']);
  isWell = true;
  await batch();
  assert.equal(provider.ids.at(-1), 'row-1');
});

test('a sent message is noted in the cache, and a missing cache holds up neither message nor batch', async (context) => {
  const { t, provider, cache, insert, batch, row } = await start(context, { cache: unused, batchSize: 1 });
  cache.answer = () => ({ result: 'postponed', reason: 'Redis is unavailable', retryAfterMs: 1_000 });
  for (const number of [1, 2]) await insert(number);
  await batch();
  assert.equal((await row('row-1')).status, 'SUCCESS');
  assert.equal((await t.mill.schedule('messages').status()).isAtWork, false);
  await batch();
  assert.deepEqual(provider.ids, ['row-1', 'row-2']);
  cache.answer = () => ({ result: 'delivered' });
  cache.calls.length = 0;
  await t.advance('10s');
  assert.deepEqual(
    cache.calls.map(({ body }) => JSON.parse(body)),
    [
      { messageId: 'm-row-1', sentAt: '2026-11-21T10:01:00.000Z' },
      { messageId: 'm-row-2', sentAt: '2026-11-21T10:02:00.000Z' },
    ],
  );
  assert.deepEqual(await t.deadLetters(), []);
});

test('a message that a crash kept from its turn is sent by the next batch as it is by then', async (context) => {
  const { t, provider, insert } = await start(context);
  await insert(1);
  await t.ingest('messages', { kind: 'due', id: 'row-1', to: '+901', content: 'as it was' });
  const crashed = t.crash();
  while (t.clock.turnToNextAlarm(startAt + 60_000));
  await crashed;
  await t.advance('1m');
  assert.deepEqual(
    provider.calls.map(({ body }) => JSON.parse(body)),
    [{ to: '+901', content: 'Nr 1' }],
  );
});
