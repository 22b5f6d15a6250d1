import { hash } from 'node:crypto';
import { MillraceError } from '../../errors.ts';
import type { Table } from '../../pipeline/table.ts';
import { BlockLines, linesOf, type TimelineText } from './block-lines.ts';
import { Checksum } from './checksum.ts';
import type { BegunCopy, CopyEnd, CopySource, CopyTarget } from './copy-ends.ts';
import { type CopiedRow, type CopyPart, cellOf, partsOf } from './copy-part.ts';
import { Placing, type SliceOf } from './placing.ts';

/** The data to copy, and the receiver of progress. */
export interface CopyOptions {
  /** Declared pipelines, by name. */
  readonly pipelines: readonly string[];
  readonly tables: readonly Table[];
  /** Placement in the target. */
  readonly sliceOf: SliceOf;
  readonly timeline: TimelineText;
  /** Ends the copy after the rows under way. It rejects with the reason, and can be resumed later. */
  readonly signal: AbortSignal;
  readonly progress: CopyProgress;
}

export interface CopyProgress {
  /** Announces the total number of rows, and how many an earlier copy has already brought over. */
  begin(stage: 'copying' | 'verifying', rows: { readonly total: number; readonly there: number }): void;
  step(rows: number): void;
}

/** The copied contents of a pipeline. */
export interface CopiedPipeline {
  readonly pipeline: string;
  readonly events: number;
  /** The held ones among these. */
  readonly held: number;
  readonly keys: number;
  readonly gaps: number;
  readonly timers: number;
  readonly outcomes: number;
  readonly deliveries: number;
  readonly deadLetters: number;
  readonly ids: number;
}

export interface Copied {
  readonly pipelines: readonly CopiedPipeline[];
  readonly tables: readonly { readonly table: string; readonly rows: number }[];
  /** Rows of the inbox. */
  readonly inbox: number;
  /** Undeclared tables of the source, which were left out. */
  readonly leftOut: readonly string[];
}

interface CountedPart {
  readonly part: CopyPart;
  readonly count: number;
}

/**
 * Copies a database into an empty one, or resumes an interrupted copy, verifies it, and turns the target into a normal database. Rows are
 * read in a stable order, written some at a time, and counted in the transaction that writes them: so none is skipped or duplicated,
 * wherever the copy is interrupted.
 *
 * Throws `MILL_INVALID_CONFIGURATION` for a source with more than is declared, `MILL_CONFLICT` for a target with other contents,
 * `MILL_STORE_CORRUPT` for a copy that differs from its source, and what the stores throw.
 */
export async function copyStore(source: CopySource, target: CopyTarget, options: CopyOptions): Promise<Copied> {
  const { signal, progress } = options;
  const { parts, leftOut } = await partsToCopy(source, target, options);
  const counted: CountedPart[] = [];
  for (const part of parts) counted.push({ part, count: await source.count(part) });
  const fingerprint = await fingerprintOf(source, target, counted);
  const begun = await begunCopy(target, { parts, fingerprint });
  const total = counted.reduce((sum, { count }) => sum + count, 0);
  const there = counted.reduce((sum, { part }) => sum + (begun.done.get(part.name) ?? 0), 0);
  progress.begin('copying', { total, there });
  for (const one of counted) await copyPart(source, target, one, { begun, options });
  progress.begin('verifying', { total, there: 0 });
  const found = new Map<string, Tally>();
  for (const { part } of counted) found.set(part.name, await verifyPart(source, target, part, options));
  if ((await fingerprintOf(source, target, counted)) !== fingerprint) throw changed(source, target);
  signal.throwIfAborted();
  await target.finish();
  return { ...reportOf(parts, found), leftOut };
}

