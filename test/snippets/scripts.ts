import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkout } from '../program.ts';
import type { Block } from './block.ts';
import { commandsOf } from './commands.ts';

/** Checks commands that are not run: the scripts and files that they name must exist. */
export function checkScripts(block: Block): void {
  let folder = checkout;
  for (const { text } of commandsOf(block.text)) {
    const [, subshell = text] = /^\((.+)\)$/.exec(text) ?? [];
    const before = folder;
    for (const command of subshell.split(' && ')) {
      if (command.startsWith('cd ')) folder = join(folder, command.slice('cd '.length));
      else checkScript(folder, command);
    }
    if (subshell !== text) folder = before;
  }
}

const npmCommands: ReadonlySet<string | undefined> = new Set(['ci', 'install', 'link']);

function checkScript(folder: string, command: string): void {
  const [program, word = '', name] = command.split(' ');
  if (program === 'bash') assert.ok(existsSync(join(folder, word)), command);
  if (program !== 'npm' || npmCommands.has(word)) return;
  const script = (word === 'run' ? name : word) ?? '';
  const { scripts } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  assert.equal(typeof scripts[script], 'string', `expected a script ${script} in ${folder}/package.json`);
}
