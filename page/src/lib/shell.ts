interface Arguments {
  readonly options?: Readonly<Record<string, string>>;
  readonly operands?: readonly string[];
}

/** Builds a command line for a shell. Options without a value are left out; no text is taken for an option of its own. */
export function commandLine(command: string, { options = {}, operands = [] }: Arguments): string {
  const given = Object.entries(options).filter(([, value]) => value !== '');
  const named = given.map(([name, value]) => `--${name}${value.startsWith('-') ? '=' : ' '}${shellWord(value)}`);
  const end = operands.some((operand) => operand.startsWith('-')) ? ['--'] : [];
  return [command, ...named, ...end, ...operands.map(shellWord)].join(' ');
}

/**
 * Quotes a text, unless it is harmless, so that a POSIX shell takes it as one word and runs nothing of it. Control characters are spelled
 * out, since a terminal acts on pasted ones even within quotes.
 */
export function shellWord(text: string): string {
  if (/^[\w%+:,./@-]+$/.test(text)) return text;
  const quoted = text.replaceAll("'", String.raw`'\''`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to spell out; a line break is safe within quotes
  return `'${quoted.replace(/[\u0000-\u0009\u000b-\u001f\u007f]/g, (one) => `'"$(printf '${octalOf(one)}')"'`)}'`;
}

function octalOf(character: string): string {
  return `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`;
}
