/** Splits statements into texts that a server accepts. One that is too long goes alone, and the server refuses it. */
export function piecesOf<T extends { readonly text: string }>(statements: readonly T[], bytesMax: number): readonly (readonly T[])[] {
  const pieces: T[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const statement of statements) {
    const size = Buffer.byteLength(statement.text) + separator.length;
    if (bytes + size > bytesMax) {
      pieces.push([]);
      bytes = 0;
    }
    pieces.at(-1)?.push(statement);
    bytes += size;
  }
  return pieces;
}

/** Between two statements of a text. */
export const separator = ';\n';
