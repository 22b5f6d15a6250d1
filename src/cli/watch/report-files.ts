import { registerHooks } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';

/*
 * Loaded before everything else (`--import`) in a process that `serve --watch` starts. It reports the files it loads to its parent, and
 * ends with its parent, however that ended.
 */

/** The root of Millrace itself: `src/cli/watch` below a checkout, `dist/src/cli/watch` below a package. */
const ownFolders = ['../../', '../../../systems/', '../../../bin/'].map((path) => fileURLToPath(new URL(path, import.meta.url)));
const ownBin = join(dirname(process.argv[1] ?? ''), '/');

if (isMainThread && process.send !== undefined) {
  registerHooks({
    load(url, context, nextLoad) {
      if (url.startsWith('file:')) report(fileURLToPath(url));
      return nextLoad(url, context);
    },
  });
  // The parent is gone without notice: nothing else would end this process.
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  // A module whose top-level await never resolves must still be detected.
  process.channel?.unref();
}

function report(path: string): void {
  const isOwn = path.includes('node_modules') || path.startsWith(ownBin) || ownFolders.some((folder) => path.startsWith(folder));
  if (!isOwn) process.send?.({ loaded: path });
}
