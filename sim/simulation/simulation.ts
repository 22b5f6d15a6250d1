import type { Mill } from '../../src/engine/mill.ts';
import { MillraceError } from '../../src/errors.ts';
import { dice } from '../../src/store/contract/dice.ts';
import { Chance } from '../../src/store/differential/chance.fixture.test.ts';
import { MemoryInbox } from '../../src/store/memory/memory-inbox.ts';
import { memory, memoryWithInbox, sharedMemory } from '../../src/store/memory/memory-store.ts';
import type { DeadLetter, Store } from '../../src/store/store.ts';
import { checkHeldAtRest } from '../invariants/rest.ts';
import { checkInvariants } from '../invariants.ts';
import type { ArrivedCall, Ledger } from '../ledger.ts';
import { Callers } from './callers.ts';
import { checkCounts } from './counts.ts';
import type { Life, World } from './life.ts';
import { OtherProgram, type SimulatedInbox } from './other-program.ts';
import { happeningsMax, leaseMs, Processes } from './processes.ts';
import { type Act, type Program, pipelineNames, type Step } from './program.ts';
import { Scheduler } from './scheduler.ts';
import { lastTable, turnsTable } from './turn.ts';
import { readerOf, witnessesOf } from './witnesses.ts';

/** The result of a program. */
export interface Report {
  readonly seed: number;
  /** Descriptions of the broken promises; empty if all were kept. */
  readonly broken: readonly string[];
  /** The number of occurrences of each event. */
  readonly tally: ReadonlyMap<string, number>;
  /** A checksum over everything that happened, in order: equal for equal courses. */
  readonly course: number;
}

export interface SimulationOptions {
  /** Called for everything that happens. */
  readonly trace?: (what: string) => void;
  /** Its store, empty and closed; by default one in memory, which several engines may share. */
  readonly store?: Store;
  /** The inbox of the given store, if it has one of its own. */
  readonly inbox?: SimulatedInbox;
}

/** Runs a program against the real engine, and checks the result against the promises. */
export async function simulate(program: Program, options: SimulationOptions = {}): Promise<Report> {
  return new Simulation(program, options).run();
}

/** At the end everything is fixed; this many rounds of this many milliseconds are then enough for everything. */
const lastRounds = 20;
/** Rounds for everything that needs no fix; by then a health check has had time to find stuck work. */
const unmendedRounds = 5;
/** Rounds after the clock was set back: retries due by the earlier clock may wait for the longest pause after each claim. */
const setBackRounds = 15;
const roundMs = 15_000;
/** The longest wait is a timer of ten seconds, or, if the clock was set back, the longest pause of a retry, 30 s. */
const quietRoundsSetBack = 3;
/** Size of the last backward step of the clock: larger than the rounds could wait out. */
const lastJumpMs = -3_600_000;

class Simulation implements World {
  readonly program: Program;
  readonly scheduler: Scheduler;
  readonly random: () => number;
  readonly calls: ArrivedCall[] = [];
  isMended = false;
  undeclared: ReadonlySet<string> = new Set();
  readonly #chance: Chance;
  readonly #base: Store;
  /** Reads the timelines of the store while no process works on it. */
  readonly #reader: Mill;
  readonly #processes: Processes;
  readonly #callers: Callers;
  readonly #broken: string[] = [];
  readonly #clockJumpsMs: number[] = [];
  readonly #tally = new Map<string, number>();
  readonly #trace: (what: string) => void;
  #course = 0;
  /** Number of consecutive quiet rounds so far. */
  #quietRounds = 0;
  /** By then every lease has run out. */
  #isChecking = false;

