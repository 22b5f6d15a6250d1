import type { Clock } from '../../src/engine/clock.ts';
import { sliceOf } from '../../src/engine/identify.ts';
import { type Mill, millrace } from '../../src/engine/mill.ts';
import type { Answer, OutgoingCall } from '../../src/pipeline/endpoint.ts';
import type { PartitionId, Store } from '../../src/store/store.ts';
import type { ArrivedCall } from '../ledger.ts';
import { isOfFault } from './faulty-store.ts';
import { simulatedPipelines } from './pipelines.ts';
import type { Deed, DeliveryPlan, Program } from './program.ts';
import type { Scheduler } from './scheduler.ts';
import { aborted, type Surroundings } from './turn.ts';

/** The world outside the process, shared by its lives. */
export interface World {
  readonly program: Program;
  readonly scheduler: Scheduler;
  readonly random: () => number;
  readonly isMended: boolean;
  /** Names that lives beginning now do not declare. */
  readonly undeclared: ReadonlySet<string>;
  readonly calls: ArrivedCall[];
  note(what: string): void;
  count(what: string): void;
  broken(what: string): void;
}

function resultOf(fate: 'delivered' | 'unknown' | 'refused' | 'failed' | 'throws'): ArrivedCall['result'] {
  if (fate === 'throws') return 'failed';
  return fate === 'unknown' ? 'doubtful' : fate;
}

/** A run of the process, from its start to its stop or death. */
export class Life implements Surroundings {
  readonly life: number;
  readonly mill: Mill;
  readonly kept: object[] = [];
  /** Rejects when the process dies. */
  readonly died: Promise<never>;
  /** True if another process has the store without this one knowing. */
  isBarred = false;
  /** The calls waiting for it to wake; undefined while it is awake. */
  #asleep: (() => void | Promise<void>)[] | undefined;
  /** The latest term of each partition. */
  readonly #terms = new Map<string, number>();
  readonly #world: World;
  readonly #undeclared: ReadonlySet<string>;
  readonly #die: (reason: Error) => void;
  readonly #running = new Set<string>();
  /** The partitions of the store, which may be other than the program asks for. */
  readonly #partitions: number;
  #isAlive = true;
  #hasFailed = false;

  constructor(life: number, world: World, makeStore: (life: Life) => Store) {
    this.life = life;
    this.#world = world;
    this.#undeclared = world.undeclared;
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => undefined);
    this.died = promise;
    this.#die = reject;
    const { settings } = world.program;
    const { warmKeys, feed, commit, memoryBytes } = settings;
    const store = makeStore(this);
    this.#partitions = store.partitions;
    this.mill = millrace({
      store,
      pipelines: simulatedPipelines(settings, this),
      limits: { warmKeys, feed, commit, memoryBytes, pendingPerKey: settings.maxPending },
      clock: this.#clock(),
      random: world.random,
    });
    this.mill.stopped.catch((error: unknown) => {
      this.#hasFailed = true;
      if (this.#isAlive && !isOfFault(error)) world.broken(`life ${life} ended by itself: ${error instanceof Error ? error.stack : error}`);
    });
  }

  /** True while any of it can still run. */
  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** True if a supervisor would restart it. */
  get hasEnded(): boolean {
    return !this.#isAlive || this.#hasFailed;
  }

  get isMended(): boolean {
    return this.#world.isMended;
  }

  /** Acts once the process is awake; does nothing if it is dead. */
  act(run: () => void | Promise<void>): void | Promise<void> {
    if (!this.#isAlive) return;
    if (this.#asleep === undefined) return run();
    this.#asleep.push(run);
  }

  /** Freezes the process until it wakes, as when the machine has no time for it. */
  freeze(): void {
    this.#asleep ??= [];
  }

  wake(): void {
    const missed = this.#asleep ?? [];
    this.#asleep = undefined;
    for (const run of missed) this.#world.scheduler.add('missed work happens', () => this.act(run));
  }

  get isAwake(): boolean {
    return this.#asleep === undefined;
  }

  /** Records that it has a partition from now on, as the n-th owner. */
  claimed({ pipeline, slice }: PartitionId, term: number): void {
    this.#terms.set(`${pipeline}/${slice}`, term);
  }

  lifeOf(pipeline: string, key: string): number {
    return this.#terms.get(`${pipeline}/${sliceOf(key, this.#partitions)}`) ?? 0;
  }

  /** Cuts the power. */
  die(): void {
    this.#isAlive = false;
    this.#die(new Error('the process has died'));
  }

  enter(pipeline: string, key: string, what: string): () => void {
    this.#world.note(`life ${this.life}: ${pipeline} ${key}: ${what}`);
    this.#world.count('attempts at a turn');
    const name = `${pipeline} ${key}`;
    if (this.#running.has(name)) this.#world.broken(`${pipeline}: key ${key} has two turns at once`);
    this.#running.add(name);
    let hasLeft = false;
    return () => {
      if (!hasLeft) this.#running.delete(name);
      hasLeft = true;
    };
  }

  isDeclared(name: string): boolean {
    return !this.#undeclared.has(name);
  }

  count(what: string): void {
    this.#world.count(what);
  }

  pause(): Promise<void> {
    return this.#later('a handler continues');
  }

  deedsAfter(delivery: string): readonly Deed[] {
    return this.#planOf(delivery).does;
  }

  async call(call: OutgoingCall, signal: AbortSignal): Promise<Answer> {
    const { pipeline, endpoint, key, id } = call;
    if (JSON.parse(call.body).id !== id) this.#world.broken(`${pipeline} ${key}: ${endpoint} is called with ${id} and given ${call.body}`);
    const { answers } = this.#planOf(id);
    const before = this.#world.calls.filter(
      (one) => one.pipeline === pipeline && one.endpoint === endpoint && one.key === key && one.id === id,
    );
    const fate = this.isMended ? 'delivered' : (answers[before.length] ?? 'delivered');
    const arrived = { pipeline, endpoint, key, id, life: this.lifeOf(pipeline, key), result: 'unknown' as ArrivedCall['result'] };
    // A postponed alarm is remembered too, which keeps it from being postponed for ever.
    this.#world.calls.push(arrived);
    this.#world.note(`life ${this.life}: ${pipeline} ${key}: ${endpoint} is called with ${id} and ${fate}`);
    if (fate === 'hangs') return aborted(signal);
    await this.#later(`${endpoint} answers`);
    if (fate === 'postponed') {
      arrived.result = 'failed';
      return { result: 'postponed', reason: 'not now', retryAfterMs: 700 };
    }
    if (signal.aborted) throw signal.reason;
    arrived.result = resultOf(fate);
    if (fate === 'throws') throw new Error('the connection is dead');
    return fate === 'delivered' ? { result: fate } : { result: fate, reason: 'not today' };
  }

  #planOf(delivery: string): DeliveryPlan {
    return this.#world.program.plans.get(delivery) ?? { answers: [], does: [] };
  }

  #later(label: string): Promise<void> {
    return new Promise((resolve) => this.#world.scheduler.add(label, () => this.act(resolve)));
  }

  #clock(): Clock {
    const { clock } = this.#world.scheduler;
    const acting = (ring: () => void) => () => void this.act(ring);
    return {
      now: () => clock.now(),
      elapsedMs: () => clock.elapsedMs(),
      alarm: (at, ring, withinMs) => clock.alarm(at, acting(ring), withinMs),
      after: (ms, ring) => clock.after(ms, acting(ring)),
      whenTurnedBack: (turnedBack) => clock.whenTurnedBack(acting(turnedBack)),
    };
  }
}