/** Returns the declared parts that the source has. */
async function partsToCopy(
  source: CopySource,
  target: CopyTarget,
  { pipelines: declared, tables }: CopyOptions,
): Promise<{ readonly parts: readonly CopyPart[]; readonly leftOut: readonly string[] }> {
  const pipelines = await source.pipelines();
  for (const pipeline of pipelines) {
    if (declared.includes(pipeline)) continue;
    const holds = await whatItHolds(
      source,
      partsOf([pipeline], []).filter((part) => 'pipeline' in part),
    );
    if (holds === undefined) continue;
    const advice = `Name the module that declares it, or delete it with millrace store delete ${pipeline}.`;
    throw new MillraceError(
      'MILL_INVALID_CONFIGURATION',
      `${source.name}: expected only declared pipelines (${declared.filter((name) => !name.startsWith('millrace_')).join(', ')}), found ${holds}. ${advice}`,
    );
  }
  const present = await source.tables();
  const copied = pipelines.filter((pipeline) => declared.includes(pipeline));
  const parts = partsOf(
    copied,
    tables.filter(({ name }) => present.includes(name)),
    await keptSlices(source, target, copied),
  );
  return { parts, leftOut: present.filter((name) => !tables.some((table) => table.name === name)) };
}

/** Returns the pipelines whose keys are in the same slices of both databases. */
async function keptSlices(source: CopySource, target: CopyTarget, pipelines: readonly string[]): Promise<readonly string[]> {
  if (source.slices !== target.slices) return [];
  const kept: string[] = [];
  for (const pipeline of pipelines) {
    const placement = await source.placementOf(pipeline);
    if (placement !== undefined && placement === (await target.placementOf(pipeline))) kept.push(pipeline);
  }
  return kept;
}

/** Returns undefined if there is nothing. */
async function whatItHolds(end: CopyEnd, parts: readonly CopyPart[]): Promise<string | undefined> {
  for (const part of parts) {
    const count = await end.count(part);
    if (count > 0) return `${count.toLocaleString('en')} ${count === 1 ? 'row' : 'rows'} of ${part.name}`;
  }
  return undefined;
}

/** Fingerprints the copied data and its time: a source worked on since then is a different one. */
async function fingerprintOf(source: CopySource, target: CopyTarget, counted: readonly CountedPart[]): Promise<string> {
  const rows = counted.map(({ part, count }) => [part.name, count]);
  return hash('sha256', JSON.stringify([target.slices, await source.epochs(), rows]));
}

async function begunCopy(
  target: CopyTarget,
  { parts, fingerprint }: { readonly parts: readonly CopyPart[]; readonly fingerprint: string },
): Promise<BegunCopy> {
  const before = await target.begun();
  if (before !== undefined) {
    if (before.fingerprint === fingerprint) return before;
    throw new MillraceError(
      'MILL_CONFLICT',
      `${target.name}: the copy found there has another source: the source was worked on since it began, or other ` +
        'systems were named. Delete the target and start over.',
    );
  }
  const pipelines = await target.pipelines();
  const tables = parts.filter(({ kind }) => kind === 'rows');
  const holds = await whatItHolds(target, [...partsOf(pipelines, []).filter(({ kind }) => kind !== 'shapes'), ...tables]);
  if (holds !== undefined) throw new MillraceError('MILL_CONFLICT', `${target.name}: expected an empty database, found ${holds}`);
  await target.begin(fingerprint);
  const begun = await target.begun();
  if (begun === undefined) throw new MillraceError('MILL_INTERNAL', `${target.name}: expected a copy under way, found none`);
  return begun;
}

async function copyPart(
  source: CopySource,
  target: CopyTarget,
  { part, count }: CountedPart,
  { begun, options }: { readonly begun: BegunCopy; readonly options: CopyOptions },
): Promise<void> {
  let done = begun.done.get(part.name) ?? 0;
  if (done === count) return;
  const heads = part.kind === 'log' ? await begun.heads(part.pipeline) : new Map<number, number>();
  const { signal, progress } = options;
  const place = placer(part, { source, target, options }, { heads, from: done });
  await source.read(part, done, async (rows) => {
    signal.throwIfAborted();
    await target.write(part, await place(rows), { before: done, after: done + rows.length });
    done += rows.length;
    progress.step(rows.length);
  });
}

/** The two ends of a copy. */
interface Ends {
  readonly source: CopySource;
  readonly target: CopyTarget;
  readonly options: CopyOptions;
}

