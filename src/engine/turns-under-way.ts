import { AsyncLocalStorage } from 'node:async_hooks';
import type { TurnRecord } from './turn.ts';

/** Names an attempt at an event, timer or outcome. */
export interface TurnName {
  readonly pipeline: string;
  readonly key: string;
  /** The id of the event, or of the outcome's delivery; the name of a timer. */
  readonly id: string;
  readonly attempt: number;
}

/** The turns of an engine, for handling failures that no turn waits for. */
export interface Turns {
  /** The asynchronous turns under way. */
  underWay(): readonly TurnName[];
  /** Returns the turn during which this is called, or in which the calling timer or promise began. It may be over. */
  present(): TurnName | undefined;
  /** Fails the attempt of {@link present}, if it is asynchronous and under way. */
  fail(reason: Error): void;
}

interface Followed {
  readonly name: TurnName;
  readonly turn: TurnRecord;
}

/** Tracks the turns under way, and which of them a piece of code belongs to. */
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

  /** Calls a handler so that everything it begins belongs to its turn. */
  follow(turn: TurnRecord, handle: () => unknown): unknown {
    return this.#context.run({ name: nameOf(turn), turn }, handle);
  }

  /** Notes that an asynchronous turn is under way. */
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
