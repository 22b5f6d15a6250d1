import assert from 'node:assert/strict';
import test from 'node:test';
import { Program, temporaryFolder } from './program.ts';

test('a server keeps the limits in its environment, both the engine’s and HTTP’s', async (context) => {
  const environment = { MAX_BATCH: '1', MAX_EVENT_BYTES: '300', MAX_BODY_BYTES: '400', MAX_KEY_LENGTH: '10' };
  const program = new Program(context, ['serve', 'accounts', '--port', '0', '--database', 'memory:'], {
    environment,
    folder: temporaryFolder(context),
  });
  const url = await program.listening();
  const update = (id: string, filler = '') => ({ id, accountType: 'escrow', tokens: 1, callbackTimeMs: 400, data: { filler }, version: 1 });
  const take = async (path: string, body: unknown) => {
    const answer = await fetch(`${url}/pipelines/accounts/${path}`, { method: 'POST', body: JSON.stringify(body) });
    return [answer.status, Object(await answer.json()).code];
  };
  assert.deepEqual(await take('events', update('a')), [202, undefined]);
  assert.deepEqual(await take('events', update('a'.repeat(11))), [400, 'MILL_INVALID_EVENT']);
  assert.deepEqual(await take('events', update('b', 'x'.repeat(250))), [413, 'MILL_BODY_TOO_LARGE'], 'an event of more than 300 bytes');
  assert.deepEqual(await take('events', update('b', 'x'.repeat(400))), [413, 'MILL_BODY_TOO_LARGE'], 'a body of more than 400 bytes');
  assert.deepEqual(await take('events/batch', { events: [update('c'), update('d')] }), [400, 'MILL_INVALID_REQUEST']);
  assert.equal((await program.kill('SIGTERM')).code, 0);
});
