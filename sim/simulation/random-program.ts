import { defaultLimits } from '../../src/engine/limits.ts';
import { dice } from '../../src/store/contract/dice.ts';
import { Chance } from '../../src/store/differential/chance.fixture.test.ts';
import {
  type Act,
  type Declared,
  type Deed,
  type DeliveryPlan,
  endpointNames,
  type FaultRates,
  type Insertion,
  type PipelineName,
  type Program,
  pipelineNames,
  poisons,
  type Settings,
  type Step,
  timerNames,
} from './program.ts';

const calm: FaultRates = { failsBefore: 0, failsAfter: 0, busy: 0, delayed: 0, full: 0, crashBefore: 0, crashAfter: 0 };
const weather: readonly FaultRates[] = [
  calm,
  { ...calm, delayed: 100 },
  { ...calm, failsAfter: 30, busy: 10 },
  { ...calm, crashBefore: 5, crashAfter: 5 },
  { failsBefore: 10, failsAfter: 10, busy: 10, delayed: 30, full: 2, crashBefore: 3, crashAfter: 3 },
  { failsBefore: 40, failsAfter: 60, busy: 40, delayed: 60, full: 3, crashBefore: 8, crashAfter: 8 },
];

const undeclared: readonly (readonly Declared[])[] = [
  [],
  ['gong'],
  ['mail'],
  ['visit'],
  ['loose'],
  ['gong', 'post', 'visit'],
  ['gong', 'mail', 'shout', 'loose'],
];
/** Backward jumps are shorter than the time that everything has to come to rest at the end. */
const clockJumpsMs = [-20_000, -2_000, -300, 300, 5_000, 3_600_000];

/** Small limits that leave room for one event at most, for a few, and for all. */
const memories = [8_000, 40_000, defaultLimits.memoryBytes];

const keys = ['ann', 'bob', 'cem', 'dan'] as const;

export interface ProgramOptions {
  /** True for a program limited to the original set of features. */
  readonly isPlain?: boolean;
  /** Number of engines that work on the store at once. By default the seed decides: one in half of all programs, otherwise two or three. */
  readonly engines?: number;
  /** True if other programs insert into an inbox. By default the seed decides: a third of all programs. */
  readonly hasInbox?: boolean;
}

/** A random program: the same for the same seed, number of steps and options. */
export function randomProgram(seed: number, steps: number, options: ProgramOptions = {}): Program {
  const { isPlain = false, engines = isPlain ? 1 : enginesOf(seed), hasInbox = !isPlain && hasInboxBy(seed) } = options;
  return new Author(seed, { isPlain, engines, hasInbox }).write(steps);
}

/** Drawn separately from everything else, which keeps a program the same with or without them. */
function enginesOf(seed: number): number {
  return new Chance(dice(Math.imul(seed, 0x165667b1))).one([1, 1, 2, 3]);
}

/** Drawn separately as well: programs without an inbox stay what they were before the inbox existed. */
function hasInboxBy(seed: number): boolean {
  return new Chance(dice(Math.imul(seed, 0x51ed270b))).one([true, false, false]);
}

class Author {
  readonly #seed: number;
  readonly #chance: Chance;
  /** Decides the additions to a plain program, which itself stays the same. Undefined for a plain one. */
  readonly #beside: Chance | undefined;
  readonly #plans = new Map<string, DeliveryPlan>();
  /** The numbers of each key that are not yet brought in, mostly in order. */
  readonly #numbers = new Map<string, { next: number; readonly left: number[] }>();
  readonly #isRedeclared: boolean;
  readonly #isClockSet: boolean;
  readonly #memoryBytes: number;
  readonly #engines: number;
  readonly #hasInbox: boolean;
  #marks = 0;

