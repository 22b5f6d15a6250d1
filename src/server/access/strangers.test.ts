import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { Strangers } from './strangers.ts';

const log = pino({ level: 'silent' });

/** Returns how many simultaneous tries are answered at once, later, and never. */
function tried(strangers: Strangers, addresses: readonly string[]) {
  const counts = { now: 0, later: 0, never: 0 };
  for (const address of addresses) {
    const answered = strangers.noted(address);
    counts[answered instanceof Promise ? 'later' : answered] += 1;
  }
  return counts;
}

const times = (count: number, address: string) => Array.from({ length: count }, () => address);

test('an address gets ten immediate answers and a hundred delayed ones, and then none', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const strangers = new Strangers(log);
  const { now, later, never } = tried(strangers, times(500, '192.0.2.1'));
  // The clock moves on during the tries.
  assert.ok(now >= 10 && now <= 12, `${now}`);
  assert.ok(later >= 99 && later <= 101, `${later}`);
  assert.equal(never, 500 - now - later);
  assert.deepEqual(tried(strangers, times(10, '192.0.2.2')), { now: 10, later: 0, never: 0 });
});

test('at most a thousand answers are delayed at once, whatever the addresses', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const strangers = new Strangers(log);
  const addresses = Array.from({ length: 50 }, (_, index) => times(60, `192.0.2.${index}`)).flat();
  assert.deepEqual(tried(strangers, addresses), { now: 500, later: 1_000, never: 1_500 });
  assert.deepEqual(tried(strangers, ['198.51.100.1']), { now: 1, later: 0, never: 0 });
  t.mock.timers.tick(10_000);
  assert.ok(tried(strangers, times(20, '198.51.100.2')).later > 0);
});

test('all IPv6 addresses of one holder count as one, IPv4 addresses count separately, however they are written', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const neighbours = Array.from({ length: 20 }, (_, index) => `2001:db8:0:1::${index.toString(16)}`);
  assert.ok(tried(new Strangers(log), neighbours).later >= 8);
  const others = Array.from({ length: 20 }, (_, index) => `2001:db8:0:${index.toString(16)}::1`);
  assert.equal(tried(new Strangers(log), others).later, 0);
  const mapped = Array.from({ length: 20 }, (_, index) => `::ffff:192.0.2.${index}`);
  assert.equal(tried(new Strangers(log), mapped).later, 0);
  assert.ok(tried(new Strangers(log), [...times(10, '::ffff:192.0.2.1'), ...times(10, '192.0.2.1')]).later >= 8);
});
