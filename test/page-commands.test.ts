import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import { commandLine, shellWord } from '../page/src/lib/shell.ts';

/** Returns the words that a shell makes of a line. */
function wordsOf(line: string): readonly string[] {
  const printed = execFileSync('sh', ['-c', `printf '%s\\0' ${line}`], { encoding: 'utf8', env: { HOME: '/home/ann', X: 'expanded' } });
  return printed.split('\0').slice(0, -1);
}

const texts = [
  '',
  'inv_00003',
  'x; exit 1',
  '$(exit 1) `exit 1` $X',
  `it's "quoted"`,
  `'; exit 1; '`,
  'back\\slash\\',
  '~',
  '=ls',
  '#',
  '*',
  '!!',
  'a & b | c > /dev/full < d',
  'two\nlines\n',
  'a tab\t, an interrupt\u0003 and an escape \u001b[201~',
  'answered ‹number›',
];

test('a shell takes any text of the page’s commands as one word', () => {
  for (const text of texts) assert.deepEqual(wordsOf(shellWord(text)), [text], JSON.stringify(text));
});

test('a terminal finds nothing to act on in a command of the page', () => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal acts on these
  for (const text of texts) assert.doesNotMatch(shellWord(text), /[\u0000-\u0009\u000b-\u001f\u007f]/);
});

test('harmless texts of the page’s commands stay as they are', () => {
  const line = commandLine('millrace keys', { options: { status: 'parked', prefix: '' }, operands: ['orders'] });
  assert.equal(line, 'millrace keys --status parked orders');
});

test('no text of the page’s commands becomes an option', () => {
  const shown = commandLine('millrace show', { operands: ['orders', '--url=http://elsewhere'] });
  assert.deepEqual(wordsOf(shown), ['millrace', 'show', '--', 'orders', '--url=http://elsewhere']);
  const redriven = commandLine('millrace redrive', { options: { like: '--version $X' } });
  assert.deepEqual(wordsOf(redriven), ['millrace', 'redrive', '--like=--version $X']);
});
