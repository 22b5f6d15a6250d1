import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storeContract } from '../contract.ts';
import { sqlite } from './sqlite-store.ts';

storeContract('sqlite', {
  async create() {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-'));
    const store = sqlite(join(folder, 'test.db'));
    return {
      async open(declaration) {
        await store.open(declaration);
        return store;
      },
      async dispose() {
        await store.close();
        await rm(folder, { recursive: true });
      },
    };
  },
});
