import assert from 'node:assert/strict';
import test from 'node:test';
import { TurnPlaces } from './turn-places.ts';

function placesOf(max: number) {
  const clock = { now: 0, elapsedMs: () => clock.now };
  const told: string[] = [];
  return { places: new TurnPlaces(max, clock), clock, told };
}

test('callers waiting for a place are called once, in order of arrival, as many as there are places', () => {
  const { places, told } = placesOf(2);
  places.take();
  places.take();
  const first = () => {
    told.push('first');
    places.take();
  };
  const second = () => void told.push('second');
  for (const goOn of [first, second, first]) places.wait(goOn);
  places.release();
  assert.deepEqual(told, ['first']);
  places.release();
  assert.deepEqual(told, ['first', 'second']);
  places.release();
  assert.deepEqual(told, ['first', 'second']);
});

test('a caller that needs no place passes it on, and one that has left is not called', () => {
  const { places, told } = placesOf(1);
  places.take();
  const gone = () => void told.push('gone');
  places.wait(gone);
  for (const name of ['needs none', 'next']) places.wait(() => void told.push(name));
  places.leave(gone);
  places.release();
  assert.deepEqual(told, ['needs none', 'next']);
});

test('the time without a free place counts from the last turn that began or ended', () => {
  const { places, clock } = placesOf(1);
  assert.equal(places.fullMs, Number.POSITIVE_INFINITY);
  places.take();
  clock.now = 70;
  assert.equal(places.fullMs, 70);
  places.release();
  places.take();
  assert.equal(places.fullMs, 0);
});
