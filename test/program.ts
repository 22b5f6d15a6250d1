import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** This checkout. */
export const checkout = fileURLToPath(new URL('..', import.meta.url));

export interface ProgramOptions {
  /** Variables added to those of the test. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly folder: string;
  /** The checkout whose launcher runs; by default this one. */
  readonly root?: string;
  /** The Node.js that runs the launcher; by default the one that runs the test. */
  readonly node?: string;
  /** The program and its first words; by default the launcher. */
  readonly command?: readonly string[];
  /** True if it leads its own process group, like a program started in a terminal. */
  readonly ownGroup?: boolean;
}

export interface Ended {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Something that ends, such as a test, and then runs callbacks. */
export interface Lifetime {
  after(end: () => void): void;
}

/** A run of `millrace`. It is killed when the test ends. */
export class Program {
  readonly child: ChildProcess;
  /** The folder in which it runs. */
  readonly folder: string;
  /** Settles when it has ended and nobody holds its output open any more, not even a child of its own. */
  readonly ended: Promise<Ended>;
  #stdout = '';
  #stderr = '';
  #onOutput: () => void = () => undefined;

  constructor(
    lifetime: Lifetime,
    words: readonly string[],
    { environment = {}, folder, root = checkout, node = process.execPath, command, ownGroup = false }: ProgramOptions,
  ) {
    this.folder = folder;
    const [file = node, ...first] = command ?? [node, join(root, 'bin/millrace.js')];
    this.child = spawn(file, [...first, ...words], {
      cwd: folder,
      env: { ...environmentOfPrograms(), ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: ownGroup,
    });
    lifetime.after(() => this.child.kill('SIGKILL'));
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
      this.#onOutput();
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
      this.#onOutput();
    });
    this.ended = once(this.child, 'close').then(([code, signal]) => ({ code, signal, stdout: this.#stdout, stderr: this.#stderr }));
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Resolves to the first match in its output, as soon as there is one. Throws when it ends without a match. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    const { promise, resolve } = Promise.withResolvers<RegExpExecArray>();
    this.#onOutput = () => {
      const match = pattern.exec(this.#stdout) ?? pattern.exec(this.#stderr);
      if (match !== null) resolve(match);
    };
    this.#onOutput();
    const endedWithout = this.ended.then(({ code, signal, stderr }): never => {
      throw new Error(`expected ${pattern}, but it ended with ${signal ?? code}: ${stderr}`);
    });
    return Promise.race([promise, endedWithout]);
  }

  /** Resolves to the URL of the ready line. */
  async listening(): Promise<string> {
    const [, url = ''] = await this.printed(/listening on (http:\/\/\S+)/);
    return url;
  }

  /** Sends the signal and waits for the end. */
  kill(signal: NodeJS.Signals): Promise<Ended> {
    this.child.kill(signal);
    return this.ended;
  }
}

/** Returns the test's variables, without those that configure the test itself or say that npm runs it. */
export function environmentOfPrograms(): NodeJS.ProcessEnv {
  const { NODE_TEST_CONTEXT: _, PORT: _1, HOST: _2, DATABASE_URL: _3, LOG_LEVEL: _4, ...others } = process.env;
  return Object.fromEntries(Object.entries(others).filter(([name]) => !name.startsWith('npm_')));
}

/** Makes a folder that is removed when the test ends. */
export function temporaryFolder(context: Lifetime): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-'));
  context.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}
