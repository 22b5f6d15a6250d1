import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { logLevels } from './log.ts';

/** What a process that logs one line at each level prints. */
function run(level: string): { stdout: string; levels: string[] } {
  const script = `
    const { createLogger } = await import(${JSON.stringify(new URL('./log.ts', import.meta.url).href)});
    const log = createLogger(${JSON.stringify(level)});
    for (const level of ['fatal', 'error', 'warn', 'info', 'debug', 'trace']) log[level]({ key: 'k' }, 'said');
    process.kill(process.pid, 'SIGKILL');
  `;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });
  const lines = stderr
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
  for (const { time, ...line } of lines) {
    assert.equal(new Date(time).toISOString(), time);
    assert.deepEqual(line, { level: line.level, key: 'k', msg: 'said' });
  }
  return { stdout, levels: lines.map((line) => line.level) };
}

test('a log writes JSON lines to stderr, down to its level, and loses none in a crash', () => {
  assert.deepEqual(run('info'), { stdout: '', levels: ['fatal', 'error', 'warn', 'info'] });
});

test('the levels go from the fewest lines to the most, and to none', () => {
  assert.deepEqual(run('trace').levels, logLevels.slice(0, -1));
  assert.deepEqual(run('silent').levels, []);
});
