import * as z from 'zod';
import type { Answer, DeliveryOutcome, EndpointOptions, OutgoingCall } from '../../src/pipeline/endpoint.ts';
import { type AnyPipeline, pipeline } from '../../src/pipeline/pipeline.ts';
import { table } from '../../src/pipeline/table.ts';
import type { Turn } from '../../src/pipeline/turn.ts';
import type { AppliedTurn, Armed, Asked, Cause, Sent } from '../ledger.ts';
import { type Act, type Deed, endpointNames, type PipelineName, pipelineNames, type Settings, timerNames } from './program.ts';

/** What every turn writes down, in the order in which turns take effect: nothing is replaced, so that what happened twice is there twice. */
export const turnsTable = table('turns', { pipeline: 'text', key: 'text', turn: 'json' });

/** What the state of a key says: how many turns made it, and a sum of what each was. */
export interface State {
  readonly turns: number;
  readonly sum: number;
}
const State = z.object({ turns: z.int(), sum: z.int() });

/** A state after one more turn. */
export function after(state: State | undefined, cause: Cause): State {
  let sum = state?.sum ?? 0x811c9dc5;
  for (const letter of JSON.stringify(cause)) sum = Math.imul(sum ^ letter.charCodeAt(0), 0x01000193);
  return { turns: (state?.turns ?? 0) + 1, sum };
}

/** What the handlers and endpoints of one life meet outside of the engine. */
export interface Surroundings {
  readonly life: number;
  readonly isMended: boolean;
  /** A turn of a key begins; the answer ends it. */
  enter(pipeline: string, key: string, what: string): () => void;
  /** Resolves some time. */
  pause(): Promise<void>;
  call(call: OutgoingCall, signal: AbortSignal): Promise<Answer>;
  /** What an outcome leads to. */
  deedsAfter(delivery: string): readonly Deed[];
}

type SimulatedTurn = Turn<string, unknown, { turns: typeof turnsTable }, (typeof timerNames)[number], (typeof endpointNames)[number]>;

const DeedSchema = z.custom<Deed>();
const ActSchema = z.object({ key: z.string(), mark: z.string(), isNamed: z.boolean(), number: z.int(), does: z.array(DeedSchema) });

/** The pipelines of a program; what they do is in their events. */
export function simulatedPipelines(settings: Settings, surroundings: Surroundings): readonly AnyPipeline[] {
  const made: AnyPipeline[] = [];
  const pipelineOf = (name: string) => made.find((one) => one.name === name) as AnyPipeline;
  for (const name of pipelineNames) made.push(simulatedPipeline(name, { settings, surroundings, pipelineOf }));
  return made;
}

interface Means {
  readonly settings: Settings;
  readonly surroundings: Surroundings;
  pipelineOf(name: string): AnyPipeline;
}

