import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { provideMillrace } from '../provide-millrace.ts';
import { loadSystems } from './load-systems.ts';
import type { DeclaredSystem } from './shipped.ts';

provideMillrace();

const own: readonly DeclaredSystem[] = [{ name: 'rockets', title: 'Rockets', description: 'Ours.', pipelines: [] }];

/** Loads the systems named on a command line. */
function load(names: readonly string[]): Promise<readonly DeclaredSystem[]> {
  return loadSystems(names, own);
}

const visits = `
import { pipeline } from 'millrace';
import * as z from 'zod';
export const visits = pipeline('visits', { event: z.object({ page: z.string() }), handle() {} });
`;

const required = `
const { pipeline } = require('millrace');
const z = require('zod');
const visits = pipeline('visits', { event: z.object({ page: z.string() }), handle() {} });
`;

/** Contents by file name. */
type Files = Readonly<Record<string, string>>;

/** Writes the files to a new folder, and makes it the current folder until the test ends. Returns the path of the first. */
function enter(context: TestContext, files: Files): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-'));
  const former = process.cwd();
  context.after(() => {
    process.chdir(former);
    rmSync(folder, { recursive: true });
  });
  process.chdir(folder);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(name), { recursive: true });
    writeFileSync(name, text);
  }
  return `./${Object.keys(files)[0]}`;
}

for (const [how, text, name] of [
  ['an .mts module', visits, 'my-pipelines.mts'],
  ['a list as module.exports', `${required}module.exports = [visits];`, 'my-pipelines.cjs'],
  ['an object as module.exports', `${required}module.exports = { 'page visits': visits };`, 'my-pipelines.cjs'],
  ['what a compiler makes of a default export', `${required}exports.__esModule = true; exports.default = visits;`, 'my-pipelines.cjs'],
  ['exports of a .js module', `${required}exports.visits = visits;`, 'my-pipelines.js'],
] as const) {
  test(`pipelines are found: ${how}`, async (context) => {
    const [system, ...others] = await load([enter(context, { [name]: text })]);
    assert.ok(system !== undefined && 'pipelines' in system);
    assert.deepEqual([system.name, system.pipelines.map((pipeline) => pipeline.name), others], ['my-pipelines', ['visits'], []]);
  });
}

const refused: readonly [Files, RegExp][] = [
  [
    { 'none.mjs': 'export default { hello: 1 };' },
    /none\.mjs: exports no pipeline; expected at least one, made by pipeline\(…\), found 1$/,
  ],
  [{ 'nothing.mjs': '' }, /nothing\.mjs: exports no pipeline; .*, found nothing exported/],
  [{ 'function.ts': 'export default () => 1;' }, /found a function: export its result/],
  [{ 'promise.ts': 'export default Promise.resolve(1);' }, /found a promise: await it, and export the result/],
  [{ 'broken.mjs': '\nconst a = ;' }, /broken\.mjs: cannot be loaded: Unexpected token ';' \(\.\/broken\.mjs:2\)/],
  [{ 'broken.cjs': '\nconst a = ;' }, /broken\.cjs: cannot be loaded: Unexpected token ';' \(\.\/broken\.cjs:2\)/],
  [
    { 'imports-broken.mjs': `import './broken.mjs';`, 'broken.mjs': '\nconst a = ;' },
    /imports-broken\.mjs: cannot be loaded: Unexpected token ';' \(\.\/broken\.mjs:2\)/,
  ],
  [{ 'throws.cjs': `\nrequire('fs').readFileSync('none');` }, /throws\.cjs: cannot be loaded: ENOENT: .* \(\.\/throws\.cjs:2:15\)/],
  [{ 'text.mjs': `throw 'a text';` }, /text\.mjs: cannot be loaded: a text$/],
  [
    { 'lost.cjs': `require('@no-such/package/part');` },
    /lost\.cjs: cannot be loaded: Cannot find package '@no-such\/package', which \.\/lost\.cjs imports; run npm install @no-such\/package/,
  ],
  [
    { 'part.mjs': `import 'millrace/engine';` },
    /\.\/part\.mjs imports a part of millrace that does not exist; there are 'millrace', 'millrace\/server', 'millrace\/store' and 'millrace\/testing'$/,
  ],
  [
    { 'main.ts': `import './lib/a.ts';`, 'lib/a.ts': `import './util';`, 'lib/util.ts': '' },
    /main\.ts: cannot be loaded: Cannot find module '\.\/util', which \.\/lib\/a\.ts imports; did you mean '\.\/util\.ts'\?/,
  ],
  [
    { 'js.ts': `import './util.js';`, 'util.ts': '' },
    /Cannot find module '\.\/util\.js', which \.\/js\.ts imports; did you mean '\.\/util\.ts'\?/,
  ],
  [{ 'case.ts': `import './Util.ts';`, 'util.ts': '' }, /Cannot find module '\.\/Util\.ts', .*; did you mean '\.\/util\.ts'\?/],
  [{ 'no-near.ts': `import '../nowhere/x.ts';` }, /Cannot find module '\.\.\/nowhere\/x\.ts', which \.\/no-near\.ts imports$/],
  [
    { 'near.cjs': `require('./utils');`, 'utils.mjs': '' },
    /Cannot find module '\.\/utils', which \.\/near\.cjs imports; did you mean '\.\/utils\.mjs'\?/,
  ],
  [
    { 'folder.ts': `import './lib';`, 'lib/index.ts': '' },
    /Cannot import the folder '\.\/lib', which \.\/folder\.ts imports; did you mean '\.\/lib\/index\.ts'\?/,
  ],
  [
    { 'enum.ts': 'enum Size { Small }' },
    /TypeScript enum is not supported in strip-only mode \(\.\/enum\.ts:1\); Node\.js only strips types\. .*erasableSyntaxOnly/,
  ],
  [{ 'property.ts': 'class A { constructor(private b: number) {} }' }, /parameter property is not supported .*erasableSyntaxOnly/],
  [{ 'view.ts': `import './view.tsx';`, 'view.tsx': '' }, /Unknown file extension "\.tsx" .*; expected \.ts, \.mts,/],
  [
    { 'attribute.ts': `import a from './a.json';`, 'a.json': '{}' },
    /needs an import attribute of "type: json"; write import … with \{ type: 'json' \}/,
  ],
  [{ 'data.json': '{}' }, /\.\/data\.json: expected a module with a name ending in \.ts, /],
  [
    { 'wrong.mjs': `import { pipeline } from 'millrace';\npipeline('Bad Name', {});` },
    /wrong\.mjs: cannot be loaded: pipeline: expected a name of lower-case letters.* \(\.\/wrong\.mjs:2:1\)/,
  ],
  [
    { 'visits.ts': visits, 'package.json': '{"type":"commonjs"}' },
    /^\.\/visits\.ts: cannot be loaded: .* \(\.\/visits\.ts:2\); its package\.json makes it CommonJS\. Set "type": "module"/,
  ],
];

