import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'node:test';

/** Far more than a pipe holds. */
const characters = 1_000_000;

/** Prints it, says so on stderr, and ends as a command does. */
const program = `
import { flushed } from ${JSON.stringify(new URL('./flushed.ts', import.meta.url).href)};
process.stdout.write('x'.repeat(${characters}));
process.stderr.write('printed');
await flushed(process.stdout);

process.exit();
`;

function start() {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'pipe'] });
  return { child, printed: once(child.stderr, 'data'), ended: once(child, 'close') };
}

test('a reader that is slower than the program gets all of it', async () => {
  const { child, printed, ended } = start();
  await printed;
  let read = 0;
  child.stdout.on('data', (bytes: Buffer) => {
    read += bytes.length;
  });
  assert.deepEqual([(await ended)[0], read], [0, characters]);
});

test('a reader that goes away keeps nobody', async () => {
  const { child, printed, ended } = start();
  await printed;
  child.stdout.destroy();
  assert.equal((await ended)[0], 0);
});
