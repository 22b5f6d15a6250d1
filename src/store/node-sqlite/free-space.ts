import { randomFillSync } from 'node:crypto';
import { closeSync, openSync, readFileSync, statSync, unlinkSync, writeSync } from 'node:fs';

const pieceBytes = 64 * 1024;
/** Not zeros, which a file system may store without using space. */
const noise = randomFillSync(Buffer.alloc(pieceBytes));

/** Reasons why the file system took no more bytes, by error code. */
const faults: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left on the disk',
  EDQUOT: 'the disk quota of this user is used up',
  EFBIG: "a file has reached this process's size limit",
};

/** Returns why a file-system call found no room; undefined for any other failure. */
export function roomFaultOf(thrown: unknown): string | undefined {
  return faults[codeOfFault(thrown) ?? ''];
}

/** Returns the code of a file-system error, such as `ENOSPC`. */
export function codeOfFault(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : undefined;
}

/**
 * Returns why a file of this size cannot be written beside another; undefined if it can be, or cannot for another reason. It is actually
 * written and deleted: free-space figures say nothing about quotas.
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

/**
 * Returns why a database or its log cannot grow although there is room beside it: this process's limit (`ulimit -f`), as far as Linux
 * reports it.
 */
export function whyNotLonger(path: string): string | undefined {
  const limit = fileSizeLimit();
  if (limit === undefined) return undefined;
  const isAtLimit = [path, `${path}-wal`].some((file) => sizeOf(file) + pieceBytes > limit);
  return isAtLimit ? `${faults.EFBIG} (ulimit -f: ${limit} bytes)` : undefined;
}

/** Fills a file with noise up to a size; it keeps what it has, even if no more can be written. Throws what the file system throws. */
export function growTo(path: string, bytes: number): void {
  const file = openSync(path, 'a', 0o600);
  try {
    for (let left = bytes - sizeOf(path); left > 0; ) left -= writeSync(file, noise, 0, Math.min(left, pieceBytes));
  } finally {
    closeSync(file);
  }
}

/** Returns the size of a file; 0 if there is none. */
export function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It could not be created.
  }
}

/** Undefined if there is none, and on other systems than Linux. */
function fileSizeLimit(): number | undefined {
  try {
    const [, bytes] = /^Max file size +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return bytes === undefined ? undefined : Number(bytes);
  } catch {
    return undefined;
  }
}
