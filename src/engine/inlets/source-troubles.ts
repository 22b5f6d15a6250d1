import { codeOf, faultFields, faultOf } from '../../fault.ts';
import type { EngineContext } from '../engine-context.ts';
import { saidElsewhere } from '../input-faults.ts';
import type { Setback } from './setbacks.ts';
import type { NoRoom } from './topic-partition.ts';

/** Time without room after which a partition counts as held up, and interval of a partition's log lines, in milliseconds. */
const heldUpMs = { from: 10_000, logEvery: 60_000 };
/** Failures in a row after which a partition's records count as not taken: the first may be a handover or a lost connection. */
const failuresMin = 2;

/**
 * A reason why records of a topic are not taken in.
 *
 * - `unreadable`: the broker refuses, or does not answer; reading is retried.
 * - `not read`: somebody must decide how a partition continues.
 * - `not taken`: a partition is read, but the store does not take its records; they are tried again.
 * - `held up`: a partition is read, but its next record has had no room for long.
 */
export interface SourceTrouble {
  readonly status: 'unreadable' | 'not read' | 'not taken' | 'held up';
  /** Null if it concerns the topic as a whole. */
  readonly partition: number | null;
  readonly reason: string;
  /** When it began, in milliseconds since the epoch; null if unknown. */
  readonly since: number | null;
}

/** The dependencies of a source's troubles. */
export interface SourceTroublesMeans {
  readonly engine: Pick<EngineContext, 'clock' | 'log'>;
  readonly pipeline: string;
  readonly source: string;
}

/** What keeps records of a source from being taken in now. */
export interface Hindrances {
  /** The reason for which the topic cannot be read; undefined if it can. */
  readonly failure: string | undefined;
  /** Reasons for which partitions are not read, by number. */
  readonly stopped: ReadonlyMap<number, string>;
  readonly setbacks: readonly Setback[];
  /** Partitions whose next record must wait for room. */
  readonly noRoom: readonly (readonly [partition: number, noRoom: NoRoom])[];
}

/** Says what keeps records of a topic from being taken in: as a list, in words, and in the log. */
export class SourceTroubles {
  readonly #means: SourceTroublesMeans;
  readonly #toldOf = new Set<string>();
  /** Elapsed times of the last log line about each trouble of a partition. */
  readonly #loggedAt = new Map<string, number>();

  constructor(means: SourceTroublesMeans) {
    this.#means = means;
  }

  of({ failure, stopped, setbacks, noRoom }: Hindrances): readonly SourceTrouble[] {
    const { clock } = this.#means.engine;
    const momentOf = (elapsedMs: number) => clock.now() - Math.round(clock.elapsedMs() - elapsedMs);
    const troubles: SourceTrouble[] = [];
    if (failure !== undefined) troubles.push({ status: 'unreadable', partition: null, reason: failure, since: null });
    for (const [partition, reason] of stopped) troubles.push({ status: 'not read', partition, reason, since: null });
    for (const { partition, reason, times, since } of setbacks)
      if (times >= failuresMin) troubles.push({ status: 'not taken', partition, reason, since: momentOf(since) });
    const before = clock.elapsedMs() - heldUpMs.from;
    for (const [partition, { reason, since }] of noRoom)
      if (since <= before) troubles.push({ status: 'held up', partition, reason, since: momentOf(since) });
    return troubles;
  }

  inWords({ status, partition, reason, since }: SourceTrouble): string {
    const { engine, pipeline, source } = this.#means;
    const about = `pipeline ${pipeline}: ${source}`;
    if (status === 'unreadable') return `${about} cannot be read: ${reason}`;
    if (status === 'not read' || since === null) return `${about}, partition ${partition}, is not read: ${reason}`;
    const seconds = Math.floor((engine.clock.now() - since) / 1_000);
    if (status === 'not taken') return `${about}, partition ${partition}: the store has not taken its records for ${seconds} s: ${reason}`;
    return `${about}, partition ${partition}, is held up: there has been no room for its next record for ${seconds} s: ${reason}`;
  }

  /** Logs the partitions that are held up, each once a minute. */
  logHeldUp(troubles: readonly SourceTrouble[]): void {
    const { engine } = this.#means;
    for (const { status, partition, reason, since } of troubles) {
      if (status !== 'held up' || since === null || !this.#isDue(`${status} ${partition}`)) continue;
      const seconds = Math.floor((engine.clock.now() - since) / 1_000);
      engine.log.warn(
        { ...this.#about, partition, seconds, reason },
        'a partition of a topic is held up: there is no room for its next record',
      );
    }
  }

  /** Logs that the store did not take records of a partition, once a minute. */
  logNotTaken(partition: number, error: unknown): void {
    if (isSaidElsewhere(error) || !this.#isDue(`not taken ${partition}`)) return;
    const fields = { ...this.#about, partition, ...faultFields(faultOf(error)) };
    this.#means.engine.log.warn(fields, 'the store did not take records of a topic, and they are tried again');
  }

  logUnreadable(error: unknown): void {
    if (isSaidElsewhere(error)) return;
    this.#means.engine.log.warn({ ...this.#about, ...faultFields(faultOf(error)) }, 'a topic could not be read, and is tried again');
  }

  /** Logs once that a partition is not read. */
  logStopped({ partition, topicId }: { readonly partition: number; readonly topicId: string }, reason: string): void {
    const told = `${partition} ${topicId} ${reason}`;
    if (this.#toldOf.has(told)) return;
    this.#toldOf.add(told);
    this.#means.engine.log.error({ ...this.#about, partition, topicId, reason }, 'a partition of a topic is not read');
  }

  get #about(): { readonly pipeline: string; readonly source: string } {
    const { pipeline, source } = this.#means;
    return { pipeline, source };
  }

  #isDue(trouble: string): boolean {
    const now = this.#means.engine.clock.elapsedMs();
    if (now - (this.#loggedAt.get(trouble) ?? Number.NEGATIVE_INFINITY) < heldUpMs.logEvery) return false;
    this.#loggedAt.set(trouble, now);
    return true;
  }
}

function isSaidElsewhere(error: unknown): boolean {
  const code = codeOf(error);
  return code !== undefined && saidElsewhere.has(code);
}