  constructor(program: Program, { trace = () => undefined, store, inbox: given }: SimulationOptions) {
    this.program = program;
    this.#trace = trace;
    const { seed, settings } = program;
    this.#chance = new Chance(dice(Math.imul(seed, 0x85ebca6b)));
    const die = dice(seed);
    this.random = () => (die(2 ** 30) - 1) / 2 ** 30;
    const { slices, engines } = settings;
    const now = () => (this.#isChecking ? Number.POSITIVE_INFINITY : this.scheduler.clock.elapsedMs());
    const own = settings.hasInbox && store === undefined ? new MemoryInbox() : undefined;
    const inbox = settings.hasInbox ? (own ?? given) : undefined;
    const share = engines > 1 ? sharedMemory({ partitions: slices, leaseMs, now, inbox: own }) : undefined;
    const alone = () => (own === undefined ? memory({ partitions: slices }) : memoryWithInbox({ partitions: slices, inbox: own }));
    this.#base = store ?? share?.() ?? alone();
    this.#reader = readerOf(this.#base);
    this.scheduler = new Scheduler({ chance: this.#chance, haste: settings.haste, note: (what) => this.note(what) });
    const other = inbox && new OtherProgram(inbox, this.scheduler);
    this.#processes = new Processes(this, { base: this.#base, share, chance: this.#chance, other });
    this.#callers = new Callers({
      scheduler: this.scheduler,
      life: () => this.#processes.life,
      broken: (what) => this.broken(what),
      other,
    });
  }

  async run(): Promise<Report> {
    try {
      this.count(`programs with ${this.program.settings.engines} engines`);
      if (this.#isFleet) await this.#open();
      await this.#processes.start();
      for (const step of this.program.steps) {
        await this.#meanwhile(this.#chance.upTo(12) - 1);
        this.note(`step: ${step.step}`);
        await this.#perform(step);
      }
      await this.#end();
    } catch (error) {
      this.broken(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
    this.#processes.killAll();
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

  async #perform(step: Step): Promise<void> {
    switch (step.step) {
      case 'ingest':
        return this.#callers.ingest(step);
      case 'insert':
        return this.#callers.insert(step);
      case 'wait':
        return this.#untilAnswered();
      case 'advance':
        return this.#advance(step.ms);
      case 'crash':
        return this.#isFleet && this.#chance.upTo(3) > 1 ? this.#killOne() : this.#crash();
      case 'restart':
        if (this.#isFleet) return this.#renew(step.timeoutMs);
        this.count('stops');
        if (step.without !== undefined) this.#redeclare(step.without);
        await this.#processes.stop(this.#processes.life, step.timeoutMs);
        return this.#restart();
      case 'set clock':
        return this.#setClock(step.byMs);
      case 'take over':
        if (this.#isFleet) return this.#processes.freezeOne();
        this.count('take-overs');
        return this.#processes.takeOver();
      case 'disconnect':
        return this.#processes.disconnect(step.calls);
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

  #killOne(): Promise<void> {
    this.count('kills of one of several');
    return this.#processes.renewOne();
  }

  #crash(): Promise<void> {
    this.count('crashes');
    return this.#restart();
  }

  /** Restarts one of several processes, or all of them in turn. */
  async #renew(timeoutMs: number): Promise<void> {
    if (this.#chance.upTo(3) > 1) {
      this.count('stops of one of several');
      return this.#processes.renewOne(timeoutMs);
    }
    this.count('rolling restarts');
    await this.#processes.renewAll(timeoutMs);
  }

  #setClock(byMs: number): void {
    this.count(`clocks set ${byMs < 0 ? 'back' : 'ahead'}`);
    this.#clockJumpsMs.push(byMs);
    this.scheduler.setClock(byMs);
  }

  /** Lives that begin from now on declare everything except these. */
  #redeclare(without: readonly string[]): void {
    this.count('changes of the declaration');
    this.undeclared = new Set(without);
  }

  /** Cuts the power and restores it. The data on disk must be consistent at this moment, too. */
  async #restart(): Promise<void> {
    this.#processes.killAll();
    await this.#check(undefined);
    await this.#processes.start();
  }

  async #ensureRunning(): Promise<void> {
    if (this.#isFleet) await this.#processes.startEnded();
    else if (this.#processes.life.hasEnded) await this.#restart();
  }

  /** Lets the given number of things happen. */
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
      if (happened > happeningsMax) throw new Error('somebody has been waiting for an answer forever');
      await this.#ensureRunning();
      if (!(await this.scheduler.go()) && !isIdle) this.scheduler.turn(this.scheduler.clock.now() + roundMs);
    }
  }

  /** Advances the clock; at each alarm most of the work it triggers happens first. */
  async #advance(ms: number): Promise<void> {
    const until = this.scheduler.clock.now() + ms;
    do {
      const isPatient = this.#chance.upTo(4) > 1;
      await this.#meanwhile(isPatient ? happeningsMax : this.#chance.upTo(5));
    } while (this.scheduler.turn(until));
  }

