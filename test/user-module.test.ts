import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { Program, temporaryFolder } from './program.ts';

const visits = `
import { pipeline, table, type System } from 'millrace';
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

/** `millrace serve` of a module with this text, in a folder that has nothing else: no package.json, no node_modules. */
function serveModule(context: TestContext, name: string, text: string): Program {
  const folder = temporaryFolder(context);
  writeFileSync(join(folder, name), text);
  return new Program(context, ['serve', `./${name}`, '--port', '0', '--database', 'memory:'], { folder });
}

for (const [how, text] of [
  ['a named export', visits],
  ['a default export as well', `${visits}export default visits;`],
  ['a list', visits.replace('export const', 'const').concat('export default [visits];')],
  [
    'a system',
    `${visits.replace('export const', 'const')}export default { name: 'web', title: 'Web', description: 'Visits.', pipelines: [visits] } satisfies System;`,
  ],
] as const) {
  test(`a user’s pipelines are served wherever their module lies: ${how}`, async (context) => {
    const program = serveModule(context, 'my-pipelines.ts', text);
    const url = await program.listening();
    const answer = await fetch(`${url}/pipelines/visits/events`, { method: 'POST', body: '{"page":"/home"}' });
    assert.equal(answer.status, 202);
    const key = await fetch(`${url}/pipelines/visits/keys/${encodeURIComponent('/home')}`);
    assert.deepEqual(Object(await key.json()).state, { count: 1 });
    const { code, stderr } = await program.kill('SIGTERM');
    assert.deepEqual([code, stderr], [0, '']);
  });
}

test('a system’s own port holds when it is served alone', async (context) => {
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

const refused: readonly [string, string, RegExp][] = [
  ['none.mjs', 'export default { hello: 1 };', /none\.mjs: exports no pipeline; expected at least one/],
  ['broken.ts', 'const a = ;', /broken\.ts: cannot be loaded: Expression expected \(\S+broken\.ts:1\)/],
  ['throws.mjs', `throw new Error('two\\nlines');`, /throws\.mjs: cannot be loaded: two lines/],
  ['lost.mjs', `import 'no-such-package';`, /lost\.mjs: cannot be loaded: Cannot find package 'no-such-package'/],
  [
    'wrong.mjs',
    `import { pipeline } from 'millrace';\npipeline('Bad Name', {});`,
    /wrong\.mjs: cannot be loaded: pipeline: expected a name of lower-case letters/,
  ],
  ['twice.ts', `${visits}export const others = pipeline('visits', { event: z.object({}), handle() {} });`, /found visits twice/],
];

for (const [name, text, line] of refused) {
  test(`a module that cannot be served is one line: ${name}`, async (context) => {
    const { code, stdout, stderr } = await serveModule(context, name, text).ended;
    assert.match(stderr, /^millrace: [^\n]+\n$/);
    assert.match(stderr, line);
    assert.deepEqual([code, stdout], [1, '']);
  });
}
