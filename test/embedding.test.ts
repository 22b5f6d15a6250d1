import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { checkout, temporaryFolder } from './program.ts';

const guide = readFileSync(join(checkout, 'docs/embedding.md'), 'utf8');

/** What an installed package does: `millrace` is this checkout. */
const provide = `import { provideMillrace } from ${JSON.stringify(pathToFileURL(join(checkout, 'src/provide-millrace.ts')).href)}; provideMillrace();`;
const asInstalled = ['--import', `data:text/javascript,${encodeURIComponent(provide)}`];

/** The files of the guide, by their names, as they stand in it. */
function filesOf(text: string): readonly (readonly [name: string, content: string])[] {
  return Array.from(text.matchAll(/^`([\w.]+\.ts)`[^\n]*\n+(?:[^\n`]+\n)*\n?```ts\n(.*?)^```/gms), ([, name = '', content = '']) => [
    name,
    content,
  ]);
}

test('the program of the guide runs as it stands, prints what the guide says, and goes on from there', async (context) => {
  const folder = temporaryFolder(context);
  const files = filesOf(guide);
  assert.deepEqual(
    files.map(([name]) => name),
    ['talk.ts', 'main.ts', 'talk.test.ts'],
  );
  for (const [name, content] of files) writeFileSync(join(folder, name), content);
  const run = async (...words: readonly string[]) => {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    return (await promisify(execFile)(process.execPath, [...asInstalled, ...words], { cwd: folder, env })).stdout;
  };
  const printed = /It prints:\n\n```text\n(.*?)```/s.exec(guide)?.[1] ?? '';
  const linesOf = (stdout: string) => stdout.split('\n').toSorted();
  assert.deepEqual(linesOf(await run('main.ts')), linesOf(printed));
  assert.match(await run('main.ts'), /^1 has heard "Bye" and says "Hello" to 2$/m);
  assert.match(await run('--test', 'talk.test.ts'), /^ℹ pass 1$|^# pass 1$/m);
});
