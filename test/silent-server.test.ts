import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import test, { after, before, type TestContext } from 'node:test';
import { sqlite } from '../src/index.ts';
import { type Ended, Program, temporaryFolder } from './program.ts';

/** Accepts connections, and never sends a byte. */
let silent: Server;
let url: string;

before(async () => {
  silent = createServer((socket) => socket.on('error', () => undefined).resume()).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  url = `postgres://millrace:secret@127.0.0.1:${(silent.address() as AddressInfo).port}/postgres`;
});
after(() => silent.close());

const unfinished = 'millrace: the copy is incomplete; run the same command again to continue it\n';
const ended = (code: number): Ended => ({ code, signal: null, stdout: '', stderr: '' });

/** Every command that opens a database, with its expected end when it is told to stop. */
const commands: readonly [words: string, expected: (signal: 'SIGINT' | 'SIGTERM', code: number) => Ended][] = [
  ['serve events --port 0 --database URL', () => ended(0)],
  ['serve --port 0 --database URL', () => ended(0)],
  ['migrate --database URL', (_signal, code) => ended(code)],
  ['migrate events --check --database URL', (_signal, code) => ended(code)],
  ['store list --database URL', (_signal, code) => ended(code)],
  ['store delete events --yes --database URL', (_signal, code) => ended(code)],
  ['replay accounts updates.json --database URL', () => ({ ...ended(0), stderr: 'millrace: stopped; run the same command to resume\n' })],
  ['copy --from URL --to target.db', (signal) => ({ code: null, signal, stdout: '', stderr: unfinished })],
  ['copy --from source.db --to URL', (signal) => ({ code: null, signal, stdout: '', stderr: unfinished })],
];

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  for (const [words, expected] of commands) {
    test(`${signal} ends \`millrace ${words}\` at once while the server is silent`, { timeout: 60_000 }, async (context) => {
      const folder = await folderWithFiles(context);
      const said = words.split(' ').map((word) => (word === 'URL' ? url : word));
      const connected = once(silent, 'connection');
      const program = new Program(context, said, { folder, environment: { DB_CONNECT_TIMEOUT: '10m', LOG_LEVEL: 'info' } });
      await Promise.race([connected, program.ended.then((end) => assert.fail(JSON.stringify(end)))]);
      assert.deepEqual(await program.kill(signal), expected(signal, code));
    });
  }
}

test('SIGINT ends a copy while a module is loading forever', { timeout: 60_000 }, async (context) => {
  const folder = await folderWithFiles(context);
  writeFileSync(
    join(folder, 'endless.ts'),
    "console.error('loading'); setInterval(() => undefined, 1000); await new Promise(() => undefined);",
  );
  const program = new Program(context, ['copy', './endless.ts', '--from', 'source.db', '--to', url], { folder });
  await program.printed(/loading/);
  assert.equal((await program.kill('SIGINT')).code, 130);
});

async function folderWithFiles(context: TestContext): Promise<string> {
  const folder = temporaryFolder(context);
  writeFileSync(join(folder, 'updates.json'), '[]');
  const source = sqlite(join(folder, 'source.db'));
  await source.open({ pipelines: [], tables: [] });
  await source.close();
  return folder;
}
