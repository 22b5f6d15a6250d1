import { between, pick, type Sender } from './sender.ts';

const accountTypes = ['escrow', 'auction', 'stake', 'mint', 'metadata'];
const accountsMax = 80;

/** Versions of accounts, some of them late. */
export function accountTraffic(sender: Sender): () => Promise<void> {
  const versions = new Map<string, number>();
  return async () => {
    const updates = Array.from({ length: between(4, 10) }, () => {
      const number = between(1, accountsMax);
      const id = `acc_${number}`;
      const version = (versions.get(id) ?? 0) + 1;
      versions.set(id, version);
      return {
        id,
        accountType: accountTypes[number % accountTypes.length],
        tokens: between(10, 90_000),
        callbackTimeMs: between(300, 9_000),
        data: { mint: `m${number}` },
        version: Math.random() < 0.1 ? version - 1 : version,
      };
    });
    await sender.post('/accounts', updates);
  };
}

/** Events from users, sensors and systems. */
export function eventTraffic(sender: Sender): () => Promise<void> {
  return async () => {
    const events = Array.from({ length: between(15, 40) }, () => {
      const id = crypto.randomUUID();
      const timestamp = new Date().toISOString();
      if (Math.random() < 0.4) {
        const data = { action: pick(['login', 'purchase', 'click', 'error']), value: between(1, 200) };
        return { id, type: 'user_action', source: pick(['web', 'mobile']), user_id: `user_${between(1, 40)}`, timestamp, data };
      }
      const data = { reading: between(-20, 90), unit: 'C' };
      return { id, type: pick(['sensor_data', 'system_log']), source: pick(['iot_device', 'system']), timestamp, data };
    });
    await sender.post('/events/batch', { events });
  };
}

const texts = [
  'Your parcel is on its way',
  'Your code is 402 117',
  'The table is free at eight',
  'Rain from three o’clock',
  'See you at the lock',
];

/** An occasional message; batches send them. */
export function messageTraffic(sender: Sender): () => Promise<void> {
  return async () => {
    if (Math.random() < 0.5) await sender.post('/messages/pending', { to: `+90555${between(1_000_000, 9_999_999)}`, content: pick(texts) });
  };
}

const sayings = [
  'The wheel turns',
  'Mind the gate',
  'More water',
  'Who has the key?',
  'It commits together or not at all',
  'Seven is late again',
];

/** Workers that talk. */
export function workerTraffic(sender: Sender): () => Promise<void> {
  return async () => {
    await sender.post('/workers/messages', { worker: between(1, 5), message: pick(sayings), destination_worker: between(1, 5) });
  };
}
