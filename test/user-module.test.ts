import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { Program, temporaryFolder } from './program.ts';

const visits = `
import { pipeline, table } from 'millrace';
import type { System } from 'millrace/server';
import * as z from 'zod';

const pages = table('pages', { page: 'text', count: 'integer' }, { primaryKey: ['page'] });

export const visits = pipeline('visits', {
  event: z.object({ page: z.string() }),
  key: (visit) => visit.page,
  state: z.object({ count: z.number() }),
  tables: { pages },
  handle(visit, page, turn) {
    const count = (page?.count ?? 0) + 1;
    turn.put(pages, { page: visit.page, count });
    return { count };
  },
});
`;

/** JavaScript has no type imports. */
const typeImport = "import type { System } from 'millrace/server';\n";

/** The same for `require`. */
const required = visits
  .replace("import { pipeline, table } from 'millrace';", "const { pipeline, table } = require('millrace');")
  .replace(typeImport, '')
  .replace("import * as z from 'zod';", "const z = require('zod');")
  .replace('export const', 'const');

/** Texts by their file names. */
type Files = Readonly<Record<string, string>>;

/** Runs `millrace serve` for the first of these files, in an otherwise empty folder: no package.json, no node_modules. */
function serveFiles(context: TestContext, files: Files, environment: Readonly<Record<string, string>> = {}): Program {
  const folder = temporaryFolder(context);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const [first = ''] = Object.keys(files);
  return new Program(context, ['serve', `./${first}`, '--port', '0', '--database', 'memory:'], { folder, environment });
}

function serveModule(context: TestContext, name: string, text: string): Program {
  return serveFiles(context, { [name]: text });
}

for (const [how, text, name = 'my-pipelines.ts'] of [
  ['a named export', visits],
  ['a default export as well', `${visits}export default visits;`],
  ['module.exports of a .cjs module', `${required}module.exports = visits;`, 'my-pipelines.cjs'],
  ['exports of a .cts module', `${required}exports.visits = visits as unknown;`, 'my-pipelines.cts'],
  [
    'handlers of a .cjs module in threads',
    `${required}module.exports = visits;`.replace(
      'handle(',
      `run: 'threads', module: require('url').pathToFileURL(__filename).href, handle(`,
    ),
    'my-pipelines.cjs',
  ],
  ['a list', visits.replace('export const', 'const').concat('export default [visits];')],
  [
    'a system',
    `${visits.replace('export const', 'const')}export default { name: 'web', title: 'Web', description: 'Visits.', pipelines: [visits] } satisfies System;`,
  ],
] as const) {
  test(`a user’s pipelines are served wherever their module is: ${how}`, async (context) => {
    const program = serveModule(context, name, text);
    const url = await program.listening();
    const answer = await fetch(`${url}/pipelines/visits/events`, { method: 'POST', body: '{"page":"/home"}' });
    assert.equal(answer.status, 202);
    const key = await fetch(`${url}/pipelines/visits/keys/${encodeURIComponent('/home')}`);
    assert.deepEqual(Object(await key.json()).state, { count: 1 });
    const { code, stderr } = await program.kill('SIGTERM');
    assert.deepEqual([code, stderr], [0, '']);
  });
}

test('a system’s own port applies when it is served alone', async (context) => {
  const text =
    `${visits}export default { name: 'web', title: 'Web', description: 'Visits.', pipelines: [visits], port: 0 } satisfies System;`.replace(
      'export const',
      'const',
    );
  const folder = temporaryFolder(context);
  writeFileSync(join(folder, 'web.ts'), text);
  const program = new Program(context, ['serve', './web.ts', '--database', 'memory:'], { folder });
  assert.notEqual(new URL(await program.listening()).port, '8080');
});

