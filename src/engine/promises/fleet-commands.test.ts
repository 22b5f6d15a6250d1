import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as z from 'zod';
import { MillraceError } from '../../errors.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import type { Commit, Store } from '../../store/store.ts';
import type { Mill } from '../mill.ts';
import { applied, failing, isCode, Step, upTo, withCalls, withMembers } from './fixture.test.ts';
import { CutLink, Fleet, leaseMs } from './fleet.fixture.test.ts';

async function stepsIn(mill: Mill, key: string): Promise<readonly number[]> {
  const rows = await mill.query(applied).selectAll().where('key', '=', key).orderBy('nth').execute();
  return rows.map(({ n }) => n);
}

/** A fleet whose handlers fail until they are fixed; the first engine works on everything. */
class BrokenFleet extends Fleet {
  isMended = false;

  readonly startOne = (over?: (store: Store) => Store) => this.start(over, [], () => (this.isMended ? undefined : failing()));

  /** Returns the result of a call while time advances. */
  async during<T>(call: Promise<T>, ms = 1_000): Promise<T> {
    call.catch(() => undefined);
    await this.pass(ms);
    return call;
  }

  /**
   * Two engines, and the dead letters of some keys. Each key is parked by its first event and has a second one waiting. `die` ends the
   * first engine.
   */
  async withLetters(keys: readonly string[], overSecond?: (store: Store) => Store) {
    const link = new CutLink();
    const [first, second] = [await this.startOne(link.around), await this.startOne(overSecond)];
    const die = () => {
      link.isCut = true;
      first.freeze();
    };
    for (const key of keys) for (const n of [1, 2]) await first.mill.ingest('steps', { key, n });
    await this.pass(5_000);
    const letters = await second.mill.deadLetters();
    assert.deepEqual(
      letters.map(({ key }) => key),
      keys,
    );
    return { first, second, die, ids: letters.map(({ id }) => id) as [string, ...string[]] };
  }
}

/** Records the commands that an engine gives through its store. */
function watchingCommands() {
  const given: string[] = [];
  const around = (base: Store): Store => {
    const { commands } = base;
    assert.ok(commands !== undefined);
    const give: typeof commands.give = async (command, forMs) => {
      await commands.give(command, forMs);
      given.push(command.id);
    };
    return withCalls(base, { commands: withMembers(commands, { give }) });
  };
  return { given, around };
}

