import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** The field of a line of /proc/self/mountinfo with the mount point (proc_pid_mountinfo(5)). */
const mountPointField = 4;

/** Tests whether something is mounted at the path itself, which must be free of symbolic links and exist. */
export type IsMountPoint = (path: string) => boolean;

/**
 * Reads the mount points of this process once, and answers for paths. On Linux the list decides, because a file may be mounted from within
 * its own file system, and on an overlay a file and its folder may differ by device without any mount. Elsewhere the device decides.
 */
export function mountPoints(): IsMountPoint {
  const listed = listMountPoints();
  if (listed !== undefined) return (path) => listed.has(path);
  return (path) => statSync(path).dev !== statSync(dirname(path)).dev;
}

function listMountPoints(): ReadonlySet<string> | undefined {
  try {
    return parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8'));
  } catch {
    // Not Linux, or /proc is not mounted.
    return undefined;
  }
}

/** Parses the mount points in /proc/self/mountinfo, which writes a space as `\040`. */
export function parseMountInfo(text: string): ReadonlySet<string> {
  return new Set(text.split('\n').map((line) => unescapeOctal(line.split(' ')[mountPointField] ?? '')));
}

/** Only a space, a tab, a line feed, a backslash and a hash are escaped. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
