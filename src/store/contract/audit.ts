import assert from 'node:assert/strict';
import type { AuditEntry } from '../store.ts';
import { own, refusal, type StoreTest } from './fixtures.ts';

/** Tests the record of operators' actions. */
export function auditContract(it: StoreTest): void {
  it('entries are listed latest first, a page at a time, and by pipeline or key', async ({ store }) => {
    const entries = [entry('1'), entry('2', { pipeline: 'orders', key: 'é' }), entry('3', { who: null, subject: 'x', reason: '“why”' })];
    for (const one of entries) await store.noteAudit(one);
    const [first, second, third] = entries;
    assert.deepEqual(await store.audit({ limit: 10 }), [third, second, first]);
    assert.deepEqual(await store.audit({ limit: 2 }), [third, second]);
    assert.deepEqual(await store.audit({ before: '2', limit: 2 }), [first]);
    assert.deepEqual(await store.audit({ pipeline: 'visits', limit: 10 }), [third, first]);
    assert.deepEqual(await store.audit({ pipeline: 'orders', key: 'é', limit: 10 }), [second]);
    assert.deepEqual(await store.audit({ key: 'nobody', limit: 10 }), []);
  });

  it('an entry exists if and only if its commit does', async ({ store, visits, reopen }) => {
    const former = await own(store, visits);
    const owner = await own(store, visits);
    await owner.commit({ audit: [entry('1'), entry('2')] });
    await refusal(former.commit({ audit: [entry('3')] }), 'MILL_STORE_FENCED');
    assert.deepEqual(await (await reopen()).audit({ limit: 10 }), [entry('2'), entry('1')]);
  });

  it('an entry exists together with the pause that it records', async ({ store, reopen }) => {
    await store.setPaused('visits', true, entry('1'));
    await store.setPaused('visits', false, entry('2', { action: 'resume' }));
    await store.setPaused('visits', true);
    const again = await reopen();
    assert.deepEqual(
      (await again.audit({ limit: 10 })).map(({ action }) => action),
      ['resume', 'pause'],
    );
  });

  it('entries before a moment are deleted', async ({ store }) => {
    for (const at of [1, 2, 3]) await store.noteAudit(entry(String(at), { at }));
    assert.equal(await store.forgetAudit(3), 2);
    assert.equal(await store.forgetAudit(3), 0);
    assert.deepEqual(
      (await store.audit({ limit: 10 })).map(({ at }) => at),
      [3],
    );
  });
}

function entry(id: string, more: Partial<AuditEntry> = {}): AuditEntry {
  return { id, at: 5, who: 'ann', action: 'pause', pipeline: 'visits', key: null, subject: null, reason: null, ...more };
}