for (const [files, message] of refused) {
  test(`a faulty module is reported with its fault and a remedy: ${Object.keys(files)[0]}`, async (context) => {
    await assert.rejects(load([enter(context, files)]), { code: 'MILL_INVALID_CONFIGURATION', message });
  });
}

test('a near-miss names the path: a folder, or a name without its extension', async (context) => {
  enter(context, { 'lib/index.ts': visits, 'visits.ts': visits });
  for (const [word, message] of [
    ['./lib', /^\.\/lib: is a folder; expected one of your modules; did you mean \.\/lib\/index\.ts\?$/],
    ['./visits', /^\.\/visits: no such file; did you mean \.\/visits\.ts\?$/],
    ['visits', /^unknown system "visits"; expected rockets, or the path \.\/visits\.ts for your own$/],
  ] as const) {
    await assert.rejects(load([word]), { message });
  }
});

test('two modules that export pipelines with the same name are both named, and a module named twice is served once', async (context) => {
  enter(context, { 'one.ts': visits, 'other.ts': visits, 'again.ts': `export * from './one.ts';` });
  await assert.rejects(load(['./one.ts', './other.ts']), {
    message: './other.ts: expected pipelines with different names, found visits in ./one.ts too',
  });
  assert.equal((await load(['./one.ts', './one.ts'])).length, 1);
  await assert.rejects(load(['./again.ts', './one.ts']), {
    message: './one.ts: expected pipelines with different names, found visits in ./again.ts too',
  });
});

test('a pipeline exported beside its system is served once', async (context) => {
  const text = `${visits}export default { name: 'web', title: 'Web', description: 'Visits.', pipelines: [visits] };`;
  const systems = await load([enter(context, { 'web.ts': text })]);
  assert.deepEqual(
    systems.map((system) => system.name),
    ['web'],
  );
});

test('a slow module is reported once', async (context) => {
  const path = enter(context, { 'slow.mjs': `${visits}await new Promise((resolve) => { globalThis.goOn = resolve; });` });
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const told: string[] = [];
  context.mock.method(process.stderr, 'write', (text: string) => told.push(text) > 0);
  const loading = load([path]);
  while (Reflect.get(globalThis, 'goOn') === undefined) await new Promise(setImmediate);
  assert.deepEqual(told, []);
  context.mock.timers.tick(60_000);
  Reflect.get(globalThis, 'goOn')();
  assert.equal((await loading).length, 1);
  assert.deepEqual(told, [
    'millrace: ./slow.mjs is still loading after 10 s: waiting for a top-level await in it, or in a module it imports\n',
  ]);
});
