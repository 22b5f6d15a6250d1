import { readFileSync } from 'node:fs';
import { MillraceError, messageOf } from '../../../errors.ts';
import type { Place } from '../../../pipeline/place.ts';
import { parsedUrl, refuseUnknown } from '../../sql/connection/database-url.ts';

/** The address of a database, as it was checked. */
export interface Address {
  /** For messages: without user, password and parameters. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** The path of a socket, in place of host and port. */
  readonly socket: string | undefined;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string;
  readonly tls: Tls | undefined;
}

/** How a connection is encrypted. */
export interface Tls {
  /** How far the server is checked: not at all, whether its certificate is of an authority, or whether it also names the host. */
  readonly checks: 'nothing' | 'authority' | 'host';
  readonly caFile: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
}

/** The values of `sslmode`, from none to the most that is checked. The driver cannot do without encryption where the server has none (`prefer`). */
const modes = ['disable', 'require', 'verify-ca', 'verify-full'] as const;

/** Parameters that an address may have. */
const parameters: readonly string[] = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'socket'];

/** What other programs have parameters for, and where it is said here. */
const elsewhere: Readonly<Record<string, string>> = {
  ssl: 'sslmode',
  'ssl-mode': 'sslmode',
  'ssl-ca': 'sslrootcert',
  'ssl-cert': 'sslcert',
  'ssl-key': 'sslkey',
  sslaccept: 'sslmode',
  socketPath: 'socket',
  connection_limit: 'the option maxConnections (DB_MAX_OPEN_CONNS)',
  connectionLimit: 'the option maxConnections (DB_MAX_OPEN_CONNS)',
  connect_timeout: 'the option connectTimeoutMs (DB_CONNECT_TIMEOUT)',
  connectTimeout: 'the option connectTimeoutMs (DB_CONNECT_TIMEOUT)',
};

const defaultPort = 3_306;

/**
 * Checks the address of a database. Whatever nobody would heed is refused: a connection that was meant to be encrypted must not be in the
 * clear for a typing error.
 *
 * @param caFile certificates of authorities, named beside the address
 */
export function addressOf(found: unknown, caFile: string | undefined, place: Place): Address {
  const url = parsedUrl(found, { scheme: /^(?:mysql|mariadb):\/\//i, form: 'mysql://' }, place);
  for (const name of url.searchParams.keys()) if (!parameters.includes(name)) refuseUnknown(name, { parameters, elsewhere }, place);
  const database = decodeURIComponent(url.pathname.slice(1));
  if (database === '' || database.includes('/'))
    place.refuse('expected a URL mysql://USER@HOST/NAME, found one without the name of a database');
  return {
    name: `mysql://${url.host}${url.pathname}`,
    host: url.hostname.replace(/^\[(.*)\]$/, '$1') || 'localhost',
    port: url.port === '' ? defaultPort : Number(url.port),
    socket: url.searchParams.get('socket') ?? undefined,
    user: url.username === '' ? undefined : decodeURIComponent(url.username),
    password: url.password === '' ? undefined : decodeURIComponent(url.password),
    database,
    tls: tlsOf(url.searchParams, caFile, place),
  };
}

function tlsOf(query: URLSearchParams, beside: string | undefined, place: Place): Tls | undefined {
  const caFile = beside ?? query.get('sslrootcert') ?? undefined;
  const mode = modeOf(query, caFile, place.at('sslmode'));
  const files = { caFile, certFile: query.get('sslcert') ?? undefined, keyFile: query.get('sslkey') ?? undefined };
  if (mode === 'disable') {
    if (files.certFile !== undefined || files.keyFile !== undefined)
      place.at('sslmode').refuse('expected a mode with encryption beside a certificate, found none');
    return undefined;
  }
  if (mode === 'require') return { checks: caFile === undefined ? 'nothing' : 'authority', ...files };
  return { checks: mode === 'verify-ca' ? 'authority' : 'host', ...files };
}

function modeOf(query: URLSearchParams, caFile: string | undefined, place: Place): (typeof modes)[number] {
  const found = query.get('sslmode');
  if (found === null) return caFile === undefined ? 'disable' : 'verify-full';
  const mode = modes.find((one) => one === found);
  if (mode === undefined) return place.expected(`one of ${modes.join(', ')}`, found);
  if (mode === 'disable' && caFile !== undefined)
    place.refuse('expected a mode with encryption beside the file of an authority, found disable');
  if (mode === 'verify-ca' && caFile === undefined)
    place.refuse('expected the file of an authority (caFile, DB_CA_FILE, sslrootcert) beside verify-ca');
  return mode;
}

/** The text of a file that an address names. Throws `MILL_INVALID_CONFIGURATION` for one that cannot be read. */
export function fileOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new MillraceError('MILL_INVALID_CONFIGURATION', `${path}: cannot be used: ${messageOf(cause)}`, { cause });
  }
}
