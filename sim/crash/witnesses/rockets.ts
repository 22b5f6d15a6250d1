import type { Store } from '../../../src/store/store.ts';
import { advance, type ExpectedRocket, type SimulatedMessage, unlaunched } from '../../../systems/rockets/simulate/expected-rocket.ts';
import type { AppliedTurn, Witness } from '../../ledger.ts';
import type { RocketsLoad } from '../loads/rockets.ts';

/** The rockets by their history: a row for each message that was applied. */
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

/** The rocket after its first messages, so many of them. */
export function expectedRocket(messages: readonly SimulatedMessage[], count: number): ExpectedRocket {
  const rocket = unlaunched(messages[0]?.metadata.channel ?? '');
  for (const message of messages.slice(0, count)) {
    if (message.metadata.messageType === 'RocketLaunched') Object.assign(rocket, unlaunched(rocket.id));
    advance(rocket, message);
  }
  return rocket;
}

/** What a rocket's explosion at this message is called to the receiver. */
export function explosionId(rocket: string, number: number): string {
  return `rocket.exploded/${rocket}/${number}`;
}

/** Whether the rocket explodes with this message: once for a launch. */
export function isExplosion(messages: readonly SimulatedMessage[], number: number): boolean {
  const types = messages.slice(0, number).map(({ metadata }) => metadata.messageType);
  const before = types.slice(0, -1);
  return types.at(-1) === 'RocketExploded' && before.lastIndexOf('RocketExploded') <= before.lastIndexOf('RocketLaunched');
}

/** As the engine keeps it: what there is not is left out. */
function stateOf({ pendingMessages: _, explosionReason, ...rocket }: ExpectedRocket): unknown {
  return explosionReason === undefined ? rocket : { ...rocket, explosionReason };
}
