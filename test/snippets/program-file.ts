import type { Block } from './block.ts';
import { marksOf } from './marks.ts';

/** The file for a block of code: the one named by its paragraph, or a file of its own. */
export function fileNameOf({ language, lead, line }: Block): string {
  return /`((?:src\/|test\/)?[\w-]+(?:\.test)?\.(?:ts|js))`/.exec(lead)?.[1] ?? `line-${line}.${language}`;
}

/** The contents of the file: the block, with the code around it that the page leaves out. */
export function fileTextOf(block: Block): string {
  const { around } = marksOf(block);
  if (around === undefined) return `${block.text}\n`;
  if (!/^ *…$/m.test(around)) return `${around}\n${block.text}\n`;
  return `${around.replace(/^ *…$/m, () => block.text)}\n`;
}

/** Returns the lines that the code claims to print: `console.log(…); // { visits: 1 }`. */
export function printedComments(text: string): readonly string[] {
  return Array.from(text.matchAll(/console\.log\(.*\); \/\/ ([[{'"\d].*)$/gm), ([, comment = '']) => comment);
}
