/** Sends requests to the server of the demo. */
export interface Sender {
  /** Posts JSON; a refusal is counted and does not fail the demo: the server may be stopping, or its backlog full. */
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<void>;
}

export function senderTo(url: string, authorization: Readonly<Record<string, string>>): Sender {
  return {
    async post(path, body, headers = {}) {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      const answer = await fetch(`${url}${path}`, { method: 'POST', headers: { ...authorization, ...headers }, body: text });
      await answer.arrayBuffer();
    },
  };
}

/** Returns one of several at random. */
export function pick<T>(options: readonly T[]): T {
  return options[Math.floor(Math.random() * options.length)] as T;
}

export function between(from: number, to: number): number {
  return from + Math.floor(Math.random() * (to - from + 1));
}
