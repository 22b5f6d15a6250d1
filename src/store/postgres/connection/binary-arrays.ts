/*
 * Encodes array parameters in PostgreSQL's binary format (array_recv): as text, every quote and backslash of a body would be escaped here
 * and parsed again there. A Buffer parameter is sent unchanged.
 */

const oids = { int4: 23, int8: 20, text: 25, bytea: 17, bool: 16 } as const;

/** Bytes before the items: dimensions, null flag, item type, item count, and the first index. */
const headBytes = 20;
const two32 = 2 ** 32;

function head(items: number, oid: number, itemBytes: number): Buffer {
  const buffer = Buffer.allocUnsafe(headBytes + 4 * items + itemBytes);
  buffer.writeInt32BE(1, 0);
  buffer.writeInt32BE(1, 4);
  buffer.writeInt32BE(oid, 8);
  buffer.writeInt32BE(items, 12);
  buffer.writeInt32BE(1, 16);
  return buffer;
}

/** An empty array has no dimension. */
function empty(oid: number): Buffer {
  const buffer = Buffer.alloc(12);
  buffer.writeInt32BE(oid, 8);
  return buffer;
}

/** A `text[]`. */
export function texts(values: readonly (string | null)[]): Buffer {
  if (values.length === 0) return empty(oids.text);
  const lengths = values.map((value) => (value === null ? -1 : Buffer.byteLength(value)));
  const buffer = head(
    values.length,
    oids.text,
    lengths.reduce((total, length) => total + Math.max(0, length), 0),
  );
  let at = headBytes;
  for (const [index, value] of values.entries()) {
    at = buffer.writeInt32BE(lengths[index] ?? -1, at);
    if (value !== null) at += buffer.write(value, at);
  }
  return buffer;
}

/** A `bytea[]`. */
export function bytes(values: readonly Buffer[]): Buffer {
  if (values.length === 0) return empty(oids.bytea);
  const buffer = head(
    values.length,
    oids.bytea,
    values.reduce((total, { length }) => total + length, 0),
  );
  let at = headBytes;
  for (const value of values) {
    at = buffer.writeInt32BE(value.length, at);
    at += value.copy(buffer, at);
  }
  return buffer;
}

/** An `int8[]`. Every number must be an integer that JavaScript holds exactly, 2⁵³ included. */
export function bigints(values: readonly (number | null)[]): Buffer {
  if (values.length === 0) return empty(oids.int8);
  const buffer = head(values.length, oids.int8, 8 * values.length);
  let at = headBytes;
  for (const value of values) {
    if (value === null) at = buffer.writeInt32BE(-1, at);
    else {
      const high = Math.floor(value / two32);
      at = buffer.writeInt32BE(8, at);
      at = buffer.writeInt32BE(high, at);
      at = buffer.writeUInt32BE(value - high * two32, at);
    }
  }
  return buffer.subarray(0, at);
}

/** An `int4[]`. */
export function integers(values: readonly number[]): Buffer {
  if (values.length === 0) return empty(oids.int4);
  const buffer = head(values.length, oids.int4, 4 * values.length);
  let at = headBytes;
  for (const value of values) {
    at = buffer.writeInt32BE(4, at);
    at = buffer.writeInt32BE(value, at);
  }
  return buffer;
}

/** A `bool[]`. */
export function booleans(values: readonly boolean[]): Buffer {
  if (values.length === 0) return empty(oids.bool);
  const buffer = head(values.length, oids.bool, values.length);
  let at = headBytes;
  for (const value of values) {
    at = buffer.writeInt32BE(1, at);
    at = buffer.writeUInt8(value ? 1 : 0, at);
  }
  return buffer;
}
