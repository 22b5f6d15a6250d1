/** A command of a shell block. */
export interface Command {
  readonly text: string;
  /** The comment at its end. */
  readonly comment: string;
}

/** Splits a block into commands; a command with an open quote or a `\` at the end of its line continues on the next. */
export function commandsOf(text: string): readonly Command[] {
  const commands: Command[] = [];
  let pending = '';
  for (const line of text.split('\n')) {
    pending += pending === '' ? line : `\n${line}`;
    const { end, isOpen } = scan(pending);
    if (isOpen || pending.endsWith('\\')) continue;
    const command = pending.slice(0, end).trim();
    if (command !== '') commands.push({ text: command, comment: pending.slice(end).replace(/^#\s*/, '').trim() });
    pending = '';
  }
  if (pending !== '') throw new Error(`expected an end of the command, found ${JSON.stringify(pending)}`);
  return commands;
}

const token = /'[^']*'|"(?:\\.|[^"\\])*"|(?<=^|\s)(?<comment>#)|./gs;

/** Finds the end of the command, where its comment begins, and whether a quote is still open there. */
function scan(text: string): { readonly end: number; readonly isOpen: boolean } {
  for (const { 0: found, index, groups } of text.matchAll(token)) {
    if (groups?.comment !== undefined) return { end: index, isOpen: false };
    if (found === "'" || found === '"') return { end: text.length, isOpen: true };
  }
  return { end: text.length, isOpen: false };
}
