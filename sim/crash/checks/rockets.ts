import { isDeepStrictEqual } from 'node:util';
import type { FoundValue } from '../../../src/pipeline/table.ts';
import type { Store } from '../../../src/store/store.ts';
import type { ExpectedRocket, SimulatedMessage } from '../../../systems/rockets/simulate/expected-rocket.ts';
import type { RocketsLoad } from '../loads/rockets.ts';
import { expectedRocket } from '../witnesses/rockets.ts';

type Row = Readonly<Record<string, FoundValue>>;

/** Checks that each rocket's row is the fold of its first messages, and that its history is these messages as they were first accepted. */
export async function checkRockets({ planned }: RocketsLoad, store: Store): Promise<readonly string[]> {
  const rows = new Map((await store.query('SELECT * FROM rockets', [])).map((row) => [String(row.id), row]));
  const applied = Map.groupBy(await store.query('SELECT * FROM rocket_messages ORDER BY number', []), ({ rocket }) => String(rocket));
  const ids = new Set([...planned.keys(), ...rows.keys(), ...applied.keys()]);
  return Array.from(ids, (id) => {
    const messages = planned.get(id) ?? [];
    const history = applied.get(id) ?? [];
    return [...rowFaults(rows.get(id), messages, history.length), ...historyFaults(history, messages)].map(
      (words) => `rockets: ${id}: ${words}`,
    );
  }).flat();
}

function rowFaults(found: Row | undefined, messages: readonly SimulatedMessage[], applied: number): readonly string[] {
  const expected = applied === 0 ? undefined : expectedRow(expectedRocket(messages, applied));
  if (isDeepStrictEqual(found && { ...found }, expected)) return [];
  return [`the row is ${JSON.stringify(found)}, but its messages make ${JSON.stringify(expected)}`];
}

/** Of two messages with the same number, the first one was accepted, and it is the planned one. */
function historyFaults(history: readonly Row[], messages: readonly SimulatedMessage[]): readonly string[] {
  return history.flatMap(({ number, type, message }, at) => {
    const planned = messages[at];
    const isSame = type === planned?.metadata.messageType && isDeepStrictEqual(JSON.parse(String(message)), planned?.message);
    return number === at + 1 && isSame ? [] : [`message ${number} at place ${at + 1} is ${type} ${message}`];
  });
}

function expectedRow(rocket: ExpectedRocket): unknown {
  return {
    id: rocket.id,
    type: rocket.type,
    speed: rocket.speed,
    mission: rocket.mission,
    status: rocket.status,
    explosion_reason: rocket.explosionReason ?? null,
    last_message_number: rocket.lastMessageNumber,
    last_updated: rocket.lastUpdated,
  };
}
