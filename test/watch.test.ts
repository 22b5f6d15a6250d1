import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { Program, temporaryFolder } from './program.ts';

const counting = (step: string) => `import { pipeline } from 'millrace';
import * as z from 'zod';
import { step } from './lib/step.ts';
export default pipeline('visits', {
  event: z.object({ page: z.string() }),
  key: (visit) => visit.page,
  state: z.object({ visits: z.number() }),
  handle: (_visit, state) => ({ visits: (state?.visits ?? 0) + step }),
});
${step}
`;

/** Serves a module that imports another one; the result waits for one line after another. */
function served(context: TestContext) {
  const folder = temporaryFolder(context);
  mkdirSync(join(folder, 'lib'));
  const write = (file: string, text: string) => writeFileSync(join(folder, file), text);
  write('lib/step.ts', 'export const step = 1;\n');
  write('visits.ts', counting(''));
  return { write, start: () => new Program(context, ['serve', '--watch', './visits.ts', '--port', '0'], { folder }) };
}

async function visit(url: string): Promise<number> {
  await fetch(`${url}/pipelines/visits/events`, { method: 'POST', body: '{"page":"/"}' });
  for (;;) {
    const { waiting, state } = Object(await (await fetch(`${url}/pipelines/visits/keys/%2F`)).json());
    if (state !== undefined && !waiting) return state.visits;
  }
}

/** Resolves to the URL of the ready line with this number, counted from 1. */
async function listening(program: Program, number: number): Promise<string> {
  const [, url = ''] = await program.printed(new RegExp(`(?:.*?listening on (http://\\S+)){${number}}`, 's'));
  return url;
}

test('a change to any file that a pipeline imports is reported, and served with the existing state', {
  timeout: 60_000,
}, async (context) => {
  const { write, start } = served(context);
  const program = start();
  assert.equal(await visit(await listening(program, 1)), 1);
  write('lib/step.ts', 'export const step = 10;\n');
  assert.equal(await visit(await listening(program, 2)), 11);
  assert.match(program.stderr, /^millrace: \.\/lib\/step\.ts changed$/m);
  const { code } = await program.kill('SIGINT');
  assert.equal(code, 0);
});

test('code that does not compile leaves the old version running, with the place of the error, and the next change counts', {
  timeout: 60_000,
}, async (context) => {
  const { write, start } = served(context);
  const program = start();
  const url = await listening(program, 1);
  write('visits.ts', counting('const = ;'));
  await program.printed(/\.\/visits\.ts: cannot be loaded: .*\(\.\/visits\.ts:10.*the old version keeps running/s);
  assert.equal(await visit(url), 1);
  write('visits.ts', counting(`import './lib/new.ts';`));
  await program.printed(/no such file|Cannot find module '\.\/lib\/new\.ts'/);
  await program.printed(/(?:.*old version keeps running){2}/s);
  write('lib/new.ts', 'export {};\n');
  assert.equal(await visit(await listening(program, 2)), 2);
  assert.equal((await program.kill('SIGTERM')).code, 0);
});

test('a first version that does not load waits for a change; an impossible command line ends', {
  timeout: 60_000,
}, async (context) => {
  const { write, start } = served(context);
  write('lib/step.ts', 'export const step: = 1;\n');
  const program = start();
  await program.printed(/the server has ended \(exit code 1\); waiting for a change/);
  write('lib/step.ts', 'export const step = 1;\n');
  assert.equal(await visit(await listening(program, 1)), 1);
  assert.equal((await program.kill('SIGTERM')).code, 0);

  const folder = temporaryFolder(context);
  const { code, stderr } = await new Program(context, ['serve', '--watch', 'rockets'], { folder }).ended;
  assert.deepEqual([code, stderr.includes('--watch: expected the path of one of your modules')], [2, true]);
});

test('a killed watcher takes the server with it', { timeout: 60_000 }, async (context) => {
  const program = served(context).start();
  const url = await listening(program, 1);
  // Its output ends only when the server is gone too, because the server holds the same pipe.
  await program.kill('SIGKILL');
  await assert.rejects(fetch(url));
});
