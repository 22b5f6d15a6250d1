import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SortedList } from './sorted-list.ts';

interface Item {
  readonly place: number;
  readonly label: string;
}

const empty = () => new SortedList<Pick<Item, 'place'>, Item>((a, b) => a.place - b.place);

const action = fc.oneof(
  fc.record({ action: fc.constant('put' as const), place: fc.nat(20), label: fc.string() }),
  fc.record({ action: fc.constant('remove' as const), from: fc.nat(20), to: fc.nat(20) }),
  fc.record({ action: fc.constant('retain' as const), below: fc.nat(20) }),
);

test('a sorted list equals a map’s contents, in order', () => {
  const holds = (actions: readonly (typeof action extends fc.Arbitrary<infer A> ? A : never)[]) => {
    const list = empty();
    const map = new Map<number, Item>();
    for (const each of actions) {
      if (each.action === 'put') {
        list.put(each);
        map.set(each.place, each);
      } else if (each.action === 'remove') {
        list.remove({ place: each.from }, { place: each.to });
        for (let place = each.from; place <= each.to; place += 1) map.delete(place);
      } else {
        list.retain(({ place }) => place < each.below);
        for (const place of map.keys()) if (place >= each.below) map.delete(place);
      }
      const expected = [...map.values()].toSorted((a, b) => a.place - b.place);
      assert.deepEqual([...list], expected);
      assert.deepEqual([list.size, list.first], [expected.length, expected[0]]);
      for (let place = 0; place <= 20; place += 5) {
        assert.equal(list.at({ place }), map.get(place));
        assert.deepEqual(
          list.from((item) => item.place > place, 3),
          expected.filter((item) => item.place > place).slice(0, 3),
        );
      }
    }
  };
  fc.assert(fc.property(fc.array(action), holds));
});
