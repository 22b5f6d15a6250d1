import assert from 'node:assert/strict';
import test from 'node:test';
import { pino } from 'pino';
import { millrace } from '../engine/mill.ts';
import { memory } from '../store/memory/memory-store.ts';
import { createServer } from './create-server.ts';
import { system } from './system.ts';

const mill = millrace({ store: memory(), pipelines: [] });
const log = pino({ level: 'silent' });
const face = { name: 'web', title: 'Web', description: 'Visits.' };

const refused: readonly (readonly [what: string, options: object, code: string, message: RegExp])[] = [
  [
    'no engine',
    { systems: [], log },
    'MILL_INVALID_CONFIGURATION',
    /^createServer: mill: expected an engine, made by millrace\(…\), found /,
  ],
  ['no log', { mill, systems: [] }, 'MILL_INVALID_CONFIGURATION', /^createServer: log: expected a log of pino, found /],
  ['an option misspelt', { mill, systems: [], log, limit: {} }, 'MILL_INVALID_CONFIGURATION', /limit is no option; did you mean limits\?$/],
  [
    'a limit misspelt',
    { mill, systems: [], log, limits: { bodyByte: 1 } },
    'MILL_INVALID_CONFIGURATION',
    /limits\.bodyByte is no option; did you mean bodyBytes\?$/,
  ],
  [
    'an endless limit',
    { mill, systems: [], log, limits: { connections: Number.POSITIVE_INFINITY } },
    'MILL_INVALID_CONFIGURATION',
    /connections/,
  ],
  [
    'a text for tokens',
    { mill, systems: [], log, access: { tokens: 'ci:ingest:0' } },
    'MILL_INVALID_CONFIGURATION',
    /tokens: expected tokens, made by tokensIn\(…\) or followTokens\(…\), found /,
  ],
  [
    'a system that is not built',
    { mill, systems: [system({ ...face, settings: {}, build: () => ({ pipelines: [] }) })], log },
    'MILL_INVALID_CONFIGURATION',
    /expected a built system, found one with settings; write configure\(system, process\.env\)$/,
  ],
  ['a system without a title', { mill, systems: [{ ...face, title: '', pipelines: [] }], log }, 'MILL_INVALID_DECLARATION', /title/],
];

for (const [what, options, code, message] of refused) {
  test(`a server explains what is wrong with its options: ${what}`, async () => {
    await assert.rejects(createServer(options as never), { code, message });
  });
}

test('limits that are not given have their defaults', async (context) => {
  await mill.start();
  const server = await createServer({ mill, systems: [{ ...face, pipelines: [] }], log, limits: { bodyBytes: 1_000 } });
  context.after(() => server.stop(1_000));
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  const post = (length: number) => fetch(`${url}/pipelines/none/events`, { method: 'POST', body: JSON.stringify('x'.repeat(length)) });
  assert.deepEqual([(await post(10)).status, (await post(2_000)).status, (await fetch(`${url}/ping`)).status], [404, 413, 200]);
});
