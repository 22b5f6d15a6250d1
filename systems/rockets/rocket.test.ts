import assert from 'node:assert/strict';
import test from 'node:test';
import type { MessageType, RocketMessage } from './message.ts';
import { apply, type Rocket } from './rocket.ts';

const id = '193270a9-c9cf-404a-8f83-838e71d9ae67';

function at<T extends MessageType>(messageNumber: number, messageType: T) {
  return { channel: id, messageNumber, messageTime: `2022-02-02T19:39:0${messageNumber}+01:00`, messageType };
}

const launched: RocketMessage = { metadata: at(1, 'RocketLaunched'), message: { type: 'Falcon-9', launchSpeed: 500, mission: 'ARTEMIS' } };
const faster = (number: number, by: number): RocketMessage => ({ metadata: at(number, 'RocketSpeedIncreased'), message: { by } });
const slower = (number: number, by: number): RocketMessage => ({ metadata: at(number, 'RocketSpeedDecreased'), message: { by } });
const exploded = (number: number, reason: string): RocketMessage => ({ metadata: at(number, 'RocketExploded'), message: { reason } });
const missionChanged = (number: number, newMission: string): RocketMessage => ({
  metadata: at(number, 'RocketMissionChanged'),
  message: { newMission },
});

const fold = (...messages: RocketMessage[]) => messages.reduce<Rocket | undefined>(apply, undefined);

test('a launch creates the rocket', () => {
  assert.deepEqual(fold(launched), {
    id,
    type: 'Falcon-9',
    speed: 500,
    mission: 'ARTEMIS',
    status: 'ACTIVE',
    lastMessageNumber: 1,
    lastUpdated: '2022-02-02T19:39:01+01:00',
  });
});

test('speed and mission change as the messages say', () => {
  assert.deepEqual(fold(launched, faster(2, 300), slower(3, 100.5), missionChanged(4, 'APOLLO')), {
    ...fold(launched),
    speed: 699.5,
    mission: 'APOLLO',
    lastMessageNumber: 4,
    lastUpdated: '2022-02-02T19:39:04+01:00',
  });
});

test('an exploded rocket keeps the reason and its last known speed', () => {
  assert.deepEqual(fold(launched, faster(2, 300), exploded(3, 'ENGINE_FAILURE')), {
    ...fold(launched),
    speed: 800,
    status: 'EXPLODED',
    explosionReason: 'ENGINE_FAILURE',
    lastMessageNumber: 3,
    lastUpdated: '2022-02-02T19:39:03+01:00',
  });
});

test('messages before the launch have no effect', () => {
  const early = [faster(1, 1), slower(2, 1), exploded(3, 'x'), missionChanged(4, 'x')];
  assert.equal(fold(...early), undefined);
  assert.equal(fold(...early, { ...launched, metadata: at(5, 'RocketLaunched') })?.lastMessageNumber, 5);
});

test('a rocket launched again starts over', () => {
  const again: RocketMessage = { metadata: at(3, 'RocketLaunched'), message: { type: 'Soyuz-2', launchSpeed: 7, mission: 'GEMINI' } };
  assert.deepEqual(fold(launched, exploded(2, 'x'), again), {
    id,
    type: 'Soyuz-2',
    speed: 7,
    mission: 'GEMINI',
    status: 'ACTIVE',
    lastMessageNumber: 3,
    lastUpdated: '2022-02-02T19:39:03+01:00',
  });
});

test('the speed stays finite', () => {
  assert.equal(fold(launched, faster(2, 1e308), faster(3, 1e308))?.speed, Number.MAX_VALUE);
  assert.equal(fold(launched, slower(2, 1e308), slower(3, 1e308))?.speed, -Number.MAX_VALUE);
});
