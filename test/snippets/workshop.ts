import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { messageOf } from '../../src/errors.ts';
import { faces } from '../faces.ts';
import { checkout, environmentOfPrograms, type Lifetime, Program } from '../program.ts';

/** Makes `millrace` resolve to this checkout, like an installed package. */
const provide = `import { provideMillrace } from ${JSON.stringify(pathToFileURL(join(checkout, 'src/provide-millrace.ts')).href)}; provideMillrace();`;

/** Programs on the PATH of the pages: an installed `millrace`, also through `npx`, and a `curl` that fails when the answer is an error. */
const tools: Readonly<Record<string, string>> = {
  millrace: `exec "${process.execPath}" "${join(checkout, 'bin/millrace.js')}" "$@"`,
  node: `exec "${process.execPath}" "$@"`,
  npx: 'exec "$@"',
  curl: 'PATH="$REST_OF_PATH" exec curl --silent --show-error --fail-with-body --max-time 20 "$@"',
  // Node.js replaces a missing sqlite3.
  sqlite3: `PATH="$REST_OF_PATH" command -v sqlite3 >/dev/null && PATH="$REST_OF_PATH" exec sqlite3 "$@"
exec "${process.execPath}" -e 'const [file, sql] = process.argv.slice(1);
for (const row of new (require("node:sqlite").DatabaseSync)(file).prepare(sql).all()) console.log(Object.values(row).join("|"))' "$@"`,
};

/** A server that a page starts. */
export interface Served {
  readonly url: string;
  stop(): Promise<void>;
}

/** A folder in which the snippets of all pages are compiled and run. */
export class Workshop implements Lifetime {
  readonly #folders: string[] = [];
  readonly #ends: (() => void)[] = [];
  readonly root = mkdtempSync(join(tmpdir(), 'millrace-snippets-'));

  constructor() {
    symlinkSync(join(checkout, 'node_modules'), join(this.root, 'node_modules'));
    mkdirSync(join(this.root, 'tools'));
    for (const [name, script] of Object.entries(tools)) {
      const path = join(this.root, 'tools', name);
      writeFileSync(path, `#!/usr/bin/env bash\n${script}\n`);
      chmodSync(path, 0o755);
    }
    writeFileSync(join(this.root, 'package.json'), '{ "type": "module" }');
  }

  /** The folder of a page. */
  folderOf(page: string): string {
    const folder = join(this.root, 'pages', page.replace(/\W+/g, '-'));
    mkdirSync(folder, { recursive: true });
    this.#folders.push(folder);
    return folder;
  }

  /** Compiles everything in the folders. Returns the compiler's complaints; empty if there are none. */
  async compile(): Promise<string> {
    const compilerOptions = {
      paths: Object.fromEntries(faces.map(({ specifier, source }) => [specifier, [join(checkout, source)]])),
      // A page's files appear beside those of the checkout.
      rootDirs: [checkout, ...this.#folders],
      // A snippet declares the things that the text around it mentions.
      noUnusedLocals: false,
      noUnusedParameters: false,
    };
    const configuration = {
      extends: join(checkout, 'tsconfig.json'),
      compilerOptions,
      include: ['pages/*/*.ts', 'pages/*/src/*.ts', 'pages/*/test/*.ts', 'doc-comments/*.ts'],
    };
    writeFileSync(join(this.root, 'tsconfig.json'), JSON.stringify(configuration));
    try {
      await this.run(this.root, join(checkout, 'node_modules/.bin/tsc'), ['-p', this.root]);
      return '';
    } catch (error) {
      return messageOf(error);
    }
  }

  /** Arranges the folders like those of a checkout, for programs that run there. */
  furnish(): void {
    for (const folder of this.#folders) for (const name of ['bin', 'systems']) symlinkSync(join(checkout, name), join(folder, name));
  }

  /** Returns the variables that programs in this folder need in addition to the test's. */
  get #environment(): Readonly<Record<string, string>> {
    const { PATH = '' } = process.env;
    const NODE_OPTIONS = `--import data:text/javascript,${encodeURIComponent(provide)}`;
    return { PATH: `${join(this.root, 'tools')}:${PATH}`, REST_OF_PATH: PATH, PORT: '0', NODE_OPTIONS };
  }

  /** Runs a command that serves, on a free port, until it listens. Throws, with its output, if it ends before that. */
  async serve(folder: string, command: string, environment: Readonly<Record<string, string>> = {}): Promise<Served> {
    const options = { command: ['bash', '-c', command], folder, environment: { ...this.#environment, ...environment } };
    const program = new Program(this, [], options);
    const url = await program.listening();
    const stop = async () => {
      const { code, stderr } = await program.kill('SIGTERM');
      assert.equal(code, 0, `${command}: expected it to stop with exit code 0\n${stderr}`);
    };
    return { url, stop };
  }

  /** Runs a program in a folder. Throws, with all its output, if it fails or does not end within a minute. */
  async run(folder: string, program: string, words: readonly string[]): Promise<string> {
    const options = { cwd: folder, env: { ...environmentOfPrograms(), ...this.#environment }, timeout: 60_000 };
    try {
      return (await promisify(execFile)(program, words, options)).stdout;
    } catch (error) {
      const { stdout = '', stderr = '' } = error as { readonly stdout?: string; readonly stderr?: string };
      throw new Error(`expected it to end well, found it to fail: ${program} ${words.join(' ')}\n${stdout}\n${stderr}`, { cause: error });
    }
  }

  after(end: () => void): void {
    this.#ends.push(end);
  }

  remove(): void {
    for (const end of this.#ends) end();
    rmSync(this.root, { recursive: true, force: true, maxRetries: 5 });
  }
}
