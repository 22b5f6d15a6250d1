import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { OwnershipState } from './ownership-state.ts';

const made = () => new OwnershipState({ pipeline: 'orders', slice: 2 });
const ways = {
  new: made,
  working: () => then(made(), 'work'),
  recovering: () => then(made(), 'recover'),
  away: () => then(made(), 'leave'),
  taking: () => then(then(made(), 'leave'), 'take'),
  over: () => then(made(), 'end'),
} as const;
type Name = keyof typeof ways;
type Move = 'work' | 'recover' | 'leave' | 'take' | 'end' | 'startAnew';

function then(state: OwnershipState, move: Move): OwnershipState {
  state[move]();
  return state;
}

function nameOf({ isWorking, isRecovering, isTaking, isAway, isOver }: OwnershipState): Name {
  if (isWorking) return 'working';
  if (isRecovering) return 'recovering';
  if (isTaking) return 'taking';
  if (isAway) return 'away';
  return isOver ? 'over' : 'new';
}

/** The table above the class, row by row. */
const table: Readonly<Record<Move, { readonly from: readonly Name[]; readonly to: Name }>> = {
  work: { from: ['new', 'recovering', 'taking'], to: 'working' },
  recover: { from: ['new', 'working'], to: 'recovering' },
  leave: { from: ['new', 'recovering', 'taking'], to: 'away' },
  take: { from: ['away'], to: 'taking' },
  end: { from: ['new', 'working', 'recovering', 'away', 'taking', 'over'], to: 'over' },
  startAnew: { from: ['over'], to: 'new' },
};

describe('the ownership of a partition', () => {
  for (const move of Object.keys(table) as Move[]) {
    const { from, to } = table[move];
    for (const name of Object.keys(ways) as Name[]) {
      const mayMove = from.includes(name);
      test(`${mayMove ? 'goes' : 'never goes'} by ${move} from ${name} to ${to}`, () => {
        const state = ways[name]();
        if (mayMove) assert.equal(nameOf(then(state, move)), to);
        else {
          assert.throws(() => then(state, move), {
            code: 'MILL_INTERNAL',
            message: new RegExp(`^partition orders/2: .* found it ${name}$`),
          });
          assert.equal(nameOf(state), name);
        }
      });
    }
  }

  test('wakes callers waiting for another state', async () => {
    const state = made();
    const changed = state.changed();
    state.recover();
    await changed;
  });
});
