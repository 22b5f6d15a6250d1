import { MillraceError } from '../errors.ts';
import { codeOf } from '../fault.ts';
import type { AuditEntry, CommandAnswer, DeadLetter, DeadLetterOf, StoredCause } from '../store/store.ts';
import { whyOtherwise } from './accepted-otherwise.ts';
import { describeCause } from './cause.ts';
import type { CauseQueue } from './cause-queue.ts';
import { isUnheard, whyUndeclared } from './declared-cause.ts';
import type { Draft } from './draft.ts';
import type { TenureContext } from './engine-context.ts';
import { rowIn } from './inbox/read-row.ts';
import type { Lane } from './lane.ts';
import type { Lanes } from './lanes.ts';
import { LetterPresence } from './letter-operations/letter-presence.ts';
import { flowFor } from './outbox/flow-for.ts';
import { toStoredOutcome } from './outbox/outcome.ts';

/** Committed together with the end of a dead letter. */
export interface Witness {
  /** The answer to the command that led to it. */
  readonly answer?: CommandAnswer | undefined;
  /** The audit entry with its author. */
  readonly entry?: AuditEntry | undefined;
  /** The operation it belongs to, which counts it as done. */
  readonly operation?: string | undefined;
}

/** A dead letter that is being resolved. */
interface Resolving {
  readonly letter: DeadLetter;
  readonly witness: Witness;
  /** The kind of its timeline item. */
  readonly told: 'redriven' | 'discarded';
}

/** The dependencies for resolving dead letters, other than the context. */
interface ResolverParts {
  readonly lanes: Lanes;
  readonly causes: Pick<CauseQueue, 'fire'>;
}

/** Redrives and discards dead letters, each once, in the order of their key. */
export class Resolver {
  readonly #context: TenureContext;
  readonly #parts: ResolverParts;
  readonly #presence: LetterPresence;
  /** The letters under way. */
  readonly #resolving = new Map<string, Resolving>();

  constructor(context: TenureContext, parts: ResolverParts) {
    this.#context = context;
    this.#parts = parts;
    this.#presence = new LetterPresence(context.engine.store);
  }

  /**
   * Retries the event of a dead letter before anything else of its key; makes its timer or outcome due again; delivers anew; lets the next
   * run of its source take its origin again; or puts its row back into the inbox.
   *
   * @param witness is committed together with it
   */
  redrive(letter: DeadLetter, witness: Witness = {}): Promise<void> {
    return this.#once({ letter, witness, told: 'redriven' }, () => this.#redrive(letter));
  }

  /** Gives up the event of a dead letter for good; its key proceeds with the next one. */
  discard(letter: DeadLetter, witness: Witness = {}): Promise<void> {
    return this.#once({ letter, witness, told: 'discarded' }, () => this.#discard(letter));
  }

