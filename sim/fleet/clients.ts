import { setTimeout as pause } from 'node:timers/promises';
import { integerFrom, pick, type Random, randomOf } from '../../systems/shared/random.ts';
import type { Member } from './member.ts';

/** The pipelines that clients send to. */
const pipelines = ['steps', 'numbers'] as const;
type PipelineName = (typeof pipelines)[number];

interface Step {
  readonly key: string;
  readonly n: number;
}

/** The clients' knowledge: everything acknowledged, and how they were answered. */
export class Book {
  /** The number of the last acknowledged event, by pipeline and key; all events before it are acknowledged too. */
  readonly acknowledged: ReadonlyMap<PipelineName, Map<string, number>> = new Map(pipelines.map((name) => [name, new Map()]));
  readonly answers = { accepted: 0, duplicate: 0, rejected: 0, refused: 0, lost: 0 };
  /** The slowest refusal, in milliseconds. */
  refusalMsMax = 0;
  /** Unanswered requests to a process that could have answered. */
  silent = 0;
  /** Unexpected answers. */
  readonly strange: string[] = [];
}

export interface ClientsOptions {
  readonly members: readonly Member[];
  readonly book: Book;
  readonly keys: number;
  /** Events per second of all clients together. */
  readonly rate: number;
  readonly seed: number;
  readonly signal: AbortSignal;
}

/** Whatever happens to the database, a request is answered within this time, in milliseconds. */
const refusedWithinMs = 5_000;
/** Time for which an unresponsive process is avoided, in milliseconds. */
const avoidedMs = 3_000;
/** Enough connections that clients waiting for a frozen process keep no other client from sending. */
const clients = 80;
const batch = 5;

/** Sends events to all members until told to end. */
export class Clients {
  readonly #options: ClientsOptions;
  #isEnding = false;
  readonly #running: Promise<unknown>;
  /** The time until which unresponsive members are avoided, as by a load balancer, on the clock of `performance.now()`. */
  readonly #avoided = new Map<Member, number>();

  constructor(options: ClientsOptions) {
    this.#options = options;
    this.#running = Promise.all(Array.from({ length: clients }, (_, nth) => this.#run(nth, randomOf(options.seed, 100 + nth))));
    // Whoever awaits the end gets the failure.
    this.#running.catch(() => undefined);
  }

  /** Resolves once every sent event is acknowledged. */
  async end(): Promise<void> {
    this.#isEnding = true;
    await this.#running;
  }

  get #isOver(): boolean {
    return this.#isEnding || this.#options.signal.aborted;
  }

  async #run(nth: number, random: Random): Promise<void> {
    const { keys, rate, book } = this.#options;
    const own = Math.ceil(keys / clients);
    const everyMs = (batch * clients * 1_000) / rate;
    await pause(random() * everyMs);
    while (!this.#isOver) {
      const from = performance.now();
      const pipeline = pick(random, pipelines);
      const last = book.acknowledged.get(pipeline) as Map<string, number>;
      const chosen = new Set(Array.from({ length: batch }, () => `key ${nth}-${integerFrom(random, 1, own)}`));
      const first = Array.from(chosen, (key) => ({ key, n: (last.get(key) ?? 0) + 1 }));
      if (pipeline === 'numbers') {
        // Two events of each key at once, in two ways: the later one often arrives first.
        const second = first.map(({ key, n }) => ({ key, n: n + 1 }));
        await Promise.all([this.#send(pipeline, second, random), this.#send(pipeline, first, random)]);
        for (const { key, n } of second) last.set(key, n);
      } else {
        await this.#send(pipeline, first, random);
        for (const { key, n } of first) last.set(key, n);
      }
      await pause(Math.max(0, everyMs * (pipeline === 'numbers' ? 2 : 1) - (performance.now() - from)));
    }
  }

  /** Sends until everything is acknowledged, each event to any member. */
  async #send(pipeline: PipelineName, steps: readonly Step[], random: Random): Promise<void> {
    for (let left = steps; left.length > 0 && !this.#options.signal.aborted; ) {
      left = await this.#try(pipeline, left, this.#anyOf(random));
      if (left.length > 0) await pause(integerFrom(random, 50, 200));
    }
  }

  #anyOf(random: Random): Member {
    const { members } = this.#options;
    const answering = members.filter((member) => (this.#avoided.get(member) ?? 0) < performance.now());
    return pick(random, (answering.length > 0 ? answering : members) as [Member, ...Member[]]);
  }

  /** Returns the unacknowledged events. */
  async #try(pipeline: PipelineName, steps: readonly Step[], member: Member): Promise<readonly Step[]> {
    const { book } = this.#options;
    const from = performance.now();
    const reply = await member.connection.post(`/pipelines/${pipeline}/events/batch`, { events: steps });
    if (reply.kind === 'lost') {
      book.answers.lost += 1;
      this.#avoided.set(member, performance.now() + avoidedMs);
      // A killed or frozen process cannot answer.
      if (performance.now() - from > refusedWithinMs && member.canAnswer) book.silent += 1;
      return steps;
    }
    if (reply.status !== 202) {
      book.answers.refused += 1;
      if (member.canAnswer) book.refusalMsMax = Math.max(book.refusalMsMax, performance.now() - from);
      if (reply.status !== 503) book.strange.push(`${member.name} answered ${reply.status} ${JSON.stringify(reply.body)}`);
      return steps;
    }
    const { results } = reply.body as { results: readonly { status: 'accepted' | 'duplicate' | 'rejected' }[] };
    for (const { status } of results) book.answers[status] += 1;
    return steps.filter((_, at) => results[at]?.status === 'rejected');
  }
}
