import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import * as z from 'zod';
import { millrace } from '../engine/mill.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { memory } from '../store/memory/memory-store.ts';
import { createServer } from './create-server.ts';
import { post, problemIn } from './fixture.test.ts';

/** A pipeline whose key() fails on some events, with a message that callers must not see. */
const careless = pipeline('careless', {
  event: z.object({ user: z.object({ name: z.string() }).optional() }),
  key: ({ user }) => user?.name ?? fail(),
  handle: () => undefined,
});

function fail(): never {
  throw new TypeError('the password is hunter2');
}

test('a key() that throws is a 500 that says only which function failed, in every way in, and one log line with its stack', async (t) => {
  for (const level of ['info', 'debug'] as const) {
    const lines: string[] = [];
    const log = pino({ level }, { write: (line: string) => void lines.push(line) });
    const mill = await millrace({ store: memory(), pipelines: [careless], log }).start();
    const server = await createServer({ mill, systems: [], log });
    t.after(() => server.stop(0));
    const url = await server.listen({ host: '127.0.0.1', port: 0 });
    const told = async (path: string, body: unknown) => {
      lines.length = 0;
      const response = await post(`${url}/pipelines/careless/${path}`, body);
      const errors = lines.filter((line) => JSON.parse(line).level >= 50);
      assert.equal(errors.length, 1, errors.join(''));
      assert.match(
        errors[0] ?? '',
        /"reason":"pipeline careless: key\(\) failed: the password is hunter2","stack":".*pipeline-failed\.test\.ts/,
      );
      return response;
    };
    const problem = await problemIn(await told('events', {}));
    assert.deepEqual(problem, {
      type: 'urn:millrace:error:pipeline-failed',
      title: 'A function of the pipeline failed',
      status: 500,
      detail: 'pipeline careless: key() failed',
      code: 'MILL_PIPELINE_FAILED',
    });
    const mixed = await told('events/batch', { events: [{}, { user: { name: 'ann' } }, {}] });
    assert.equal(mixed.status, 202);
    const { results } = JSON.parse(await mixed.text());
    assert.deepEqual(results[0].errors, [{ path: '', message: 'pipeline careless: key() failed' }]);
    assert.equal(results[1].status, 'accepted');
    assert.equal((await problemIn(await told('events/batch', { events: [{}, {}] }))).code, 'MILL_PIPELINE_FAILED');
  }
});
