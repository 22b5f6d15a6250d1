import type { Setting } from '../../src/server/index.ts';

/** The simulator's token. */
export const tokenSetting = {
  variable: 'MILLRACE_TOKEN',
  meaning: 'the token to send, if the server requires one; its role must be operate',
  values: { accepts: 'a token as printed by millrace token', read: (text) => (/^[!-~]+$/.test(text) ? text : undefined) },
  secret: true,
} satisfies Setting<string>;
