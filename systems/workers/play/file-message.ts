import { hash } from 'node:crypto';
import type * as z from 'zod';
import { messageOf } from '../../../src/cli/index.ts';
import { speechOf, wholeNumber } from '../speech.ts';

/** A message of a file. */
export interface FileMessage {
  /** The row's id, in decimal. */
  readonly row: string;
  readonly worker: number;
  readonly message: string;
  readonly destination_worker: number;
  /** Time to wait before it, in milliseconds. */
  readonly interval: number;
  /** A fingerprint of the row's contents, however formatted. */
  readonly says: string;
}

/** A row as SQL returns it. */
export type Row = readonly [
  id: string | null,
  idType: string,
  dataType: string,
  /** Null if it is neither text nor a blob, or too long. */
  data: Uint8Array | null,
  bytes: number | null,
];

/** Maximum bytes of `data`. */
export const dataBytesMax = 16 * 1024 * 1024;

/** The longest wait in Node.js: 24 days. */
const intervalMsMax = 2 ** 31 - 1;

/** Reads rows; `encoding` is the database's. */
export class RowReader {
  readonly #schema: z.ZodType<Omit<FileMessage, 'row' | 'says'>>;
  readonly #decoders: Readonly<Record<string, TextDecoder>>;

  constructor(workers: number, encoding: string) {
    this.#schema = speechOf(workers).extend({ interval: wholeNumber(0, intervalMsMax) });
    // A blob's bytes are the writer's own; they are accepted if they are JSON.
    this.#decoders = { text: new TextDecoder(encoding, { fatal: true }), blob: new TextDecoder('UTF-8', { fatal: true }) };
  }

  /** Throws an error that names the row, the expected and the found value. */
  read(row: Row): FileMessage {
    const id = this.#idOf(row);
    const parsed = this.#schema.safeParse(this.#parse(id, row));
    if (!parsed.success) {
      throw new Error(`row ${id}: ${parsed.error.issues.map(({ path, message }) => [...path.map(String), message].join(': ')).join('; ')}`);
    }
    const { worker, message, destination_worker, interval } = parsed.data;
    const says = hash('sha256', JSON.stringify([worker, message, destination_worker, interval]), 'hex');
    return { row: id, worker, message, destination_worker, interval, says };
  }

  /** Returns the data of a row as written. */
  textOf(row: Row): string {
    const [id, , dataType, data, bytes] = row;
    const decoder = this.#decoders[dataType];
    if (decoder === undefined) throw new Error(`row ${id}: data: expected JSON, found ${kinds[dataType] ?? dataType}`);
    if (data === null) throw new Error(`row ${id}: data: expected at most ${dataBytesMax} bytes, found ${bytes}`);
    try {
      return decoder.decode(data);
    } catch {
      throw new Error(`row ${id}: data: expected JSON, found bytes that are not ${decoder.encoding.toUpperCase()}`);
    }
  }

  #idOf([id, idType]: Row): string {
    if (idType === 'integer' && id !== null) return id;
    throw new Error(`row ${id}: id: expected an integer, found ${kinds[idType] ?? idType}`);
  }

  #parse(id: string, row: Row): unknown {
    const text = this.textOf(row);
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new Error(`row ${id}: data: expected JSON, found: ${messageOf(error)}`);
    }
  }
}

/** SQL's type names, for people. */
const kinds: Readonly<Record<string, string>> = {
  null: 'NULL',
  integer: 'an integer',
  real: 'a number',
  text: 'a text',
  blob: 'a blob',
};
