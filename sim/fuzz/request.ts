/** A header as written; names may repeat. */
export type Header = readonly [name: string, value: string];

/** A request before serialisation. Texts are written as latin1, so that each character is one byte. */
export interface Request {
  readonly method: string;
  readonly target: string;
  /** Default `HTTP/1.1`. */
  readonly version?: string;
  /** `Host` and `Content-Length` are added unless they, or a `Transfer-Encoding`, are present. */
  readonly headers?: readonly Header[];
  readonly body?: Buffer | undefined;
  /** Added to the headers. */
  readonly authorization?: string | undefined;
}

/** Serialises the whole request. */
export function toBytes(request: Request): Buffer {
  return Buffer.concat([headOf(request), request.body ?? Buffer.alloc(0)]);
}

/** Serialises the request up to its body. */
export function headOf({ method, target, version = 'HTTP/1.1', headers = [], body, authorization }: Request): Buffer {
  const given = new Set(headers.map(([name]) => name.toLowerCase()));
  const framed = given.has('content-length') || given.has('transfer-encoding');
  const lines = [
    `${method} ${target} ${version}`,
    ...(given.has('host') ? [] : ['Host: fuzz']),
    ...(authorization === undefined ? [] : [`Authorization: ${authorization}`]),
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...(body === undefined || framed ? [] : [`Content-Length: ${body.length}`]),
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

/** Returns a body in chunks of `size` bytes. */
export function chunked(body: Buffer, size: number): Buffer {
  const chunks: Buffer[] = [];
  for (let at = 0; at < body.length; at += size) {
    const chunk = body.subarray(at, at + size);
    chunks.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'));
  }
  return Buffer.concat([...chunks, Buffer.from('0\r\n\r\n')]);
}
