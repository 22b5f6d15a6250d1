import { describeKind } from '../../describe-found.ts';
import { explicit, type OptionTable, required } from '../../pipeline/check-options.ts';
import { either, text } from '../../pipeline/expectations.ts';
import type { Place } from '../../pipeline/place.ts';

/** The encryption of a connection to NATS. Each is the path of a PEM file. */
export interface NatsTlsOptions {
  /** Authorities trusted to sign the server's certificate. Default: those of Node.js. */
  readonly caFile?: string;
  /** The certificate of this program, if the server requires one. */
  readonly certFile?: string;
  readonly keyFile?: string;
}

/** The NATS server and the credentials for it. At most one kind of credentials; none is ever logged. */
export interface NatsConnectionOptions {
  /** Addresses such as `nats://localhost:4222`: for a cluster all of them, any of which may be down. */
  readonly servers: string | readonly string[];
  /** With `password`. */
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  /** The seed of an nkey: `SU…`. */
  readonly nkey?: string;
  /** The path of a `.creds` file, which is read for each connection, so that it can be replaced. */
  readonly credsFile?: string;
  /** Insists on encryption. Without it a connection is encrypted if the server demands it. */
  readonly tls?: true | NatsTlsOptions;
  /** The JetStream domain, if streams are not in the server's own. */
  readonly domain?: string;
}

const tls: OptionTable<NatsTlsOptions> = { caFile: text, certFile: text, keyFile: text };

/** A secret present but undefined is most likely an unset variable; it is never shown. */
const secret = explicit((value, place) => {
  if (typeof value === 'string' && value !== '') return;
  const found = value === '' ? 'an empty text' : describeKind(value);
  place.refuse(`expected a non-empty text, found ${found}. Is an environment variable unset?`);
});

/** The checks of {@link NatsConnectionOptions}, for the tables of options that include these. */
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

/** Refuses contradictory credentials, once each option by itself is valid. */
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

/** An undefined value is most likely an unset variable: the client would connect to this machine. */
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
