import { v5 as uuidOf } from 'uuid';
import type { Transport } from '../../src/index.ts';
import { judgeProvider } from './provider.ts';

/** The namespace for the sandbox's ids. */
const namespace = '6f1d8c0e-6a0b-4c55-9d0e-1f5a3c1b7e42';

/** Stands in for a provider: accepts every message, and sends none. A repeated call gets the answer of the first. */
export function sandboxProvider(): Transport {
  return {
    open: (log) => log.warn({}, 'SMS_PROVIDER_URL is not set: messages go to a sandbox, which accepts them all and sends none'),
    async call({ id }) {
      const body = JSON.stringify({ message: 'Accepted', messageId: uuidOf(id, namespace) });
      return judgeProvider({ status: 202, headers: {}, body });
    },
  };
}
