import assert from 'node:assert/strict';
import test from 'node:test';
import { RocketMessage } from './message.ts';

const metadata = { channel: '193270a9-c9cf-404a-8f83-838e71d9ae67', messageNumber: 1, messageTime: '2022-02-02T19:39:05.86337+01:00' };
const launch = {
  metadata: { ...metadata, messageType: 'RocketLaunched' },
  message: { type: 'Falcon-9', launchSpeed: 500, mission: 'ARTEMIS' },
};

async function judge(message: unknown) {
  return RocketMessage['~standard'].validate(message);
}

/** Returns the paths of a message's faults. */
async function faultsOf(message: unknown): Promise<readonly string[]> {
  const { issues = [] } = await judge(message);
  return issues.map(({ path = [] }) => path.join('.'));
}

test('each type of message is accepted unchanged', async () => {
  const messages = [
    launch,
    { metadata: { ...metadata, messageType: 'RocketLaunched' }, message: { type: 'X', launchSpeed: 0, mission: ' ' } },
    { metadata: { ...metadata, messageType: 'RocketSpeedIncreased' }, message: { by: 0.5 } },
    { metadata: { ...metadata, messageType: 'RocketSpeedDecreased' }, message: { by: 3000 } },
    { metadata: { ...metadata, messageType: 'RocketExploded' }, message: { reason: 'PRESSURE_VESSEL_FAILURE' } },
    { metadata: { ...metadata, messageType: 'RocketMissionChanged' }, message: { newMission: 'SHUTTLE_MIR' } },
  ];
  for (const message of messages) assert.deepEqual(await judge(message), { value: message });
});

test('unknown fields of a message are dropped', async () => {
  const message = { ...launch, extra: 1, metadata: { ...launch.metadata, extra: 1 }, message: { ...launch.message, extra: 1 } };
  assert.deepEqual(await judge(message), { value: launch });
});

test('every fault is reported with its path', async () => {
  assert.deepEqual(await faultsOf({ metadata: { ...launch.metadata, channel: 'x', messageNumber: 0 }, message: { type: 'Falcon-9' } }), [
    'metadata.channel',
    'metadata.messageNumber',
    'message.launchSpeed',
    'message.mission',
  ]);
});

test('half of a surrogate pair is refused, since a row could not keep it', async () => {
  const broken = 'a\ud800b';
  const texts: readonly [messageType: string, message: object][] = [
    ['RocketLaunched', { type: broken, launchSpeed: 500, mission: 'ARTEMIS' }],
    ['RocketLaunched', { type: 'Falcon-9', launchSpeed: 500, mission: broken }],
    ['RocketExploded', { reason: broken }],
    ['RocketMissionChanged', { newMission: broken }],
  ];
  const found = await Promise.all(texts.map(([messageType, message]) => faultsOf({ metadata: { ...metadata, messageType }, message })));
  assert.deepEqual(found, [['message.type'], ['message.mission'], ['message.reason'], ['message.newMission']]);
});

test('a text is never empty', async () => {
  const texts: readonly [messageType: string, message: object][] = [
    ['RocketLaunched', { type: '', launchSpeed: 500, mission: '' }],
    ['RocketExploded', { reason: '' }],
    ['RocketMissionChanged', { newMission: '' }],
  ];
  const found = await Promise.all(texts.map(([messageType, message]) => faultsOf({ metadata: { ...metadata, messageType }, message })));
  assert.deepEqual(found, [['message.type', 'message.mission'], ['message.reason'], ['message.newMission']]);
});

test('a type or mission of up to 512 characters is accepted, and a longer one is not', async () => {
  const launched = (changes: object) => ({ ...launch, message: { ...launch.message, ...changes } });
  const longest = 'x'.repeat(512);
  assert.deepEqual(await faultsOf(launched({ type: longest, mission: longest })), []);
  assert.deepEqual(await faultsOf(launched({ type: `${longest}x`, mission: `${longest}x` })), ['message.type', 'message.mission']);
  const changed = { metadata: { ...metadata, messageType: 'RocketMissionChanged' }, message: { newMission: `${longest}x` } };
  assert.deepEqual(await faultsOf(changed), ['message.newMission']);
});

test('an unknown or missing type is reported together with all other faults', async () => {
  assert.deepEqual(await faultsOf({ metadata: { ...metadata, messageNumber: '1', messageType: 'toString' }, message: {} }), [
    'metadata.messageNumber',
    'metadata.messageType',
  ]);
  assert.deepEqual(await faultsOf({ metadata }), ['metadata.messageType', 'message']);
  assert.deepEqual(await faultsOf({}), ['metadata', 'message']);
  for (const nothing of [null, 'text', 5, true]) assert.deepEqual(await faultsOf(nothing), ['']);
  assert.ok((await faultsOf([])).length > 0);
});
