import assert from 'node:assert/strict';
import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { faces } from './faces.ts';
import { InstalledPackage, manifestIn } from './installed-package.ts';
import { checkout, environmentOfPrograms, Program } from './program.ts';
import { publicApi } from './public-api.ts';
import { runReadmeProgram, writeReadmeProgram } from './readme-program.ts';
import { nodes } from './user-tools.ts';

/** Limit for a user's download, in bytes; exceeding it with a new asset should be a deliberate decision. */
const tarballMax = 1_100_000;
const run = promisify(execFile);

describe('the published files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-published-'));
  let installed: InstalledPackage;

  before(async () => {
    installed = await InstalledPackage.in(folder);
    writeFileSync(join(installed.folder, 'package.json'), '{"private":true,"type":"module"}');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const name of ['millrace', 'create-millrace'])
    test(`publint finds nothing in ${name}`, async () => {
      const pkgDir = name === 'millrace' ? installed.path : join(checkout, name);
      const { messages } = await publint({ pkgDir, pack: false, strict: true });
      const manifest = manifestIn(pkgDir);
      assert.deepEqual(
        messages.map((message) => formatMessage(message, manifest, { color: false })),
        [],
      );
    });

  test('attw finds types for every way to import it', async () => {
    // Every Node.js that the package runs on can require ES modules, so attw's complaint about that is harmless.
    const words = ['--profile', 'node16', '--ignore-rules', 'cjs-resolves-to-esm', '--format', 'json'];
    const attw = join(checkout, 'node_modules/@arethetypeswrong/cli/dist/index.js');
    const { stdout } = await run(process.execPath, [attw, installed.tarball, ...words]);
    const { analysis } = JSON.parse(stdout);
    assert.deepEqual(Object.keys(analysis.entrypoints), Object.keys(manifestIn(installed.path).exports ?? {}));
  });

  test('the public API is the recorded one; npm run api-report records a change', () => {
    const entries = faces.map(({ specifier, declarations }) => ({ specifier, path: join(installed.path, declarations) }));
    assert.equal(publicApi(entries), readFileSync(join(checkout, 'test/package/public-api.txt'), 'utf8'));
  });

  test('the tarball has no tests and no source maps, and is not large', (context) => {
    const files = readdirSync(installed.path, { recursive: true, encoding: 'utf8' });
    assert.deepEqual(
      files.filter((file) => /\.test\.|\.map$|\.tsx?$|(^|\/)(test|sim|bench)\//.test(file.replace(/\.d\.ts$/, ''))),
      [],
    );
    assert.ok(files.includes('page/dist/index.html'));
    const { size } = statSync(installed.tarball);
    context.diagnostic(`${size} bytes, ${files.length} files and folders`);
    assert.ok(size < tarballMax, `expected at most ${tarballMax} bytes, found ${size}`);
  });

  for (const { name, node, skip } of nodes) {
    for (const ending of ['js', 'ts'] as const) {
      test(`README's example and its test run on ${name} as .${ending}`, { skip }, async () => {
        const program = `readme-${ending}`;
        writeReadmeProgram(join(installed.folder, program), ending);
        await runReadmeProgram(installed, { node, program, ending });
      });
    }
  }

  for (const language of ['typescript', 'javascript']) {
    test(`millrace init --language ${language}: its two commands run, offline, and an event moves a state`, async (context) => {
      const parent = join(folder, `new-${language}`);
      mkdirSync(parent);
      const launcher = join(installed.path, 'bin/millrace.js');
      const { stdout } = await run(process.execPath, [launcher, 'init', 'Shop', '--language', language], { cwd: parent });
      assert.match(stdout, /cd Shop/);
      const project = join(parent, 'Shop');
      assert.match(JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')).name, /^shop$/);
      // The steps of `npm install`, without a registry.
      symlinkSync(join(installed.folder, 'node_modules'), join(project, 'node_modules'));
      const bin = join(folder, 'bin');
      mkdirSync(bin, { recursive: true });
      writeFileSync(join(bin, 'millrace'), `#!/bin/sh\nexec "${process.execPath}" "${launcher}" "$@"\n`, { mode: 0o755 });
      writeFileSync(join(bin, 'node'), `#!/bin/sh\nexec "${process.execPath}" "$@"\n`, { mode: 0o755 });
      const environment = { PATH: `${bin}:${process.env.PATH}`, PORT: '0' };
      const options = { cwd: project, env: { ...environmentOfPrograms(), ...environment } };

      assert.match((await run('npm', ['test'], options)).stdout, /^(?:ℹ|#) pass 1$/m);
      if (language === 'typescript') await run(process.execPath, [join(checkout, 'node_modules/typescript/bin/tsc'), '-p', project]);
      const started = new Program(context, ['start'], { command: ['npm'], folder: project, environment });
      const url = await started.listening();
      const answer = await fetch(`${url}/pipelines/visits/events`, { method: 'POST', body: '{"page":"/home","visitor":"ann"}' });
      assert.equal(answer.status, 202);
      const state = async () => Object(await (await fetch(`${url}/pipelines/visits/keys/%2Fhome`)).json()).state;
      while ((await state()) === undefined);
      assert.deepEqual(await state(), { visits: 1, lastVisitor: 'ann' });
      await started.kill('SIGTERM');
    });
  }

  test('npm create millrace equals millrace init', async () => {
    const creator = join(installed.folder, 'node_modules/create-millrace');
    cpSync(join(checkout, 'create-millrace'), creator, { recursive: true });
    await installed.node(join(creator, 'bin/create-millrace.js'), 'created', '--language', 'javascript');
    assert.ok(existsSync(join(installed.folder, 'created/src/visits.js')));
  });

  const noTerminal = spawnSync('script', ['--version']).error !== undefined && 'there is no script (util-linux), which makes a terminal';

  test('on a terminal millrace init asks two questions, and Ctrl-C writes nothing', { skip: noTerminal }, async () => {
    const folderOfUser = join(folder, 'terminal');
    mkdirSync(folderOfUser);
    const answer = (input: readonly string[]) => {
      const command = `"${process.execPath}" "${join(installed.path, 'bin/millrace.js')}" init`;
      const terminal = spawn('script', ['-qefc', command, '/dev/null'], { cwd: folderOfUser, stdio: ['pipe', 'pipe', 'inherit'] });
      const answers = [...input];
      let printed = '';
      terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
        printed += text;
        // A question ends with the default for an empty answer.
        if (/\]: \S*$/.test(printed) && answers.length > 0 && text.includes(']: ')) terminal.stdin.write(answers.shift());
      });
      return once(terminal, 'exit').then(([code]) => ({ code, printed }));
    };
    assert.equal((await answer(['\x03'])).code, 130);
    assert.deepEqual(readdirSync(folderOfUser), []);
    const { code, printed } = await answer(['shop\r', '\r']);
    assert.deepEqual([code, printed.match(/\]: /g)?.length], [0, 2], printed);
    assert.ok(existsSync(join(folderOfUser, 'shop/src/visits.ts')));
  });

  test('millrace init writes beside existing files only when told, and overwrites none', async () => {
    const target = join(folder, 'taken');
    mkdirSync(target);
    writeFileSync(join(target, 'README.md'), 'mine');
    const init = (...words: readonly string[]) =>
      spawnSync(process.execPath, [join(installed.path, 'bin/millrace.js'), 'init', ...words], { cwd: target, encoding: 'utf8' });
    const refused = init();
    assert.deepEqual([refused.status, /not empty \(README\.md\).*--force/.test(refused.stderr)], [2, true]);
    assert.match(init('--force').stdout, /Kept existing files: README\.md/);
    assert.equal(readFileSync(join(target, 'README.md'), 'utf8'), 'mine');
    assert.match(init('x', '--language', 'rust').stderr, /--language: expected typescript or javascript, found "rust"/);
  });
});
