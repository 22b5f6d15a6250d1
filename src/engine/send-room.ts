import type { Clock } from './clock.ts';
import type { Outgoing } from './draft.ts';
import type { Limits } from './limits.ts';
import type { Logger } from './logger.ts';
import { circlesOf, type SendLoop } from './send-loop.ts';

/** A sending turn, as the room it needs sees it. */
export interface Sender {
  readonly pipeline: string;
  /** True if the turn settles an event of its pipeline, and so frees a slot there. A timer frees none. */
  readonly settlesEvent: boolean;
}

/** The turns of a partition that wait for room. */
export interface WaitingTurns {
  readonly pipeline: string;
  /** Returns the number of keys whose turn waits for room in a pipeline. */
  waitingFor(pipeline: string): number;
  /** Reruns turns that wait for a pipeline, as many as may find room. */
  resume(pipeline: string, places: number): void;
}

export interface SendRoomMeans {
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits: Pick<Limits, 'sends'>;
  /** Returns a pipeline's accepted events that are neither processed nor failed. */
  depth(pipeline: string): number;
  /** Returns whether `depth` covers all of them: not while a partition is being claimed. */
  isCounted(pipeline: string): boolean;
}

/** The record of a pipeline that receives sends. */
interface Place {
  /** Sends that are drafted but not yet in the log, as far as this process knows. */
  drafted: number;
  /** The pipelines that it was seen to send to. */
  readonly sendsTo: Set<string>;
  readonly waiting: Set<WaitingTurns>;
  /** The time at which the log last had a line about each pipeline waiting for this one, in elapsed time. */
  readonly loggedAt: Map<string, number>;
}

/** Interval of log lines about one pipeline waiting for another. In milliseconds. */
const logPauseMs = 60_000;

/**
 * The limit on sends (promise 7), over all pipelines. A pipeline has room while fewer than `limits.sends` of its events are unsettled,
 * including those that drafts are about to send. A turn that sends to a pipeline without room has no effect; its key waits, and the turn
 * runs again once there is room.
 *
 * Three rules prevent deadlock between pipelines that send to each other:
 *
 * - A turn may send one event to its own pipeline at any time: it takes the place of the event that the turn settles.
 * - Senders from outside have half of a pipeline's room. The other half is for turns that the pipeline reaches through its own sends, as
 *   far as this process has seen. So outsiders cannot take the place of an answer.
 * - The sends of a single turn need only one free place.
 *
 * While a partition is being claimed the load of its pipeline is unknown, and only the first rule gives room there.
 *
 * So each pipeline's waiting events are limited to the limit plus one turn's effects. Only pipelines that send each other more than they
 * settle, in a circle, can still wait for each other: that is a {@link SendLoop}.
 */
export class SendRoom {
  readonly #means: SendRoomMeans;
  readonly #places = new Map<string, Place>();
  /** The pipelines that something waits for. */
  readonly #crowded = new Set<string>();

  constructor(means: SendRoomMeans) {
    this.#means = means;
  }

