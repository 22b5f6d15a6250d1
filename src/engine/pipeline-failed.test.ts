import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MillraceError } from '../errors.ts';
import { type AnyPipeline, pipeline } from '../pipeline/pipeline.ts';
import { testMill } from '../testing/test-mill.ts';
import { recordingLogger } from './logger.fixture.test.ts';

function broken(): never {
  throw new TypeError('no such planet');
}

/** A schema that accepts everything. */
const anything = { '~standard': { version: 1, vendor: 'careless', validate: (value: unknown) => ({ value }) } };

/** Declares a pipeline without type checks, as a JavaScript program may. */
function declare(options: object): AnyPipeline {
  return pipeline('visits', { event: anything, handle: () => undefined, ...options } as never);
}

const withSchema = (validate: (value: unknown) => unknown) => ({ event: { '~standard': { version: 1, vendor: 'careless', validate } } });
const numberedBy = (by: unknown) => ({ key: () => 'a', order: { by } });

async function refusalOf(options: object, event: unknown, id?: string) {
  const { log, lines } = recordingLogger();
  const t = await testMill({ pipelines: [declare(options)], log });
  const thrown = await t.ingest('visits', event, id === undefined ? {} : { id }).then(
    () => assert.fail('expected a refusal'),
    (error: unknown) => error,
  );
  const { rejected } = t.mill.counts().visits ?? {};
  assert.equal(rejected, 1);
  await t.stop();
  assert.ok(thrown instanceof MillraceError);
  return { error: thrown, lines };
}

test('if a function of the pipeline throws or returns another type, it is the pipeline’s fault: the caller learns which function, the log where and why', async () => {
  const faults: readonly [options: object, what: string, reason: string][] = [
    [{ key: broken }, 'key()', 'no such planet'],
    [{ id: broken }, 'id()', 'no such planet'],
    [numberedBy(broken), 'order.by()', 'no such planet'],
    [withSchema(broken), "the event's schema", 'no such planet'],
    [withSchema(async () => broken()), "the event's schema", 'no such planet'],
    [
      withSchema(() => ({ value: Object.defineProperty({}, 'x', { enumerable: true, get: broken }) })),
      "the event's schema",
      'no such planet',
    ],
    [withSchema(() => ({ issues: Array(5) })), "the event's schema", "Cannot read properties of undefined (reading 'path')"],
    [
      withSchema(async () => ({ issues: [{ message: 'no' }, null] })),
      "the event's schema",
      "Cannot read properties of null (reading 'path')",
    ],
    [{ key: () => 7 }, 'key()', 'expected text, found 7'],
    [{ key: () => undefined }, 'key()', 'expected text, found nothing'],
    [{ key: () => Promise.resolve('a') }, 'key()', 'expected text, found a promise'],
    [{ key: () => Promise.reject(new Error('never')) }, 'key()', 'expected text, found a promise'],
    [{ id: () => 7 }, 'id()', 'expected text, found 7'],
    [{ id: () => null }, 'id()', 'expected text, found null'],
    [numberedBy(() => '1'), 'order.by()', 'expected a number, found "1"'],
    [numberedBy(() => undefined), 'order.by()', 'expected a number, found nothing'],
    [numberedBy(() => Promise.resolve(1)), 'order.by()', 'expected a number, found a promise'],
    [numberedBy(() => 1n), 'order.by()', 'expected a number, found 1n'],
    [{ key: () => new Proxy({}, { has: broken, get: broken, getPrototypeOf: broken }) }, 'key()', 'no such planet'],
  ];
  for (const [options, what, reason] of faults) {
    const { error, lines } = await refusalOf(options, { page: '/' });
    assert.equal(error.code, 'MILL_PIPELINE_FAILED', error.message);
    assert.equal(error.status, 500);
    assert.equal(error.message, `pipeline visits: ${what} failed`);
    assert.ok(error.cause instanceof TypeError);
    const [line, ...others] = lines.filter(({ level }) => level === 'error');
    assert.deepEqual(others, []);
    assert.deepEqual(
      { ...line?.fields, stack: undefined },
      { pipeline: 'visits', events: 1, reason: `pipeline visits: ${what} failed: ${reason}`, stack: undefined },
    );
    assert.match(String(line?.fields.stack), /Caused by: TypeError: /);
  }
});