/** Returns what gives the rows of a part their places in the target. */
function placer(
  part: CopyPart,
  { source, target, options: { sliceOf, timeline } }: Ends,
  { heads, from }: { readonly heads: ReadonlyMap<number, number>; readonly from: number },
): (rows: readonly CopiedRow[]) => readonly CopiedRow[] | Promise<readonly CopiedRow[]> {
  if (part.kind === 'blocks') {
    const lines = new BlockLines(part.pipeline, { source, sliceOf, timeline });
    return (rows) => lines.place(rows);
  }
  const placing = new Placing(part, { sliceOf, slices: target.slices }, heads, from);
  return (rows) => placing.place(rows);
}

/** Returns rows of the target as they were placed there. */
function asPlaced({ kind }: CopyPart, rows: readonly CopiedRow[]): readonly CopiedRow[] {
  if (kind === 'blocks') return linesOf(rows);
  // The key of an id determines its place, and is not stored.
  return kind === 'ids' ? rows.map((row) => ({ ...row, values: [...row.values.slice(0, 2), null] })) : rows;
}

/** The counts made while verifying a part. */
interface Tally {
  readonly rows: number;
  /** Held events. */
  readonly held: number;
  /** Causes that are timers. */
  readonly timers: number;
}

/** Reads a part at both ends, and throws `MILL_STORE_CORRUPT` unless the target matches the source, with everything in its proper place. */
async function verifyPart(source: CopySource, target: CopyTarget, part: CopyPart, options: CopyOptions): Promise<Tally> {
  const { signal, progress } = options;
  const place = placer(part, { source, target, options }, { heads: new Map(), from: 0 });
  const [expected, found] = [new Checksum(), new Checksum()];
  const tally = { rows: 0, held: 0, timers: 0 };
  await source.read(part, 0, async (rows) => {
    signal.throwIfAborted();
    expected.add(await place(rows));
    tally.rows += rows.length;
    for (const row of rows) count(part, row, tally);
    progress.step(rows.length);
  });
  await target.read(part, 0, async (rows) => {
    signal.throwIfAborted();
    found.add(asPlaced(part, rows));
  });
  if (expected.rows === found.rows && expected.text === found.text) return tally;
  const describe = ({ rows, text }: Checksum) => `${rows} rows with checksum ${text}`;
  throw new MillraceError(
    'MILL_STORE_CORRUPT',
    `${target.name}: ${part.name}: expected ${describe(expected)}, found ${describe(found)}. Somebody has written to one of the databases ` +
      'meanwhile. Delete the target and start over.',
  );
}

function count(part: CopyPart, { values }: CopiedRow, tally: { held: number; timers: number }): void {
  if (part.kind === 'log' && cellOf('log', 'held_attempts', values) !== null) tally.held += 1;
  if (part.kind === 'causes' && cellOf('causes', 'kind', values) === 'timer') tally.timers += 1;
}

function changed(source: CopySource, target: CopyTarget): MillraceError {
  return new MillraceError('MILL_CONFLICT', `${source.name}: it changed during the copy. Delete ${target.name} and start over.`);
}

function reportOf(parts: readonly CopyPart[], found: ReadonlyMap<string, Tally>): Omit<Copied, 'leftOut'> {
  const none: Tally = { rows: 0, held: 0, timers: 0 };
  const pipelines = parts.flatMap((part) => (part.kind === 'log' ? [part.pipeline] : []));
  return {
    inbox: parts.reduce((sum, { kind, name }) => sum + (kind === 'inbox' ? (found.get(name)?.rows ?? 0) : 0), 0),
    pipelines: pipelines.map((pipeline) => {
      const of = (kind: string) => found.get(`${pipeline}/${kind}`) ?? none;
      return {
        ...{ pipeline, events: of('log').rows, held: of('log').held, keys: of('keys').rows, gaps: of('gaps').rows },
        ...{ timers: of('causes').timers, outcomes: of('causes').rows - of('causes').timers, deliveries: of('deliveries').rows },
        ...{ deadLetters: of('letters').rows, ids: of('ids').rows },
      };
    }),
    tables: parts.flatMap((part) => (part.kind === 'rows' ? [{ table: part.table.name, rows: found.get(part.name)?.rows ?? 0 }] : [])),
  };
}
