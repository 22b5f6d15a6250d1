import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { Program, temporaryFolder } from './program.ts';

const visits = `
import { EventEmitter } from 'node:events';
import { pipeline } from 'millrace';
import * as z from 'zod';

async function count(page: string) {
  await null;
  throw new TypeError('cannot count ' + page, { cause: new Error('no counter') });
}

function revoked() {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

const strays: Record<string, () => void> = {
  '/forgotten-await': () => void count('/forgotten-await'),
  '/no-error': () => void Promise.reject({ code: 7 }),
  '/timeout': () => void setTimeout(() => JSON.parse('{')),
  '/revoked-rejected': () => void Promise.reject(revoked()),
  '/revoked-thrown': () =>
    void setTimeout(() => {
      throw revoked();
    }),
  '/emitter': () => void setImmediate(() => new EventEmitter().emit('error', new Error('connection lost'))),
};

export default pipeline('visits', {
  event: z.object({ page: z.string() }),
  key: ({ page }) => page,
  state: z.object({ count: z.number() }),
  handle({ page }, state) {
    strays[page]?.();
    return { count: (state?.count ?? 0) + 1 };
  },
});
`;

test('an unhandled failure in a served program’s turn is logged with its stack, and ends neither the turn nor the server', async (context) => {
  const folder = temporaryFolder(context);
  writeFileSync(join(folder, 'visits.ts'), visits);
  const program = new Program(context, ['serve', './visits.ts', '--port', '0', '--database', 'memory:'], { folder });
  const url = await program.listening();
  for (const [at, [page, reason, place]] of (
    [
      [
        '/forgotten-await',
        'cannot count /forgotten-await',
        /^TypeError: .*\n {4}at count \(.*visits\.ts:8:9\).*\nCaused by: Error: no counter\n/s,
      ],
      ['/no-error', 'expected an Error to be thrown, found {"code":7}', /^\{"code":7\}/],
      ['/timeout', /JSON at position 1/, /^SyntaxError: .*visits\.ts:20:/s],
      ['/revoked-rejected', 'expected an Error to be thrown, found an object', /^an object/],
      ['/revoked-thrown', 'expected an Error to be thrown, found an object', /^an object/],
      ['/emitter', 'connection lost', /^Error: connection lost\n {4}at .*visits\.ts:26:/],
    ] as const
  ).entries()) {
    const answer = await fetch(`${url}/pipelines/visits/events`, { method: 'POST', body: JSON.stringify({ page }) });
    assert.equal(answer.status, 202);
    await program.printed(new RegExp(`(?:[^\\n]*(?:unawaited|uncaught)[^\\n]*\\n){${at + 1}}`));
    const line = JSON.parse(program.stderr.split('\n')[at] ?? '');
    if (typeof reason === 'string') assert.equal(line.reason, reason);
    else assert.match(line.reason, reason);
    assert.match(line.stack, place);
    assert.equal(line.level, 'error');
    const key = await fetch(`${url}/pipelines/visits/keys/${encodeURIComponent(page)}`);
    assert.deepEqual(Object(await key.json()).state, { count: 1 });
  }
  assert.equal((await program.kill('SIGTERM')).code, 0);
});