  async #redrive(letter: DeadLetter): Promise<void> {
    switch (letter.kind) {
      case 'event':
        return this.#retry(letter);
      case 'timer':
      case 'outcome':
        return this.#rearm(letter);
      case 'delivery':
        return this.#redeliver(letter);
      case 'origin':
        return this.#return(letter);
      case 'rejected':
        throw new MillraceError(
          'MILL_CONFLICT',
          `dead letter ${letter.id}: a record of a topic cannot be redriven; write it to the topic again, and discard this`,
        );
      case 'gap':
        throw new MillraceError('MILL_CONFLICT', `dead letter ${letter.id}: a gap cannot be redriven`);
    }
  }

  async #discard(letter: DeadLetter): Promise<void> {
    if (letter.kind === 'origin' || letter.kind === 'rejected') return this.#resolved(this.#context.draft(), letter);
    await this.#resolve(letter, (lane, draft) => {
      if (!isParking(letter)) return;
      this.#parts.lanes.settle(lane, draft, { ...letter.event, held: true });
      draft.unparked.push({ id: letter.id, redriven: false });
    });
  }

  async #retry(letter: DeadLetterOf<'event'>): Promise<void> {
    this.#checkAccepted(letter);
    const { event, parked } = letter;
    await this.#resolve(letter, (lane, draft) => {
      draft.hold(lane, { ...event, attempts: 0, held: true }, null);
      lane.spillFrom(event.order);
      if (!parked) lane.countAgain(event);
      if (parked) draft.unparked.push({ id: letter.id, redriven: true });
      else draft.counts.received += 1;
    });
  }

  /** Refuses an event accepted in another form, which has no place in the order. */
  #checkAccepted({ id, key, eventId, body, event: { order } }: DeadLetterOf<'event'>): void {
    const number = eventId === `${key}#${order}` ? order : null;
    const reason = whyOtherwise(this.#context.pipeline.declaration, { key, id: eventId, number, body });
    if (reason !== undefined) throw new MillraceError('MILL_CONFLICT', `dead letter ${id}: ${reason}`);
  }

  /** Makes the timer or outcome due again at once, unless there is a newer one. */
  async #rearm(letter: DeadLetterOf<'timer' | 'outcome'>): Promise<void> {
    const { lanes } = this.#parts;
    const { clock } = this.#context.engine;
    const { declaration: pipeline } = this.#context.pipeline;
    const cause = toCause(letter);
    const reason = whyUndeclared(pipeline, cause);
    if (reason !== undefined) throw new MillraceError('MILL_CONFLICT', `dead letter ${letter.id}: ${reason}`);
    if (isUnheard(pipeline, cause)) {
      throw new MillraceError('MILL_CONFLICT', `dead letter ${letter.id}: its endpoint has no handler for outcomes`);
    }
    await this.#resolve(letter, (lane) => {
      if (lane.causeOf(cause) !== undefined) {
        throw new MillraceError(
          'MILL_CONFLICT',
          `dead letter ${letter.id}: expected ${describeCause(cause)} not to be pending, but it was set again`,
        );
      }
      // The clock may have been set back since it was due.
      lanes.writeCause({ ...cause, dueAt: Math.min(cause.dueAt, clock.now()) });
    });
  }

  /** Requests the delivery anew, under its id; one requested meanwhile stands. */
  async #redeliver(letter: DeadLetterOf<'delivery'>): Promise<void> {
    const { deliver } = this.#context.pipeline.declaration;
    const { delivery } = letter;
    const endpoint = Object.hasOwn(deliver, delivery.endpoint) ? deliver[delivery.endpoint] : undefined;
    if (endpoint === undefined) {
      throw new MillraceError(
        'MILL_CONFLICT',
        `dead letter ${letter.id}: expected an endpoint of the pipeline, found ${delivery.endpoint}`,
      );
    }
    await this.#resolve(letter, (lane, draft) => {
      const { key } = lane;
      if (lane.causeOf({ kind: 'outcome', key, endpoint: delivery.endpoint, id: delivery.id }) !== undefined) {
        throw new MillraceError(
          'MILL_CONFLICT',
          `dead letter ${letter.id}: its key has not handled the previous outcome yet; try again later`,
        );
      }
      const at = this.#context.engine.clock.now();
      // If nobody is notified that the pipeline must begin it, it begins by itself.
      const dueAt = endpoint.retryBy === 'outbox' || endpoint.outcome === undefined ? at : null;
      // A new moment, so that an old answer is not taken for a new one.
      const asked = { ...delivery, key, askedAt: at };
      const flow = flowFor(asked, endpoint, { pipeline: this.#context.pipeline.declaration.name, log: this.#context.engine.log });
      const restored = { ...asked, flow, ordered: endpoint.isOrdered, attempts: 0, dueAt };
      draft.deliveries.push({ write: 'restore', delivery: restored });
      if (endpoint.outcome === undefined) return;
      this.#parts.causes.fire(toStoredOutcome({ ...delivery, key }, { id: delivery.id, attempts: 0, at, status: 'redriven' }));
    });
  }

  /** A table row is found there again. An inbox row has left the inbox, and is put back to be validated anew. */
  #return(letter: DeadLetterOf<'origin'>): void {
    const draft = this.#context.draft();
    const { id, origin, partition } = letter;
    const row = rowIn(origin);
    if (row !== undefined) {
      if (row.isCut) throw new MillraceError('MILL_CONFLICT', `dead letter ${id}: its inbox row is incomplete: it has only ${cutRow}`);
      if (this.#context.engine.store.inbox === undefined)
        throw new MillraceError('MILL_CONFLICT', `dead letter ${id}: its row came from an inbox, but this store has none`);
      draft.returnToInbox({ pipeline: partition.pipeline, event: row.event, id: row.id, traceparent: row.traceparent });
    }
    this.#resolved(draft, letter);
  }

  async #resolve(letter: DeadLetter, decide: (lane: Lane, draft: Draft) => void): Promise<void> {
    const { lanes } = this.#parts;
    await lanes.warm([letter.key]);
    const lane = lanes.peek(letter.key);
    if (lane === undefined || lanes.isClosed) throw recovering();
    const draft = this.#context.draft();
    try {
      decide(lane, draft);
      if (isParking(letter) && lane.status === 'parked') lane.unpark();
      draft.change(lane);
      this.#resolved(draft, letter);
      this.#tellEnd(draft, lane, letter);
      lanes.wake(letter.key);
    } catch (error) {
      // Anything but a conflict has left half of it drafted.
      if (codeOf(error) !== 'MILL_CONFLICT') this.#context.failed(error);
      throw error;
    }
  }

  /** Unlists the letter once the draft is on disk, and answers a command that led to it. */
  #resolved(draft: Draft, { id }: DeadLetter): void {
    draft.resolve(id);
    const { answer, entry, operation } = this.#resolving.get(id)?.witness ?? {};
    if (answer !== undefined) draft.answer(answer);
    if (entry !== undefined) draft.note(entry);
    if (operation !== undefined) draft.advance(operation);
  }

  /** Adds the letter's end to its key's timeline, unless an audit entry shows it there already. */
  #tellEnd(draft: Draft, lane: Lane, { id: deadLetter }: DeadLetter): void {
    const { witness, told } = this.#resolving.get(deadLetter) ?? {};
    if (told === undefined || witness?.entry !== undefined) return;
    draft.told?.tell(lane, { kind: told, at: this.#context.engine.clock.now(), deadLetter, operation: witness?.operation });
  }

  /** @param decide drafts the fate of the letter */
  async #once(resolving: Resolving, decide: () => Promise<void>): Promise<void> {
    const { letter } = resolving;
    if (this.#resolving.has(letter.id)) throw new MillraceError('MILL_CONFLICT', `dead letter ${letter.id} is already being resolved`);
    this.#resolving.set(letter.id, resolving);
    try {
      // It was read before its turn to be resolved came.
      if (!(await this.#presence.has(letter.id)))
        throw new MillraceError('MILL_NOT_FOUND', `expected the id of a dead letter, found ${letter.id}`);
      if (this.#parts.lanes.isClosed) throw recovering();
      await decide();
      this.#context.drafted();
      await this.#context.committed();
      if (this.#parts.lanes.isClosed) throw recovering();
    } finally {
      this.#resolving.delete(letter.id);
    }
  }
}

/** If the text was longer than an event may be, the letter has only its beginning. */
const cutRow = 'the beginning of its event. Insert the event into millrace_inbox again, then discard this.';

function recovering(): MillraceError {
  return new MillraceError('MILL_STORE_UNAVAILABLE', 'the partition is being recovered');
}

/** Returns whether its key waits for it. */
function isParking(letter: DeadLetter): letter is DeadLetterOf<'event'> {
  return letter.kind === 'event' && letter.parked;
}

/** Returns the timer or outcome as it was before its first attempt. */
function toCause(letter: DeadLetterOf<'timer' | 'outcome'>): StoredCause {
  const fresh = { key: letter.key, attempts: 0, retryAt: null };
  return letter.kind === 'timer' ? { kind: 'timer', ...fresh, ...letter.timer } : { kind: 'outcome', ...fresh, ...letter.outcome };
}
