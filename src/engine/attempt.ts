import { MillraceError } from '../errors.ts';
import type { AnyPipeline } from '../pipeline/pipeline.ts';
import { isThenable } from '../pipeline/thenable.ts';
import type { StoredState } from '../store/store.ts';
import type { Outgoing } from './draft.ts';
import type { EngineContext, TenureContext } from './engine-context.ts';
import { identify } from './identify.ts';
import type { Limits } from './limits.ts';
import { nextState } from './state.ts';
import type { TurnRecord } from './turn.ts';

/** The result of one attempt. A failed one has no effect at all. */
export type AttemptResult =
  | {
      readonly ok: true;
      /** Shared with nobody else. */
      readonly next: unknown;
      /** The next state as it will be stored; undefined if it stays the same. */
      readonly stored: StoredState | null | undefined;
      readonly sends: readonly Outgoing[];
    }
  | { readonly ok: false; readonly error: unknown };

/** The parts of the context that attempts use. */
type AttemptContext = Pick<TenureContext, 'engine' | 'pipeline'>;

const noSends: readonly Outgoing[] = [];
/** Maximum characters of an address that comes from data. */
const urlLengthMax = 8_192;

/**
 * Calls a handler once. Returns a promise only if the handler (or the schema of a pipeline it sends to) is asynchronous. The pipeline's
 * `timeout` then runs from when the handler starts work: at its end the turn's signal aborts and the attempt has failed, whatever the
 * handler does.
 */
export function attempt(context: AttemptContext, turn: TurnRecord, handle: () => unknown): AttemptResult | Promise<AttemptResult> {
  try {
    const answer = handle();
    if (isThenable(answer)) return attemptOn(context, turn, answer);
    turn.end();
    const sends = identifyOutgoing(context.engine, turn);
    const { declaration } = context.pipeline;
    return sends instanceof Promise ? succeedOn(declaration, answer, sends) : succeed(declaration, answer, sends);
  } catch (error) {
    turn.end();
    return { ok: false, error };
  }
}

async function attemptOn(
  { engine, pipeline: { declaration } }: AttemptContext,
  turn: TurnRecord,
  answer: PromiseLike<unknown>,
): Promise<AttemptResult> {
  let isOver = false;
  let disarm: (() => void) | undefined;
  const arm = () => {
    if (isOver) return;
    disarm = engine.clock.after(declaration.timeoutMs, () =>
      turn.abort(new MillraceError('MILL_HANDLER_TIMEOUT', `the handler did not end within ${declaration.timeoutMs} ms`)),
    );
  };
  if (turn.begun === undefined) arm();
  else void turn.begun.then(arm);
  try {
    const next = await Promise.race([answer, turn.aborted()]);
    turn.end();
    return succeed(declaration, next, await identifyOutgoing(engine, turn));
  } catch (error) {
    turn.end();
    return { ok: false, error };
  } finally {
    isOver = true;
    disarm?.();
  }
}

async function succeedOn(pipeline: AnyPipeline, answer: unknown, sends: Promise<readonly Outgoing[]>): Promise<AttemptResult> {
  try {
    return succeed(pipeline, answer, await sends);
  } catch (error) {
    return { ok: false, error };
  }
}

function succeed({ state }: AnyPipeline, next: unknown, sends: readonly Outgoing[]): AttemptResult {
  if (state === undefined || next === undefined) return { ok: true, next: undefined, stored: undefined, sends };
  if (next === null) return { ok: true, next: undefined, stored: null, sends };
  const { value, stored } = nextState(state, next);
  return { ok: true, next: value, stored, sends };
}

/** Throws `MILL_INVALID_EFFECT` for a delivery larger than an event may be, with an id longer than a key, or with a far too long url. */
function checkDeliveries({ eventBytes, keyLength }: Limits, { deliveries }: TurnRecord): void {
  for (const { endpoint, body, id = '', url = '' } of deliveries) {
    if (Buffer.byteLength(body) > eventBytes) {
      throw new MillraceError('MILL_INVALID_EFFECT', `deliver to ${endpoint}: expected a payload of at most ${eventBytes} bytes`);
    }
    if (url.length > urlLengthMax) {
      throw new MillraceError('MILL_INVALID_EFFECT', `deliver to ${endpoint}: expected a url of at most ${urlLengthMax} characters`);
    }
    if (id.length > keyLength) {
      throw new MillraceError('MILL_INVALID_EFFECT', `deliver to ${endpoint}: expected an id of at most ${keyLength} characters`);
    }
  }
}

/** Checks everything else that leaves the pipeline, and identifies the events it sends. */
function identifyOutgoing(engine: EngineContext, turn: TurnRecord): readonly Outgoing[] | Promise<readonly Outgoing[]> {
  turn.checkEffects();
  if (turn.deliveries.length > 0) checkDeliveries(engine.limits, turn);
  if (turn.sends.length === 0) return noSends;
  const sends: (Outgoing | Promise<Outgoing>)[] = [];
  try {
    for (const { to, event } of turn.sends) {
      const pipeline = engine.pipelines.get(to);
      if (pipeline === undefined) throw new MillraceError('MILL_INVALID_EFFECT', `send: expected a pipeline of this engine, found ${to}`);
      sends.push(identify(engine, pipeline, event, { traceparent: turn.traceparent }));
    }
  } catch (error) {
    // The others being identified are not awaited.
    Promise.allSettled(sends);
    throw error;
  }
  return sends.some((send) => send instanceof Promise) ? Promise.all(sends) : (sends as Outgoing[]);
}
