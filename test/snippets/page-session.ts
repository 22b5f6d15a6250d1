import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Block, hiddenFilesOf } from './block.ts';
import { checks } from './checks/index.ts';
import { type Command, commandsOf } from './commands.ts';
import { assertPrinted, isAsSaid } from './expected-output.ts';
import { marksOf } from './marks.ts';
import { fileNameOf, fileTextOf, printedComments } from './program-file.ts';
import { checkScripts } from './scripts.ts';
import type { Served, Workshop } from './workshop.ts';

/** Programs that have no effect outside the folder of the page. */
const runnable: ReadonlySet<string> = new Set(['curl', 'millrace', 'node', 'npx', 'sqlite3']);

/**
 * A reader who goes through a page from top to bottom, in one folder and one terminal: writes its files, runs its programs and
 * commands, leaves servers running that commands have started, and compares the output with the page.
 */
export class PageSession {
  readonly folder: string;
  readonly #workshop: Workshop;
  #served: Served | undefined;
  /** The output of the previous block. */
  #printed: string | undefined;

  constructor(workshop: Workshop, page: string, markdown: string, blocks: readonly Block[]) {
    this.#workshop = workshop;
    this.folder = workshop.folderOf(page);
    for (const [name, content] of hiddenFilesOf(markdown)) writeFileSync(join(this.folder, name), content);
    for (const block of blocks) {
      if (!isCode(block)) continue;
      const file = join(this.folder, fileNameOf(block));
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, fileTextOf(block));
    }
  }

  /** Throws if the block does not do what it says, or can neither be tried nor gives a reason for that. */
  async tryOut(block: Block): Promise<void> {
    const { 'not run': notRun, 'checked by': checkedBy, 'posted to': postedTo } = marksOf(block);
    const printed = this.#printed;
    this.#printed = undefined;
    if (checkedBy !== undefined) return checkOf(checkedBy)(block, this.#workshop);
    if (notRun !== undefined) return block.language === 'sh' ? checkScripts(block) : undefined;
    if (postedTo !== undefined) return this.#post(postedTo, block.text);
    if (isCode(block)) return this.#runCode(block);
    if (block.language === 'sh') return this.#runCommands(block);
    if (block.language === 'sql') return this.#runSql(block);
    if ((block.language === 'text' || block.language === '') && printed !== undefined) return assertPrinted(printed, block.text);
    throw new Error('expected a block that can be run, or a comment before it that says why not: <!-- not run: … -->');
  }

  async stop(): Promise<void> {
    const served = this.#served;
    this.#served = undefined;
    await served?.stop();
  }

  async #runCode(block: Block): Promise<void> {
    const file = fileNameOf(block);
    const words = file.endsWith('.test.ts') ? ['--test', file] : [file];
    const printed = await this.#workshop.run(this.folder, process.execPath, words);
    if (words.length === 2) assert.match(printed, /^(?:ℹ|#) pass [1-9]/m);
    const lines = printed.split('\n');
    for (const comment of printedComments(block.text))
      assert.ok(lines.includes(comment), `expected ${comment} to be printed in\n${printed}`);
    this.#printed = printed;
  }

  async #runCommands(block: Block): Promise<void> {
    const { commandsNotRun } = marksOf(block);
    const isLeftOut = ({ text }: Command) => [...commandsNotRun.keys()].some((beginning) => text.startsWith(beginning));
    for (const command of commandsOf(block.text)) if (!isLeftOut(command)) await this.#runCommand(command);
  }

  async #runCommand({ text, comment }: Command): Promise<void> {
    if (/(?:millrace|millrace\.js) serve\b/.test(text)) {
      await this.stop();
      this.#served = await this.#workshop.serve(this.folder, text);
      return;
    }
    const program = /^(?:\w+=\S* )*(\S+)/.exec(text)?.[1] ?? '';
    if (!runnable.has(program)) throw new Error(`expected ${[...runnable].join(', ')}, or a comment that says why it is not run: ${text}`);
    const command = text.replace(/\blocalhost:(?:8080|8088)\b/g, () => new URL(this.#server.url).host);
    const answer = async () => {
      this.#printed = await this.#workshop.run(this.folder, 'bash', ['-c', command]);
      const isAnswer = (program === 'curl' || program === 'sqlite3') && comment !== '';
      if (isAnswer) assert.ok(isAsSaid(this.#printed, comment), `${text}: expected ${comment}, found ${this.#printed}`);
    };
    // A read waits a quarter of a second for earlier events; a busy machine may need longer.
    await (program === 'curl' && !/ (?:-d|-X) /.test(text) ? eventually(answer) : answer());
  }

  async #post(path: string, body: string): Promise<void> {
    const answer = await fetch(`${this.#server.url}${path}`, { method: 'POST', body });
    assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.text()}`);
  }

  async #runSql(block: Block): Promise<void> {
    const { database = 'data/millrace.db' } = marksOf(block);
    await this.#workshop.run(this.folder, 'sqlite3', [database, block.text.replace(/ *--.*$/gm, '')]);
  }

  get #server(): Served {
    if (this.#served === undefined) throw new Error('expected a command before it that serves');
    return this.#served;
  }
}

/** Retries a failing read for ten seconds. */
async function eventually(read: () => Promise<void>): Promise<void> {
  const until = performance.now() + 10_000;
  for (;;) {
    try {
      return await read();
    } catch (error) {
      if (performance.now() > until) throw error;
    }
  }
}

function isCode({ language }: Block): boolean {
  return language === 'ts' || language === 'js';
}

function checkOf(name: string): (typeof checks)[string] {
  const check = checks[name];
  if (check === undefined) throw new Error(`expected the name of a check (${Object.keys(checks).join(', ')}), found ${name}`);
  return check;
}
