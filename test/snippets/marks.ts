import type { Block } from './block.ts';

/** The comments before a block that say how to try it out; readers of the page do not see them. */
export interface Marks {
  /** `<!-- not run: REASON -->`: nothing in it runs. */
  readonly 'not run'?: string;
  /** `<!-- not run, COMMAND: REASON -->`: commands with this beginning do not run. */
  readonly commandsNotRun: ReadonlyMap<string, string>;
  /** `<!-- checked by: NAME -->`: one of `checks/` compares it with the product. */
  readonly 'checked by'?: string;
  /** `<!-- posted to: PATH -->`: it is posted to the server unchanged. */
  readonly 'posted to'?: string;
  /** `<!-- database: FILE -->`: the database for its SQL, instead of the server's. */
  readonly database?: string;
  /** `<!-- around`, a line break and code, in which a line `…` stands for the block; without such a line the block follows. */
  readonly around?: string;
}

const mark = /^(not run|checked by|posted to|database)(?:, (.+?))?: (.+)$/s;

/** Reads the comments of a block. Throws for an unknown one. */
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
