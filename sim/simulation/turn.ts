import type { Answer, OutgoingCall } from '../../src/pipeline/endpoint.ts';
import type { AnyPipeline } from '../../src/pipeline/pipeline.ts';
import { table } from '../../src/pipeline/table.ts';
import type { Turn } from '../../src/pipeline/turn.ts';
import type { AppliedTurn, Armed, Asked, Cause, Sent } from '../ledger.ts';
import type { Deed, endpointNames, PipelineName, Poison, timerNames } from './program.ts';

/**
 * The record of every turn, in the order in which turns take effect: rows are never replaced, so that a turn that took effect twice appears
 * twice.
 */
export const turnsTable = table('turns', { pipeline: 'text', key: 'text', turn: 'json' });

/**
 * The last action of a key: an event inserts its row, every other turn updates it. So of the many writes to a row within one commit, the
 * last must win.
 */
export const lastTable = table('last', { id: 'text', event: 'text', turn: 'text' }, { primaryKey: ['id'] });

/** The id of a row in {@link lastTable} that the store refuses, as by a constraint of the user's own. */
export const refusedRow = 'refused';

/** The world outside the engine, as the handlers and endpoints of one life see it. */
export interface Surroundings {
  /** Counts the lives that have had the partition of a key, up to this one. */
  lifeOf(pipeline: string, key: string): number;
  /** Objects that the spoiling handlers have returned and still hold. */
  readonly kept: object[];
  readonly isMended: boolean;
  /** Begins a turn of a key; the returned function ends it. */
  enter(pipeline: string, key: string, what: string): () => void;
  isDeclared(name: string): boolean;
  count(what: string): void;
  /** Resolves some time later. */
  pause(): Promise<void>;
  call(call: OutgoingCall, signal: AbortSignal): Promise<Answer>;
  /** Returns the actions after an outcome. */
  deedsAfter(delivery: string): readonly Deed[];
}

export type SimulatedTurn = Turn<
  string,
  unknown,
  { turns: typeof turnsTable; last: typeof lastTable },
  (typeof timerNames)[number],
  (typeof endpointNames)[number]
>;

/** The data of a timer. */
export interface TimerData {
  readonly arm: string;
  readonly does: readonly Deed[];
}

interface TurnMeans {
  readonly surroundings: Surroundings;
  pipelineOf(name: string): AnyPipeline;
  readonly name: PipelineName;
  readonly cause: Cause;
  readonly deeds: readonly Deed[];
  readonly turn: SimulatedTurn;
  /** The event or data, and the state. */
  readonly given: readonly unknown[];
}

/** Makes one attempt: waits and fails as instructed, then makes all other decisions and records them. */
export function runTurn<Next>(means: TurnMeans, next: () => Next): Next | Promise<Next> {
  const { surroundings, deeds, turn, name } = means;
  const leave = surroundings.enter(name, turn.key, `${nameOf(means.cause)}, attempt ${turn.attempt}`);
  // A turn that has run out of time no longer counts, even if it continues.
  turn.signal.addEventListener('abort', leave, { once: true });
  const isWaiting = deeds.some((deed) => deed.do === 'pause' || deed.do === 'hang');
  const decided = () => {
    for (const kept of surroundings.kept) spoil(kept);
    decide(means);
    // If the attempt is poisoned or fails, nothing that it has decided so far may take effect.
    const poison = poisonOf(means);
    const isFailing = fails(means);
    const decision = next();
    if (deeds.some((deed) => deed.do === 'spoil')) spoilAll(means, decision, isWaiting);
    if (isFailing) throw new Error('not today');
    if (poison === undefined) return decision;
    surroundings.count(`poisons: ${poison}`);
    // An untyped handler may return a value of any type.
    return take(poison, turn) as Next;
  };
  if (!isWaiting) {
    try {
      return decided();
    } finally {
      leave();
    }
  }
  return waitOut(means).then(decided).finally(leave);
}

async function waitOut({ deeds, surroundings, turn }: TurnMeans): Promise<void> {
  for (const deed of deeds) {
    if (deed.do === 'pause') for (let time = 0; time < deed.times; time += 1) await surroundings.pause();
    if (deed.do === 'hang' && turn.attempt === 1 && !surroundings.isMended) await aborted(turn.signal);
  }
}

