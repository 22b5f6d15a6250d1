import assert from 'node:assert/strict';
import test from 'node:test';
import { eventValidator } from './validator.ts';

const action = { type: 'user_action', source: 'web', data: {} };
const reading = { type: 'sensor_data', source: 'iot_device', data: { temperature: 23.5 } };

async function judge(event: unknown) {
  return eventValidator['~standard'].validate(event);
}

/** Returns the paths of an event's faults. */
async function faultsOf(event: unknown): Promise<readonly string[]> {
  const { issues = [] } = await judge(event);
  return issues.map(({ path = [] }) => path.join('.'));
}

test('every type and source is accepted unchanged', async () => {
  const full = { id: '193270a9-c9cf-404a-8f83-838e71d9ae67', timestamp: '2022-02-02T19:39:05.86337+01:00', user_id: 'ann' };
  const events = [
    action,
    reading,
    { type: 'system_log', source: 'system', data: { level: 'error', message: 'disk full', action: 5, value: 'x', metadata: [] } },
    { type: 'sensor_data', source: 'mobile', data: {} },
    { ...action, ...full, data: { action: 'purchase', value: -0.5, metadata: { item: [1, null] }, extra: { deep: true } } },
    ...['login', 'purchase', 'click', 'error'].map((name) => ({ ...action, data: { action: name } })),
    ...['a', 'x'.repeat(50), '🚀'.repeat(50), 'a\nb', ' '].map((user_id) => ({ ...action, user_id })),
  ];
  for (const event of events) assert.deepEqual(await judge(event), { value: event });
});

test('an id is stored in lower case, and unknown fields are dropped', async () => {
  const id = '193270A9-C9CF-404A-8F83-838E71D9AE67';
  assert.deepEqual(await judge({ ...reading, id, extra: 1 }), { value: { ...reading, id: id.toLowerCase() } });
});

const bad: readonly [event: unknown, faults: readonly string[]][] = [
  ...[null, undefined, 'text', 5, true, []].map((event): [unknown, string[]] => [event, ['']]),
  [{}, ['type', 'source', 'data']],
  ...['USER_ACTION', '', 'toString', '__proto__', 7, null, ['user_action']].map((type): [unknown, string[]] => [
    { ...action, type },
    ['type'],
  ]),
  ...['tv', 'WEB', '', null, 3, undefined].map((source): [unknown, string[]] => [{ ...action, source }, ['source']]),
  ...['', 'x', '193270a9', '{193270a9-c9cf-404a-8f83-838e71d9ae67}', ' 193270a9-c9cf-404a-8f83-838e71d9ae67', 5, null].map(
    (id): [unknown, string[]] => [{ ...reading, id }, ['id']],
  ),
  ...['yesterday', '2022-02-02', '2022-02-30T00:00:00Z', '2022-02-02T19:39:05', '9999-12-31T23:59:60Z', '', 1643827145, null].map(
    (timestamp): [unknown, string[]] => [{ ...reading, timestamp }, ['timestamp']],
  ),
  ...['', 'x'.repeat(51), '🚀'.repeat(51), 'a\ud800', 5, null, {}].map((user_id): [unknown, string[]] => [
    { ...reading, user_id },
    ['user_id'],
  ]),
  ...[null, 'text', 5, [], undefined].flatMap((data): [unknown, string[]][] => [
    [{ ...action, data }, ['data']],
    [{ ...reading, data }, ['data']],
  ]),
  ...['logout', 'Login', '', 5, null].map((name): [unknown, string[]] => [{ ...action, data: { action: name } }, ['data.action']]),
  ...['5', null, true, Number.NaN].map((value): [unknown, string[]] => [{ ...action, data: { value } }, ['data.value']]),
  ...[[], 'text', null].map((metadata): [unknown, string[]] => [{ ...action, data: { metadata } }, ['data.metadata']]),
  ...[action, reading].flatMap((event): [unknown, string[]][] => [
    [{ ...event, data: { list: [1, { text: 'half \ud800' }] } }, ['data.list.1.text']],
    [{ ...event, data: { deep: { 'name \udc00': 1 } } }, ['data.deep']],
  ]),
  [{ ...action, source: 'tv', user_id: '', data: { action: 'jump' } }, ['source', 'user_id', 'data.action']],
  [{ ...reading, type: 'weather', source: 'tv', data: [] }, ['type', 'source', 'data']],
];

test('every fault is reported with its path, once', async () => {
  for (const [event, faults] of bad) assert.deepEqual(await faultsOf(event), faults, JSON.stringify(event));
});