  /** Fixes everything that was broken; then everything must come to rest, with nothing missing. */
  async #end(): Promise<void> {
    this.note('the end begins');
    this.#processes.calmDown();
    await this.#untilAnswered();
    if (this.undeclared.size > 0) {
      this.#redeclare([]);
      await this.#restart();
    }
    // A process that continues must no longer wait for the fix.
    if (this.#clockJumpsMs.length > 0) this.#setClock(lastJumpMs);
    await this.#restUnmended();
    this.note('everything is fixed');
    this.isMended = true;
    for (let round = 0; round < lastRounds; round += 1) {
      await this.#rounds(1);
      if (!(await this.#redriveAll()) && (round > 3 || this.#isQuiet)) break;
    }
    await this.#knock();
    await this.#checkHealth();
    const { lives } = this.#processes;
    const settledAt = this.scheduler.clock.now();
    const counts = lives.map(({ mill }) => mill.counts());
    for (const life of lives) await this.#processes.until(life.mill.stop(), life);
    await this.#check(settledAt);
    await checkCounts(counts, this.#base, (what) => this.broken(what));
    this.#isChecking = false;
  }

  /** Promise 4: a key that was given up keeps no other waiting. So all other keys come to rest before anybody fixes anything. */
  async #restUnmended(): Promise<void> {
    const rounds = this.#clockJumpsMs.length > 0 ? setBackRounds : unmendedRounds;
    await this.#rounds(rounds);
    await this.#checkHealth();
    for (const pipeline of pipelineNames) {
      for (let slice = 0; slice < this.#base.partitions; slice += 1)
        await checkHeldAtRest(
          this.#base,
          { partition: { pipeline, slice }, hasGaps: pipeline === 'numbers' && !this.program.settings.skipsGaps },
          (what) => this.broken(`${pipeline}: before everything is fixed ${what}`),
        );
    }
  }

  /** Runs this many rounds, or fewer once it is quiet. */
  async #rounds(roundsMax: number): Promise<void> {
    for (let round = 0; round < roundsMax && (round === 0 || !this.#isQuiet); round += 1) {
      const before = this.#happened;
      await this.#round();
      this.#quietRounds = this.#happened === before ? this.#quietRounds + 1 : 0;
    }
  }

  /** True if several engines have long done nothing but renew their leases, which takes up much of a program's running time. */
  get #isQuiet(): boolean {
    return this.#isFleet && this.#quietRounds >= (this.#clockJumpsMs.length > 0 ? quietRoundsSetBack : 1);
  }

  get #happened(): number {
    let happened = this.calls.length;
    for (const times of this.#tally.values()) happened += times;
    return happened;
  }

  async #checkHealth(): Promise<void> {
    const troubles = () =>
      this.#processes.lives.flatMap(({ mill }) => {
        const health = mill.health();
        return health.status === 'ok' ? [] : [`${health.status}: ${health.reason}`];
      });
    // The dice may have let a lease run out in the last round: its next claim waits for a while.
    for (let round = 0; this.#isFleet && round < unmendedRounds && troubles().length > 0; round += 1) await this.#round();
    for (const trouble of troubles()) this.broken(`at the end the engine is ${trouble}`);
  }

