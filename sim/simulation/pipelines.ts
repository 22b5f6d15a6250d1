import * as z from 'zod';
import type { DeliveryOutcome, EndpointOptions } from '../../src/pipeline/endpoint.ts';
import { type AnyPipeline, pipeline } from '../../src/pipeline/pipeline.ts';
import type { Cause } from '../ledger.ts';
import { type Act, type Deed, endpointNames, type PipelineName, pipelineNames, type Settings, timerNames } from './program.ts';
import { lastTable, runTurn, type SimulatedTurn, type Surroundings, type TimerData, turnsTable } from './turn.ts';

/** Time for which the first event behind a gap waits, in milliseconds, if gaps are skipped. */
export const skipAfterMs = 5_000;

/** The state of a key: the number of its turns, and a checksum over them. */
export interface State {
  readonly turns: number;
  readonly sum: number;
}
const State = z.object({ turns: z.int(), sum: z.int() });

/** Returns the state after one more turn. */
export function after(state: State | undefined, cause: Cause): State {
  let sum = state?.sum ?? 0x811c9dc5;
  for (const letter of JSON.stringify(cause)) sum = Math.imul(sum ^ letter.charCodeAt(0), 0x01000193);
  return { turns: (state?.turns ?? 0) + 1, sum };
}

const DeedSchema = z.custom<Deed>();
const ActSchema = z.object({
  key: z.string(),
  mark: z.string(),
  isNamed: z.boolean(),
  number: z.int(),
  does: z.array(DeedSchema),
  isRefused: z.literal(true).optional(),
});

/** The pipelines of a program, as far as they are declared; their events say what they do. */
export function simulatedPipelines(settings: Settings, surroundings: Surroundings): readonly AnyPipeline[] {
  const made: AnyPipeline[] = [];
  const pipelineOf = (name: string) => made.find((one) => one.name === name) as AnyPipeline;
  for (const name of pipelineNames) {
    if (surroundings.isDeclared(name)) made.push(simulatedPipeline(name, { settings, surroundings, pipelineOf }));
  }
  return made;
}

interface Means {
  readonly settings: Settings;
  readonly surroundings: Surroundings;
  pipelineOf(name: string): AnyPipeline;
}

function simulatedPipeline(name: PipelineName, means: Means): AnyPipeline {
  const { settings } = means;
  const run = (cause: Cause, deeds: readonly Deed[], state: State | undefined, turn: SimulatedTurn, given?: unknown) =>
    runTurn({ ...means, name, cause, deeds, turn, given: [given, state] }, () => (name === 'loose' ? undefined : after(state, cause)));
  const common = {
    event: ActSchema.refine(({ isRefused }) => isRefused === undefined || means.surroundings.isMended, {
      error: 'not until everything is fixed',
    }),
    tables: { turns: turnsTable, last: lastTable },
    retry: { attempts: settings.attempts, backoff: 200 },
    onGiveUp: settings.onGiveUp,
    concurrency: settings.concurrency,
    timeout: 2_000,
    handle: (act: Act, state: State | undefined, turn: SimulatedTurn) => run({ kind: 'event', name: act.mark }, act.does, state, turn, act),
    timers: Object.fromEntries(
      timerNames
        .filter((timer) => means.surroundings.isDeclared(timer))
        .map((timer) => [
          timer,
          (state: State | undefined, turn: SimulatedTurn, data: unknown) => {
            const { arm, does } = data as TimerData;
            return run({ kind: 'timer', arm, at: turn.now }, does, state, turn, data);
          },
        ]),
    ) as Record<(typeof timerNames)[number], (state: State | undefined, turn: SimulatedTurn, data: unknown) => ReturnType<typeof run>>,
    deliver: endpoints(means, (endpoint, { id, status }, state, turn) => {
      // Where the pipeline has to begin the next attempt, it does so at once.
      const mustAsk = endpoint === 'visit' && (status === 'failed' || status === 'redriven');
      const again: readonly Deed[] = mustAsk ? [{ do: 'deliver', endpoint, id }] : [];
      const deeds = status === 'delivered' ? means.surroundings.deedsAfter(id) : again;
      return run({ kind: 'outcome', endpoint, id, status }, deeds, state, turn);
    }),
  };
  if (name === 'loose') return pipeline(name, { ...common, id: ({ mark }: Act) => mark } as never);
  const keyed = { ...common, key: ({ key }: Act) => key, state: State };
  if (name === 'acts') return pipeline(name, { ...keyed, id: ({ mark, isNamed }: Act) => (isNamed ? mark : undefined) } as never);
  const gap = settings.skipsGaps ? { skipAfter: skipAfterMs } : 'wait';
  return pipeline(name, { ...keyed, order: { by: ({ number }: Act) => number, gap, maxPending: settings.maxPending } } as never);
}

/** Deliveries share few addresses; those of one endpoint have none. */
function addressOf(endpoint: (typeof endpointNames)[number], id: string): string | undefined {
  return endpoint === 'shout' ? undefined : `address ${id.length % 3}`;
}

function endpoints(
  { settings, surroundings }: Means,
  told: (endpoint: (typeof endpointNames)[number], outcome: DeliveryOutcome, state: State | undefined, turn: SimulatedTurn) => unknown,
) {
  return Object.fromEntries(
    endpointNames
      .filter((name) => surroundings.isDeclared(name))
      .map((name) => {
        const options: EndpointOptions<State, SimulatedTurn, never> = {
          to: { call: (call, signal) => surroundings.call(call, signal), address: ({ id }) => addressOf(name, id) },
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
