import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { checkout, Program, temporaryFolder } from './program.ts';

const oldNode = process.env.PATH?.split(delimiter)
  .map((folder) => join(folder, 'node'))
  .find((path) => existsSync(path) && /^v(1\d|2[0-3])\./.test(execFileSync(path, ['--version'], { encoding: 'utf8' })));
const skip = oldNode === undefined && 'there is no Node.js older than 24 on the PATH';

interface Launch {
  readonly node: string | undefined;
  readonly words?: readonly string[];
  /** True if there is a node_modules. */
  readonly modules?: boolean;
  /** Code of the program's module, outside its function. */
  readonly load?: string;
}

/** Runs the launcher of a checkout whose whole program is `main`, with `words` and `onStopOrder` in scope. */
function launch(context: TestContext, main: string, { node, words = [], modules = true, load = '' }: Launch) {
  const root = temporaryFolder(context);
  cpSync(join(checkout, 'bin'), join(root, 'bin'), { recursive: true });
  cpSync(join(checkout, 'package.json'), join(root, 'package.json'));
  mkdirSync(join(root, 'src/cli'), { recursive: true });
  mkdirSync(join(root, 'systems'));
  for (const file of ['src/keep-ticks.ts', 'src/provide-millrace.ts']) cpSync(join(checkout, file), join(root, file));
  writeFileSync(join(root, 'systems/index.ts'), 'export const systems = [];\n');
  const parameters = 'words, { orders: { onStopOrder } }';
  writeFileSync(join(root, 'src/cli/main.ts'), `${load}\nexport async function main(${parameters}) {\n${main}\n}\n`);
  if (modules) symlinkSync(join(checkout, 'node_modules'), join(root, 'node_modules'));
  return new Program(context, words, { folder: root, root, node: node ?? process.execPath });
}

const tell = `process.stdout.write(\`pid \${process.pid} on \${process.versions.node}\\n\`);\n`;
const tellOrders = `onStopOrder(({ signal, way }) => console.log(\`\${signal} by \${way}\`));\n`;
const stay = `setInterval(() => {}, 1000);\n`;

test('on a new Node.js the program runs in the launcher’s own process', async (context) => {
  const program = launch(context, tell, { node: undefined });
  const { stdout } = await program.ended;
  assert.equal(stdout, `pid ${program.child.pid} on ${process.versions.node}\n`);
});

test('on an old Node.js the program runs under the one in node_modules, with the same arguments', { skip }, async (context) => {
  const { stdout, stderr, code } = await launch(context, `${tell}console.log(words.join('|'));`, {
    node: oldNode,
    words: ['a', '--b c'],
  }).ended;
  assert.match(stdout, /^pid \d+ on (2[4-9]|[3-9]\d)\.\d+\.\d+\na\|--b c\n$/);
  assert.deepEqual([stderr, code], ['', 0]);
});

test('on an old Node.js without one in node_modules one line says what to do, in a checkout', { skip }, async (context) => {
  const { stdout, stderr, code } = await launch(context, tell, { node: oldNode, modules: false }).ended;
  assert.match(stderr, /^millrace: needs Node\.js 24 or newer, found v\d+\.\d+\.\d+; run npm ci, which puts one into node_modules\n$/);
  assert.deepEqual([stdout, code], ['', 1]);
});

test('on an old Node.js one line says what to do, with the package installed', { skip }, async (context) => {
  const folder = temporaryFolder(context);
  const root = join(folder, 'node_modules/millrace');
  cpSync(join(checkout, 'bin'), join(root, 'bin'), { recursive: true });
  cpSync(join(checkout, 'package.json'), join(root, 'package.json'));
  const { stdout, stderr, code } = await new Program(context, ['serve'], { folder, root, node: oldNode ?? '' }).ended;
  assert.match(stderr, /^millrace: needs Node\.js 24 or newer, found v\d+\.\d+\.\d+; install a newer one from https:\/\/nodejs\.org\n$/);
  assert.deepEqual([stdout, code], ['', 1]);
});

test('the launcher ends like the program, by exit code or by signal', { skip }, async (context) => {
  assert.equal((await launch(context, 'process.exit(7);', { node: oldNode }).ended).code, 7);
  const killed = await launch(context, `process.kill(process.pid, 'SIGKILL');${stay}`, { node: oldNode }).ended;
  assert.deepEqual([killed.code, killed.signal], [null, 'SIGKILL']);
});

test('an old Node.js forwards each stop order, once', { skip }, async (context) => {
  const program = launch(context, `${tellOrders}${tell}${stay}`, { node: oldNode });
  await program.printed(/^pid/);
  program.child.kill('SIGINT');
  await program.printed(/SIGINT/);
  program.child.kill('SIGHUP');
  await program.printed(/SIGHUP/);
  const { stdout } = await program.kill('SIGKILL');
  assert.match(stdout, /^pid .*\nSIGINT by launcher\nSIGHUP by launcher\n$/);
});

for (const [name, node] of [
  ['a new', process.execPath],
  ['an old', oldNode],
] as const) {
  test(`a signal that arrives while modules load waits for the program, on ${name} Node.js`, {
    skip: node === undefined && skip,
  }, async (context) => {
    const load =
      `import { existsSync } from 'node:fs';\nconsole.log('loading');\nprocess.once('SIGTERM', () => console.log('heard'));\n` +
      `while (!existsSync('loaded')) await new Promise(setImmediate);`;
    const program = launch(context, `onStopOrder(({ signal }) => { console.log(signal); process.exit(3); });${stay}`, { node, load });
    await program.printed(/loading/);
    program.child.kill('SIGTERM');
    // The launcher of an old Node.js passes the signal on through a pipe, so the program hears nothing earlier.
    if (node === process.execPath) await program.printed(/heard/);
    writeFileSync(join(program.folder, 'loaded'), '');
    const { code, stdout } = await program.ended;
    assert.equal(code, 3);
    assert.match(stdout, /^loading\n(heard\n)?SIGTERM\n$/);
  });
}

test('a killed launcher takes the program with it, even a busy one', { skip, timeout: 10_000 }, async (context) => {
  const program = launch(context, `${tell}const end = Date.now() + 30_000;\nwhile (Date.now() < end);`, { node: oldNode });
  await program.printed(/^pid/);
  // Its output ends only when the program is gone too, because the program holds the same pipe.
  const { signal } = await program.kill('SIGKILL');
  assert.equal(signal, 'SIGKILL');
});
