import { pipeline, table } from 'millrace';
import * as z from 'zod';
import { nextState } from '../work/state.ts';

const history = table('history', { key: 'text', seq: 'integer', n: 'integer', total: 'integer' });

/** The work of all peers (`work/`), as a module that a user would serve: `millrace serve ./bench/http/ledger.ts`. */
export default pipeline('ledger', {
  timeline: process.env.TIMELINE !== 'off',
  event: z.object({ key: z.string(), n: z.int(), seq: z.int(), amount: z.number(), at: z.string(), note: z.string() }),
  key: (event) => event.key,
  state: z.object({ count: z.int(), last: z.int(), sum: z.number() }),
  tables: { history },
  handle(event, state, turn) {
    const next = nextState(event, state);
    turn.add(history, { key: event.key, seq: event.seq, n: event.n, total: next.count });
    return next;
  },
});