test('a value that no event may have is the event’s fault, and is described so that a text differs from a number', async () => {
  const faults: readonly [options: object, message: RegExp][] = [
    [{ key: () => '' }, /key: expected well-formed text .*, found ""$/],
    [{ key: () => 'x'.repeat(513) }, /key: expected well-formed text .*, found one of 513$/],
    [{ id: () => 'a\0' }, /id: expected well-formed text .*, found "a\\u0000"$/],
    [numberedBy(() => 1.5), /number: expected an integer from 1 to \d+, found 1\.5$/],
    [numberedBy(() => 0), /number: expected an integer from 1 to \d+, found 0$/],
    [numberedBy(() => Number.NaN), /number: expected an integer from 1 to \d+, found NaN$/],
    [withSchema(() => ({ issues: [{ message: 'expected a page' }] })), /expected a page$/],
  ];
  for (const [options, message] of faults) {
    const { error, lines } = await refusalOf(options, {});
    assert.equal(error.code, 'MILL_INVALID_EVENT');
    assert.match(error.message, message);
    assert.deepEqual(lines, []);
  }
});

test('an id chosen by the caller is the caller’s fault, whatever its type', async () => {
  assert.equal((await refusalOf({}, {}, '')).error.code, 'MILL_INVALID_EVENT');
  const t = await testMill({ pipelines: [declare({})] });
  await assert.rejects(t.ingest('visits', {}, { id: 7 as never }), { code: 'MILL_INVALID_REQUEST' });
  await t.stop();
});

test('no function of the pipeline is blamed for an invalid event', async () => {
  const key = ({ page }: { page: string }) => page;
  for (const [event, found] of [
    [undefined, 'nothing'],
    [null, 'null'],
  ] as const) {
    const functions = [{ key }, { id: key }, { key: () => 'a', order: { by: ({ n }: { n: number }) => n } }];
    for (const options of event === undefined ? [...functions, {}] : functions) {
      const { error } = await refusalOf(options, event);
      assert.equal(error.code, 'MILL_INVALID_EVENT');
      assert.match(error.message, new RegExp(`^pipeline visits: expected an event.*, found ${found}$`));
    }
  }
  const t = await testMill({ pipelines: [declare({ key: () => 'a' })] });
  assert.equal((await t.ingest('visits', null)).status, 'accepted', 'null is JSON, and this key takes it');
  await t.stop();
});

test('events on which the pipeline fails are rejected from a batch, the others are accepted, and one log line covers them all', async () => {
  const { log, lines } = recordingLogger();
  const key = ({ page }: { page?: string }) => page?.toLowerCase() ?? broken();
  const t = await testMill({ pipelines: [declare({ key })], log });
  const judged = await t.ingestBatch('visits', [{ page: '/A' }, {}, { page: '' }, {}]);
  assert.deepEqual(
    judged.map((one) => (one.status === 'rejected' ? one.error.code : one.status)),
    ['accepted', 'MILL_PIPELINE_FAILED', 'MILL_INVALID_EVENT', 'MILL_PIPELINE_FAILED'],
  );
  assert.deepEqual(
    lines.map(({ level, fields: { events, reason } }) => ({ level, events, reason })),
    [{ level: 'error', events: 2, reason: 'pipeline visits: key() failed: no such planet' }],
  );
  assert.equal(t.mill.counts().visits?.rejected, 3);
  await t.stop();
});

test('a rejecting promise from key() is not left unhandled', async () => {
  const unhandled: unknown[] = [];
  const keep = (reason: unknown) => void unhandled.push(reason);
  process.on('unhandledRejection', keep);
  await refusalOf({ key: () => Promise.reject(new Error('left')) }, {});
  await new Promise(setImmediate);
  process.off('unhandledRejection', keep);
  assert.deepEqual(unhandled, []);
});
