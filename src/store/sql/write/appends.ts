import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { MillraceError } from '../../../errors.ts';
import type { Appended, NewEvent, PartitionId } from '../../store.ts';
import type { Connections } from '../connection/connections.ts';
import { Flight } from '../connection/flight.ts';
import type { WriteStatements } from '../statements.ts';
import { newFlightId } from './flight-id.ts';
import { GroupQueue } from './group-queue.ts';
import { partitionsOf } from './partitions-of.ts';

/** Events per transaction, unless a single call has more. */
const eventsMax = 5_000;
/** Delay between attempts to find out what became of a flight, in milliseconds. */
const lookAgainMs = 100;

/** Time that a caller waits for an answer, whatever happens to the database: a request gets its 503 within five seconds. In milliseconds. */
const patienceMs = 4_000;

/** Notified of appends to logs. */
export interface AppendListener {
  /** @param owner the process that owns the partition; null if none does */
  grown(partition: PartitionId, owner: string | null): void;
}

/** Appends events to logs, combining all waiting callers in one transaction. */
export class Appends {
  readonly #connections: Connections;
  readonly #statements: WriteStatements;
  readonly #listener: AppendListener;
  readonly #queue: GroupQueue<readonly NewEvent[], readonly Appended[]>;
  /** The highest positions that this process knows to be taken. */
  readonly #heads = new Map<string, number>();

  constructor(connections: Connections, statements: WriteStatements, listener: AppendListener) {
    this.#connections = connections;
    this.#statements = statements;
    this.#listener = listener;
    this.#queue = new GroupQueue({
      weightMax: eventsMax,
      weigh: (events) => events.length,
      run: (group) => this.#run(group),
      isRefusal: connections.errors.isRefusal,
      patience: { ms: patienceMs, error: () => this.#silent() },
    });
  }

  append(events: readonly NewEvent[]): Promise<readonly Appended[]> {
    return events.length === 0 ? Promise.resolve([]) : this.#queue.do(events);
  }

  async #run(group: readonly (readonly NewEvent[])[]): Promise<readonly (readonly Appended[])[]> {
    const answers = await this.#append(group.flat());
    let from = 0;
    return group.map(({ length }) => {
      from += length;
      return answers.slice(from - length, from);
    });
  }

  /** If a flight's answer was lost its result is unknown, and must be found out. */
  async #append(events: readonly NewEvent[]): Promise<readonly Appended[]> {
    const flightId = newFlightId();
    let answers: readonly Appended[];
    try {
      answers = await this.#fly(events, flightId);
    } catch (error) {
      if (!this.#connections.errors.isConnectionFault(error)) throw error;
      answers = await this.#findOut(events, flightId, error);
    }
    this.#note(events, answers);
    return answers;
  }

  async #fly(events: readonly NewEvent[], flightId: number): Promise<readonly Appended[]> {
    let answers: readonly Appended[] = [];
    const owners = new Map<PartitionId, string | null>();
    await this.#connections.write(() => {
      const flight = new Flight();
      this.#statements.addHeadLocks(flight, partitionsOf(events), (partition, owner) => owners.set(partition, owner));
      answers = this.#statements.addAppends(flight, events, flightId);
      return flight;
    });
    for (const [partition, owner] of owners) this.#listener.grown(partition, owner);
    return answers;
  }

  /**
   * The flight's entries carry its number. Once this call has the locks that the flight needs, the flight has ended, either way; its
   * database process is ended first, since the flight may not even have begun.
   */
  async #findOut(events: readonly NewEvent[], flightId: number, lost: unknown): Promise<readonly Appended[]> {
    const until = performance.now() + this.#connections.options.statementTimeoutMs;
    for (let error = lost; ; ) {
      try {
        await this.#connections.endLost(error);
        const found = await this.#lookFor(events, flightId);
        const missing = events.filter((event) => !found.has(event));
        const others = missing.length === 0 ? [] : await this.#fly(missing, flightId);
        const judged = new Map(missing.map((event, at) => [event, others[at]]));
        return events.map((event) => found.get(event) ?? (judged.get(event) as Appended));
      } catch (again) {
        if (performance.now() > until) throw again;
        error = again;
        await wait(lookAgainMs);
      }
    }
  }

  async #lookFor(events: readonly NewEvent[], flightId: number): Promise<ReadonlyMap<NewEvent, Appended>> {
    const partitions = partitionsOf(events);
    const found = new Map<NewEvent, Appended>();
    await this.#connections.write(() => {
      const flight = new Flight();
      this.#statements.addHeadLocks(flight, partitions, () => undefined);
      for (const [pipeline, own] of Map.groupBy(partitions, (partition) => partition.pipeline)) {
        const after = own.map((partition) => ({ slice: partition.slice, position: this.#heads.get(nameOf(partition)) ?? 0 }));
        flight.add(this.#statements.logged(pipeline, after, flightId), ({ rows }) => {
          for (const [slice, position, key, id, number] of rows) {
            const isIt = (event: NewEvent) =>
              !found.has(event) &&
              event.partition.pipeline === pipeline &&
              event.partition.slice === slice &&
              event.key === key &&
              event.id === id &&
              event.number === number;
            const event = events.find(isIt);
            if (event !== undefined) found.set(event, { status: 'accepted', position: Number(position) });
          }
        });
      }
      return flight;
    });
    return found;
  }

  #silent(): MillraceError {
    return new MillraceError('MILL_STORE_UNAVAILABLE', `${this.#connections.options.name}: no answer for ${patienceMs} ms`);
  }

  #note(events: readonly NewEvent[], answers: readonly Appended[]): void {
    for (const [at, answer] of answers.entries()) {
      const event = events[at];
      if (answer.status !== 'accepted' || event === undefined) continue;
      const name = nameOf(event.partition);
      this.#heads.set(name, Math.max(this.#heads.get(name) ?? 0, answer.position));
    }
  }
}

function nameOf({ pipeline, slice }: PartitionId): string {
  return `${slice} ${pipeline}`;
}