  constructor(seed: number, { isPlain, engines, hasInbox }: Required<ProgramOptions>) {
    this.#seed = seed;
    this.#engines = engines;
    this.#hasInbox = hasInbox;
    this.#beside = isPlain ? undefined : new Chance(dice(Math.imul(seed, 0xc2b2ae35)));
    // All engines of a fleet have the same declarations.
    this.#isRedeclared = (this.#beside?.one([true, false]) ?? false) && engines === 1;
    // Drawn separately from everything else, which keeps the course of older programs.
    this.#memoryBytes = isPlain ? defaultLimits.memoryBytes : new Chance(dice(Math.imul(seed, 0x27d4eb2f))).one(memories);
    this.#isClockSet = this.#beside?.one([true, false, false]) ?? false;
    // Consecutive seeds would otherwise begin with much the same numbers.
    this.#chance = new Chance(dice(Math.imul(seed, 0x9e3779b1)));
  }

  write(count: number): Program {
    const settings = this.#settings();
    const faults = this.#chance.one(weather);
    const steps = Array.from({ length: count }, () => [this.#step(), ...this.#stepsBeside(), ...this.#insertions()]);
    return { seed: this.#seed, settings, faults, steps: steps.flat(), plans: this.#plans };
  }

  #settings(): Settings {
    const { upTo, one } = { upTo: this.#chance.upTo, one: <T>(items: readonly T[]) => this.#chance.one(items) };
    return {
      slices: one([1, 1, 2, 4]),
      onGiveUp: one(['park', 'skip']),
      attempts: upTo(3),
      concurrency: one([1, 2, 10]),
      skipsGaps: one([false, true]),
      maxPending: one([3, 20]),
      deliveriesAtOnce: one([1, 2, 10]),
      warmKeys: one([1, 2, 100]),
      feed: one([1, 3, 1_000]),
      commit: one([1, 3, 1_000]),
      memoryBytes: this.#memoryBytes,
      engines: this.#engines,
      hasInbox: this.#hasInbox,
      haste: one([0, 1, 10]),
    };
  }

  #step(): Step {
    const chance = this.#chance;
    const dealt = chance.upTo(100);
    if (dealt <= 55) return this.#ingest();
    if (dealt <= 65) return { step: 'wait' };
    if (dealt <= 80) return { step: 'advance', ms: chance.one([1, 50, 400, 1_000, 5_000, 30_000]) };
    if (dealt <= 83) return { step: 'crash' };
    if (dealt <= 86) return { step: 'restart', timeoutMs: chance.one([0, 100, 5_000]) };
    if (dealt <= 88) return { step: 'take over' };
    if (dealt <= 90) return { step: 'disconnect', calls: chance.upTo(8) };
    if (dealt <= 92) return { step: 'mend', isMended: chance.one([true, false]) };
    if (dealt <= 96) return { step: 'operate', how: chance.one(['redriven', 'redriven', 'discarded']) };
    return { step: 'look', key: chance.one(keys) };
  }

  #stepsBeside(): readonly Step[] {
    const chance = this.#beside;
    if (chance === undefined) return [];
    const dealt = chance.upTo(20);
    if (dealt === 1 && this.#isRedeclared) return [{ step: 'restart', timeoutMs: chance.one([0, 5_000]), without: chance.one(undeclared) }];
    return dealt === 2 && this.#isClockSet ? [{ step: 'set clock', byMs: chance.one(clockJumpsMs) }] : [];
  }

  #insertions(): readonly Step[] {
    const chance = this.#chance;
    if (!this.#hasInbox || chance.upTo(3) > 1) return [];
    const rows = Array.from({ length: chance.upTo(3) }, () => this.#insertion());
    return [{ step: 'insert', rows, isLate: chance.upTo(4) === 1 }];
  }

  #insertion(): Insertion {
    const chance = this.#chance;
    const pipeline = chance.one(['acts', 'acts', 'loose'] as const);
    const act = this.#act(pipeline, 1);
    return { pipeline, act: chance.upTo(4) === 1 ? { ...act, isRefused: true } : act };
  }

  #ingest(): Step {
    const chance = this.#chance;
    const pipeline = chance.one(pipelineNames);
    const isBatch = chance.upTo(4) === 1;
    const acts = Array.from({ length: isBatch ? chance.upTo(5) : 1 }, () => this.#act(pipeline, 2));
    return { step: 'ingest', pipeline, acts, isBatch, again: chance.upTo(3) > 1 };
  }

  /** @param depth number of generations of actions that may follow from it */
  #act(pipeline: PipelineName, depth: number): Act {
    const chance = this.#chance;
    this.#marks += 1;
    const mark = `e${this.#marks}`;
    const isNamed = pipeline === 'loose' || (pipeline === 'acts' && chance.upTo(2) === 1);
    const key = pipeline === 'loose' ? mark : chance.one(keys);
    const number = pipeline === 'numbers' ? this.#number(key) : 0;
    return { key, mark: pipeline === 'numbers' ? String(number) : mark, isNamed, number, does: this.#deeds(depth, mark) };
  }

  /** Picks mostly the next number, sometimes an early one, sometimes one left out before. */
  #number(key: string): number {
    const chance = this.#chance;
    const own = this.#numbers.get(key) ?? { next: 1, left: [] };
    this.#numbers.set(key, own);
    if (own.left.length > 0 && chance.upTo(2) === 1) return own.left.splice(chance.upTo(own.left.length) - 1, 1)[0] ?? own.next;
    if (chance.upTo(4) === 1) own.left.push(own.next++);
    return own.next++;
  }

  #deeds(depth: number, mark: string): readonly Deed[] {
    if (depth === 0) return [];
    const deeds = Array.from({ length: this.#chance.upTo(4) - 1 }, (_, at) => this.#deed(depth - 1, `${mark}.${at}`));
    return [...deeds, ...this.#deedsBeside()];
  }

  #deedsBeside(): readonly Deed[] {
    const chance = this.#beside;
    if (chance === undefined) return [];
    const poison: Deed = { do: 'poison', attempts: chance.one([1, 2, 99]), what: chance.one(poisons) };
    return [...(chance.upTo(12) === 1 ? [poison] : []), ...(chance.upTo(4) === 1 ? [{ do: 'spoil' } as const] : [])];
  }

  #deed(depth: number, mark: string): Deed {
    const chance = this.#chance;
    const timer = chance.one(timerNames);
    switch (chance.upTo(12)) {
      case 1:
        return { do: 'fail', attempts: chance.one([1, 1, 2, 99]) };
      case 2:
        return { do: 'pause', times: chance.upTo(3) };
      case 3:
        return chance.upTo(4) === 1 ? { do: 'hang' } : { do: 'pause', times: 1 };
      case 4:
      case 5:
        return this.#send(depth);
      case 6:
      case 7:
      case 8:
        return { do: 'arm', timer, afterMs: chance.one([0, 1, 100, 1_000, 10_000]), does: this.#deeds(depth, mark) };
      case 9:
        return { do: 'cancel', timer };
      default:
        return this.#deliver(depth, mark);
    }
  }

  #send(depth: number): Deed {
    const to = this.#chance.one(['acts', 'acts', 'loose'] as const);
    return { do: 'send', to, act: this.#act(to, depth) };
  }

  #deliver(depth: number, mark: string): Deed {
    const chance = this.#chance;
    const endpoint = chance.one(endpointNames);
    // Now and then under the id of one that may still be waiting.
    const isShared = chance.upTo(6) === 1;
    const id = isShared ? `again ${chance.upTo(2)}` : mark;
    const fates = ['delivered', 'delivered', 'unknown', 'failed', 'failed', 'refused', 'postponed', 'throws', 'hangs'] as const;
    const answers = Array.from({ length: chance.upTo(3) - 1 }, () => chance.one(fates));
    // Follow-up events have their own names, since each may follow only once.
    if (!this.#plans.has(id)) this.#plans.set(id, { answers, does: isShared ? [] : this.#deeds(Math.min(depth, 1), `${mark}/`) });
    return { do: 'deliver', endpoint, id };
  }
}