  /** Reserves room for a turn's sends until it is released. If a pipeline has no room, reserves none and returns that pipeline. */
  take(sender: Sender, sends: readonly Outgoing[]): string | undefined {
    const counts = countByReceiver(sends);
    let full: string | undefined;
    for (const [to, count] of counts) {
      this.#place(sender.pipeline).sendsTo.add(to);
      if (!this.#hasRoom(sender, to, count)) full ??= to;
    }
    if (full !== undefined) return full;
    for (const [to, count] of counts) this.#place(to).drafted += count;
    return undefined;
  }

  /** Notes that a draft's sends are in the log, or never will be. */
  release(sends: readonly Outgoing[]): void {
    if (sends.length === 0) return;
    for (const [to, count] of countByReceiver(sends)) this.#place(to).drafted -= count;
  }

  /** Notes that fewer events may be unsettled than before, and lets waiting turns continue. */
  changed(): void {
    if (this.#crowded.size === 0) return;
    // Turns that run at once may wait again, or end a wait.
    for (const to of Array.from(this.#crowded)) {
      for (const turns of Array.from(this.#place(to).waiting)) {
        const places = this.#limitOf(turns.pipeline, to) - this.#taken(to);
        if (places > 0) turns.resume(to, places);
        else if (!this.#place(to).loggedAt.has(turns.pipeline)) this.#logWait(turns.pipeline, to);
      }
    }
  }

  /** Notes that turns of a partition wait for room in a pipeline. */
  wait(turns: WaitingTurns, to: string): void {
    const { waiting } = this.#place(to);
    if (waiting.has(turns)) return;
    waiting.add(turns);
    this.#crowded.add(to);
    this.#logWait(turns.pipeline, to);
  }

  /** Notes that no turn of a partition waits for a pipeline any more. */
  leave(turns: WaitingTurns, to: string): void {
    const { waiting } = this.#place(to);
    waiting.delete(turns);
    if (waiting.size === 0) this.#crowded.delete(to);
  }

  /** Finds the pipelines that wait for each other in a circle. */
  loops(): readonly SendLoop[] {
    if (this.#crowded.size === 0) return [];
    return circlesOf(this.#waitsFor()).map((pipelines) => ({ pipelines, ...this.#figuresOf(pipelines) }));
  }

  #hasRoom({ pipeline, settlesEvent }: Sender, to: string, count: number): boolean {
    const taken = this.#taken(to);
    if (taken < this.#means.limits.sends / 2) return true;
    if (pipeline === to && settlesEvent && count === 1) return true;
    return taken < this.#limitOf(pipeline, to);
  }

  #limitOf(from: string, to: string): number {
    const { sends } = this.#means.limits;
    return this.#reaches(to, from) ? sends : sends / 2;
  }

  #taken(to: string): number {
    const { depth, isCounted } = this.#means;
    return isCounted(to) ? depth(to) + this.#place(to).drafted : Number.POSITIVE_INFINITY;
  }

  /** Returns whether a pipeline was seen to send to another, directly or through others. */
  #reaches(from: string, to: string): boolean {
    const seen = new Set([from]);
    for (const name of seen) {
      if (name === to) return true;
      for (const next of this.#places.get(name)?.sendsTo ?? []) seen.add(next);
    }
    return false;
  }

  /** Returns, by pipeline, those it waits for. */
  #waitsFor(): ReadonlyMap<string, ReadonlySet<string>> {
    const waitsFor = new Map<string, Set<string>>();
    for (const to of this.#crowded) {
      if (!this.#means.isCounted(to)) continue;
      for (const { pipeline } of this.#place(to).waiting) waitsFor.set(pipeline, (waitsFor.get(pipeline) ?? new Set()).add(to));
    }
    return waitsFor;
  }

  #figuresOf(pipelines: readonly string[]): Pick<SendLoop, 'keys' | 'events'> {
    let keys = 0;
    let events = 0;
    for (const [at, to] of pipelines.entries()) {
      const from = pipelines.at(at - 1);
      events += this.#means.depth(to);
      for (const turns of this.#place(to).waiting) if (turns.pipeline === from) keys += turns.waitingFor(to);
    }
    return { keys, events };
  }

  #logWait(from: string, to: string): void {
    const { clock, limits, log, isCounted } = this.#means;
    if (!isCounted(to)) return;
    const { loggedAt } = this.#place(to);
    const now = clock.elapsedMs();
    if (now - (loggedAt.get(from) ?? Number.NEGATIVE_INFINITY) < logPauseMs) return;
    loggedAt.set(from, now);
    const loop = this.loops().find(({ pipelines }) => pipelines.includes(from) && pipelines.includes(to));
    if (loop === undefined)
      log.warn({ pipeline: from, to, events: this.#means.depth(to) }, 'turns wait for room in a pipeline that they send to');
    else {
      log.error(
        { pipelines: loop.pipelines, events: loop.events, limit: limits.sends },
        'pipelines feed themselves by sends and are stuck: discard events, or raise the limit of sends',
      );
    }
  }

  #place(pipeline: string): Place {
    let place = this.#places.get(pipeline);
    if (place === undefined) {
      place = { drafted: 0, sendsTo: new Set(), waiting: new Set(), loggedAt: new Map() };
      this.#places.set(pipeline, place);
    }
    return place;
  }
}

function countByReceiver(sends: readonly Outgoing[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { stored } of sends) {
    const { pipeline } = stored.partition;
    counts.set(pipeline, (counts.get(pipeline) ?? 0) + 1);
  }
  return counts;
}
