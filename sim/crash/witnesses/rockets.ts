import type { Store } from '../../../src/store/store.ts';
import { advance, type ExpectedRocket, type SimulatedMessage, unlaunched } from '../../../systems/rockets/simulate/expected-rocket.ts';
import type { AppliedTurn, Witness } from '../../ledger.ts';
import type { RocketsLoad } from '../loads/rockets.ts';

/** Witnesses the rockets by their history: one row for each applied message. */
export function rocketsWitness({ planned }: RocketsLoad): Witness {
  return {
    pipeline: 'rockets',
    numbered: true,
    endpoints: [{ name: 'explosions', isOrdered: false, isTold: false }],
    nameOf: ({ number }) => String(number),
    async turns(store: Store) {
      const rows = await store.query('SELECT rocket, number FROM rocket_messages ORDER BY rocket, number', []);
      return rows.map(({ rocket, number }) => turnOf(String(rocket), Number(number)));
    },
    fold(turns) {
      const [first] = turns;
      return first === undefined ? undefined : stateOf(expectedRocket(planned.get(first.key) ?? [], turns.length));
    },
  };

  function turnOf(rocket: string, number: number): AppliedTurn {
    const messages = planned.get(rocket) ?? [];
    const asked = isExplosion(messages, number) ? [{ endpoint: 'explosions', id: explosionId(rocket, number) }] : [];
    return { key: rocket, cause: { kind: 'event', name: String(number) }, asked, armed: [], sent: [] };
  }
}

/** Returns the rocket after a number of its first messages. */
export function expectedRocket(messages: readonly SimulatedMessage[], count: number): ExpectedRocket {
  const rocket = unlaunched(messages[0]?.metadata.channel ?? '');
  for (const message of messages.slice(0, count)) {
    if (message.metadata.messageType === 'RocketLaunched') Object.assign(rocket, unlaunched(rocket.id));
    advance(rocket, message);
  }
  return rocket;
}

/** Returns the receiver's id for a rocket's explosion at this message. */
export function explosionId(rocket: string, number: number): string {
  return `rocket.exploded/${rocket}/${number}`;
}

/** Returns whether the rocket explodes with this message: once per launch. */
export function isExplosion(messages: readonly SimulatedMessage[], number: number): boolean {
  const types = messages.slice(0, number).map(({ metadata }) => metadata.messageType);
  const before = types.slice(0, -1);
  return types.at(-1) === 'RocketExploded' && before.lastIndexOf('RocketExploded') <= before.lastIndexOf('RocketLaunched');
}

/** Returns the engine's form: absent values are left out. */
function stateOf({ pendingMessages: _, explosionReason, ...rocket }: ExpectedRocket): unknown {
  return explosionReason === undefined ? rocket : { ...rocket, explosionReason };
}
