/** A fenced block of a page, with the text around it. */
export interface Block {
  readonly page: string;
  /** The line at which its text begins, from 1. */
  readonly line: number;
  readonly language: string;
  readonly text: string;
  /** The paragraph before it. */
  readonly lead: string;
  /** The comments right before it, which readers of the page do not see. */
  readonly comments: readonly string[];
}

/**
 * Returns the fenced blocks of a Markdown page. A block may be indented, as in a list. Comments between the paragraph and the block belong to
 * the block; `marks.ts` says what they mean.
 */
export function blocksOf(page: string, markdown: string): readonly Block[] {
  const blocks: Block[] = [];
  const lines = markdown.split('\n');
  let before: string[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const [, indent, language] = /^( *)```(\w*)$/.exec(lines[at] ?? '') ?? [];
    if (indent === undefined || language === undefined) {
      before.push(lines[at] ?? '');
      continue;
    }
    const end = lines.indexOf(`${indent}\`\`\``, at + 1);
    if (end < 0) throw new Error(`${page}:${at + 1}: expected an end of the block`);
    const text = lines.slice(at + 1, end).map((line) => line.slice(indent.length));
    blocks.push({ page, line: at + 2, language, text: text.join('\n'), ...whatLeadsTo(before.join('\n')) });
    before = [];
    at = end;
  }
  return blocks;
}

/** Returns the files that a page gives to its snippets in comments: `<!-- file: NAME`, a line break, and the content. */
export function hiddenFilesOf(markdown: string): readonly (readonly [name: string, content: string])[] {
  return Array.from(markdown.matchAll(/<!-- file: (\S+)\n(.*?)\n-->/gs), ([, name = '', content = '']) => [name, content]);
}

function whatLeadsTo(text: string): Pick<Block, 'lead' | 'comments'> {
  const comments: string[] = [];
  let rest = text.trimEnd();
  while (rest.endsWith('-->')) {
    const from = rest.lastIndexOf('<!--');
    comments.unshift(rest.slice(from + '<!--'.length, -'-->'.length).trim());
    rest = rest.slice(0, from).trimEnd();
  }
  return { lead: rest.split(/\n\s*\n/).at(-1) ?? '', comments };
}
