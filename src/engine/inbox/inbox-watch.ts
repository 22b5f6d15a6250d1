import { codeOf, faultFields, faultOf } from '../../fault.ts';
import type { AnyPipeline } from '../../pipeline/pipeline.ts';
import type { Inbox, NamedCount } from '../../store/store.ts';
import type { Door } from '../door.ts';
import type { EngineContext } from '../engine-context.ts';
import { saidElsewhere } from '../input-faults.ts';
import { Lookout } from '../lookout.ts';
import type { Partitions } from '../partitions.ts';
import { WatchedPipeline } from './watched-pipeline.ts';

/** Maximum rows counted per pipeline. */
const countMax = 10_000;
/** Delay after a failed look, in milliseconds. */
const nextTryMs = 1_000;
/**
 * While rows wait that nobody takes: how often to check whether they still do, and the longest interval between checks of other engines'
 * pipelines, in milliseconds.
 */
const strangersMs = 5_000;
/** The dependencies of the watch, provided by the engine. */
export interface InboxWatchMeans {
  readonly engine: EngineContext;
  readonly door: Door;
  readonly partitions: Partitions;
  /** The user's pipelines. */
  readonly pipelines: readonly AnyPipeline[];
}

/**
 * Watches the inbox, if the store has one, and has rows taken as they come. Among all engines on a database, the owner of a particular
 * partition of a pipeline takes its rows. Each pipeline is watched separately: one without room delays no other.
 *
 * Rows of a pipeline that no engine declares stay until one does: a release that starts later may know it. This adds a line to the log and
 * a warning to the engine's health.
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

  /** Takes rows from now on. */
  start(): void {
    this.#endListening = this.#inbox?.listen(() => this.#lookout?.look());
    this.#lookout?.look();
  }

  /** Stops taking rows. Resolves when the work under way has ended. */
  async stop(): Promise<void> {
    this.#isClosed = true;
    this.#endListening?.();
    this.#lookout?.close();
    this.#callOff?.();
    for (const watched of this.#watched.values()) watched.close();
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
  }

  /** Warnings about rows that nobody takes. */
  warnings(): readonly string[] {
    const shown = (count: number) => (count < countMax ? String(count) : `${countMax} or more`);
    return this.#strangers.map(
      ({ name, count }) =>
        `inbox: ${shown(count)} ${count === 1 ? 'row waits' : 'rows wait'} for pipeline ${name}, which no engine declares`,
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
      this.#means.engine.log.warn({ pipeline: name, rows: count }, 'rows of the inbox wait for a pipeline that no engine declares');
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

  /** No store reports that rows were deleted, or that another engine declares their pipeline. */
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
    this.#means.engine.log.warn(faultFields(faultOf(error)), 'a check of the inbox failed, and will be retried');
  }
}
