import assert from 'node:assert/strict';
import test from 'node:test';
import { advance, type ExpectedRocket, unlaunched } from './expected-rocket.ts';
import { fleetSize, flights } from './flights.ts';

function fly(seed: number, count: number) {
  const rockets = new Map<string, ExpectedRocket>();
  const fleet = flights(seed, rockets);
  const messages = Array.from({ length: count }, () => fleet.next().value);
  return { messages, rockets };
}

test('a seed always gives the same messages, and another seed other rockets', () => {
  assert.deepEqual(fly(444, 2000), fly(444, 2000));
  const ids = new Set([...fly(444, 100).rockets.keys(), ...fly(445, 100).rockets.keys()]);
  assert.equal(ids.size, 2 * fleetSize);
});

test('a shorter run is the beginning of a longer one', () => {
  assert.deepEqual(fly(444, 2000).messages.slice(0, 500), fly(444, 500).messages);
});

test('each rocket is launched first, and its numbers have no gaps', () => {
  const numbers = new Map<string, number>();
  for (const { metadata } of fly(444, 5000).messages) {
    const number = (numbers.get(metadata.channel) ?? 0) + 1;
    numbers.set(metadata.channel, number);
    assert.equal(metadata.messageNumber, number);
    assert.equal(metadata.messageType === 'RocketLaunched', number === 1);
  }
  assert.equal(numbers.size, fleetSize);
});

test('every type of message occurs, some rockets explode and send nothing afterwards, and none flies backwards', () => {
  const { messages, rockets } = fly(444, 20_000);
  assert.equal(new Set(messages.map(({ metadata }) => metadata.messageType)).size, 5);
  const exploded = messages.filter(({ metadata }) => metadata.messageType === 'RocketExploded');
  assert.ok(exploded.length > 0 && exploded.length < fleetSize);
  for (const { metadata } of exploded) assert.equal(rockets.get(metadata.channel)?.lastMessageNumber, metadata.messageNumber);
  assert.ok([...rockets.values()].every(({ speed }) => speed >= 0));
});

test('the expected rocket results from the messages in order', () => {
  const at = (messageNumber: number) => ({ channel: 'r', messageNumber, messageTime: `t${messageNumber}` });
  const rocket = unlaunched('r');
  advance(rocket, {
    metadata: { ...at(1), messageType: 'RocketLaunched' },
    message: { type: 'Falcon-9', launchSpeed: 500, mission: 'ARTEMIS' },
  });
  advance(rocket, { metadata: { ...at(2), messageType: 'RocketSpeedIncreased' }, message: { by: 300 } });
  advance(rocket, { metadata: { ...at(3), messageType: 'RocketSpeedDecreased' }, message: { by: 100 } });
  advance(rocket, { metadata: { ...at(4), messageType: 'RocketMissionChanged' }, message: { newMission: 'APOLLO' } });
  advance(rocket, { metadata: { ...at(5), messageType: 'RocketExploded' }, message: { reason: 'ENGINE_FAILURE' } });
  assert.deepEqual(rocket, {
    id: 'r',
    type: 'Falcon-9',
    speed: 700,
    mission: 'APOLLO',
    status: 'EXPLODED',
    explosionReason: 'ENGINE_FAILURE',
    lastMessageNumber: 5,
    lastUpdated: 't5',
    pendingMessages: 0,
  });
});
