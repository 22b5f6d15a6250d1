import { isDeepStrictEqual } from 'node:util';
import type { Store } from '../../../src/store/store.ts';
import type { RocketsLoad } from '../loads/rockets.ts';
import { expectedRocket } from '../witnesses/rockets.ts';

/** Each rocket's row is the fold of its first messages, and its history is these messages as they were first taken. */
export async function checkRockets({ planned }: RocketsLoad, store: Store): Promise<readonly string[]> {
  const broken: string[] = [];
  const rows = new Map((await store.query('SELECT * FROM rockets', [])).map((row) => [row.id, row]));
  const applied = Map.groupBy(await store.query('SELECT * FROM rocket_messages ORDER BY number', []), ({ rocket }) => rocket);
  for (const [id, messages] of planned) {
    const history = applied.get(id) ?? [];
    const expected = expectedRow(expectedRocket(messages, history.length));
    const found = rows.get(id);
    if (history.length > 0 && !isDeepStrictEqual({ ...found }, expected))
      broken.push(`rockets: the row of ${id} is ${JSON.stringify(found)}, and its messages make ${JSON.stringify(expected)}`);
    if (history.length === 0 && found !== undefined) broken.push(`rockets: ${id} has a row and no history`);
    for (const [at, { number, type, message }] of history.entries()) {
      const first = messages[at];
      const isSame = type === first?.metadata.messageType && isDeepStrictEqual(JSON.parse(String(message)), first?.message);
      if (number !== at + 1 || !isSame) broken.push(`rockets: message ${number} of ${id} is ${type} ${message} at place ${at + 1}`);
    }
  }
  for (const id of rows.keys()) if (!planned.has(String(id))) broken.push(`rockets: there is a rocket ${id} that nobody launched`);
  return broken;
}

function expectedRow(rocket: ReturnType<typeof expectedRocket>): unknown {
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
