import * as z from 'zod';
import type { AppliedTurn, Witness } from '../../ledger.ts';
import type { WorkersLoad } from '../loads/workers.ts';

const Act = z.object({ act: z.enum(['speak', 'hear']), message: z.string() });

/**
 * Witnesses the workers, whose turns record only their state. The settled events of the log count as their turns, and the state must
 * follow from these: an event applied twice or not at all shows in its counts.
 */
export function workersWitness({ planned }: WorkersLoad): Witness {
  return {
    pipeline: 'workers',
    numbered: false,
    endpoints: [],
    nameOf: ({ body }) => nameOf(body),
    async turns(store) {
      const rows = await store.query(settled, []);
      return rows.map(({ key, body }) => turnOf(String(key), nameOf(String(body))));
    },
    fold: (turns) => (turns.length === 0 ? undefined : turns.reduce(apply, silent)),
  };

  function turnOf(key: string, name: string): AppliedTurn {
    const speech = name.startsWith('speak ') ? planned.get(messageOf(name)) : undefined;
    const sent = speech && { pipeline: 'workers', key: String(speech.destination_worker), name: `hear ${messageOf(name)}` };
    return { key, cause: { kind: 'event', name }, armed: [], asked: [], sent: sent === undefined ? [] : [sent] };
  }

  function apply(state: typeof silent, { cause }: AppliedTurn): typeof silent {
    if (cause.kind !== 'event') return state;
    if (cause.name.startsWith('speak ')) return { ...state, messages_spoken: state.messages_spoken + 1 };
    const message = messageOf(cause.name);
    const messages_heard = state.messages_heard + 1;
    return { ...state, worker_listened: planned.get(message)?.worker ?? 0, message_listened: message, messages_heard };
  }
}

/** Returns everything the workers have said or heard according to the store, in log order. */
export const settled = `SELECT key, body FROM millrace_log_workers
  WHERE position <= (SELECT cursor FROM millrace_partitions WHERE pipeline = 'workers')
    AND position NOT IN (SELECT position FROM millrace_held_workers)
  ORDER BY position`;

const silent = { worker_listened: 0, message_listened: '', messages_heard: 0, messages_spoken: 0 };

/** Returns the name of a workers' event: `speak …` or `hear …`. */
export function nameOf(body: string): string {
  const { act, message } = Act.parse(JSON.parse(body));
  return `${act} ${message}`;
}

function messageOf(name: string): string {
  return name.slice(name.indexOf(' ') + 1);
}
