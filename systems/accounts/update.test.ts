import assert from 'node:assert/strict';
import test from 'node:test';
import { AccountUpdate } from './update.ts';

const update = { id: 'a', accountType: 'escrow', tokens: 500_000, callbackTimeMs: 400, data: { deep: [1, null] }, version: 123 };

/** Returns the paths of an update's faults. */
function faultsOf(value: unknown): readonly string[] {
  return AccountUpdate.safeParse(value).error?.issues.map(({ path }) => path.join('.')) ?? [];
}

test('an update is accepted unchanged, up to the largest exact number', () => {
  const updates = [
    update,
    { ...update, id: 'x'.repeat(490), accountType: '🚀' },
    { ...update, accountType: 'x'.repeat(512) },
    { ...update, id: 'highest', data: {} },
    { ...update, tokens: 0, callbackTimeMs: 0, version: 0 },
    { ...update, tokens: 2 ** 53 - 1, callbackTimeMs: 10_000_000_000_000, version: 2 ** 53 - 1 },
  ];
  for (const one of updates) assert.deepEqual(AccountUpdate.parse(one), one);
});

test('an id and a type fit into one index entry, however many bytes their characters have', () => {
  const named = (id: number, type: number) => ({ ...update, id: '火'.repeat(id), accountType: '水'.repeat(type) });
  assert.deepEqual(faultsOf(named(490, 376)), []);
  assert.deepEqual(faultsOf(named(354, 512)), []);
  assert.deepEqual(faultsOf(named(490, 377)), ['accountType']);
  assert.deepEqual(faultsOf(named(490, 512)), ['accountType']);
  assert.deepEqual(faultsOf({ ...update, id: 'x'.repeat(490), accountType: 'y'.repeat(512) }), []);
});

test('without a version it is version 0, without data it has none, and unknown fields are dropped', () => {
  const { version: _, data: _1, ...bare } = update;
  assert.deepEqual(AccountUpdate.parse({ ...bare, extra: 1 }), { ...bare, version: 0, data: {} });
});

const notNatural = [-1, 1.5, '5', null, true, [], Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53];
const notText = ['', 5, null, undefined, {}, '\ud800'];

const bad: readonly [value: unknown, faults: readonly string[]][] = [
  ...[null, undefined, 'text', 5, true, []].map((value): [unknown, string[]] => [value, ['']]),
  [{}, ['id', 'accountType', 'tokens', 'callbackTimeMs']],
  ...[...notText, 'x'.repeat(491)].map((id): [unknown, string[]] => [{ ...update, id }, ['id']]),
  ...[...notText, 'x'.repeat(513)].map((accountType): [unknown, string[]] => [{ ...update, accountType }, ['accountType']]),
  ...[...notNatural, undefined].map((tokens): [unknown, string[]] => [{ ...update, tokens }, ['tokens']]),
  ...[...notNatural, undefined, 10_000_000_000_001].map((time): [unknown, string[]] => [
    { ...update, callbackTimeMs: time },
    ['callbackTimeMs'],
  ]),
  ...notNatural.map((version): [unknown, string[]] => [{ ...update, version }, ['version']]),
  ...[null, 'text', 5, [], { 'name \ud800': 1 }].map((data): [unknown, string[]] => [{ ...update, data }, ['data']]),
  [{ ...update, data: { list: [1, { text: 'half \udc00' }] } }, ['data.list.1.text']],
];

test('data nests up to 500 levels', () => {
  const nested = (levels: number) => ({ ...update, data: JSON.parse(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`) });
  assert.deepEqual(faultsOf(nested(500)), []);
  assert.deepEqual(faultsOf(nested(501)), ['data']);
  assert.deepEqual(faultsOf(nested(100_000)), ['data']);
});

test('every fault is reported with its path, once', () => {
  for (const [value, faults] of bad) assert.deepEqual([...new Set(faultsOf(value))], faults, JSON.stringify(value));
});
