import { randomFillSync } from 'node:crypto';
import { closeSync, openSync, readFileSync, statSync, unlinkSync, writeSync } from 'node:fs';

const pieceBytes = 64 * 1024;
/** Not zeros, which a file system may store in no space. */
const noise = randomFillSync(Buffer.alloc(pieceBytes));

/** Why the file system took no more bytes, by the code of its error. */
const faults: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left on the disk',
  EDQUOT: 'the disk quota of this user is used up',
  EFBIG: 'a file has reached the largest size that this process may write',
};

/** Why a call to the file system found no room; undefined where it failed otherwise. */
export function roomFaultOf(thrown: unknown): string | undefined {
  return faults[codeOfFault(thrown) ?? ''];
}

/** The code of an error of the file system, such as `ENOSPC`. */
export function codeOfFault(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : undefined;
}

/**
 * Why a file of so many bytes cannot be written beside another; undefined when it can be, or cannot for another reason. It is
 * written and deleted: what is free tells nothing of quotas.
 */
export function whyNoRoom(path: string, bytes: number): string | undefined {
  const probe = `${path}-room`;
  try {
    growTo(probe, bytes);
    return undefined;
  } catch (error) {
    return roomFaultOf(error);
  } finally {
    unlinkIfThere(probe);
  }
}

/** Why a database or its log cannot grow although there is room beside it: the limit of this process (`ulimit -f`), as far as Linux tells. */
export function whyNotLonger(path: string): string | undefined {
  const limit = fileSizeLimit();
  if (limit === undefined) return undefined;
  const isAtLimit = [path, `${path}-wal`].some((file) => sizeOf(file) + pieceBytes > limit);
  return isAtLimit ? `${faults.EFBIG} (ulimit -f: ${limit} bytes)` : undefined;
}

/** Writes noise to a file until it has so many bytes; it keeps what it has, also when no more can be written. Throws what the file system throws. */
export function growTo(path: string, bytes: number): void {
  const file = openSync(path, 'a', 0o600);
  try {
    for (let left = bytes - sizeOf(path); left > 0; ) left -= writeSync(file, noise, 0, Math.min(left, pieceBytes));
  } finally {
    closeSync(file);
  }
}

/** The size of a file; 0 where there is none. */
export function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It could not be made.
  }
}

/** Undefined where there is none, and where this is not Linux. */
function fileSizeLimit(): number | undefined {
  try {
    const [, bytes] = /^Max file size +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return bytes === undefined ? undefined : Number(bytes);
  } catch {
    return undefined;
  }
}
