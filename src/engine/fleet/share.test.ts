import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { shareBeside, shareOf } from './share.ts';

const upTo = (count: number) => Array.from({ length: count }, (_, nth) => nth);

/** Engines that look at the same table, one after another, once per round. */
class Fleet {
  readonly owners: (string | null)[];
  readonly members: string[] = [];
  moves = 0;

  constructor(slices: number, members: number) {
    this.owners = upTo(slices).map(() => null);
    for (const nth of upTo(members)) this.join(`m${nth}`);
    this.settle();
    this.moves = 0;
  }

  join(member: string): void {
    this.members.push(member);
  }

  /** Removes an engine that died or stopped: its slices are free. */
  leave(member: string): void {
    this.members.splice(this.members.indexOf(member), 1);
  }

  /** Runs rounds until no engine has anything left to do, and returns their number. */
  settle(): number {
    for (let rounds = 0; ; rounds += 1) if (!this.#round()) return rounds;
  }

  counts(): readonly number[] {
    return this.members.map((member) => this.owners.filter((owner) => owner === member).length);
  }

  #round(): boolean {
    let hasChanged = false;
    for (const member of this.members) {
      const { take, handOver } = shareOf(member, this.members, this.owners);
      for (const slice of handOver) this.owners[slice] = null;
      for (const slice of take) this.owners[slice] = member;
      this.moves += take.length;
      hasChanged ||= take.length + handOver.length > 0;
    }
    return hasChanged;
  }
}

function assertEven(fleet: Fleet): void {
  const counts = fleet.counts();
  assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, `expected as many each, found ${counts}`);
  assert.equal(
    counts.reduce((sum, count) => sum + count, 0),
    fleet.owners.length,
  );
}

describe('the share of an engine', () => {
  test('a lone engine takes everything', () => {
    assert.deepEqual(shareOf('a', ['a'], [null, null]), { take: [0, 1], handOver: [] });
  });

  test('the second engine gets half, and the first keeps the other half', () => {
    assert.deepEqual(shareOf('a', ['a', 'b'], ['a', 'a', 'a', 'a']), { take: [], handOver: [2, 3] });
    assert.deepEqual(shareOf('b', ['a', 'b'], ['a', 'a', null, null]), { take: [2, 3], handOver: [] });
  });

  test('no two take the same slice, and together they take all free slices', () => {
    const members = ['a', 'b', 'c'];
    const owners = ['a', null, 'gone', null, null, 'b', 'gone'];
    const taken = members.flatMap((member) => shareOf(member, members, owners).take);
    assert.deepEqual([...taken].sort(), [1, 2, 3, 4, 6]);
  });

  test('with more engines than slices some have none, and nothing moves', () => {
    const members = ['a', 'b', 'c'];
    for (const member of members) assert.deepEqual(shareOf(member, members, ['a', 'c']), { take: [], handOver: [] });
  });
});

describe('the share of a pipeline whose slices follow another’s', () => {
  const members = ['a', 'b'];

  test('free slices go to the owners of the other pipeline’s slices, and nobody takes one without such an owner', () => {
    const [owners, leaders] = [
      [null, null, null, 'gone'],
      ['a', 'b', null, 'a'],
    ];
    assert.deepEqual(shareBeside('a', members, owners, leaders), { take: [0, 3], handOver: [] });
    assert.deepEqual(shareBeside('b', members, owners, leaders), { take: [1], handOver: [] });
  });

  test('a slice is handed over once another live engine leads it', () => {
    const owners = ['a', 'a', 'a', 'a'];
    assert.deepEqual(shareBeside('a', members, owners, ['a', 'b', null, 'gone']), { take: [], handOver: [1] });
  });
});

describe('200 engines and 4,096 slices', () => {
  const fleetOf200 = () => new Fleet(4_096, 200);

  test('start with equal shares', () => {
    assertEven(fleetOf200());
  });

  test('give a newcomer its share, and nothing else moves', () => {
    const fleet = fleetOf200();
    fleet.join('new');
    fleet.settle();
    assertEven(fleet);
    assert.equal(fleet.moves, Math.floor(4_096 / 201));
  });

  test('move only the slices of one that dies', () => {
    const fleet = fleetOf200();
    const owned = fleet.counts()[7];
    fleet.leave('m7');
    fleet.settle();
    assertEven(fleet);
    assert.equal(fleet.moves, owned);
  });

  test('move only the slices of half of them that die at once', () => {
    const fleet = fleetOf200();
    const counts = fleet.counts();
    const owned = upTo(100).reduce((sum, nth) => sum + (counts[nth] ?? 0), 0);
    for (const nth of upTo(100)) fleet.leave(`m${nth}`);
    fleet.settle();
    assertEven(fleet);
    assert.equal(fleet.moves, owned);
  });

  test('move each slice about twice in a rolling restart', () => {
    const fleet = new Fleet(4_096, 20);
    for (const nth of upTo(20)) {
      fleet.leave(`m${nth}`);
      fleet.settle();
      fleet.join(`next${nth}`);
      fleet.settle();
      assertEven(fleet);
    }
    assert.ok(fleet.moves <= 2 * 4_096 + 20, `expected no more moves, found ${fleet.moves}`);
  });
});
