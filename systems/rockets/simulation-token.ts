import type { Setting } from '../../src/server/index.ts';

/** The token of whoever simulates. */
export const tokenSetting = {
  variable: 'MILLRACE_TOKEN',
  meaning: 'the token to send, where the server asks for one; it must be one that may operate',
  values: { accepts: 'a token as millrace token prints it', read: (text) => (/^[!-~]+$/.test(text) ? text : undefined) },
  secret: true,
} satisfies Setting<string>;
