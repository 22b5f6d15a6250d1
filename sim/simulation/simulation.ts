import { MillraceError } from '../../src/errors.ts';
import { dice } from '../../src/store/contract/dice.ts';
import { Chance } from '../../src/store/differential/chance.fixture.test.ts';
import { memory } from '../../src/store/memory/memory-store.ts';
import type { Commit, Store } from '../../src/store/store.ts';
import { checkInvariants } from '../invariants.ts';
import type { ArrivedCall, Ledger } from '../ledger.ts';
import { Callers } from './callers.ts';
import { checkCounts } from './counts.ts';
import { type Fate, type Fault, faultyStore } from './faulty-store.ts';
import { Life, type World } from './life.ts';
import { turnsTable } from './pipelines.ts';
import { type Program, pipelineNames, type Step } from './program.ts';
import { Scheduler } from './scheduler.ts';
import { witnesses } from './witnesses.ts';

/** How a program went. */
export interface Report {
  readonly seed: number;
  /** What was broken, in words; empty when every promise was kept. */
  readonly broken: readonly string[];
  /** How often what happened. */
  readonly tally: ReadonlyMap<string, number>;
  /** A sum of all that happened, in its order: equal for equal courses. */
  readonly course: number;
}

export interface SimulationOptions {
  /** Told of everything that happens. */
  readonly trace?: (what: string) => void;
  /** What it runs on, empty and closed; by default a store in memory. */
  readonly store?: Store;
}

/** Runs a program against the real engine, and holds what comes of it against the promises. */
export async function simulate(program: Program, options: SimulationOptions = {}): Promise<Report> {
  return new Simulation(program, options).run();
}

/** Things that happen while something is waited for, before it is taken to stand still. */
const happeningsMax = 50_000;
/** At the end all is mended; then so many rounds of so many milliseconds are enough for everything. */
const lastRounds = 20;
const roundMs = 15_000;
/** Starts that fail in a row before the dice are put away. */
const startsMax = 10;

/**
 * What a process that lost the store to another cannot do there any more. It may read and commit, so that the store must refuse
 * what it commits to a partition that was taken from it; but nothing enters a log, since the owner would not be told of it.
 */
const barred: ReadonlySet<string> = new Set(['open', 'claim', 'append', 'prune', 'close']);
const isBarred = (method: string, [work]: readonly unknown[]) =>
  barred.has(method) || (method === 'commit' && (work as Commit).sends.length > 0);

class Simulation implements World {
  readonly program: Program;
  readonly scheduler: Scheduler;
  readonly random: () => number;
  readonly calls: ArrivedCall[] = [];
  isMended = false;
  readonly #chance: Chance;
  readonly #base: Store;
  readonly #callers: Callers;
  readonly #broken: string[] = [];
  readonly #tally = new Map<string, number>();
  readonly #trace: (what: string) => void;
  #course = 0;
  #lives = 0;
  #life!: Life;
  /** Processes that lost the store and do not know. */
  #barred: Life[] = [];
  #isStarting = false;
  #areFaultsOver = false;
  /** Calls of the store that fail since it does not answer. */
  #disconnected = 0;

