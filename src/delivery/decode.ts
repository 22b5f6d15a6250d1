import type { Transform } from 'node:stream';
import { constants, createBrotliDecompress, createGunzip, createInflate, createInflateRaw, createZstdDecompress } from 'node:zlib';
import { messageOf } from '../errors.ts';

/** The first bytes of a body. `fault` says why they are incomplete or wrong; undefined if they are fine. */
export interface BodyBytes {
  readonly bytes: Buffer;
  readonly fault: string | undefined;
}

export interface DecodeLimits {
  /** Byte limit for the body at every stage: decoding stops there. */
  readonly bytesMax: number;
  /** The fault to report for a longer body. */
  readonly tooLong: string;
}

/** Maximum encodings of a body: one is usual, two happen. */
const encodingsMax = 3;
/** The zstd window a sender may demand, as a power of two (RFC 9659). */
const zstdWindowLogMax = 23;

/** Undoes the encodings in a `Content-Encoding`, last one first. Never rejects. */
export async function decode(encoded: BodyBytes, contentEncoding: string, limits: DecodeLimits): Promise<BodyBytes> {
  const encodings = contentEncoding
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'identity');
  // A server may announce an encoding for an empty body, such as a 204's.
  if (encoded.bytes.length === 0) return encoded;
  if (encodings.length > encodingsMax) return undecoded(`has ${encodings.length} encodings, expected at most ${encodingsMax}`);
  let body = encoded;
  for (const encoding of encodings.toReversed()) {
    const decoder = decoderOf(encoding, body.bytes);
    if (decoder === undefined) return undecoded(`has the encoding ${encoding.slice(0, 40)}, expected one of br, deflate, gzip and zstd`);
    const { bytes, fault } = await run(decoder, body.bytes, { ...limits, encoding });
    // An earlier fault explains all later ones.
    body = { bytes, fault: body.fault ?? fault };
  }
  return body;
}

function undecoded(fault: string): BodyBytes {
  return { bytes: Buffer.alloc(0), fault };
}

function decoderOf(encoding: string, [first = 0]: Buffer): (Transform & { readonly bytesWritten: number }) | undefined {
  switch (encoding) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'deflate':
      // The RFC means zlib's format (RFC 1950, whose first byte ends in 8); some servers send its raw contents.
      return (first & 0x0f) === 8 ? createInflate() : createInflateRaw();
    case 'br':
      return createBrotliDecompress();
    case 'zstd':
      return createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: zstdWindowLogMax } });
    default:
      return undefined;
  }
}

function run(
  decoder: Transform & { readonly bytesWritten: number },
  encoded: Buffer,
  { bytesMax, tooLong, encoding }: DecodeLimits & { readonly encoding: string },
): Promise<BodyBytes> {
  const { promise, resolve } = Promise.withResolvers<BodyBytes>();
  const chunks: Buffer[] = [];
  let length = 0;
  const end = (fault: string | undefined) => {
    decoder.destroy();
    resolve({ bytes: Buffer.concat(chunks), fault });
  };
  decoder.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    length += chunk.length;
    if (length > bytesMax) end(tooLong);
  });
  decoder.on('end', () => end(decoder.bytesWritten < encoded.length ? `continues after its ${encoding} data` : undefined));
  decoder.on('error', (error) => end(`cannot be decoded as ${encoding} (${messageOf(error)})`));
  decoder.end(encoded);
  return promise;
}
