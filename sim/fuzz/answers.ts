/** A response of the server. */
export interface Answer {
  readonly status: number;
  /** By lower-case name; a repeated header has its last value. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/**
 * Parses the responses on a connection, skipping interim ones (1xx). Whether a response has a body depends on the request, so it is given
 * the methods, in order.
 */
export class AnswerReader {
  readonly answers: Answer[] = [];
  readonly #methods: readonly string[];
  #pending: Buffer[] = [];
  #length = 0;
  /** Bytes needed before another look is worthwhile. */
  #wanted = 1;
  #fault: string | undefined;

  constructor(methods: readonly string[]) {
    this.#methods = methods;
  }

  /** The reason the data is not HTTP; undefined if it is. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** Bytes of an incomplete response. */
  get left(): number {
    return this.#length;
  }

  push(bytes: Buffer): void {
    this.#pending.push(bytes);
    this.#length += bytes.length;
    if (this.#length < this.#wanted || this.#fault !== undefined) return;
    let rest: Buffer = Buffer.concat(this.#pending);
    for (let taken = this.#take(rest); taken > 0; taken = this.#take(rest)) rest = rest.subarray(taken);
    this.#pending = [rest];
    this.#length = rest.length;
  }

  /** Returns the length of the first response; 0 if it is incomplete. */
  #take(bytes: Buffer): number {
    this.#wanted = 1;
    const end = bytes.indexOf('\r\n\r\n');
    if (end === -1) return 0;
    const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
    const status = Number(/^HTTP\/1\.[01] (\d{3})( |$)/.exec(first)?.[1] ?? Number.NaN);
    if (Number.isNaN(status)) {
      this.#fault = `expected a status line, found ${JSON.stringify(first.slice(0, 100))}`;
      return 0;
    }
    const headers = new Map(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    );
    if (status < 200) return end + 4;
    const body = this.#bodyOf(bytes, end + 4, { status, headers });
    if (body === undefined) return 0;
    this.answers.push({ status, headers, body: body.bytes });
    return body.end;
  }

  #bodyOf(bytes: Buffer, start: number, { status, headers }: Omit<Answer, 'body'>): { bytes: Buffer; end: number } | undefined {
    if (status === 204 || status === 304 || this.#methods[this.answers.length] === 'HEAD') return { bytes: Buffer.alloc(0), end: start };
    if (headers.get('transfer-encoding') === 'chunked') return chunksOf(bytes, start);
    const length = Number(headers.get('content-length') ?? 0);
    if (bytes.length >= start + length) return { bytes: bytes.subarray(start, start + length), end: start + length };
    this.#wanted = start + length;
    return undefined;
  }
}

function chunksOf(bytes: Buffer, start: number): { bytes: Buffer; end: number } | undefined {
  const chunks: Buffer[] = [];
  for (let at = start; ; ) {
    const line = bytes.indexOf('\r\n', at);
    if (line === -1) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, line), 16);
    const end = line + 2 + size + 2;
    if (bytes.length < end) return undefined;
    if (size === 0) return { bytes: Buffer.concat(chunks), end };
    chunks.push(bytes.subarray(line + 2, line + 2 + size));
    at = end;
  }
}