  constructor(program: Program, { trace = () => undefined, store = memory({ partitions: program.settings.slices }) }: SimulationOptions) {
    this.program = program;
    this.#trace = trace;
    const { seed, settings } = program;
    this.#chance = new Chance(dice(Math.imul(seed, 0x85ebca6b)));
    const die = dice(seed);
    this.random = () => (die(2 ** 30) - 1) / 2 ** 30;
    this.#base = store;
    this.scheduler = new Scheduler({ chance: this.#chance, haste: settings.haste, note: (what) => this.note(what) });
    this.#callers = new Callers({ scheduler: this.scheduler, life: () => this.#life, broken: (what) => this.broken(what) });
  }

  async run(): Promise<Report> {
    try {
      await this.#start();
      for (const step of this.program.steps) {
        await this.#meanwhile(this.#chance.upTo(12) - 1);
        this.note(`step: ${step.step}`);
        await this.#perform(step);
      }
      await this.#end();
    } catch (error) {
      this.broken(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
    this.#life.die();
    for (const life of this.#barred) life.die();
    await this.#base.close();
    for (const { result } of this.calls) this.count(`calls ${result}`);
    for (const { answer } of this.#callers.ingests) this.count(`events ${answer}`);
    return { seed: this.program.seed, broken: this.#broken, tally: this.#tally, course: this.#course };
  }

  broken(what: string): void {
    this.note(`broken: ${what}`);
    this.#broken.push(what);
  }

  note(what: string): void {
    this.#trace(what);
    for (let at = 0; at < what.length; at += 1) this.#course = Math.imul(this.#course ^ what.charCodeAt(at), 0x01000193);
  }

  count(what: string): void {
    this.#tally.set(what, (this.#tally.get(what) ?? 0) + 1);
  }

  /** Starts a process on what is there, again until it runs. */
  async #start(): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      if (tries > startsMax) this.#areFaultsOver = true;
      await this.#base.close();
      this.#lives += 1;
      this.count('starts');
      this.note(`start ${this.#lives}`);
      this.#life = new Life(this.#lives, this, (life) => this.#storeOf(life));
      this.#isStarting = true;
      try {
        await this.#until(this.#life.mill.start());
        this.#isStarting = false;
        return;
      } catch (error) {
        const isExpected = !this.#life.isAlive || (error instanceof MillraceError && !this.#areFaultsOver);
        this.#life.die();
        if (!isExpected) throw error;
      }
    }
  }

  #storeOf(life: Life) {
    const fate: Fate = {
      isAlive: () => life.isAlive,
      next: (method) => this.#nextFault(method),
      crash: () => {
        this.count('crashes at a call');
        life.die();
      },
      isBarred: (method, given) => life.isBarred && isBarred(method, given),
      met: (fault, method) => {
        this.count(`faults ${fault}`);
        this.note(`${method} meets ${fault}`);
      },
    };
    return faultyStore(this.#base, fate, { scheduler: this.scheduler, chance: this.#chance });
  }

  #nextFault(method: string): Fault | undefined {
    if (this.#areFaultsOver) return undefined;
    // A start asks a lot of the store, and little comes of a program that hardly ever runs.
    if (this.#isStarting && this.#chance.upTo(6) > 1) return undefined;
    if (this.#disconnected > 0 && method !== 'open') {
      this.#disconnected -= 1;
      return this.#chance.one(['failsBefore', 'failsAfter']);
    }
    let dealt = this.#chance.upTo(1_000);
    for (const [fault, share] of Object.entries(this.program.faults)) {
      dealt -= share;
      if (dealt <= 0) return fault as Fault;
    }
    return undefined;
  }

  async #perform(step: Step): Promise<void> {
    switch (step.step) {
      case 'ingest':
        return this.#callers.ingest(step);
      case 'wait':
        return this.#untilAnswered();
      case 'advance':
        return this.#advance(step.ms);
      case 'crash':
        this.count('crashes');
        return this.#restart();
      case 'restart':
        this.count('stops');
        return this.#stop(step.timeoutMs);
      case 'take over':
        return this.#takeOver();
      case 'disconnect':
        this.count('disconnections');
        this.#disconnected = step.calls;
        return;
      case 'mend':
        this.isMended = step.isMended;
        return;
      case 'operate':
        this.count(`letters to be ${step.how}`);
        return this.#callers.operate(step.how, (letters) => (letters === 0 ? 0 : this.#chance.upTo(letters) - 1));
      case 'look':
        return this.#callers.look(step.key);
    }
  }

  /** The power is cut and comes back. What is on disk is consistent at this moment, too. */
  async #restart(): Promise<void> {
    this.#life.die();
    for (const life of this.#barred) life.die();
    this.#barred = [];
    await this.#check(undefined);
    await this.#start();
  }

  async #stop(timeoutMs: number): Promise<void> {
    const life = this.#life;
    try {
      await this.#until(life.mill.stop({ timeoutMs }));
    } catch (error) {
      if (life.isAlive && !(error instanceof MillraceError)) throw error;
    }
    await this.#restart();
  }

  async #takeOver(): Promise<void> {
    this.count('take-overs');
    this.#life.isBarred = true;
    this.#barred.push(this.#life);
    await this.#start();
  }

  async #ensureRunning(): Promise<void> {
    if (this.#life.hasEnded) await this.#restart();
  }

  /** So many things happen. */
  async #meanwhile(happenings: number): Promise<void> {
    for (let happened = 0; happened < happenings; happened += 1) {
      await this.#ensureRunning();
      if (!(await this.scheduler.go())) return;
    }
    await this.#ensureRunning();
  }

  async #untilAnswered(): Promise<void> {
    let isIdle = false;
    void this.#callers.idle().then(() => {
      isIdle = true;
    });
    for (let happened = 0; !isIdle; happened += 1) {
      if (happened > happeningsMax) throw new Error('callers have waited for an answer for ever');
      await this.#ensureRunning();
      if (!(await this.scheduler.go()) && !isIdle) this.scheduler.turn(this.scheduler.clock.now() + roundMs);
    }
  }

  /** Until a promise of the process settles, or the process dies; throws then, and when the promise rejects. */
  async #until(promise: Promise<unknown>): Promise<void> {
    const life = this.#life;
    let isOver = false;
    const over = () => {
      isOver = true;
    };
    const settled = Promise.race([promise, life.died]);
    settled.then(over, over);
    for (let happened = 0; !isOver; happened += 1) {
      if (happened > happeningsMax) throw new Error('the process stands still');
      if (!(await this.scheduler.go()) && !isOver) this.scheduler.turn(this.scheduler.clock.now() + roundMs);
    }
    await settled;
  }

  /** Turns the clock; at each alarm most of what it sets off happens first. */
  async #advance(ms: number): Promise<void> {
    const until = this.scheduler.clock.now() + ms;
    do {
      const isPatient = this.#chance.upTo(4) > 1;
      await this.#meanwhile(isPatient ? happeningsMax : this.#chance.upTo(5));
    } while (this.scheduler.turn(until));
  }

  /** All that was broken is mended; then everything must come to rest, and nothing be missing. */
  async #end(): Promise<void> {
    this.note('the end begins');
    this.#areFaultsOver = true;
    this.isMended = true;
    for (const life of this.#barred) life.die();
    await this.#untilAnswered();
    for (let round = 0; round < lastRounds; round += 1) {
      await this.#advance(roundMs);
      await this.#meanwhile(happeningsMax);
      if (!(await this.#redriveAll()) && round > 3) break;
    }
    const health = this.#life.mill.health();
    if (health.status !== 'ok') this.broken(`at the end the engine is ${health.status}: ${health.reason}`);
    const settledAt = this.scheduler.clock.now();
    const counts = this.#life.mill.counts();
    await this.#until(this.#life.mill.stop());
    await this.#check(settledAt);
    await checkCounts(counts, this.#base, (what) => this.broken(what));
  }

  /** Whether there was something to redrive. */
  async #redriveAll(): Promise<boolean> {
    const life = this.#life;
    let isAny = false;
    const redrive = async () => {
      for (const letter of await life.mill.deadLetters({ limit: 1_000 })) {
        if (letter.numbers !== null) continue;
        isAny = true;
        await this.#callers.resolve(life, letter, 'redriven').catch(async (error: unknown) => {
          if (!(error instanceof MillraceError) || (!error.retryable && error.code !== 'MILL_CONFLICT')) throw error;
          // A timer that was set anew since; or a delivery whose key has not been told yet, or a partition that recovers still.
          if (error.code === 'MILL_CONFLICT' && letter.timer !== null) await this.#callers.resolve(life, letter, 'discarded');
        });
      }
    };
    await this.#until(redrive());
    return isAny;
  }

  /** @param settledAt when all had come to rest; undefined when nothing has */
  async #check(settledAt: number | undefined): Promise<void> {
    await this.#base.close();
    const pipelines = pipelineNames.map((name) => ({ name, numbered: name === 'numbers' }));
    await this.#base.open({ pipelines, tables: [turnsTable] });
    const { ingests, resolved } = this.#callers;
    const ledger: Ledger = { witnesses, ingests, calls: this.calls, resolved };
    for (const what of await checkInvariants(ledger, this.#base, settledAt === undefined ? {} : { settledAt })) this.broken(what);
  }
}
