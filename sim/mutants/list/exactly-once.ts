import type { Mutant } from '../mutant.ts';
import { beside, contract, promise } from '../suites.ts';

const rowWrites = 'src/engine/row-writes.ts';
const commits = 'src/engine/commits.ts';
const refusals = 'src/engine/refusals.ts';
const lane = 'src/engine/lane.ts';
const draft = 'src/engine/draft.ts';
const runner = 'src/engine/runner.ts';
const tenure = 'src/engine/tenure.ts';
const writer = 'src/store/sqlite/partition/writer.ts';

/** Exactly once, inside. */
export const exactlyOnce: readonly Mutant[] = [
  {
    name: 'fence-dropped',
    promises: [2, 8],
    file: writer,
    find: 'AND slice = ? AND epoch = ?',
    replace: 'AND slice = ? AND epoch >= ?',
    tests: [contract('sqlite', 'a commit under an earlier claim has no effect at all')],
  },
  {
    name: 'fence-dropped-in-memory',
    promises: [2, 8],
    file: 'src/store/memory/memory-lease.ts',
    find: 'if (this.#latest.get(name)?.lease !== lease) throw',
    replace: 'if (!this.#latest.has(name)) throw',
    tests: [contract('memory')],
  },
  {
    name: 'place-of-a-turn-free-before-its-decision-is-drafted',
    promises: [2, 9],
    file: runner,
    find: `      try {
        this.#conclude(lane, turn, cause, ended, from);
      } finally {
        // No earlier: whoever waits for the slot may belong to this tenure, and looks at the draft.
        places.release();
      }`,
    replace: `      places.release();
      this.#conclude(lane, turn, cause, ended, from);`,
    tests: [promise('exactly-once', 'whoever waits for a turn’s place gets it once the turn’s decision is drafted')],
  },
  {
    name: 'claim-raises-no-epoch',
    promises: [2, 8],
    file: writer,
    find: 'DO UPDATE SET epoch = epoch + 1 RETURNING',
    replace: 'DO UPDATE SET epoch = epoch RETURNING',
    tests: [contract('sqlite', 'every claim ends the previous lease, even across a reopening'), promise('exactly-once')],
  },
  {
    name: 'cursor-ahead-of-effects',
    promises: [1, 2],
    file: draft,
    find: 'cursor: this.cursor,\n      holds',
    replace: 'cursor: this.cursor + 1,\n      holds',
    tests: [promise('accepted-is-durable'), promise('exactly-once')],
  },
  {
    name: 'cursor-behind-effects',
    promises: [2],
    file: draft,
    find: 'cursor: this.cursor,\n      holds',
    replace: 'cursor: Math.max(0, this.cursor - 1),\n      holds',
    tests: [promise('accepted-is-durable'), promise('exactly-once')],
  },
  {
    name: 'cursor-may-be-lowered',
    promises: [2],
    file: writer,
    find: 'SET cursor = max(cursor, ?)',
    replace: 'SET cursor = ?',
    tests: [contract('sqlite', 'the cursor never falls')],
  },
  {
    name: 'straggler-not-held',
    promises: [1, 2],
    file: tenure,
    find: 'closing: (draft) => this.#lanes.holdStragglers(draft),',
    replace: 'closing: () => undefined,',
    tests: [promise('exactly-once')],
  },
  {
    name: 'settled-event-not-released',
    promises: [2],
    file: draft,
    find: 'this.#releases.push({ key: lane.key, from: waiting.order, to: waiting.order });',
    replace: '',
    tests: [promise('in-order')],
  },
  {
    name: 'two-commits-under-way',
    promises: [2],
    file: commits,
    find: 'this.#underWay = this.#commit(draft);',
    replace: 'void this.#commit(draft);',
    tests: [promise('exactly-once')],
  },
  {
    name: 'doubtful-commit-made-again',
    promises: [2],
    file: commits,
    find: 'this.#doubt(draft, error);\n      state.fail(error);',
    replace:
      "if (!(error instanceof MillraceError) || error.code !== 'MILL_COMMIT_REFUSED') {\n        this.#underWay = this.#commit(draft);\n        return;\n      }\n      this.#doubt(draft, error);\n      state.fail(error);",
    tests: [promise('nth-failure', 'events with state, rows and a send')],
  },
  {
    name: 'tenure-outlives-a-doubtful-commit',
    promises: [2],
    file: commits,
    find: 'this.#doubt(draft, error);\n      state.fail(error);',
    replace:
      "this.#doubt(draft, error);\n      if (!(error instanceof MillraceError) || error.code !== 'MILL_COMMIT_REFUSED') {\n        this.#flush();\n        return;\n      }\n      state.fail(error);",
    tests: [promise('exactly-once')],
  },
  {
    name: 'doubtful-sends-not-looked-for',
    promises: [1, 2],
    file: commits,
    find: 'engine.eventLog.doubted(draft.sends);',
    replace: '',
    tests: [promise('sends', 'a letter arrives even if nobody knows that its commit')],
  },
  {
    name: 'sends-dropped',
    promises: [2],
    file: draft,
    find: 'sends: this.sends.map((send) => send.stored),',
    replace: 'sends: [],',
    tests: [promise('exactly-once')],
  },
  {
    name: 'rows-dropped',
    promises: [2],
    file: draft,
    find: 'rows: Array.from(this.#rows.values()).flatMap((writes) => writes.toWrites()),',
    replace: 'rows: [],',
    tests: [promise('accepted-is-durable')],
  },
  {
    name: 'rows-outside-of-the-transaction',
    promises: [2],
    file: 'src/store/memory/memory-store.ts',
    find: 'records.judge(commit);\n    this.#database.tables.write(commit.rows);',
    replace: 'this.#database.tables.write(commit.rows);\n    records.judge(commit);',
    tests: [contract('memory')],
  },
  {
    name: 'refused-commit-leaves-some-behind',
    promises: [2],
    file: 'src/store/sqlite/threads/group-commit.ts',
    find: "this.#db.exec('ROLLBACK')",
    replace: "this.#db.exec('COMMIT')",
    tests: [beside('store/sqlite/threads/group-commit')],
  },
  {
    name: 'state-of-a-failed-turn-kept',
    promises: [2],
    file: 'src/engine/lane-record.ts',
    find: 'this.#state = undefined;\n    return state;',
    replace: 'return state;',
    tests: [promise('exactly-once')],
  },
  {
    name: 'rows-of-a-failed-turn-written',
    promises: [2],
    file: runner,
    find: 'else this.#parts.failures.failed(lane, cause, ended.error, turn.durationMs);',
    replace:
      'else {\n        for (const row of turn.rows) this.#context.draft().addRow(row);\n        this.#parts.failures.failed(lane, cause, ended.error, turn.durationMs);\n      }',
    tests: [promise('exactly-once')],
  },
  {
    name: 'timers-of-a-failed-turn-set',
    promises: [2, 5],
    file: runner,
    find: 'else this.#parts.failures.failed(lane, cause, ended.error, turn.durationMs);',
    replace:
      'else {\n        for (const write of turn.timerWrites) this.#parts.writes.write(lane, this.#context.draft(), write);\n        this.#parts.failures.failed(lane, cause, ended.error, turn.durationMs);\n      }',
    tests: [promise('exactly-once'), promise('timers')],
  },
  {
    name: 'sends-of-a-failed-turn-sent',
    promises: [2],
    file: runner,
    find: 'else this.#parts.failures.failed(lane, cause, ended.error, turn.durationMs);',
    replace:
      'else {\n        const said = attempt(this.#context, turn, () => undefined);\n        if (!(said instanceof Promise) && said.ok) for (const send of said.sends) this.#context.draft().sends.push(send);\n        this.#parts.failures.failed(lane, cause, ended.error, turn.durationMs);\n      }',
    tests: [promise('exactly-once')],
  },
  {
    name: 'deliveries-of-a-failed-turn-made',
    promises: [2, 6],
    file: runner,
    find: 'else this.#parts.failures.failed(lane, cause, ended.error, turn.durationMs);',
    replace:
      "else {\n        const { key } = lane;\n        const asked = { key, url: null, askedAt: 0, flow: '', ordered: false, traceparent: null, attempts: 0, dueAt: 0 };\n        for (const { endpoint, body } of turn.deliveries) this.#context.draft().deliver({ write: 'ask', delivery: { ...asked, id: key, endpoint, body } });\n        this.#parts.failures.failed(lane, cause, ended.error, turn.durationMs);\n      }",
    tests: [promise('deliveries', 'a failing turn delivers nothing, and its successful retry delivers once')],
  },
  {
    name: 'effects-after-the-end-of-a-turn-count',
    promises: [2],
    file: 'src/engine/turn.ts',
    find: 'if (this.#ended) this.#refuse(',
    replace: 'if (this.#ended && effect === "") this.#refuse(',
    tests: [promise('exactly-once')],
  },
  {
    name: 'first-of-many-puts-kept',
    promises: [2],
    file: rowWrites,
    find: 'segment.puts.set(effect.identity, effect.values);',
    replace: 'if (!segment.puts.has(effect.identity)) segment.puts.set(effect.identity, effect.values);',
    tests: [promise('exactly-once')],
  },
  {
    name: 'put-forgets-no-update-before-it',
    promises: [2],
    file: rowWrites,
    find: 'segment.updates.delete(effect.identity);',
    replace: '',
    tests: [promise('exactly-once')],
  },
  {
    name: 'wrong-turn-blamed-for-a-refused-row',
    promises: [2, 4],
    file: refusals,
    find: 'if (draft.turns === 1 && culprit !== undefined)',
    replace: 'if (culprit !== undefined)',
    tests: [promise('exactly-once')],
  },
  {
    name: 'refused-turn-runs-for-ever',
    promises: [2, 9],
    file: refusals,
    find: 'this.#found.set(nameOf(culprit), error);',
    replace: 'void error;',
    tests: [promise('exactly-once')],
  },
  {
    name: 'key-forgotten-before-its-commit',
    promises: [2, 3],
    file: lane,
    find: 'this.draft <= committedDraft &&',
    replace: '',
    tests: [promise('in-order')],
  },
  {
    name: 'refused-migration-changes-tables',
    promises: [2],
    file: 'src/store/node-sqlite/table-migration.ts',
    find: "db.exec('ROLLBACK TO migrate_tables; RELEASE migrate_tables')",
    replace: "db.exec('RELEASE migrate_tables')",
    tests: [beside('store/node-sqlite/tables')],
  },
  {
    name: 'thread-loses-rows',
    promises: [2],
    file: 'src/engine/turn.ts',
    find: 'for (const row of rows) this.rows.push(row);',
    replace: 'void rows;',
    tests: [beside('engine/threads/threads')],
  },
];
