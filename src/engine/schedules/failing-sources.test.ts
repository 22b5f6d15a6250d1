import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testMill } from '../../testing/test-mill.ts';
import { recordingLogger } from '../logger.fixture.test.ts';
import { add, done, type JobsOptions, jobsPipeline } from './jobs.fixture.test.ts';

function broken(): never {
  throw new TypeError('no such planet', { cause: new Error('beyond the map') });
}

const thrownHere = /TypeError: no such planet\n {4}at .*broken.*failing-sources\.test\.ts.*\nCaused by: Error: beyond the map\n/s;

const failing: Readonly<Record<string, JobsOptions>> = {
  'source()': { schedule: { source: broken } },
  'an asynchronous source()': { schedule: { source: async () => broken() } },
  'a generator': {
    schedule: {
      async *source() {
        yield broken();
      },
    },
  },
  'rows()': { source: { rows: broken } },
};

for (const [what, options] of Object.entries(failing)) {
  test(`${what} that throws: the log has the stack and the causes, and the next run is tried`, async () => {
    const { log, lines } = recordingLogger();
    const t = await testMill({ pipelines: jobsPipeline(options).pipelines, log });
    await add(t, 'good');
    await t.advance('2m');
    const told = lines.filter(({ message }) => message === 'a run failed to take its batch');
    assert.ok(told.length >= 2, `${told.length} runs`);
    for (const { fields } of told) {
      assert.match(String(fields.stack), thrownHere);
      assert.equal(fields.pipeline, 'work');
    }
    assert.equal((await t.mill.schedule('work').status()).lastFailure, 'no such planet');
    await t.stop();
  });
}

const silent: Readonly<Record<string, () => unknown>> = {
  'a source that never answers': () => new Promise(() => undefined),
  'a generator that never goes on': async function* () {
    yield { id: 1, key: 'k', what: 'good' };
    await new Promise(() => undefined);
  },
};

for (const [what, source] of Object.entries(silent)) {
  test(`${what}: the schedule says that its run took too long`, async () => {
    const t = await testMill({ pipelines: jobsPipeline({ schedule: { source: source as never, timeout: '10s' } }).pipelines });
    await t.advance('2m');
    const { lastFailure } = await t.mill.schedule('work').status();
    assert.equal(lastFailure, 'the run took longer than its timeout of 10000 ms, and its work was aborted');
    await t.stop();
  });
}

test('a row for which event() or key() throws is a dead letter with the stack and the causes, and later rows have their turns', async () => {
  const onFirst = ({ id }: { id: number }) => (id === 1 ? broken() : String(id));
  const kinds: readonly [JobsOptions, string][] = [
    [{ source: { event: (job) => (job.id === 1 ? broken() : job) } }, 'event: no such planet'],
    [{ source: { event: async (job) => (job.id === 1 ? broken() : job) } }, 'event: no such planet'],
    [{ pipeline: { key: onFirst } }, 'pipeline work: key() failed: no such planet'],
    [{ pipeline: { id: onFirst } }, 'pipeline work: id() failed: no such planet'],
  ];
  for (const [options, reason] of kinds) {
    const { log, lines } = recordingLogger();
    const t = await testMill({ pipelines: jobsPipeline(options).pipelines, log });
    await add(t, 'good', 'good');
    await t.advance('1m');
    const [letter, ...others] = await t.deadLetters('work');
    assert.deepEqual(others, []);
    assert.deepEqual([letter?.key, letter?.reason], ['1', reason]);
    assert.match(letter?.stack ?? '', thrownHere);
    const [line, ...more] = lines.filter(({ level }) => level === 'error');
    assert.deepEqual(more, [], 'one line');
    assert.deepEqual([line?.fields.reason, line?.fields.stack], [reason, letter?.stack]);
    assert.deepEqual(await done(t), [2]);
    await t.stop();
  }
});

test('a row refused by the schema has no stack: nothing was thrown', async () => {
  const t = await testMill({ pipelines: jobsPipeline().pipelines });
  await add(t, 'long');
  await t.advance('1m');
  const [letter] = await t.deadLetters('work');
  assert.match(letter?.reason ?? '', /expected a short word/);
  assert.equal(letter?.stack, null);
  await t.stop();
});

test('an event of a source without rows, for which key() throws, is logged with the stack and costs the others nothing', async () => {
  const { log, lines } = recordingLogger();
  const source = () => [1, 2].map((id) => ({ id, key: 'k', what: 'good' }));
  const key = ({ id }: { id: number }) => (id === 1 ? broken() : String(id));
  const { pipelines, seen } = jobsPipeline({ schedule: { source }, pipeline: { key } });
  const t = await testMill({ pipelines, log });
  await t.advance('1m');
  assert.deepEqual(seen, [2]);
  const [line, ...others] = lines.filter(({ fields }) => 'stack' in fields);
  assert.deepEqual(others, []);
  assert.equal(line?.message, 'an event of a run was refused');
  assert.match(String(line?.fields.stack), thrownHere);
  await t.stop();
});
