import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import test from 'node:test';

/** V8 samples every 200 ms instead of every 8 s, and prints what it finds. */
const flags = ['--memory-reducer-delay-ms=200', '--gc-memory-reducer-start-delay-ms=200', '--trace-memory-reducer', '--expose-gc'];
const samplesMax = 20;

test('V8 finds the heap at rest after work', async (t) => {
  const module = new URL('rested-heap.ts', import.meta.url).href;
  const program = `import { heapWorked } from '${module}'; heapWorked(10); gc(); setTimeout(() => undefined, 60_000);`;
  const child = spawn(process.execPath, [...flags, '--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(async () => {
    child.kill();
    await once(child, 'exit');
  });
  const samples: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    const [, sample] = /Memory reducer: (low|high) alloc/.exec(line) ?? [];
    if (sample !== undefined) samples.push(sample);
    if (sample === 'low' || samples.length === samplesMax) break;
  }
  assert.equal(samples.at(-1), 'low');
});
