import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Program, type ProgramOptions, temporaryFolder } from './program.ts';

/** A test's own folder in which `millrace` runs. It is removed, and its processes are killed, when the test ends. */
export class Yard {
  readonly folder: string;
  readonly #context: TestContext;

  /** @param files the text of each file, by its name */
  constructor(context: TestContext, files: Readonly<Record<string, string>>) {
    this.#context = context;
    this.folder = temporaryFolder(context);
    for (const [name, text] of Object.entries(files)) writeFileSync(this.path(name), text);
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  start(words: readonly string[], options: Omit<ProgramOptions, 'folder'> = {}): Program {
    return new Program(this.#context, words, { ...options, folder: this.folder });
  }
}
