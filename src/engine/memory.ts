import { LateAnswers } from './late-answers.ts';

/*
 * The engine's memory budget for events and states. Sizes are bytes estimated from the JSON texts at hand: measuring a value costs more
 * than handling it.
 */

/** A budget for one kind of memory over all partitions, and its use. */
export class Allowance {
  readonly bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** True if the budget is used up, so that nothing should be added. */
  get isSpent(): boolean {
    return this.#bytes >= this.bytesMax;
  }

  /** True if so much is free that the next search for forgettable data may wait: by then everything in use has been used again. */
  get hasRoom(): boolean {
    return this.#bytes < this.bytesMax * 0.875;
  }

  change(bytes: number): void {
    this.#bytes += bytes;
  }
}

/** One holder's share of an allowance, all of which is freed when the holder ends. */
export class Holding {
  readonly allowance: Allowance;
  #bytes = 0;
  #isClosed = false;

  constructor(allowance: Allowance) {
    this.allowance = allowance;
  }

  get bytes(): number {
    return this.#bytes;
  }

  change(bytes: number): void {
    if (this.#isClosed) return;
    this.#bytes += bytes;
    this.allowance.change(bytes);
  }

  /** Releases the holder's share; later changes no longer count. */
  close(): void {
    this.change(-this.#bytes);
    this.#isClosed = true;
  }
}

/**
 * The memory of an engine: `memoryBytes` of its limits, divided by what happens when a part is used up. A pipeline with idle keys gives way
 * to a busy one: every part that can forget idle keys here is asked when another has nothing left to forget.
 */
export class Memory {
  /** Events on their way to the log. Beyond it the door refuses. */
  readonly arriving: Allowance;
  /** Accepted events before they reach their lane. Beyond it they are read from the log. */
  readonly fed: Allowance;
  /** Events in lanes. Beyond it they are held in the store. */
  readonly waiting: Allowance;
  /** Events whose asynchronous turn is under way. Beyond it no further such turn starts. */
  readonly running: Allowance;
  /** States of keys. Beyond it idle keys are forgotten. */
  readonly states: Allowance;
  /** Maximum bytes of one commit's writes; it has at least one turn. */
  readonly draftBytesMax: number;
  /** Maximum UTF-16 units of texts read from the store at once. */
  readonly readMax: number;
  /** Memory of schemas that have not answered in time; part of `arriving`. */
  readonly lateAnswers: LateAnswers;
  readonly #forgetters = new Set<() => void>();

  constructor(bytesMax: number) {
    const part = (divisor: number) => Math.max(1, Math.floor(bytesMax / divisor));
    this.arriving = new Allowance(part(4));
    this.lateAnswers = new LateAnswers(this.arriving);
    this.fed = new Allowance(part(16));
    this.waiting = new Allowance(part(16));
    this.running = new Allowance(part(8));
    this.states = new Allowance(part(2));
    this.draftBytesMax = part(32);
    this.readMax = part(256);
  }

  /** True if states, or events in lanes, use up their allowance. */
  get mustForget(): boolean {
    return this.states.isSpent || this.waiting.isSpent;
  }

  /** True if no idle keys need to be forgotten for now. */
  get hasForgottenEnough(): boolean {
    return this.states.hasRoom && this.waiting.hasRoom;
  }

  /** True if states exceed the allowance so far that even those which cannot be forgotten yet must become fewer. */
  get isCrowded(): boolean {
    return this.states.bytes >= this.states.bytesMax * 1.25;
  }

  /** @param forget forgets idle keys while too much is held */
  addForgetter(forget: () => void): void {
    this.#forgetters.add(forget);
  }

  removeForgetter(forget: () => void): void {
    this.#forgetters.delete(forget);
  }

  /** Asks all others to forget idle keys. */
  askOthers(forget: () => void): void {
    for (const other of this.#forgetters) {
      if (this.hasForgottenEnough) return;
      if (other !== forget) other();
    }
  }
}

/** A text takes up two bytes per UTF-16 unit; V8 needs only one if all are Latin-1. */
export const bytesOfUnit = 2;
/** Texts up to this many units are assumed to be typical, without a look at their values. */
const smallMax = 4_096;
/** Bytes per unit of a small text together with its value. */
const bytesOfSmall = 8;
/** Bytes of an array or object in addition to its contents. */
export const bytesOfContainer = 64;

/** Estimates the bytes of a JSON text. */
export function bytesOfText(text: string): number {
  return bytesOfUnit * text.length;
}

/** Estimates the bytes of a JSON text and of its value, if available. */
export function bytesOfJson(text: string, value: unknown): number {
  if (value === undefined) return bytesOfText(text);
  if (text.length <= smallMax) return bytesOfSmall * text.length;
  // An array of empty objects is twenty times as large as its text.
  return 2 * bytesOfText(text) + bytesOfContainer * containersIn(value);
}

/** An event as it is held in memory. */
export interface EventInMemory {
  readonly body: string;
  /** Estimated on acceptance; undefined for one read from the store. */
  readonly bytes?: number | undefined;
}

export function bytesOfEvent({ bytes, body }: EventInMemory): number {
  return bytes ?? bytesOfText(body);
}

function containersIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 1;
  if (Array.isArray(value)) {
    for (const item of value) count += containersIn(item);
  } else {
    for (const key in value) count += containersIn((value as Readonly<Record<string, unknown>>)[key]);
  }
  return count;
}
