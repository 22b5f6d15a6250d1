import { codeOf, faultFields, faultOf } from '../../fault.ts';
import type { AnyPipeline } from '../../pipeline/pipeline.ts';
import type { Inbox, NamedCount } from '../../store/store.ts';
import type { Door } from '../door.ts';
import type { EngineContext } from '../engine-context.ts';
import { saidElsewhere } from '../input-faults.ts';
import { Lookout } from '../lookout.ts';
import type { Partitions } from '../partitions.ts';
import { WatchedPipeline } from './watched-pipeline.ts';

/** Rows of a pipeline that are counted. */
const countMax = 10_000;
/** After a look that failed, in milliseconds. */
const nextTryMs = 1_000;
/** While rows wait that nobody takes in: how often one looks whether they still do, and at most which pipelines other engines declare, in milliseconds. */
const strangersMs = 5_000;
/** What the watch works with; the engine provides it. */
export interface InboxWatchMeans {
  readonly engine: EngineContext;
  readonly door: Door;
  readonly partitions: Partitions;
  /** Those of the user. */
  readonly pipelines: readonly AnyPipeline[];
}

/**
 * Looks after the inbox, where the store has one, and has rows taken in when they come. Of all engines on a database the one that works on a
 * certain partition of a pipeline takes its rows in. Each pipeline is looked after by itself: one that has no room keeps no other waiting.
 *
 * Rows of a pipeline that no engine declares stay where they are, until one does: a release may know it that starts later. The log has a
 * line, and the health of the engine a warning.
 */
export class InboxWatch {
  readonly #means: InboxWatchMeans;
  readonly #inbox: Inbox | undefined;
  readonly #watched = new Map<string, WatchedPipeline>();
  readonly #lookout: Lookout | undefined;
  #callOff: (() => void) | undefined;
  #endListening: (() => void) | undefined;
  #strangers: readonly NamedCount[] = [];
  readonly #toldOf = new Set<string>();
  #roll: { readonly at: number; readonly pipelines: ReadonlySet<string> } | undefined;
  readonly #underWay = new Set<Promise<void>>();
  #isClosed = false;

  constructor(means: InboxWatchMeans) {
    this.#means = means;
    this.#inbox = means.engine.store.inbox;
    if (this.#inbox === undefined) return;
    const inbox = this.#inbox;
    const { engine, partitions, door } = means;
    this.#lookout = new Lookout({
      clock: engine.clock,
      look: () => this.#tracked(this.#look(inbox)),
      looked: () => this.#lookAfterStrangers(),
      failed: (error) => this.#failed(error),
    });
    for (const pipeline of means.pipelines) {
      const watched = new WatchedPipeline(
        { engine, inbox, pipeline, partitions, admission: door.inboxAdmission },
        { look: () => this.#lookout?.look(), tracked: (look) => this.#tracked(look), failed: (error) => this.#warn(error) },
      );
      this.#watched.set(pipeline.name, watched);
    }
  }

  /** From now on rows are taken in. */
  start(): void {
    this.#endListening = this.#inbox?.listen(() => this.#lookout?.look());
    this.#lookout?.look();
  }

  /** Takes nothing in any more. Resolves when what is under way has ended. */
  async stop(): Promise<void> {
    this.#isClosed = true;
    this.#endListening?.();
    this.#lookout?.close();
    this.#callOff?.();
    for (const watched of this.#watched.values()) watched.close();
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
  }

  /** Rows that nobody takes in. */
  warnings(): readonly string[] {
    const shown = (count: number) => (count < countMax ? String(count) : `${countMax} or more`);
    return this.#strangers.map(
      ({ name, count }) => `inbox: ${shown(count)} ${count === 1 ? 'row waits' : 'rows wait'} for pipeline ${name}, which nobody declares`,
    );
  }

  async #look(inbox: Inbox): Promise<void> {
    const found = await inbox.waiting(Array.from(this.#watched.keys()), countMax);
    const counts = new Map(found.map(({ name, count }) => [name, count]));
    for (const [name, watched] of this.#watched) watched.counted(counts.get(name) ?? 0);
    await this.#noteStrangers(found.filter(({ name }) => !this.#watched.has(name)));
  }

  async #noteStrangers(found: readonly NamedCount[]): Promise<void> {
    const known = found.length === 0 ? new Set<string>() : await this.#declaredByOthers();
    this.#strangers = found.filter(({ name }) => !known.has(name));
    for (const { name, count } of this.#strangers) {
      if (this.#toldOf.has(name)) continue;
      this.#toldOf.add(name);
      this.#means.engine.log.warn({ pipeline: name, rows: count }, 'rows of the inbox wait for a pipeline that nobody declares');
    }
    for (const name of this.#toldOf) if (!found.some((stranger) => stranger.name === name)) this.#toldOf.delete(name);
  }

  /** Engines side by side may declare different pipelines. */
  async #declaredByOthers(): Promise<ReadonlySet<string>> {
    const { store, clock } = this.#means.engine;
    const at = clock.elapsedMs();
    if (this.#roll === undefined || at - this.#roll.at >= strangersMs) {
      const { members } = await store.beat();
      this.#roll = { at, pipelines: new Set(members.flatMap(({ pipelines }) => pipelines)) };
    }
    return this.#roll.pipelines;
  }

  async #tracked(look: Promise<void>): Promise<void> {
    this.#underWay.add(look);
    try {
      await look;
    } finally {
      this.#underWay.delete(look);
    }
  }

  #failed(error: unknown): void {
    this.#warn(error);
    this.#lookAfter(nextTryMs);
  }

  /** No store tells that rows were deleted, or that another engine declares their pipeline. */
  #lookAfterStrangers(): void {
    if (this.#strangers.length > 0) this.#lookAfter(strangersMs);
  }

  #lookAfter(ms: number): void {
    this.#callOff?.();
    if (!this.#isClosed) this.#callOff = this.#means.engine.clock.after(ms, () => this.#lookout?.look());
  }

  #warn(error: unknown): void {
    const code = codeOf(error);
    if (this.#isClosed || (code !== undefined && saidElsewhere.has(code))) return;
    this.#means.engine.log.warn(faultFields(faultOf(error)), 'a look at the inbox failed, and is tried again');
  }
}
