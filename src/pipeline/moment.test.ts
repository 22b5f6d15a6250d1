import assert from 'node:assert/strict';
import test from 'node:test';
import { isMomentText } from './moment.ts';

const two = (n: number) => String(n).padStart(2, '0');
const upTo = (max: number) => Array.from({ length: max + 1 }, (_, n) => n);

function isWhatDateWrites(text: string): boolean {
  const at = Date.parse(text);
  return !Number.isNaN(at) && new Date(at).toISOString() === text;
}

test('a day must exist in its month, leap years included', () => {
  for (const year of ['0000', '0004', '1900', '2000', '2023', '2024', '9999'])
    for (const month of upTo(13))
      for (const day of upTo(32)) {
        const text = `${year}-${two(month)}-${two(day)}T18:39:05.863Z`;
        assert.equal(isMomentText(text), isWhatDateWrites(text), text);
      }
});

test('a time must exist in a day, without leap seconds', () => {
  for (const [hour, minute, second] of [
    ...upTo(25).map((n) => [n, 0, 0]),
    ...upTo(61).map((n) => [23, n, 59]),
    ...upTo(61).map((n) => [0, 59, n]),
  ]) {
    const text = `2022-02-28T${two(Number(hour))}:${two(Number(minute))}:${two(Number(second))}.000Z`;
    assert.equal(isMomentText(text), isWhatDateWrites(text), text);
  }
});

test('any other notation is refused', () => {
  for (const text of [
    '',
    '2022-02-02',
    '2022-02-02T18:39:05Z',
    '2022-02-02T18:39:05.863',
    '2022-02-02t18:39:05.863Z',
    '+002022-02-02T18:39:05.863Z',
  ])
    assert.equal(isMomentText(text), false, text);
});