function simulatedPipeline(name: PipelineName, means: Means): AnyPipeline {
  const { settings } = means;
  const run = (cause: Cause, deeds: readonly Deed[], state: State | undefined, turn: SimulatedTurn) =>
    runTurn({ ...means, name, cause, deeds, turn }, () => (name === 'loose' ? undefined : after(state, cause)));
  const common = {
    event: ActSchema,
    tables: { turns: turnsTable },
    retry: { attempts: settings.attempts, backoff: 200 },
    onGiveUp: settings.onGiveUp,
    concurrency: settings.concurrency,
    timeout: 2_000,
    handle: (act: Act, state: State | undefined, turn: SimulatedTurn) => run({ kind: 'event', name: act.mark }, act.does, state, turn),
    timers: Object.fromEntries(
      timerNames.map((timer) => [
        timer,
        (state: State | undefined, turn: SimulatedTurn, data: unknown) => {
          const { arm, does } = data as TimerData;
          return run({ kind: 'timer', arm, at: turn.now }, does, state, turn);
        },
      ]),
    ) as Record<(typeof timerNames)[number], (state: State | undefined, turn: SimulatedTurn, data: unknown) => ReturnType<typeof run>>,
    deliver: endpoints(means, (endpoint, { id, status }, state, turn) => {
      // Where the pipeline is to begin the next attempt, it does so at once.
      const mustAsk = endpoint === 'visit' && (status === 'failed' || status === 'redriven');
      const again: readonly Deed[] = mustAsk ? [{ do: 'deliver', endpoint, id }] : [];
      const deeds = status === 'delivered' ? means.surroundings.deedsAfter(id) : again;
      return run({ kind: 'outcome', endpoint, id, status }, deeds, state, turn);
    }),
  };
  if (name === 'loose') return pipeline(name, { ...common, id: ({ mark }: Act) => mark } as never);
  const keyed = { ...common, key: ({ key }: Act) => key, state: State };
  if (name === 'acts') return pipeline(name, { ...keyed, id: ({ mark, isNamed }: Act) => (isNamed ? mark : undefined) } as never);
  const gap = settings.skipsGaps ? { skipAfter: '5s' } : 'wait';
  return pipeline(name, { ...keyed, order: { by: ({ number }: Act) => number, gap, maxPending: settings.maxPending } } as never);
}

function endpoints(
  { settings, surroundings }: Means,
  told: (endpoint: (typeof endpointNames)[number], outcome: DeliveryOutcome, state: State | undefined, turn: SimulatedTurn) => unknown,
) {
  return Object.fromEntries(
    endpointNames.map((name) => {
      const options: EndpointOptions<State, SimulatedTurn, never> = {
        to: { call: (call, signal) => surroundings.call(call, signal) },
        concurrency: settings.deliveriesAtOnce,
        timeout: 3_000,
        retry: { attempts: 3, backoff: 300, by: name === 'visit' ? 'pipeline' : 'outbox' },
        order: name === 'post' ? 'key' : 'none',
        ...(name !== 'shout' && { outcome: (state, turn, outcome) => told(name, outcome, state, turn) as never }),
      };
      return [name, options];
    }),
  );
}

interface TimerData {
  readonly arm: string;
  readonly does: readonly Deed[];
}

interface TurnMeans extends Means {
  readonly name: PipelineName;
  readonly cause: Cause;
  readonly deeds: readonly Deed[];
  readonly turn: SimulatedTurn;
}

/** One attempt: waits and fails as it is told to, then decides all the rest and writes it down. */
function runTurn<Next>(means: TurnMeans, next: () => Next): Next | Promise<Next> {
  const { surroundings, deeds, turn, name } = means;
  const leave = surroundings.enter(name, turn.key, `${nameOf(means.cause)}, attempt ${turn.attempt}`);
  // What has run out of time is no turn any more, even if it goes on.
  turn.signal.addEventListener('abort', leave, { once: true });
  const isWaiting = deeds.some((deed) => deed.do === 'pause' || deed.do === 'hang');
  const decided = () => {
    fail(means);
    decide(means);
    return next();
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

function fail({ deeds, surroundings, turn }: TurnMeans): void {
  const isFailing = deeds.some((deed) => deed.do === 'fail' && turn.attempt <= deed.attempts);
  if (isFailing && !surroundings.isMended) throw new Error('not today');
}

function decide({ deeds, turn, cause, name, surroundings, pipelineOf }: TurnMeans): void {
  const armed: Armed[] = [];
  const asked: Asked[] = [];
  const sent: Sent[] = [];
  for (const [at, deed] of deeds.entries()) {
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
  const written: AppliedTurn = { key: turn.key, cause, life: surroundings.life, armed, asked, sent };
  turn.add(turnsTable, { pipeline: name, key: turn.key, turn: written });
}

function nameOf(cause: Cause): string {
  if (cause.kind === 'event') return cause.name;
  if (cause.kind === 'timer') return cause.arm;
  return `${cause.endpoint}/${cause.id} ${cause.status}`;
}
