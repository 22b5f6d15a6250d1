import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import * as z from 'zod';
import { MillraceError } from '../../errors.ts';
import { type AnyPipeline, pipeline } from '../../pipeline/pipeline.ts';
import type { Store } from '../../store/store.ts';
import { failing, onEveryStore, withCalls } from './fixture.test.ts';

/** Keys of two pipelines. */
const keys = ['left a', 'left b', 'right a', 'right b'] as const;
type Key = (typeof keys)[number];

/** A message, and the messages its receiver sends in response. */
interface Message {
  readonly to: Key;
  /** Attempts that fail before one succeeds. */
  readonly failures: number;
  /** True if the handler takes a while. */
  readonly isSlow: boolean;
  readonly sends: readonly Message[];
}

/** A message from outside, and a wait or crash that may follow it. */
interface Step {
  readonly message: Message;
  readonly after: 'nothing' | 'wait' | 'crash';
}

const { message } = fc.letrec<{ message: Message }>((tie) => ({
  message: fc.record({
    to: fc.constantFrom(...keys),
    failures: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 2 }) }),
    isSlow: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
    sends: fc.oneof(
      { maxDepth: 3, depthIdentifier: 'message' },
      fc.constant([]),
      fc.array(tie('message'), { minLength: 1, maxLength: 3, depthIdentifier: 'message' }),
    ),
  }),
}));
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({ message, after: fc.constantFrom('nothing', 'nothing', 'wait', 'crash') }),
  { minLength: 1, maxLength: 8 },
);
/** The fate of the first commits; a failed commit may have taken effect, and nobody learns whether it did. */
const commits = fc.array(fc.constantFrom('works', 'works', 'fails before', 'fails after'), { maxLength: 20 });

/** The state of a key. */
const Known = z.object({
  /** The received messages, named by their routes. */
  received: z.array(z.string()),
  /** The number of each sender's last message: numbers rise by one from message to message. */
  from: z.record(z.string(), z.int()),
  to: z.record(z.string(), z.int()),
});
type Known = z.infer<typeof Known>;

const nothing: Known = { received: [], from: {}, to: {} };

/** A message on its way: number `number` from a sender to a receiver. */
interface Sent {
  readonly name: string;
  readonly from: string;
  readonly number: number;
  readonly message: Message;
}

/** Returns a key's state after a message, and its sends: the rules for both the engine and the model. */
function receive(known: Known, { name, from, number, message }: Sent): { readonly known: Known; readonly sends: readonly Sent[] } {
  const to = { ...known.to };
  const sends = message.sends.map((next, at) => {
    const count = (to[next.to] ?? 0) + 1;
    to[next.to] = count;
    return { name: `${name}.${at}`, from: message.to, number: count, message: next };
  });
  assert.equal(number, (known.from[from] ?? 0) + 1, `from ${from} to ${message.to}: in order, and each once`);
  return { known: { received: [...known.received, name], from: { ...known.from, [from]: number }, to }, sends };
}

/** Handles everything through one queue, message by message. */
function model(sequence: readonly Sent[]): ReadonlyMap<Key, Known> {
  const state = new Map<Key, Known>();
  const queue = [...sequence];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { known, sends } = receive(state.get(next.message.to) ?? nothing, next);
    state.set(next.message.to, known);
    queue.push(...sends);
  }
  return state;
}

/** Returns the part of a state that does not depend on which of two senders came first. */
function settled(known: Known): Known {
  return { ...known, received: known.received.toSorted() };
}

const Event = z.object({ to: z.string(), sent: z.string() });

/** Two pipelines that send to themselves and to each other; violations of the rules are recorded. */
function pipelinesOf(broken: string[]): readonly AnyPipeline[] {
  const made: AnyPipeline[] = ['left', 'right'].map((name) =>
    pipeline(name, {
      event: Event,
      key: ({ to }) => to,
      state: Known,
      retry: { attempts: 4, backoff: '1s' },
      handle(event, known, turn) {
        const sent: Sent = JSON.parse(event.sent);
        const decide = () => {
          if (turn.attempt <= sent.message.failures) failing();
          try {
            const decided = receive(known ?? nothing, sent);
            for (const next of decided.sends) turn.send(pipelineOf(made, next.message.to), eventOf(next));
            return decided.known;
          } catch (error) {
            // Errors of an interrupted turn do not count.
            if (error instanceof assert.AssertionError) broken.push(error.message);
            throw error;
          }
        };
        return sent.message.isSlow ? new Promise((resolve) => globalThis.setImmediate(resolve)).then(decide) : decide();
      },
    }),
  );
  return made;
}

function pipelineOf(pipelines: readonly AnyPipeline[], key: Key): AnyPipeline {
  return pipelines[key.startsWith('left') ? 0 : 1] as AnyPipeline;
}

const eventOf = (sent: Sent) => ({ to: sent.message.to, sent: JSON.stringify(sent) });

/** A store whose first commits fail as the list says. */
function failingAt(base: Store, fates: readonly string[]): Store {
  const left = [...fates];
  const fail = (): never => {
    throw new MillraceError('MILL_STORE_UNAVAILABLE', 'as the test asked for');
  };
  return withCalls(base, {
    async commit(work, lease) {
      const fate = left.shift();
      if (fate === 'fails before') fail();
      const committed = await lease.commit(work);
      return fate === 'fails after' ? fail() : committed;
    },
  });
}

onEveryStore('promises 2 and 3: sends', ({ testMill, makeStore }) => {
  test('whatever fails or crashes, the result is the same as sending one by one; each event arrives once and in order', async () => {
    const property = fc.asyncProperty(steps, commits, async (sequence, fates) => {
      const broken: string[] = [];
      const pipelines = pipelinesOf(broken);
      const t = await testMill({ pipelines, store: failingAt(makeStore(), fates) });
      const outside = sequence.map(({ message }, at): Sent => {
        const before = sequence.slice(0, at).filter((other) => other.message.to === message.to).length;
        return { name: `${at}`, from: 'outside', number: before + 1, message };
      });
      for (const [at, { message, after }] of sequence.entries()) {
        await t.ingest(pipelineOf(pipelines, message.to).name, eventOf(outside[at] as Sent));
        if (after === 'wait') await t.advance('10s');
        if (after === 'crash') await t.crash();
      }
      await t.advance('5m');
      assert.deepEqual(broken, []);
      const expected = model(outside);
      for (const key of keys) {
        const known = Known.parse((await t.state(pipelineOf(pipelines, key).name, key)) ?? nothing);
        assert.deepEqual(settled(known), settled(expected.get(key) ?? nothing), key);
      }
      await t.stop();
    });
    await fc.assert(property, { numRuns: makeStore().kind === 'memory' ? 200 : 15 });
  });
});
