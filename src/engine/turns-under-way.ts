import { AsyncLocalStorage } from 'node:async_hooks';
import type { TurnRecord } from './turn.ts';

/** How an attempt at an event, timer or outcome is named. */
export interface TurnName {
  readonly pipeline: string;
  readonly key: string;
  /** Of the event, or of the delivery whose outcome is told; the name of a timer. */
  readonly id: string;
  readonly attempt: number;
}

/** The turns of an engine, for whoever handles the failures for which no turn waits. */
export interface Turns {
  /** The asynchronous turns under way. */
  underWay(): readonly TurnName[];
  /** The turn in whose course this is called, or in which a timer or a promise began that calls it. It may be over. */
  present(): TurnName | undefined;
  /** Fails the attempt of {@link present}, if it is asynchronous and under way. */
  fail(reason: Error): void;
}

interface Followed {
  readonly name: TurnName;
  readonly turn: TurnRecord;
}

/** Knows the turns under way, and which of them a piece of code belongs to. */
export class TurnsUnderWay implements Turns {
  readonly #context = new AsyncLocalStorage<Followed>();
  readonly #underWay = new Set<TurnRecord>();

  underWay(): readonly TurnName[] {
    return Array.from(this.#underWay, nameOf);
  }

  present(): TurnName | undefined {
    return this.#context.getStore()?.name;
  }

  fail(reason: Error): void {
    this.#context.getStore()?.turn.abort(reason);
  }

  /** Calls a handler so that whatever it begins belongs to its turn. */
  follow(turn: TurnRecord, handle: () => unknown): unknown {
    return this.#context.run({ name: nameOf(turn), turn }, handle);
  }

  /** An asynchronous turn is under way. */
  begin(turn: TurnRecord): void {
    this.#underWay.add(turn);
  }

  end(turn: TurnRecord): void {
    this.#underWay.delete(turn);
  }
}

function nameOf({ pipelineName: pipeline, key, id, attempt }: TurnRecord): TurnName {
  return { pipeline, key, id, attempt };
}
