import { between, pick, type Sender } from './sender.ts';

interface Rocket {
  readonly id: string;
  number: number;
  /** Number of messages that still follow a number that never arrives. */
  left: number;
}

const rocketsMax = 60;

/** Rockets that fly for ever. Their messages come out of order; occasionally one is missing, and leaves a gap. */
export function rocketTraffic(sender: Sender): () => Promise<void> {
  const rockets: Rocket[] = [];
  let sent = 0;
  const send = (rocket: Rocket, messageType: string, message: object) => {
    if (rocket.left === 0) return Promise.resolve();
    rocket.number += 1;
    rocket.left -= 1;
    sent += 1;
    const metadata = { channel: rocket.id, messageNumber: rocket.number, messageTime: new Date().toISOString(), messageType };
    // The first gap comes soon, and later ones are rare.
    if (rocket.left === Number.POSITIVE_INFINITY && rocket.number > 3 && sent % 4_000 === 400) {
      rocket.left = 12;
      return Promise.resolve();
    }
    return sender.post('/messages', { metadata, message });
  };
  return async () => {
    if (rockets.length < rocketsMax) {
      const rocket = { id: crypto.randomUUID(), number: 0, left: Number.POSITIVE_INFINITY };
      rockets.push(rocket);
      await send(rocket, 'RocketLaunched', {
        type: pick(['Falcon-9', 'Ariane-6', 'Vega-C', 'Electron']),
        launchSpeed: between(200, 900),
        mission: pick(['ARTEMIS', 'JUICE', 'EUCLID', 'HERA']),
      });
    }
    await Promise.all(
      Array.from({ length: between(10, 24) }, () => {
        const rocket = pick(rockets);
        if (Math.random() < 0.03) return send(rocket, 'RocketMissionChanged', { newMission: pick(['SHUTTLE_MIR', 'PLATO', 'HERA']) });
        const by = between(5, 400);
        return send(rocket, Math.random() < 0.55 ? 'RocketSpeedIncreased' : 'RocketSpeedDecreased', { by });
      }),
    );
  };
}
