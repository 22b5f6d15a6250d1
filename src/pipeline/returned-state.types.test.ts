import test from 'node:test';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import * as z from 'zod';
import type { Transport } from './endpoint.ts';
import { pipeline } from './pipeline.ts';

const event = z.object({ id: z.string(), kind: z.enum(['book', 'music']) });
const key = ({ id }: { readonly id: string }) => id;
const Order = z.object({ status: z.enum(['placed', 'paid']) });
const to: Transport = { call: async () => ({ result: 'delivered' }) };

/** The compiler checks these: an expected error that does not occur is itself an error. */
test('a literal returned by a handler keeps its type, and one that no state has does not compile', () => {
  pipeline('method', {
    event,
    key,
    state: Order,
    handle() {
      return { status: 'placed' };
    },
  });
  pipeline('method_of_parameters', {
    event,
    key,
    state: Order,
    handle(one, order) {
      if (one.kind === 'music') return null;
      if (order === undefined) return { status: 'placed' };
      return order.status === 'paid' ? undefined : { ...order, status: 'paid' };
    },
  });
  pipeline('asynchronous_method', {
    event,
    key,
    state: Order,
    async handle() {
      return { status: 'placed' };
    },
  });
  pipeline('arrow', { event, key, state: Order, handle: (_event, order) => ({ ...order, status: 'paid' }) });
  pipeline('asynchronous_arrow', { event, key, state: Order, handle: async (_event, order) => order && { ...order, status: 'paid' } });
  pipeline('promise', { event, key, state: Order, handle: (_event) => Promise.resolve({ status: 'paid' }) });
  pipeline('some_decide', { event, key, state: Order, handle: (_event, order) => (order ? undefined : { status: 'placed' }) });

  pipeline('threaded', {
    run: 'threads',
    module: import.meta.url,
    event,
    key,
    state: Order,
    handle: () => ({ status: 'placed' }),
  });

  pipeline('plaid', {
    event,
    key,
    state: Order,
    // @ts-expect-error no such status
    handle() {
      return { status: 'plaid' };
    },
  });
  // @ts-expect-error no such status
  pipeline('plaid_arrow', { event, key, state: Order, handle: (_event, order) => ({ ...order, status: 'plaid' }) });
  // @ts-expect-error no such status
  pipeline('plaid_later', { event, key, state: Order, handle: async () => ({ status: 'plaid' }) });
  // @ts-expect-error one of the two has no such status
  pipeline('plaid_once', { event, key, state: Order, handle: ({ kind }) => ({ status: kind === 'book' ? 'paid' : 'plaid' }) });
  // @ts-expect-error the status is missing
  pipeline('nothing', { event, key, state: Order, handle: () => ({}) });
  // @ts-expect-error the status is missing
  pipeline('nothing_later', { event, key, state: Order, handle: async () => ({}) });
  // @ts-expect-error a list is no order
  pipeline('list', { event, key, state: Order, handle: () => [] });
  // @ts-expect-error a pipeline without a state schema has no state to return
  pipeline('stateless', { event, key, handle: () => ({ status: 'placed' }) });
});

test('the same holds for timers and outcomes', () => {
  pipeline('timers_and_outcomes', {
    event,
    key,
    state: Order,
    handle: (_event, _order, turn) => turn.timers.set('due', { after: '1d' }),
    timers: {
      due: () => ({ status: 'placed' }),
      async later(order, turn) {
        turn.deliver('shop', order);
        return { status: 'paid' };
      },
    },
    deliver: {
      shop: { to, outcome: () => ({ status: 'paid' }) },
      press: {
        to,
        async outcome(order, _turn, { status }) {
          return status === 'delivered' ? { ...order, status: 'paid' } : order;
        },
      },
    },
  });
  pipeline('wrong_timer', {
    event,
    key,
    state: Order,
    handle() {},
    // @ts-expect-error no such status
    timers: { due: () => ({ status: 'plaid' }) },
  });
  pipeline('wrong_timer_later', {
    event,
    key,
    state: Order,
    handle() {},
    // @ts-expect-error the status is missing
    timers: { due: async () => ({}) },
  });
  pipeline('wrong_outcome', {
    event,
    key,
    state: Order,
    handle() {},
    // @ts-expect-error no such status
    deliver: { shop: { to, outcome: () => ({ status: 'plaid' }) } },
  });
});

