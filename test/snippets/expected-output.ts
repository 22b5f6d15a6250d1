import assert from 'node:assert/strict';

/**
 * Compares the output with the page: the same lines, in any order, since handlers print beside the program. A `…` matches any text,
 * and on a line of its own any lines; a moment matches any moment.
 */
export function assertPrinted(printed: string, expected: string): void {
  const left = linesOf(printed);
  const wanted = linesOf(expected);
  for (const line of wanted) {
    if (line === '…') continue;
    const at = left.findIndex((one) => patternOf(line).test(one));
    assert.ok(at >= 0, `expected the line ${JSON.stringify(line)} in\n${printed}`);
    left.splice(at, 1);
  }
  if (!wanted.includes('…')) assert.deepEqual(left, [], 'nothing else is printed');
}

/** Returns whether a text matches the page, where `…` stands for any text. */
export function isAsSaid(text: string, said: string): boolean {
  return patternOf(said).test(text.trimEnd());
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line.trim() !== '');
}

const moment = /\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)/;

function patternOf(line: string): RegExp {
  const parts = line.trimEnd().split(new RegExp(`(…|${moment.source})`));
  const pattern = parts.map((part) => (part === '…' ? '.*' : moment.test(part) ? moment.source : RegExp.escape(part))).join('');
  return new RegExp(`^${pattern.replace(/( |\\x20)+/g, '\\s+')}\\s*$`, 's');
}
