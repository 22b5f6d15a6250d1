import type { Readable } from 'node:stream';
import { type BodyBytes, decode } from './decode.ts';
import { describeFailure } from './describe-failure.ts';

/** The body of a response. `fault` says why `text` is incomplete, as in "its body …"; undefined if it is complete. */
export interface Body {
  readonly text: string;
  readonly fault: string | undefined;
}

const bodyBytesMax = 64 * 1024;
/** Bytes that an encoding may add to a body it cannot shorten. */
const encodingBytesMax = 4 * 1024;
const bytesMax = bodyBytesMax + encodingBytesMax;
const tooLong = 'is longer than 64 KiB';

/** Headers that affect how a body is read, by lower-case name. */
type BodyHeaders = Readonly<Partial<Record<'content-encoding' | 'content-type', string>>>;

/** Reads the first 64 KiB of a body, decoded, as text; the rest is neither read nor decoded. Never rejects. */
export async function readBody(body: Readable, headers: BodyHeaders): Promise<Body> {
  const { bytes, fault } = await decode(await readStart(body), headers['content-encoding'] ?? '', { bytesMax, tooLong });
  const isTooLong = bytes.length > bodyBytesMax;
  return {
    text: textOf(bytes.subarray(0, bodyBytesMax), { contentType: headers['content-type'] ?? '', isCut: isTooLong || fault !== undefined }),
    fault: fault ?? (isTooLong ? tooLong : undefined),
  };
}

async function readStart(body: Readable): Promise<BodyBytes> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of body) {
      const bytes: Buffer = Buffer.from(chunk);
      chunks.push(bytes);
      length += bytes.length;
      // Leaving the loop destroys the body, and with it the connection.
      if (length > bytesMax) return { bytes: Buffer.concat(chunks).subarray(0, bytesMax), fault: tooLong };
    }
    return { bytes: Buffer.concat(chunks), fault: undefined };
  } catch (error) {
    return { bytes: Buffer.concat(chunks), fault: `breaks off (${describeFailure(error)})` };
  }
}

/** Drops a character that is cut in two. */
function textOf(bytes: Buffer, { contentType, isCut }: { readonly contentType: string; readonly isCut: boolean }): string {
  return decoderOf(bytes, contentType).decode(bytes, { stream: isCut });
}

const byteOrderMarks: readonly (readonly [mark: Buffer, encoding: string])[] = [
  [Buffer.from([0xef, 0xbb, 0xbf]), 'utf-8'],
  [Buffer.from([0xff, 0xfe]), 'utf-16le'],
  [Buffer.from([0xfe, 0xff]), 'utf-16be'],
];

/** Uses the encoding given by the text's first bytes, else by its header, else UTF-8, as the Encoding Standard prescribes. */
function decoderOf(bytes: Buffer, contentType: string): TextDecoder {
  const marked = byteOrderMarks.find(([mark]) => bytes.subarray(0, mark.length).equals(mark));
  const [, named = 'utf-8'] = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType) ?? [];
  try {
    return new TextDecoder(marked?.[1] ?? named);
  } catch {
    // The encoding is unknown; response texts are almost always ASCII, which nearly all encodings share.
    return new TextDecoder();
  }
}