test('the same holds for every form of state', () => {
  const Cart = z.object({
    owner: z.object({ role: z.enum(['guest', 'member']), level: z.union([z.literal(1), z.literal(2)]) }),
    size: z.tuple([z.number(), z.enum(['cm', 'in'])]),
    lines: z.array(z.object({ kind: z.enum(['book', 'music']), count: z.number() })),
    note: z.enum(['gift', 'fragile']).optional(),
    isOpen: z.literal(true),
    closedAt: z.number().nullable(),
    label: z.templateLiteral(['cart-', z.string()]),
  });
  pipeline('nested', {
    event,
    key,
    state: Cart,
    handle: ({ id, kind }, cart) =>
      cart
        ? { ...cart, owner: { ...cart.owner, level: 2 }, lines: [...cart.lines, { kind, count: 1 }], note: 'gift' }
        : {
            owner: { role: 'guest', level: 1 },
            size: [3, 'cm'],
            lines: [{ kind: 'book', count: 1 }],
            isOpen: true,
            closedAt: null,
            label: `cart-${id}`,
          },
  });
  pipeline('wrong_in_depth', {
    event,
    key,
    state: Cart,
    // @ts-expect-error no such level
    handle: (_event, cart) => cart && { ...cart, owner: { ...cart.owner, level: 3 } },
  });
  pipeline('wrong_in_a_list', {
    event,
    key,
    state: Cart,
    // @ts-expect-error no such kind
    handle: (_event, cart) => cart && { ...cart, lines: [{ kind: 'toy', count: 1 }] },
  });
  pipeline('wrong_in_a_tuple', {
    event,
    key,
    state: Cart,
    // @ts-expect-error no such unit
    handle: (_event, cart) => cart && { ...cart, size: [1, 'km'] },
  });

  const Shape = z.discriminatedUnion('form', [
    z.object({ form: z.literal('circle'), radius: z.number() }),
    z.object({ form: z.literal('square'), side: z.number(), fill: z.enum(['red', 'blue']).optional() }),
  ]);
  pipeline('unions', {
    event,
    key,
    state: Shape,
    handle({ kind }) {
      if (kind === 'book') return { form: 'circle', radius: 1 };
      return { form: 'square', side: 2, fill: 'red' };
    },
  });
  // @ts-expect-error a circle has a radius
  pipeline('wrong_union', { event, key, state: Shape, handle: () => ({ form: 'circle', side: 2 }) });

  pipeline('plain', { event, key, state: z.enum(['on', 'off']), handle: (_event, on) => (on === 'on' ? 'off' : 'on') });
  // @ts-expect-error no such word
  pipeline('wrong_plain', { event, key, state: z.enum(['on', 'off']), handle: () => 'of' });
  pipeline('records', {
    event,
    key,
    state: z.record(z.string(), z.enum(['on', 'off'])),
    handle: ({ id }, all) => ({ ...all, [id]: 'on' }),
  });
  pipeline('tuples', { event, key, state: z.tuple([z.literal('a'), z.number()]), handle: () => ['a', 1] });
  pipeline('anything', { event, key, state: z.unknown(), handle: () => ({ status: 'placed' }) });
  pipeline('widened', { event, key, state: z.object({ name: z.string(), count: z.number() }), handle: () => ({ name: 'a', count: 1 }) });
});

test('the same holds for states with defaults, with a version, or of another library', () => {
  const Defaults = z.object({ status: z.enum(['placed', 'paid']).default('placed'), name: z.string().trim(), count: z.coerce.number() });
  pipeline('defaults', { event, key, state: Defaults, handle: () => ({ status: 'placed', name: 'a', count: 1 }) });
  // @ts-expect-error the count is a number once it is a state
  pipeline('wrong_defaults', { event, key, state: Defaults, handle: () => ({ status: 'placed', name: 'a', count: '1' }) });

  const upgrade = () => ({ status: 'placed' });
  pipeline('versions', { event, key, state: { schema: Order, version: 2, upgrade }, handle: () => ({ status: 'placed' }) });
  // @ts-expect-error no such status
  pipeline('wrong_versions', { event, key, state: { schema: Order, version: 2, upgrade }, handle: () => ({ status: 'plaid' }) });
  const Dated = z.object({ at: z.date() });
  // @ts-expect-error a Date does not survive JSON
  pipeline('dates', { event, key, state: { schema: Dated, version: 2, upgrade }, handle: () => undefined });

  interface Door {
    readonly state: 'open' | 'shut';
    readonly guests: readonly { readonly name: string; readonly side: 'left' | 'right' }[];
  }
  const Door: StandardSchemaV1<Door> = { '~standard': { version: 1, vendor: 'ours', validate: (value) => ({ value: value as Door }) } };
  pipeline('interfaces', {
    event,
    key,
    state: Door,
    handle: (_event, door) => (door ? { ...door, state: 'shut' } : { state: 'open', guests: [{ name: 'ann', side: 'left' }] }),
  });
  // @ts-expect-error no such state
  pipeline('wrong_interfaces', { event, key, state: Door, handle: (_event, door) => door && { ...door, state: 'ajar' } });
});

test('pipelines may send to each other, whatever they return', () => {
  const ping = pipeline('ping', {
    event,
    key,
    state: Order,
    handle(one, _order, turn): { status: 'placed' } {
      turn.send(pong, one);
      // @ts-expect-error the other pipeline takes other events
      turn.send(pong, { id: 'a' });
      return { status: 'placed' };
    },
  });
  const pong = pipeline('pong', {
    event,
    key,
    state: Order,
    handle(one, _order, turn) {
      turn.send('pong', one);
      // @ts-expect-error no such pipeline by this name: others are sent to by themselves
      turn.send('ping', one);
      return { status: 'paid' };
    },
  });
  void ping;
});