/** Rejects when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

function fails({ deeds, surroundings, turn }: TurnMeans): boolean {
  return !surroundings.isMended && deeds.some((deed) => deed.do === 'fail' && turn.attempt <= deed.attempts);
}

function poisonOf({ deeds, surroundings, turn }: TurnMeans): Poison | undefined {
  const isDue = (deed: Deed) => deed.do === 'poison' && turn.attempt <= deed.attempts;
  const deed = surroundings.isMended ? undefined : deeds.find(isDue);
  return deed?.do === 'poison' ? deed.what : undefined;
}

/** Decides something that no store can hold. Returns the next state, unless it is refused before. */
function take(poison: Poison, turn: SimulatedTurn): unknown {
  if (poison === 'moment') turn.timers.set('bell', { at: 1.79e18 });
  else if (poison === 'payload') turn.deliver('mail', { amount: 10n });
  else if (poison === 'row') turn.put(lastTable, { id: refusedRow, event: '', turn: '' });
  return poison === 'state' ? { turns: Number.NaN, sum: new Date(0) } : undefined;
}

/** Changes everything afterwards: the engine must already have copied what it keeps, or, for a promise's value, does so on receiving it. */
function spoilAll({ surroundings, given }: TurnMeans, decision: unknown, isWaiting: boolean): void {
  for (const one of given) spoil(one);
  if (typeof decision !== 'object' || decision === null) return;
  if (isWaiting) setImmediate(() => surroundings.kept.push(decision));
  else surroundings.kept.push(decision);
}

function spoil(value: unknown): void {
  if (Array.isArray(value)) value.splice(0).forEach(spoil);
  else if (typeof value === 'object' && value !== null) {
    for (const [name, part] of Object.entries(value)) {
      if (typeof part === 'object') spoil(part);
      else Reflect.set(value, name, typeof part === 'number' ? -1 : 'spoilt');
    }
  }
}

function decide({ deeds, turn, cause, name, surroundings, pipelineOf }: TurnMeans): void {
  const armed: Armed[] = [];
  const asked: Asked[] = [];
  const sent: Sent[] = [];
  for (const [at, deed] of deeds.entries()) {
    const needed = neededFor(deed);
    if (needed !== undefined && !surroundings.isDeclared(needed)) continue;
    if (deed.do === 'send') {
      turn.send(pipelineOf(deed.to), deed.act);
      sent.push({ pipeline: deed.to, key: deed.act.key, name: deed.act.mark });
    } else if (deed.do === 'arm') {
      const arm = `${nameOf(cause)}:${at}`;
      const dueAt = turn.now + deed.afterMs;
      turn.timers.set(deed.timer, { at: dueAt, data: { arm, does: deed.does } satisfies TimerData });
      armed.push({ timer: deed.timer, arm, dueAt });
    } else if (deed.do === 'cancel') {
      turn.timers.cancel(deed.timer);
      armed.push({ timer: deed.timer, arm: null, dueAt: 0 });
    } else if (deed.do === 'deliver') {
      turn.deliver(deed.endpoint, { id: deed.id }, { id: deed.id });
      asked.push({ endpoint: deed.endpoint, id: deed.id });
    }
  }
  const life = surroundings.lifeOf(name, turn.key);
  const written: AppliedTurn = { key: turn.key, cause, life, attempt: turn.attempt, armed, asked, sent };
  turn.add(turnsTable, { pipeline: name, key: turn.key, turn: written });
  const row = { id: `${name} ${turn.key}`, turn: nameOf(cause) };
  if (cause.kind === 'event') turn.put(lastTable, { ...row, event: cause.name });
  else turn.update(lastTable, row);
}

/** Returns the name that must be declared for an action. */
function neededFor(deed: Deed): string | undefined {
  if (deed.do === 'send') return deed.to;
  if (deed.do === 'arm' || deed.do === 'cancel') return deed.timer;
  return deed.do === 'deliver' ? deed.endpoint : undefined;
}

/** Returns the name of a turn. */
export function nameOf(cause: Cause): string {
  if (cause.kind === 'event') return cause.name;
  if (cause.kind === 'timer') return cause.arm;
  return `${cause.endpoint}/${cause.id} ${cause.status}`;
}