describe('any engine of a fleet can do what only a partition’s owner can do', () => {
  test('another engine has the owner redrive a dead letter: its event is retried once, before those behind it', async () => {
    const fleet = new BrokenFleet();
    const { first, second, ids } = await fleet.withLetters(['a']);
    fleet.isMended = true;
    const before = fleet.clock.now();
    await fleet.during(second.mill.redrive(ids[0], { who: 'ann', reason: 'mended' }), 250);
    const [entry] = await first.mill.audit();
    assert.deepEqual([entry?.who, entry?.action, entry?.subject, entry?.reason], ['ann', 'redrive', ids[0], 'mended']);
    assert.ok(fleet.clock.now() - before <= 250);
    assert.deepEqual(await stepsIn(second.mill, 'a'), [1, 2]);
    assert.deepEqual(second.attempts, []);
    assert.deepEqual(await second.mill.deadLetters(), []);
    await assert.rejects(fleet.during(second.mill.redrive(ids[0])), isCode('MILL_NOT_FOUND'));
    await Promise.all([first.mill.stop(), second.mill.stop()]);
  });

  test('the other engine passes on the owner’s refusal in the same words', async () => {
    const fleet = new BrokenFleet();
    const { first, second } = await fleet.withLetters([]);
    const quiet = pipeline('quiet', {
      event: Step,
      key: ({ key }) => key,
      order: { by: ({ n }) => n, gap: { skipAfter: '1s' } },
      handle() {},
    });
    await Promise.all([first.mill.stop(), second.mill.stop()]);
    const [one, two] = [await fleet.start(undefined, [quiet]), await fleet.start(undefined, [quiet])];
    await one.mill.ingest('quiet', { key: 'a', n: 1 });
    await one.mill.ingest('quiet', { key: 'a', n: 3 });
    await fleet.pass(5_000);
    const [gap] = await two.mill.deadLetters();
    const refusalOf = async (mill: Mill) => {
      const [refusal] = await Promise.allSettled([fleet.during(mill.redrive(gap?.id ?? ''))]);
      assert.ok(refusal.status === 'rejected' && refusal.reason instanceof MillraceError);
      return [refusal.reason.code, refusal.reason.message];
    };
    const [code, message] = await refusalOf(one.mill);
    assert.equal(code, 'MILL_CONFLICT');
    assert.deepEqual(await refusalOf(two.mill), [code, message]);
    await fleet.during(two.mill.discard(gap?.id ?? ''));
    assert.deepEqual(await two.mill.deadLetters(), []);
    await Promise.all([one.mill.stop(), two.mill.stop()]);
  });

  test('if an owner dies before carrying out a command, the next one does, and the sender learns the result', async () => {
    const fleet = new BrokenFleet();
    const { second, die, ids } = await fleet.withLetters(['a']);
    fleet.isMended = true;
    die();
    await fleet.during(second.mill.redrive(ids[0]), 5_500);
    await fleet.pass(500);
    assert.deepEqual(await stepsIn(second.mill, 'a'), [1, 2]);
    assert.deepEqual(second.attempts, [1, 2]);
    await second.mill.stop();
  });

  test('an owner that dies after committing a command has answered it in that commit', async () => {
    const fleet = new BrokenFleet();
    const link = new CutLink();
    let died: (() => void) | undefined;
    const dying = (base: Store): Store =>
      withCalls(link.around(base), {
        async commit(work: Commit, lease) {
          const done = await lease.commit(work);
          if (work.answers === undefined) return done;
          died?.();
          throw new MillraceError('MILL_STORE_UNAVAILABLE', 'the line is dead');
        },
      });
    const first = await fleet.startOne(dying);
    const second = await fleet.startOne();
    await first.mill.ingest('steps', { key: 'a', n: 1 });
    await fleet.pass(5_000);
    const [letter] = await second.mill.deadLetters();
    died = () => {
      link.isCut = true;
      first.freeze();
    };
    await fleet.during(second.mill.discard(letter?.id ?? ''));
    assert.deepEqual(await second.mill.deadLetters(), []);
    await fleet.pass(2 * leaseMs);
    assert.equal((await second.mill.keys('steps', ['a']))[0]?.status, 'open');
    await second.mill.stop();
  });

  test('a command that is not answered in time is withdrawn: nothing is done long after the request', async () => {
    const fleet = new BrokenFleet();
    // A release without commands.
    const older = (base: Store) =>
      withCalls(base, {
        async beat() {
          const { commands, ...roll } = await base.beat();
          return isOlder ? roll : { ...roll, commands };
        },
      });
    let isOlder = true;
    const first = await fleet.startOne(older);
    const second = await fleet.startOne();
    await first.mill.ingest('steps', { key: 'a', n: 1 });
    await fleet.pass(5_000);
    const [letter] = await second.mill.deadLetters();
    const refused = fleet.during(second.mill.discard(letter?.id ?? ''), 10_500);
    await assert.rejects(refused, (error) => isCode('MILL_STORE_LEASED')(error) && /has not answered within 10 s/.test(String(error)));
    isOlder = false;
    await fleet.pass(5_000);
    assert.equal((await second.mill.deadLetters()).length, 1);
    await fleet.during(second.mill.discard(letter?.id ?? ''));
    assert.deepEqual(await second.mill.deadLetters(), []);
    await Promise.all([first.mill.stop(), second.mill.stop()]);
  });

  for (const failing of ['deadLetters', 'commit'])
    test(`a store failure at the owner, at ${failing}, is no answer: the command is carried out once the store is back`, async () => {
      const fleet = new BrokenFleet();
      let failures = 0;
      const failOnce = (call: string) => {
        if (call !== failing || failures > 0) return;
        failures += 1;
        throw new MillraceError('MILL_STORE_UNAVAILABLE', 'away');
      };
      const failingOnce = (base: Store): Store =>
        withCalls(base, {
          async commit(work: Commit, lease) {
            if (work.answers !== undefined) failOnce('commit');
            return lease.commit(work);
          },
          async deadLetters(...asked) {
            failOnce('deadLetters');
            return base.deadLetters(...asked);
          },
        });
      const [first, second] = [await fleet.startOne(failingOnce), await fleet.startOne()];
      await first.mill.ingest('steps', { key: 'a', n: 1 });
      await fleet.pass(5_000);
      const [letter] = await second.mill.deadLetters();
      fleet.isMended = true;
      await fleet.during(second.mill.redrive(letter?.id ?? ''), 5_000);
      assert.equal(failures, 1);
      assert.deepEqual(await stepsIn(second.mill, 'a'), [1]);
      await Promise.all([first.mill.stop(), second.mill.stop()]);
    });

  test('a command is not restarted by a roll from before its answer', async () => {
    const fleet = new BrokenFleet();
    fleet.isMended = true;
    const [answering, rolling] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let beats = 0;
    const slowly = (base: Store): Store =>
      withCalls(base, {
        async commit(work: Commit, lease) {
          if (work.answers !== undefined) await answering.promise;
          return lease.commit(work);
        },
        async beat() {
          const roll = await base.beat();
          if (roll.commands?.length === 1) beats += 1;
          // The first beat reports the change, the second asks for the pauses.
          if (beats === 3) await rolling.promise;
          return roll;
        },
      });
    const [first, second] = [await fleet.startOne(slowly), await fleet.startOne()];
    await fleet.pass(100);
    await first.mill.pause('steps');
    await first.mill.ingest('steps', { key: 'a', n: 1 });
    const discarded = second.mill.discardEvents('steps');
    discarded.catch(() => undefined);
    await fleet.pass(2_000);
    assert.equal(beats, 3);
    answering.resolve();
    await fleet.pass(500);
    assert.equal(await discarded, 1);
    await first.mill.ingest('steps', { key: 'a', n: 2 });
    rolling.resolve();
    await fleet.pass(2_000);
    await first.mill.resume('steps');
    await fleet.pass(100);
    assert.deepEqual(await stepsIn(second.mill, 'a'), [2]);
    await Promise.all([first.mill.stop(), second.mill.stop()]);
  });

  test('a temporarily unresponsive store loses no answer', async () => {
    const fleet = new BrokenFleet();
    let failures = 0;
    const failingNow = (base: Store): Store => {
      const { commands } = base;
      assert.ok(commands !== undefined);
      const answers: typeof commands.answers = async (ids) => {
        failures += 1;
        if (failures <= 3) throw new MillraceError('MILL_STORE_UNAVAILABLE', 'away');
        return commands.answers(ids);
      };
      return withCalls(base, { commands: withMembers(commands, { answers }) });
    };
    const { first, second, ids } = await fleet.withLetters(['a'], failingNow);
    fleet.isMended = true;
    await fleet.during(second.mill.discard(ids[0]), 2_000);
    assert.deepEqual(await stepsIn(second.mill, 'a'), [2]);
    assert.deepEqual(await second.mill.deadLetters(), []);
    assert.ok(failures > 3);
    await Promise.all([first.mill.stop(), second.mill.stop()]);
  });

  test('a stopping engine waits for no answer', async () => {
    const fleet = new BrokenFleet();
    const { second, die, ids } = await fleet.withLetters(['a']);
    die();
    const waiting = second.mill.discard(ids[0]);
    waiting.catch(() => undefined);
    await fleet.pass(100);
    await second.mill.stop();
    await assert.rejects(waiting, isCode('MILL_STOPPING'));
  });

  test('all dead letters of a pipeline are discarded, whoever owns them, with one command per owner and page', async () => {
    const fleet = new BrokenFleet(4);
    const [first, second] = [await fleet.startOne(), await fleet.startOne()];
    await fleet.pass(500);
    const watched = watchingCommands();
    const third = await fleet.startOne(watched.around);
    const keys = upTo(40).map((n) => `key ${n}`);
    for (const key of keys) await first.mill.ingest('steps', { key, n: 1 });
    await fleet.pass(5_000);
    assert.equal((await third.mill.deadLetters()).length, 40);
    assert.equal(await fleet.during(third.mill.discardDeadLetters('steps', { key: 'key 7' })), 1);
    assert.equal(await fleet.during(third.mill.discardDeadLetters('steps')), 39);
    assert.ok(watched.given.length > 0 && watched.given.length <= 5, `${watched.given.length} commands`);
    assert.deepEqual(await first.mill.deadLetters(), []);
    assert.equal(await fleet.during(third.mill.discardDeadLetters('steps')), 0);
    fleet.isMended = true;
    for (const key of keys) await second.mill.ingest('steps', { key, n: 2 });
    await fleet.pass(500);
    for (const key of keys) assert.deepEqual(await stepsIn(third.mill, key), [2]);
    await Promise.all([first, second, third].map(({ mill }) => mill.stop()));
  });

  test('any engine can discard a paused pipeline’s waiting events, as soon as one has paused it, but not after its end', async () => {
    const fleet = new BrokenFleet(4);
    fleet.isMended = true;
    const members = [await fleet.startOne(), await fleet.startOne(), await fleet.startOne()] as const;
    await fleet.pass(500);
    const [first, second, third] = members;
    await assert.rejects(fleet.during(third.mill.discardEvents('steps')), isCode('MILL_CONFLICT'));
    await first.mill.pause('steps');
    await fleet.pass(leaseMs / 3);
    const keys = upTo(12).map((n) => `key ${n}`);
    for (const key of keys) await second.mill.ingest('steps', { key, n: 1 });
    await fleet.pass(100);
    assert.equal(await fleet.during(third.mill.discardEvents('steps', { key: 'key 3' })), 1);
    assert.equal(await fleet.during(third.mill.discardEvents('steps')), 11);
    // The other engines know of neither yet.
    await second.mill.resume('steps');
    await assert.rejects(third.mill.discardEvents('steps'), isCode('MILL_CONFLICT'));
    await second.mill.pause('steps');
    assert.equal(await fleet.during(first.mill.discardEvents('steps')), 0);
    await second.mill.resume('steps');
    for (const key of keys) await third.mill.ingest('steps', { key, n: 2 });
    await fleet.pass(leaseMs);
    for (const key of keys) assert.deepEqual(await stepsIn(first.mill, key), [2]);
    await Promise.all(members.map(({ mill }) => mill.stop()));
  });

  test('any engine can withdraw deliveries to a removed endpoint, in all slices', async () => {
    const fleet = new Fleet(4);
    const event = z.object({ key: z.string() });
    const never = { to: { call: () => new Promise<never>(() => undefined) }, timeout: '1h' as const };
    const withMail = pipeline('shop', {
      event,
      key: ({ key }) => key,
      deliver: { mail: never },
      handle: ({ key }, _state, turn) => turn.deliver('mail', {}, { id: key }),
    });
    const without = pipeline('shop', { event, key: ({ key }) => key, handle() {} });
    const before = await fleet.start(undefined, [withMail]);
    for (const n of upTo(20)) await before.mill.ingest('shop', { key: `key ${n}` });
    await fleet.pass(100);
    const stopped = before.mill.stop({ timeoutMs: 10 });
    await fleet.pass(2_000);
    await stopped;
    const [first, second] = [await fleet.start(undefined, [without]), await fleet.start(undefined, [without])];
    await fleet.pass(1_000);
    const withdrawn = second.mill.withdraw('shop', 'mail');
    withdrawn.catch(() => undefined);
    await fleet.pass(1_000);
    assert.equal(await withdrawn, 20);
    await Promise.all([first.mill.stop(), second.mill.stop()]);
  });
});
