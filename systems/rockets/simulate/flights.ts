import { v4 as uuid } from 'uuid';
import { integerFrom, pick, type Random, randomOf } from '../../shared/random.ts';
import { advance, type ExpectedRocket, type SimulatedMessage, unlaunched } from './expected-rocket.ts';

/** Number of rockets in flight. */
export const fleetSize = 20;

const types = ['Falcon-9', 'Falcon-Heavy', 'Saturn-V', 'Ariane-6', 'Soyuz-2', 'Electron'] as const;
const missions = ['ARTEMIS', 'APOLLO', 'GEMINI', 'MERCURY', 'VOYAGER', 'SHUTTLE_MIR', 'LUNAR_GATEWAY'] as const;
const reasons = ['PRESSURE_VESSEL_FAILURE', 'ENGINE_FAILURE', 'STAGE_SEPARATION_FAILURE', 'LOST_ATTITUDE_CONTROL'] as const;
const kinds = [
  'RocketSpeedIncreased',
  'RocketSpeedIncreased',
  'RocketSpeedDecreased',
  'RocketSpeedDecreased',
  'RocketMissionChanged',
] as const;

const takeOffMs = Date.parse('2022-02-02T18:39:05.863Z');
const zoneMs = 60 * 60 * 1000;

interface Flight {
  readonly rocket: ExpectedRocket;
  /** It explodes with this message. */
  readonly lastNumber: number;
}

/**
 * Yields the messages of a fleet without end, each rocket's in number order. A seed always yields the same messages, so a
 * shorter run is the beginning of a longer one. `rockets` collects the state of each launched rocket, advanced before its message is handed
 * out.
 */
export function* flights(seed: number, rockets: Map<string, ExpectedRocket>): Generator<SimulatedMessage, never> {
  const random = randomOf(seed, 1);
  const fleet = Array.from({ length: fleetSize }, (_, index) => prepare(random, index));
  let inFlight = fleet;
  for (let count = 0; ; count++) {
    const flight = fleet[count] ?? inFlight[integerFrom(random, 0, inFlight.length - 1)];
    if (flight === undefined) throw new Error('expected a rocket that is in flight');
    const { rocket } = flight;
    const message = nextMessage(random, flight, count);
    rockets.set(rocket.id, rocket);
    advance(rocket, message);
    if (rocket.status === 'EXPLODED') inFlight = inFlight.filter((other) => other !== flight);
    yield message;
  }
}

/** Every other rocket explodes eventually, most of them late; the rest fly for ever, so there are always some. */
function prepare(random: Random, index: number): Flight {
  const id = uuid({ random: Uint8Array.from({ length: 16 }, () => integerFrom(random, 0, 255)) });
  const lifespan = 10 ** (1 + 3 * random());
  return { rocket: unlaunched(id), lastNumber: index % 2 === 0 ? Number.POSITIVE_INFINITY : Math.floor(lifespan) };
}

function nextMessage(random: Random, { rocket, lastNumber }: Flight, count: number): SimulatedMessage {
  const messageNumber = rocket.lastMessageNumber + 1;
  const metadata = { channel: rocket.id, messageNumber, messageTime: timeOf(random, count) };
  if (messageNumber === 1) {
    const message = { type: pick(random, types), launchSpeed: integerFrom(random, 0, 50) * 100, mission: pick(random, missions) };
    return { metadata: { ...metadata, messageType: 'RocketLaunched' }, message };
  }
  if (messageNumber >= lastNumber)
    return { metadata: { ...metadata, messageType: 'RocketExploded' }, message: { reason: pick(random, reasons) } };
  const messageType = pick(random, kinds);
  if (messageType === 'RocketMissionChanged')
    return { metadata: { ...metadata, messageType }, message: { newMission: pick(random, missions) } };
  const by = integerFrom(random, 1, 30) * 100;
  // No rocket flies backwards.
  if (messageType === 'RocketSpeedDecreased' && by <= rocket.speed) return { metadata: { ...metadata, messageType }, message: { by } };
  return { metadata: { ...metadata, messageType: 'RocketSpeedIncreased' }, message: { by } };
}

/** A message every 50 ms, on clocks that disagree by up to two seconds: time gives no order. Written with an offset and in microseconds. */
function timeOf(random: Random, count: number): string {
  const local = new Date(takeOffMs + zoneMs + count * 50 + integerFrom(random, -1000, 1000));
  return `${local.toISOString().slice(0, -1)}${String(integerFrom(random, 0, 999)).padStart(3, '0')}+01:00`;
}
