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

/** A run of the launcher of a checkout whose whole program is `main`. */
function launch(
  context: TestContext,
  main: string,
  options: { readonly node: string | undefined; readonly words?: readonly string[]; readonly modules?: boolean },
) {
  const root = temporaryFolder(context);
  cpSync(join(checkout, 'bin'), join(root, 'bin'), { recursive: true });
  cpSync(join(checkout, 'package.json'), join(root, 'package.json'));
  cpSync(join(checkout, 'src/provide-millrace.ts'), join(root, 'src/provide-millrace.ts'));
  mkdirSync(join(root, 'src/cli'), { recursive: true });
  writeFileSync(join(root, 'src/cli/main.ts'), main);
  cpSync(join(checkout, 'src/provide-millrace.ts'), join(root, 'src/provide-millrace.ts'));
  if (options.modules ?? true) symlinkSync(join(checkout, 'node_modules'), join(root, 'node_modules'));
  return new Program(context, options.words ?? [], { folder: root, root, node: options.node ?? process.execPath });
}

const tell = `process.stdout.write(\`pid \${process.pid} on \${process.versions.node}\\n\`);\n`;
const stay = `setInterval(() => {}, 1000);\n`;

test('on a new Node.js the program runs in the launcher’s own process', async (context) => {
  const program = launch(context, tell, { node: undefined });
  const { stdout } = await program.ended;
  assert.equal(stdout, `pid ${program.child.pid} on ${process.versions.node}\n`);
});

test('on an old Node.js the program runs under the one in node_modules, with the same words', { skip }, async (context) => {
  const { stdout, stderr, code } = await launch(context, `${tell}console.log(process.argv.slice(2).join('|'));`, {
    node: oldNode,
    words: ['a', '--b c'],
  }).ended;
  assert.match(stdout, /^pid \d+ on (2[4-9]|[3-9]\d)\.\d+\.\d+\na\|--b c\n$/);
  assert.deepEqual([stderr, code], ['', 0]);
});

test('on an old Node.js with none in node_modules one line says which version is needed', { skip }, async (context) => {
  const { stdout, stderr, code } = await launch(context, tell, { node: oldNode, modules: false }).ended;
  assert.match(stderr, /^millrace: needs Node\.js 24 or newer, found v\d+\.\d+\.\d+, .*\n$/);
  assert.deepEqual([stdout, code], ['', 1]);
});

test('the launcher ends as the program ends, by exit code or by signal', { skip }, async (context) => {
  assert.equal((await launch(context, 'process.exit(7);', { node: oldNode }).ended).code, 7);
  const killed = await launch(context, `process.kill(process.pid, 'SIGKILL');${stay}`, { node: oldNode }).ended;
  assert.deepEqual([killed.code, killed.signal], [null, 'SIGKILL']);
});

test('the program gets the launcher’s signals, each once', { skip }, async (context) => {
  const main = `process.on('SIGINT', () => console.log('got SIGINT'));\nprocess.on('SIGTERM', () => { console.log('got SIGTERM'); process.exit(3); });\n${tell}${stay}`;
  const program = launch(context, main, { node: oldNode });
  await program.printed(/^pid/);
  program.child.kill('SIGINT');
  await program.printed(/SIGINT/);
  const { code, stdout } = await program.kill('SIGTERM');
  assert.equal(code, 3);
  assert.match(stdout, /^pid .*\ngot SIGINT\ngot SIGTERM\n$/);
});

test('a launcher that is killed takes the program with it, even when that is busy', { skip, timeout: 10_000 }, async (context) => {
  const program = launch(context, `${tell}const end = Date.now() + 30_000;\nwhile (Date.now() < end);`, { node: oldNode });
  await program.printed(/^pid/);
  // Its output ends only when the program is gone too, for it holds the same pipe.
  const { signal } = await program.kill('SIGKILL');
  assert.equal(signal, 'SIGKILL');
});
