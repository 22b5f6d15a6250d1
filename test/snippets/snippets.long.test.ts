import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { checkout } from '../program.ts';
import { blocksOf } from './block.ts';
import { checks } from './checks/index.ts';
import { examples, moduleOf } from './doc-comments.ts';
import { marksOf } from './marks.ts';
import { PageSession } from './page-session.ts';
import { Workshop } from './workshop.ts';

/*
 * Tries out every snippet of the documentation. `marks.ts` says how a page completes a snippet, has it
 * checked, or leaves it out with a reason.
 */

const pageNames = globSync(
  [
    'README.md',
    'ARCHITECTURE.md',
    'CONTRIBUTING.md',
    'RELEASING.md',
    'docs/*.md',
    'systems/*/README.md',
    'examples/*/README.md',
    'bench/README.md',
  ],
  {
    cwd: checkout,
  },
);
const workshop = new Workshop();
after(() => workshop.remove());

const pages = pageNames.toSorted().map((page) => {
  const markdown = readFileSync(join(checkout, page), 'utf8');
  const blocks = blocksOf(page, markdown);
  return { page, blocks, session: new PageSession(workshop, page, markdown, blocks) };
});

test('all code in the documentation and in doc comments compiles', async () => {
  const folder = join(workshop.root, 'doc-comments');
  mkdirSync(folder);
  for (const example of examples()) writeFileSync(join(folder, `${example.place.replace(/\W+/g, '-')}.ts`), await moduleOf(example));
  const faults = await workshop.compile();
  workshop.furnish();
  assert.equal(faults, '');
});

/** Returns the reason to skip a page; false where everything that it needs is available, or required (`TEST_SERVERS=required`). */
function withoutTools({ blocks }: (typeof pages)[number]): string | false {
  const isThere = spawnSync('curl', ['--version']).error === undefined || process.env.TEST_SERVERS === 'required';
  const needsCurl = blocks.some(({ language, text }) => language === 'sh' && /^curl /m.test(text));
  return needsCurl && !isThere ? 'there is no curl here; with it (apt-get install curl) this runs' : false;
}

describe('every page does what it says', { concurrency: 2 }, () => {
  for (const one of pages) {
    const { page, blocks, session } = one;
    if (blocks.length === 0) continue;
    test(page, { skip: withoutTools(one) }, async (t) => {
      t.after(() => session.stop());
      for (const block of blocks) await t.test(`${page}:${block.line} ${block.language || 'text'}`, () => session.tryOut(block));
    });
  }
});

test('anything not run says why', (t) => {
  for (const block of pages.flatMap(({ blocks }) => blocks)) {
    const { 'not run': notRun, commandsNotRun } = marksOf(block);
    const place = `${block.page}:${block.line}`;
    if (notRun !== undefined) t.diagnostic(`${place}: ${notRun}`);
    for (const [command, reason] of commandsNotRun) {
      t.diagnostic(`${place}: ${command}: ${reason}`);
      assert.ok(
        block.text.split('\n').some((line) => line.startsWith(command)),
        `${place}: expected a command that begins with ${command}`,
      );
    }
  }
});

test('every check is used by a page', () => {
  const named = new Set(pages.flatMap(({ blocks }) => blocks).map((block) => marksOf(block)['checked by']));
  assert.deepEqual(
    Object.keys(checks).filter((name) => !named.has(name)),
    [],
  );
});
