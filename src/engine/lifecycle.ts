import { MillraceError } from '../errors.ts';
import type { AnyPipeline } from '../pipeline/pipeline.ts';
import { misplacedKeys } from './accepted-otherwise.ts';
import type { EngineParts } from './engine-parts.ts';
import { declaredState } from './state.ts';
import { declaredAs } from './store-declaration.ts';

/** Starts and stops the parts of an engine, in dependency order. */
export class Lifecycle {
  readonly #parts: EngineParts;
  /** Resolves when a start under way has ended, whatever its result. */
  #starting: Promise<unknown> = Promise.resolve();
  /** Aborted when a stop interrupts a start. */
  readonly #brokenOff = new AbortController();
  #stopping: Promise<void> | undefined;

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  /** Opens the store, takes over whatever an earlier run left, and begins work. Throws what the store throws. */
  async start(): Promise<void> {
    this.#parts.state.start();
    const started = this.#start();
    this.#starting = started.catch(() => undefined);
    await started;
  }

  /** Ends all work, and returns whatever is unfinished after `timeoutMs` to the store. All calls resolve with the same stop. */
  stop(timeoutMs: number): Promise<void> {
    this.#stopping ??= this.#stop(timeoutMs);
    return this.#stopping;
  }

  async #start(): Promise<void> {
    const { state, fleet, threads, transports, schedules, retention, leftovers, inbox, inlets, letterOperations } = this.#parts;
    try {
      await inlets.open();
      await this.#openStore();
      await threads.start();
      await transports.open();
      await fleet.start();
      if (state.failure !== undefined) throw state.failure;
      if (this.#stopping !== undefined) throw new MillraceError('MILL_STOPPING', 'the engine is stopping');
      state.work();
      await schedules.start();
    } catch (error) {
      await this.#giveUpStart(error);
    }
    inbox.start();
    inlets.start();
    retention.start();
    letterOperations.start();
    void leftovers.start();
  }

  async #giveUpStart(error: unknown): Promise<never> {
    await Promise.all(this.#parts.partitions.all.map((partition) => partition.stop()));
    this.#parts.fleet.close();
    await this.#close();
    // Parts that a stop interrupted have failed only because of the stop.
    if (this.#stopping !== undefined)
      throw new MillraceError('MILL_STOPPING', 'the engine was stopped before it had started', { cause: error });
    this.#parts.state.giveUpStart();
    throw error;
  }

  async #openStore(): Promise<void> {
    const { engine, declared, partitions, provenStates } = this.#parts;
    const { store, log } = engine;
    const pipelines = Array.from(declared.all.values(), (pipeline) => ({
      ...declaredAs(pipeline),
      ...declaredState(pipeline),
    }));
    const { reshaped, misplaced, paused } = await store.open({ pipelines, tables: declared.tables }, log, this.#brokenOff.signal);
    if (misplaced.length > 0) throw misplacedKeys(misplaced.map((name) => declared.all.get(name) as AnyPipeline));
    for (const { name } of pipelines) partitions.setPaused(name, paused.includes(name));
    if (paused.length > 0) log.warn({ pipelines: paused }, 'pipelines were paused before the start, and stay paused until resumed');
    provenStates.clear();
    for (const { name, state } of pipelines) {
      if (state === undefined) continue;
      if (!reshaped.includes(name)) provenStates.add(name);
      else {
        const message = 'states may have been stored under an earlier schema: each one is checked when read';
        log.warn({ pipeline: name, version: state.version }, message);
      }
    }
  }

  async #stop(timeoutMs: number): Promise<void> {
    const {
      state,
      partitions,
      fleet,
      threads,
      transports,
      schedules,
      retention,
      leftovers,
      inbox,
      inlets,
      commands,
      letterOperations,
      idle,
    } = this.#parts;
    const wasWorking = state.isWorking;
    state.stop();
    try {
      // An unresponsive database, or a module or transport that loads slowly, would keep the start from ending.
      if (!wasWorking) {
        const reason = new MillraceError('MILL_STOPPING', 'the engine is stopping');
        this.#brokenOff.abort(reason);
        transports.abandon(reason);
        await threads.close();
      }
      await this.#starting;
      commands.close();
      fleet.rest();
      // Comes before anything that waits for the store: a call beginning meanwhile may last as long as the stop.
      for (const partition of partitions.all) partition.work.rest();
      await inbox.stop();
      await inlets.stop();
      if (wasWorking) await (fleet.hasOthers ? fleet.handOver() : idle(timeoutMs));
      await retention.stop();
      letterOperations.close();
      schedules.stop();
      leftovers.close();
      if (wasWorking || state.failure !== undefined) await Promise.all(partitions.all.map((partition) => partition.stop()));
      fleet.close();
      await this.#close();
      state.ended();
    } catch (error) {
      state.endedWith(error);
      throw error;
    }
  }

  async #close(): Promise<void> {
    const { engine, threads, transports, inlets } = this.#parts;
    await threads.close();
    await transports.close();
    await inlets.close();
    await engine.store.close();
  }
}
