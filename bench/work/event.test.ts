import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventStream, numbersOf } from './event.ts';

const senders = 4;
const streamsOf = (seed: number) => Array.from({ length: senders }, (_, sender) => new EventStream({ seed, keys: 1_000, sender, senders }));

test('the same seed makes the same events', () => {
  const [first, second] = [streamsOf(7), streamsOf(7)].map((streams) => streams.flatMap((stream) => stream.take(500)));
  assert.deepEqual(first, second);
});

test('no two events of all senders share a number, and no two senders share a key', () => {
  const perSender = streamsOf(1).map((stream) => stream.take(500));
  assert.equal(new Set(perSender.flat().map(({ n }) => n)).size, senders * 500);
  const keys = perSender.map((events) => new Set(events.map(({ key }) => key)));
  assert.equal(
    new Set(keys.flatMap((own) => [...own])).size,
    keys.reduce((sum, own) => sum + own.size, 0),
  );
});

test('the numbers of all events follow from how many events each sender has made', () => {
  const streams = streamsOf(1);
  const made = streams.flatMap((stream, sender) => stream.take(10 * sender + 3));
  const numbers = [...numbersOf(streams.map(({ produced }) => produced))];
  assert.deepEqual(new Set(numbers), new Set(made.map(({ n }) => n)));
  assert.equal(numbers.length, made.length);
});

test('the events of a key are numbered from 1 without gaps', () => {
  const last = new Map<string, number>();
  for (const { key, seq } of streamsOf(1).flatMap((stream) => stream.take(2_000))) {
    assert.equal(seq, (last.get(key) ?? 0) + 1);
    last.set(key, seq);
  }
});

test('an event is about 300 bytes of JSON', () => {
  const bytes = streamsOf(1).flatMap((stream) => stream.take(100).map((event) => JSON.stringify(event).length));
  assert.ok(
    Math.min(...bytes) > 260 && Math.max(...bytes) < 340,
    `expected about 300, found ${Math.min(...bytes)} to ${Math.max(...bytes)}`,
  );
});
