import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { pino } from 'pino';
import { logLevels, readableLines } from './logger.ts';

/** Returns the output of a process that logs one line at each level. */
function run(level: string): { stdout: string; levels: string[] } {
  const script = `
    const { createLogger } = await import(${JSON.stringify(new URL('./logger.ts', import.meta.url).href)});
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

test('the levels range from the fewest lines to the most, and none at all', () => {
  assert.deepEqual(run('trace').levels, logLevels.slice(0, -1));
  assert.deepEqual(run('silent').levels, []);
});

test('on a terminal a stack takes several lines, and elsewhere it is one field of a JSON line', () => {
  const fields = { pipeline: 'visits', stack: 'TypeError: no page\n    at handle (file:///visits.ts:7:1)\nCaused by: Error: "gone"' };
  const terminal: string[] = [];
  pino({ base: null }, readableLines({ write: (line) => void terminal.push(line) })).error(fields, 'gave up');
  assert.match(
    terminal.join(''),
    /gave up.*\n.*pipeline.*: "visits"\n.*stack.*: TypeError: no page\n +at handle \(file:\/\/\/visits\.ts:7:1\)\n +Caused by: Error: "gone"\n/,
  );
  const file: string[] = [];
  pino({ base: null }, { write: (line) => void file.push(line) }).error(fields, 'gave up');
  assert.equal(JSON.parse(file.join('')).stack, fields.stack);
});
