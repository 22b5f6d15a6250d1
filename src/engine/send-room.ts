import type { Clock } from './clock.ts';
import type { Outgoing } from './draft.ts';
import type { Limits } from './limits.ts';
import type { Logger } from './logger.ts';
import { circlesOf, type SendLoop } from './send-loop.ts';

/** What a turn that sends is to the room that it asks for. */
export interface Sender {
  readonly pipeline: string;
  /** Whether the turn settles an event of its pipeline, and so frees a place there. A timer frees none. */
  readonly settlesEvent: boolean;
}

/** The turns of a partition that wait for room. */
export interface WaitingTurns {
  readonly pipeline: string;
  /** Keys whose turn waits for room in a pipeline. */
  waitingFor(pipeline: string): number;
  /** Lets turns that wait for a pipeline run again, as many as may find room. */
  resume(pipeline: string, places: number): void;
}

export interface SendRoomMeans {
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits: Pick<Limits, 'sends'>;
  /** Events of a pipeline that are accepted and neither processed nor failed. */
  depth(pipeline: string): number;
  /** Whether `depth` is all of them: not while a partition is being claimed. */
  isCounted(pipeline: string): boolean;
}

/** What is known of a pipeline that is sent to. */
interface Place {
  /** Sends that are drafted, and not yet in the log as far as this process knows. */
  drafted: number;
  /** The pipelines that it was seen to send to. */
  readonly sendsTo: Set<string>;
  readonly waiting: Set<WaitingTurns>;
  /** When the log last had a line about a pipeline that waits for this one, in elapsed time. */
  readonly loggedAt: Map<string, number>;
}

/** How often the log has a line about one pipeline that waits for another. In milliseconds. */
const logPauseMs = 60_000;

/**
 * The bound of sends (promise 7), over all pipelines. A pipeline has room while fewer than `limits.sends` of its events are
 * unsettled, those that drafts are about to send among them. A turn that sends to a pipeline without room has no effect; its key
 * waits, and the turn runs again once there is room.
 *
 * Three rules keep pipelines that send to each other from waiting for ever:
 *
 * - A turn may send one event to its own pipeline at any time: that takes the place of the event that the turn settles.
 * - Who feeds a pipeline from outside has half of the room. The other half is for turns that the pipeline reaches by its own sends,
 *   as far as this process has seen. So those outside cannot take the place of an answer.
 * - What a single turn sends needs no more than one free place.
 *
 * While a partition is being claimed nobody knows how much waits in its pipeline, and nothing has room there but by the first rule.
 *
 * So what waits is bounded, at the limit and one turn's effects for each pipeline. Only pipelines that send more than they settle,
 * to each other in a circle, still wait for each other then: that is a {@link SendLoop}.
 */
export class SendRoom {
  readonly #means: SendRoomMeans;
  readonly #places = new Map<string, Place>();
  /** The pipelines that somebody waits for. */
  readonly #crowded = new Set<string>();

  constructor(means: SendRoomMeans) {
    this.#means = means;
  }

  /** Takes room for what a turn sends, until it is released. Takes none, and returns a pipeline without room, if there is one. */
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

  /** The sends of a draft are in the log, or will never be. */
  release(sends: readonly Outgoing[]): void {
    if (sends.length === 0) return;
    for (const [to, count] of countByReceiver(sends)) this.#place(to).drafted -= count;
  }

  /** Fewer events are unsettled than before, perhaps: lets those who wait go on. */
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

  /** Turns of a partition wait for room in a pipeline. */
  wait(turns: WaitingTurns, to: string): void {
    const { waiting } = this.#place(to);
    if (waiting.has(turns)) return;
    waiting.add(turns);
    this.#crowded.add(to);
    this.#logWait(turns.pipeline, to);
  }

  /** No turn of a partition waits for a pipeline any more. */
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

  /** Whether a pipeline was seen to send to another, by way of others perhaps. */
  #reaches(from: string, to: string): boolean {
    const seen = new Set([from]);
    for (const name of seen) {
      if (name === to) return true;
      for (const next of this.#places.get(name)?.sendsTo ?? []) seen.add(next);
    }
    return false;
  }

  /** By pipeline, those that it waits for. */
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
        'pipelines feed themselves by sends, and stand still: discard events, or raise the limit of sends',
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
