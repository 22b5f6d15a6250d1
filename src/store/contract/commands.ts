import assert from 'node:assert/strict';
import type { Commands, Lease, StoredCommand } from '../store.ts';
import { commitOf, event, refusal, type StoreTest, type Subject } from './fixtures.ts';

/** Longer than anything here takes, in milliseconds. */
const longMs = 60_000;

/** The subject of a test of commands, for stores that have them. */
interface CommandsSubject extends Subject {
  readonly commands: Commands;
  readonly lease: Lease;
  /** Returns the ids of the commands that the store gives to the owner of its partitions. */
  open(): Promise<readonly string[]>;
  command(id: string): StoredCommand;
}

/** Tests the commands between engines on a database. A store that serves a single engine has none. */
export function commandsContract(it: StoreTest): void {
  const itHas = (sentence: string, body: (subject: CommandsSubject) => Promise<void>) =>
    it(sentence, async (subject) => {
      const { store, visits } = subject;
      const { commands } = store;
      if (commands === undefined) return;
      const lease = await store.claim(visits);
      await body({
        ...subject,
        commands,
        lease,
        open: async () => (await store.beat()).commands?.map(({ id }) => id) ?? [],
        command: (id) => ({ id, partition: visits, body: `{"do":"${id}"}` }),
      });
    });

  itHas(
    'a command reaches the owner of its partition with each beat, until it is answered',
    async ({ store, commands, lease, command, open }) => {
      await commands.give(command('2'), longMs);
      await commands.give(command('1'), longMs);
      assert.deepEqual((await store.beat()).commands, [command('1'), command('2')]);
      assert.deepEqual(await open(), ['1', '2']);
      await lease.commit(commitOf({ answers: [{ id: '1', answer: '{"é":1}' }] }));
      assert.deepEqual(await open(), ['2']);
      assert.deepEqual(await commands.answers(['1', '2', '3']), [{ id: '1', answer: '{"é":1}' }]);
      assert.deepEqual(await commands.answers([]), []);
    },
  );

  itHas('nobody gets a command for an unowned partition, or one that has expired', async ({ orders, commands, command, open }) => {
    await commands.give({ ...command('1'), partition: orders }, longMs);
    await commands.give(command('2'), 0);
    assert.deepEqual(await open(), []);
  });

  itHas(
    'an answer is committed together with everything else or not at all, and the first one counts',
    async ({ store, visits, commands, lease, command, open }) => {
      for (const id of ['1', '2']) await commands.give(command(id), longMs);
      const parked = { key: 'a', state: null, next: null, parked: true };
      const next = await store.claim(visits);
      await refusal(lease.commit(commitOf({ keys: [parked], answers: [{ id: '1', answer: '1' }] })), 'MILL_STORE_FENCED');
      assert.deepEqual([await open(), (await store.load(visits, ['a']))[0]?.parked], [['1', '2'], false]);
      await next.commit(commitOf({ answers: [{ id: '1', answer: 'first' }] }));
      await next.commit(commitOf({ sends: [event(visits, 'a')], answers: ['1', '2'].map((id) => ({ id, answer: 'second' })) }));
      assert.deepEqual(
        (await commands.answers(['1', '2'])).toSorted((a, b) => (a.id < b.id ? -1 : 1)),
        [
          { id: '1', answer: 'first' },
          { id: '2', answer: 'second' },
        ],
      );
    },
  );

  itHas('a withdrawn command is gone, and an answer to it does nothing', async ({ commands, lease, command, open }) => {
    for (const id of ['1', '2', '3']) await commands.give(command(id), longMs);
    await lease.commit(commitOf({ answers: [{ id: '1', answer: 'done' }] }));
    assert.deepEqual(await commands.withdraw(['1', '2', 'nobody']), [{ id: '1', answer: 'done' }]);
    assert.deepEqual(await open(), ['3']);
    await lease.commit(commitOf({ answers: [{ id: '2', answer: 'late' }] }));
    assert.deepEqual(await commands.answers(['1', '2']), []);
    assert.deepEqual(await commands.withdraw([]), []);
  });

  itHas('a closed store accepts no command', async ({ store, commands, command }) => {
    await store.close();
    await refusal(commands.give(command('1'), longMs), 'MILL_STORE_UNAVAILABLE');
    await refusal(commands.answers(['1']), 'MILL_STORE_UNAVAILABLE');
    await refusal(commands.withdraw(['1']), 'MILL_STORE_UNAVAILABLE');
  });
}
