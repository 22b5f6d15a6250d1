import { existsSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import * as z from 'zod';
import { pipeline } from '../../pipeline/pipeline.ts';
import { table } from '../../pipeline/table.ts';

/** A module like a user's: threads import it and take `steps` from it. It contains no tests. */

const Step = z.object({
  key: z.string(),
  n: z.int(),
  /** The handler's action in addition to applying the step. */
  does: z
    .enum([
      ...(['nothing', 'fail once', 'throw', 'throw without file', 'spin', 'exit', 'answer a function', 'answer a Map'] as const),
      ...(['change all it has', 'wait', 'ignore', 'late error', 'late rejection'] as const),
    ])
    .default('nothing'),
  /** A file: `wait` blocks its thread until the file exists; `late error` and `late rejection` happen once it does. */
  until: z.string().default(''),
});

export type StepInput = z.input<typeof Step>;

export const applied = table('applied', { key: 'text', n: 'integer', nth: 'integer' }, { primaryKey: ['key', 'nth'] });

/** The reports of the handlers: `begun <key> <n>`, from whichever thread they run in. */
export const channelName = `millrace fixture ${process.pid}`;

/** Receives what `steps` sends, in the engine's thread. */
export const heard = pipeline('heard', {
  event: z.object({ key: z.string(), n: z.int() }),
  key: ({ key }) => key,
  state: z.object({ heard: z.array(z.int()) }),
  handle: ({ n }, state) => ({ heard: [...(state?.heard ?? []), n] }),
});

const Steps = z.object({ steps: z.array(z.int()), alarms: z.int(), inMainThread: z.boolean() });

export const steps = pipeline('steps', {
  run: 'threads',
  module: import.meta.url,
  concurrency: 2,
  event: Step,
  key: ({ key }) => key,
  state: Steps,
  tables: { applied },
  retry: { attempts: 3, backoff: 10 },
  timeout: '1s',
  handle(step, state, turn) {
    turn.log.info('step', { n: step.n, print: () => step });
    turn.timers.set('alarm', { after: '1h', data: { n: step.n } });
    const before = state?.steps ?? [];
    turn.add(applied, { key: step.key, n: step.n, nth: before.length });
    const said = { key: step.key, n: step.n };
    turn.send(heard, said);
    if (step.does === 'change all it has') {
      said.n = -1;
      step.n = -1;
      state?.steps.push(-1);
      return undefined;
    }
    const wrong = misbehave(step, turn.attempt);
    if (wrong !== undefined) return wrong;
    if (step.does === 'ignore') return turn.ignore('as asked');
    return { steps: [...before, step.n], alarms: state?.alarms ?? 0, inMainThread: isMainThread };
  },
  timers: {
    alarm(state, turn, data) {
      turn.log.info('alarm', { data });
      return state && { ...state, alarms: state.alarms + 1, inMainThread: isMainThread };
    },
  },
});

function misbehave({ does, key, n, until }: z.output<typeof Step>, attempt: number): z.infer<typeof Steps> | undefined {
  if (does === 'fail once' && attempt === 1) throw new Error('failed once');
  if (does === 'throw') throw new TypeError(`cannot apply ${n}`, { cause: { step: n } });
  if (does === 'throw without file' && !existsSync(until)) throw new Error(`cannot apply ${n} yet`);
  if (does === 'exit') process.exit(7);
  if (does === 'late error') throwOnce(until);
  if (does === 'late rejection') void rejectOnce(until);
  if (does === 'spin' || does === 'wait') tell(`begun ${key} ${n}`);
  while (does === 'spin');
  while (does === 'wait' && !existsSync(until));
  if (does === 'answer a Map') return Object({ steps: new Map(), alarms: 0, inMainThread: false });
  // A caller without types can do so.
  return does === 'answer a function' ? Object({ steps: [], alarms: 0, inMainThread: false, print: () => n }) : undefined;
}

/** Throws once the file exists. */
function throwOnce(file: string): void {
  setImmediate(() => {
    if (existsSync(file)) throw new Error('too late');
    throwOnce(file);
  });
}

/** Nobody waits for it. */
async function rejectOnce(file: string): Promise<never> {
  while (!existsSync(file)) await new Promise(setImmediate);
  throw new Error('too late', { cause: new RangeError('nobody waits') });
}

function tell(words: string): void {
  const channel = new BroadcastChannel(channelName);
  channel.postMessage(words);
  channel.close();
}