const refused: readonly [Files, RegExp][] = [
  [{ 'broken.ts': 'const a = ;' }, /broken\.ts: cannot be loaded: Expression expected \(\S+broken\.ts:1\)/],
  [{ 'throws.mjs': `throw new Error('two\\nlines');` }, /throws\.mjs: cannot be loaded: two lines \(\.\/throws\.mjs:1:7\)/],
  [
    { 'lost.mjs': `import 'no-such-package';` },
    /lost\.mjs: cannot be loaded: Cannot find package 'no-such-package', which \.\/lost\.mjs imports; run npm install no-such-package/,
  ],
  [{ 'waits.mjs': 'await new Promise(() => {});' }, /waits\.mjs: never finishes loading: waiting for a top-level await/],
  [
    { 'twice.ts': `${visits}export const others = pipeline('visits', { event: z.object({}), handle() {} });` },
    /\.\/twice\.ts: expected pipelines with different names, found visits twice/,
  ],
  [
    {
      'thread.mjs': `${visits}if (!isMainThread) throw new Error('no thread');`
        .replace(typeImport, '')
        .replace('handle(', `run: 'threads', module: import.meta.url, handle(`)
        .replace('import', `import { isMainThread } from 'node:worker_threads';\nimport`),
    },
    /pipeline visits: module: \S+thread\.mjs cannot be loaded in a thread: no thread \(\.\/thread\.mjs:\d+:\d+\)/,
  ],
  [
    { 'no-thread.ts': visits.replace('handle(', `run: 'threads', module: 'file:///nowhere/gone.mjs', handle(`) },
    /pipeline visits: module: file:\/\/\/nowhere\/gone\.mjs cannot be loaded in a thread: no such file$/m,
  ],
  [
    { 'misspelt.ts': `import './utl.ts';`, 'util.ts': '' },
    /Cannot find module '\.\/utl\.ts', which \.\/misspelt\.ts imports; did you mean '\.\/util\.ts'\?/,
  ],
  [{ 'orders.ts': `import './order.ts';` }, /Cannot find module '\.\/order\.ts', which \.\/orders\.ts imports$/m],
];

for (const [files, line] of refused) {
  test(`a module that cannot be served is reported in one line: ${Object.keys(files)[0]}`, async (context) => {
    const { code, stdout, stderr } = await serveFiles(context, files).ended;
    assert.match(stderr, /^millrace: [^\n]+\n$/);
    assert.match(stderr, line);
    assert.deepEqual([code, stdout], [1, '']);
  });
}

test('a dangling link is not suggested under its own name', async (context) => {
  const folder = temporaryFolder(context);
  symlinkSync('gone.ts', join(folder, 'visits.ts'));
  const { stderr } = await new Program(context, ['serve', './visits.ts'], { folder }).ended;
  assert.equal(stderr, 'millrace: ./visits.ts: no such file\n');
});

test('an exception deeper in a program shows the way there, and its causes, at every log level', async (context) => {
  const files = {
    'main.mjs': `import { read } from './settings.mjs';\n\nread();`,
    'settings.mjs': `export function read() {\n  try {\n    null.x;\n  } catch (cause) {\n    throw new Error('no settings', { cause });\n  }\n}`,
  };
  for (const LOG_LEVEL of ['silent', 'info', 'debug']) {
    const program = serveFiles(context, files, { LOG_LEVEL });
    const { stderr } = await program.ended;
    const [line, ...below] = stderr.trimEnd().split('\n');
    assert.equal(line, 'millrace: ./main.mjs: cannot be loaded: no settings (./settings.mjs:5:11)');
    const places = below.join('\n').matchAll(/at (?:(\w+) \()?file:\S+\/(\w+\.mjs:\d+)|(TypeError)/g);
    const shown = Array.from(places, ([, name, place, type]) => [name, place, type].filter(Boolean).join(' '));
    assert.deepEqual(shown, ['read settings.mjs:5', 'main.mjs:3', 'TypeError', 'read settings.mjs:3', 'main.mjs:3'], LOG_LEVEL);
  }
});
