import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'undici';
import { messageOf } from '../../../src/cli/index.ts';
import type { ExpectedRocket } from './expected-rocket.ts';

const pollMs = 200;

/** The API's view of a rocket, or the reason for its absence. */
export type Look = { readonly rocket: Readonly<Record<string, unknown>> } | { readonly rocket?: undefined; readonly problem: string };

interface Api {
  /** The origins of equivalent servers, queried in turn. */
  readonly origins: readonly string[];
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Compares each rocket from the API with the expected one, field by field, and returns one line per difference. Gives the server until
 * `deadlineMs` from now to apply everything.
 */
export async function findDifferences(
  { origins, headers = {} }: Api,
  rockets: Iterable<ExpectedRocket>,
  deadlineMs: number,
): Promise<readonly string[]> {
  const clients = origins.map((origin) => new Client(origin));
  const deadline = performance.now() + deadlineMs;
  const differences: string[] = [];
  let turn = 0;
  const inTurn = (): Client => {
    turn += 1;
    return clients[turn % clients.length] as Client;
  };
  for (const expected of rockets) {
    let look = await lookAt(inTurn(), expected.id, headers);
    while (!isSettled(look, expected) && performance.now() < deadline) {
      await pause(pollMs);
      look = await lookAt(inTurn(), expected.id, headers);
    }
    differences.push(...compare(expected, look));
  }
  await Promise.all(clients.map((client) => client.close()));
  return differences;
}

/** Returns one line for each unexpected field, or one for a rocket with messages that this run did not send. */
export function compare(expected: ExpectedRocket, look: Look): readonly string[] {
  const { rocket } = look;
  if (rocket === undefined) return [`rocket ${expected.id}: expected the rocket, found ${look.problem}`];
  if (Number(rocket.lastMessageNumber) > expected.lastMessageNumber) {
    const messages = `expected messages up to number ${expected.lastMessageNumber}, found ${rocket.lastMessageNumber}`;
    return [`rocket ${expected.id}: ${messages}: a longer run with this seed was here before; use another --seed or a new database`];
  }
  return Object.entries(expected)
    .filter(([field, value]) => rocket[field] !== value)
    .map(([field, value]) => `rocket ${expected.id}: ${field}: expected ${JSON.stringify(value)}, found ${JSON.stringify(rocket[field])}`);
}

/** Returns whether no pending work can change the rocket. */
function isSettled({ rocket }: Look, expected: ExpectedRocket): boolean {
  return rocket?.pendingMessages === 0 && Number(rocket.lastMessageNumber) >= expected.lastMessageNumber;
}

/** A missing or refusing server may be about to return: that counts as a normal look. */
async function lookAt(client: Client, id: string, headers: Readonly<Record<string, string>>): Promise<Look> {
  try {
    const answer = await client.request({ method: 'GET', path: `/rockets/${id}`, headers });
    const body = await answer.body.json();
    if (answer.statusCode !== 200) return { problem: `status ${answer.statusCode}` };
    return typeof body === 'object' && body !== null ? { rocket: { ...body } } : { problem: 'a body that is not an object' };
  } catch (error) {
    return { problem: messageOf(error) };
  }
}
