import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { blocksOf } from './block.ts';
import { commandsOf } from './commands.ts';
import { isAsSaid } from './expected-output.ts';
import { PageSession } from './page-session.ts';
import { Workshop } from './workshop.ts';

/** Tries out every block of a page. Throws the first error. */
async function tryOut(context: TestContext, markdown: string): Promise<void> {
  const workshop = new Workshop();
  context.after(() => workshop.remove());
  const blocks = blocksOf('page.md', markdown);
  const session = new PageSession(workshop, 'page.md', markdown, blocks);
  for (const block of blocks) await session.tryOut(block);
}

const fenced = (language: string, text: string) => `\`\`\`${language}\n${text}\n\`\`\`\n`;

test('a block that nobody can run needs a reason', async (t) => {
  await tryOut(t, `<!-- not run: a drawing -->\n\n${fenced('', 'a -> b')}`);
  for (const block of [fenced('', 'a -> b'), fenced('json', '{}'), fenced('python', 'x = 1'), fenced('sh', 'rm -rf /tmp/nothing')])
    await assert.rejects(tryOut(t, block), /not run/);
  await assert.rejects(tryOut(t, `<!-- never run: a drawing -->\n\n${fenced('', 'a')}`), /page\.md:4: expected a known comment/);
});

test('failing code is found, and so is code that prints something else', async (t) => {
  await tryOut(t, fenced('js', 'console.log(1 + 1); // 2'));
  await assert.rejects(tryOut(t, fenced('js', 'console.log(1 + 1); // 3')), /expected 3 to be printed in\s+2/);
  await assert.rejects(tryOut(t, fenced('js', "throw new Error('no such thing')")), /no such thing/);
  await assert.rejects(tryOut(t, `${fenced('js', 'console.log(1)')}It prints:\n\n${fenced('text', '2')}`), /expected the line "2" in\s+1/);
  await assert.rejects(tryOut(t, `${fenced('js', 'console.log(1); console.log(2)')}\n${fenced('text', '2')}`), /nothing else is printed/);
});

test('omitted code surrounds the block, and files are beside it', async (t) => {
  const hidden =
    "<!-- file: two.js\nexport const two = 2;\n-->\n<!-- around\nimport { two } from './two.js';\nlet four;\n…\nif (four !== 4) throw new Error('found ' + four);\n-->\n";
  await tryOut(t, `${hidden}\n${fenced('js', 'four = two + two;')}`);
  await assert.rejects(tryOut(t, `${hidden}\n${fenced('js', 'four = two;')}`), /found 2/);
});

test('a missing script is found, even if commands are not run', async (t) => {
  const page = (command: string) => `<!-- not run: takes long -->\n\n${fenced('sh', command)}`;
  await tryOut(t, page('npm ci && npm run check\n(cd bench && npm run scale)\nbash .ci/run'));
  for (const command of ['npm run chekc', 'cd bench && npm run check-all', '(cd bench)\nnpm run scale', 'bash .ci/ruin'])
    await assert.rejects(tryOut(t, page(command)));
});

test('a command ends with its line, unless a quote is open; a comment follows it', () => {
  assert.deepEqual(commandsOf(`curl a#b -d '# "x"'   # {"id":"…"}\n\nsqlite3 a.db "SELECT\n  1" # 1`), [
    { text: `curl a#b -d '# "x"'`, comment: '{"id":"…"}' },
    { text: 'sqlite3 a.db "SELECT\n  1"', comment: '1' },
  ]);
  assert.throws(() => commandsOf(`echo 'a`), /expected an end of the command/);
});

test('an ellipsis matches any text, a moment any moment, and blanks match blanks', () => {
  assert.ok(isAsSaid('{"id":"a","status":"accepted"}\n', '{"id":"…","status":"accepted"}'));
  assert.ok(isAsSaid('2026-01-02T03:04:05.678Z  indexed', '2022-02-02T19:39:05Z indexed'));
  for (const other of ['{"id":"a","status":"duplicate"}', 'x{"id":"a","status":"accepted"}'])
    assert.ok(!isAsSaid(other, '{"id":"…","status":"accepted"}'));
});
