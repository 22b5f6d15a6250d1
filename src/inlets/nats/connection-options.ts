import { describeKind } from '../../describe-found.ts';
import { explicit, type OptionTable, required } from '../../pipeline/check-options.ts';
import { either, text } from '../../pipeline/expectations.ts';
import type { Place } from '../../pipeline/place.ts';

/** How a connection to NATS is encrypted. Each is the path of a PEM file. */
export interface NatsTlsOptions {
  /** Authorities that the server's certificate must be of. Default: those of Node.js. */
  readonly caFile?: string;
  /** The certificate of this program, where the server asks for one. */
  readonly certFile?: string;
  readonly keyFile?: string;
}

/** Which NATS, and as whom. At most one kind of credentials; none is ever logged. */
export interface NatsConnectionOptions {
  /** Addresses such as `nats://localhost:4222`: of a cluster all of them, of which any may be down. */
  readonly servers: string | readonly string[];
  /** With `password`. */
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  /** The seed of an nkey: `SU…`. */
  readonly nkey?: string;
  /** The path of a `.creds` file, which is read at each connection, so that it can be replaced. */
  readonly credsFile?: string;
  /** Insists on encryption. Without it a connection is encrypted where the server demands it. */
  readonly tls?: true | NatsTlsOptions;
  /** The JetStream domain, where streams are not in the one of the server. */
  readonly domain?: string;
}

const tls: OptionTable<NatsTlsOptions> = { caFile: text, certFile: text, keyFile: text };

/** A secret that is there but undefined is most likely a variable that nobody set; it is never shown. */
const secret = explicit((value, place) => {
  if (typeof value === 'string' && value !== '') return;
  const found = value === '' ? 'an empty text' : describeKind(value);
  place.refuse(`expected a text that is not empty, found ${found}. Is a variable of the environment not set?`);
});

/** The checks of {@link NatsConnectionOptions}, for the table of whoever has these among its options. */
export const natsConnectionOptions: OptionTable<NatsConnectionOptions> = {
  servers: required(checkServers),
  user: secret,
  password: secret,
  token: secret,
  nkey: secret,
  credsFile: text,
  tls: either(true, 'true or an object of options (caFile, certFile, keyFile)', tls),
  domain: text,
};

/** Refuses credentials that contradict each other, once each option by itself is right. */
export function checkCredentials(given: NatsConnectionOptions, place: Place): void {
  const kinds = (['user', 'token', 'nkey', 'credsFile'] as const).filter((kind) => given[kind] !== undefined);
  if (kinds.length > 1) place.refuse(`expected at most one kind of credentials, found ${kinds.join(' and ')}`);
  if ((given.user === undefined) !== (given.password === undefined)) {
    place.refuse(`expected user and password together, found ${given.user === undefined ? 'password' : 'user'} alone`);
  }
  const { certFile, keyFile } = given.tls === true || given.tls === undefined ? {} : given.tls;
  if ((certFile === undefined) !== (keyFile === undefined)) {
    place.at('tls').refuse(`expected certFile and keyFile together, found ${certFile === undefined ? 'keyFile' : 'certFile'} alone`);
  }
}

/** An undefined value is most likely a variable that nobody set: the client would connect to this machine. */
function checkServers(value: unknown, place: Place): void {
  const servers: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (servers.length === 0) place.expected('at least one address', value);
  for (const server of servers) checkServer(server, place);
}

function checkServer(server: unknown, place: Place): void {
  const such = 'an address such as nats://localhost:4222';
  if (typeof server !== 'string') place.refuse(`expected ${such}, found ${describeKind(server)}`);
  const url = URL.parse(server.includes('://') ? server : `nats://${server}`);
  // Not shown: a password may be in it.
  if (url === null || !['nats:', 'tls:'].includes(url.protocol) || url.hostname === '')
    place.refuse(`expected ${such}, found another text`);
  if (url.username !== '' || url.password !== '')
    place.refuse('expected credentials in the options user and password, found them in an address');
}
