import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { isError, isInstance, messageOf } from '../errors.ts';
import { propertyOf, stackOf } from '../fault.ts';
import { lastResolved } from '../provide-millrace.ts';
import { describeMissing } from './missing-import.ts';
import { shownPath } from './shown-path.ts';

/**
 * Describes in one line why a module could not be loaded: what is wrong, where, and the remedy if Node.js's own message does not give one.
 * Call it right after the failure.
 */
export function describeLoadFailure(thrown: unknown): string {
  const code = isError(thrown) ? propertyOf(thrown, 'code') : undefined;
  const missing = isError(thrown) ? describeMissing(thrown, code) : undefined;
  if (missing !== undefined) return missing;
  const message = messageOf(thrown);
  const place = placeOf(thrown);
  const remedy = remedies.find((each) => each.when.test(typeof code === 'string' ? `${code} ${message}` : message))?.remedy;
  return [message, place === undefined ? '' : ` (${place})`, remedy === undefined ? '' : `; ${remedy}`].join('');
}

/** Node.js load errors, each with what a user can do about it. */
const remedies: readonly { readonly when: RegExp; readonly remedy: string }[] = [
  {
    when: /^ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX/,
    remedy:
      'Node.js only strips types. Write it in plain JavaScript (erasableSyntaxOnly in tsconfig.json finds all such places), ' +
      'or serve compiled code',
  },
  {
    when: /^ERR_UNKNOWN_FILE_EXTENSION/,
    remedy: 'expected .ts, .mts, .cts, .js, .mjs or .cjs; serve compiled code',
  },
  { when: /^ERR_IMPORT_ATTRIBUTE_MISSING/, remedy: `write import … with { type: 'json' }` },
  {
    when: /^Cannot use import statement outside a module/,
    remedy: 'its package.json makes it CommonJS. Set "type": "module" there, or rename the file to end in .mts or .mjs',
  },
];

/** Returns the place of the failure, as `./file.ts:3:7`: the syntax error's, or that of the first frame in a user's module. */
function placeOf(thrown: unknown): string | undefined {
  const stack = isError(thrown) ? propertyOf(thrown, 'stack') : undefined;
  if (typeof stack !== 'string') return undefined;
  const [first = '', ...lines] = stack.split('\n');
  // V8 and Node.js put the place of a syntax error, if they give one, in front.
  const inFront = /^(.+):(\d+)$/.exec(first);
  if (inFront !== null) return `${shownPath(inFront[1] ?? '')}:${inFront[2]}`;
  for (const line of lines) {
    const [, file, position] = /^(.+?):(\d+:\d+)$/.exec(placeIn(line)) ?? [];
    if (file !== undefined && !isInternal(file)) return `${shownPath(file)}:${position}`;
  }
  return isInstance(thrown, SyntaxError) ? placeByCheck() : undefined;
}

/**
 * Returns the frames of user code and the chain of causes, one per line, if they say more than the single place that
 * {@link describeLoadFailure} names; otherwise nothing.
 */
export function furtherPlaces(thrown: unknown): readonly string[] {
  const lines = stackOf(thrown).split('\n');
  const firstFrame = lines.findIndex(isFrame);
  const shown = lines.slice(firstFrame === -1 ? lines.length : firstFrame).filter((line) => !isFrame(line) || !isInternal(placeIn(line)));
  const frames = shown.filter(isFrame).length;
  return frames > 1 || frames < shown.length ? shown : [];
}

function isFrame(line: string): boolean {
  return /^\s+at /.test(line);
}

/** Returns the place in a frame, which Node.js writes in parentheses after a function's name, or alone. */
function placeIn(frame: string): string {
  return /^\s+at (?:async )?(?:.*\()?([^()]+)\)?$/.exec(frame)?.[1] ?? frame;
}

/** The sources of Millrace and of its bundled systems. */
const ownCode = ['../', '../../systems/'].map((folder) => new URL(folder, import.meta.url).href);

/** Returns whether a place belongs to Node.js, Millrace, or the tools that run its commands. */
function isInternal(place: string): boolean {
  return (
    place.startsWith('node:') ||
    place.startsWith('<') ||
    ownCode.some((folder) => place.startsWith(folder)) ||
    place.includes('/node_modules/commander/')
  );
}

/** Asks `node --check` for the place: a parse error in an ES module names none, not even a file. */
function placeByCheck(): string | undefined {
  const url = lastResolved();
  if (url === undefined || !url.startsWith('file:')) return undefined;
  const { stderr } = spawnSync(process.execPath, ['--check', fileURLToPath(url)], { encoding: 'utf8' });
  const found = /^(.+):(\d+)$/m.exec(stderr);
  return found === null ? undefined : `${shownPath(found[1] ?? '')}:${found[2]}`;
}
