import type { Block } from './block.ts';

/** The comments before a block that say how it is tried out; readers of the page do not see them. */
export interface Marks {
  /** `<!-- not run: REASON -->`: nothing of it is run. */
  readonly 'not run'?: string;
  /** `<!-- not run, COMMAND: REASON -->`: commands that are not run, by how they begin. */
  readonly commandsNotRun: ReadonlyMap<string, string>;
  /** `<!-- checked by: NAME -->`: one of `checks/` holds it against the product. */
  readonly 'checked by'?: string;
  /** `<!-- posted to: PATH -->`: it is posted to the server as it stands. */
  readonly 'posted to'?: string;
  /** `<!-- database: FILE -->`: the one that its SQL is for, in place of the server's. */
  readonly database?: string;
  /** `<!-- around`, a line break and code, in which a line `…` stands for the block; without such a line the block follows. */
  readonly around?: string;
}

const mark = /^(not run|checked by|posted to|database)(?:, (.+?))?: (.+)$/s;

/** Reads the comments of a block. Throws for one that means nothing. */
export function marksOf({ page, line, comments }: Block): Marks {
  const commandsNotRun = new Map<string, string>();
  const marks = comments.map((comment): Partial<Marks> => {
    if (comment.startsWith('around\n')) return { around: comment.slice('around\n'.length) };
    const [, name, command, value = ''] = mark.exec(comment) ?? [];
    if (name === undefined && !comment.startsWith('file: '))
      throw new Error(`${page}:${line}: expected a known comment, found ${JSON.stringify(comment)}`);
    if (command === undefined) return name === undefined ? {} : { [name]: value };
    commandsNotRun.set(command, value);
    return {};
  });
  return Object.assign({ commandsNotRun }, ...marks);
}