  async #round(): Promise<void> {
    await this.#advance(roundMs);
    await this.#meanwhile(happeningsMax);
  }

  /** Promise 7: a key that nothing waits for accepts the next event, whatever was refused before. */
  async #knock(): Promise<void> {
    const { life } = this.#processes;
    const all = new Set(this.#callers.ingests.flatMap(({ pipeline, key }) => (pipeline === 'acts' ? [key] : [])));
    const knock = async () => {
      for (const { key, status, pending } of await life.mill.keys('acts', Array.from(all))) {
        if (status !== 'open' || pending > 0) continue;
        const act: Act = { key, mark: `knock ${life.life}`, isNamed: false, number: 0, does: [] };
        this.#callers.ingest({ step: 'ingest', pipeline: 'acts', acts: [act], isBatch: false, again: false });
      }
    };
    await this.#processes.until(knock(), life);
    await this.#untilAnswered();
    await this.#round();
    for (const { name, key, answer } of this.#callers.ingests) {
      if (name === `knock ${life.life}` && answer !== 'accepted')
        this.broken(`acts: key ${key} is open, nothing waits for it, but it is ${answer}`);
    }
  }

  /** Returns whether there was something to redrive. */
  async #redriveAll(): Promise<boolean> {
    const { lives } = this.#processes;
    const [life] = lives as [Life];
    let isAny = false;
    const redrive = async () => {
      for (const letter of await life.mill.deadLetters({ limit: 1_000 })) {
        if (letter.kind === 'gap') continue;
        isAny = true;
        for (const one of lives) await this.#redrive(one, letter);
      }
    };
    await this.#processes.until(redrive(), life);
    return isAny;
  }

  /** Only one of several engines can do it; the others say so, or report that it is done. */
  async #redrive(life: Life, letter: DeadLetter, how: 'redriven' | 'discarded' = 'redriven'): Promise<void> {
    try {
      await this.#callers.resolve(life, letter, how);
    } catch (error) {
      const isDone = this.#isFleet && error instanceof MillraceError && error.code === 'MILL_NOT_FOUND';
      if (isDone) return;
      if (!(error instanceof MillraceError) || (!error.retryable && error.code !== 'MILL_CONFLICT')) throw error;
      // The timer was set anew since, or the outcome came anew; the delivery's key has not been notified yet; or a partition is still recovering.
      const isPending = letter.kind === 'timer' || letter.kind === 'outcome';
      if (how === 'redriven' && error.code === 'MILL_CONFLICT' && isPending) await this.#redrive(life, letter, 'discarded');
    }
  }

  get #isFleet(): boolean {
    return this.program.settings.engines > 1;
  }

  /** @param settledAt when everything had come to rest; undefined if it has not */
  async #check(settledAt: number | undefined): Promise<void> {
    this.#isChecking = true;
    await this.#base.close();
    await this.#open();
    const { ingests, resolved, inserted } = this.#callers;
    const witnesses = witnessesOf(this.program, this.#reader);
    const ledger: Ledger = { witnesses, ingests, calls: this.calls, resolved, inserted, clockJumpsMs: this.#clockJumpsMs };
    for (const what of await checkInvariants(ledger, this.#base, settledAt === undefined ? {} : { settledAt })) this.broken(what);
    if (settledAt !== undefined) return;
    this.#isChecking = false;
    if (!this.#isFleet) return;
    // A reader that claims partitions would seem to live for ever.
    await this.#base.close();
    await this.#open();
  }

  /** Opens the store for reading its contents. */
  #open(): Promise<unknown> {
    const pipelines = pipelineNames.map((name) => ({ name, numbered: name === 'numbers' }));
    return this.#base.open({ pipelines, tables: [turnsTable, lastTable] });
  }
}
