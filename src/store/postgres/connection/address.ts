import { isAbsolute } from 'node:path';
import type { Place } from '../../../pipeline/place.ts';
import { parsedUrl, refuseUnknown } from '../../sql/connection/database-url.ts';

/** The validated address of a database. */
export interface Address {
  /** For the driver. */
  readonly url: string;
  /** For messages: without user, password and parameters. */
  readonly name: string;
  /** Certificates of authorities, one of which must have issued the server's. */
  readonly authorities: string | undefined;
  /** True to bind the sign-in to the encrypted connection if the server supports it. */
  readonly bindsChannel: boolean;
}

/** The values of `sslmode`, from no checks to the most. */
export const sslModes = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;

type SslMode = (typeof sslModes)[number];

/** Parameters that an address may have. */
const parameters: readonly string[] = [
  ...['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'sslnegotiation', 'channel_binding', 'uselibpqcompat'],
  ...['host', 'port', 'user', 'password', 'options', 'application_name'],
];

/** Parameters of other programs, and their equivalents here. */
const elsewhere: Readonly<Record<string, string>> = {
  ssl: 'sslmode',
  schema: 'the option schema (DB_SCHEMA)',
  pgbouncer: 'the option pooled (DB_POOLED)',
  connection_limit: 'the option maxConnections (DB_MAX_OPEN_CONNS)',
  connect_timeout: 'the option connectTimeoutMs (DB_CONNECT_TIMEOUT)',
  statement_timeout: 'the option statementTimeoutMs (DB_STATEMENT_TIMEOUT)',
  lock_timeout: 'the option lockTimeoutMs (DB_LOCK_TIMEOUT)',
};

const isPostgres = /^postgres(?:ql)?:\/\//i;

/** Settings given separately from an address. */
interface Beside {
  /** Certificates of authorities. */
  readonly caFile?: string | undefined;
  /** The mode from the environment (`PGSSLMODE`), as for every other PostgreSQL program: it counts if nothing else is given. */
  readonly pgSslMode?: string | undefined;
}

/**
 * Checks the address of a database. Parameters that would have no effect are refused: a connection meant to be encrypted must not be in the
 * clear because of a typing error.
 */
export function addressOf(found: unknown, { caFile, pgSslMode }: Beside, place: Place): Address {
  const url = parsedUrl(found, { scheme: isPostgres, form: 'postgres://' }, place);
  for (const name of url.searchParams.keys()) if (!parameters.includes(name)) refuseParameter(name, place);
  if (pgSslMode !== undefined && pgSslMode !== '' && caFile === undefined && !url.searchParams.has('sslmode')) {
    modeOf(pgSslMode, url.searchParams.has('sslrootcert'), place.at('PGSSLMODE'));
    url.searchParams.set('sslmode', pgSslMode);
  }
  setTls(url.searchParams, caFile, place);
  const binding = url.searchParams.get('channel_binding') ?? 'disable';
  if (!['disable', 'prefer', 'require'].includes(binding)) place.at('channel_binding').expected('disable, prefer or require', binding);
  return {
    url: url.href,
    name: `postgres://${url.host}${url.pathname}`,
    authorities: url.searchParams.get('sslrootcert') ?? undefined,
    bindsChannel: binding !== 'disable',
  };
}

function refuseParameter(name: string, place: Place): never {
  return refuseUnknown(name, { parameters, elsewhere }, place);
}

/** Makes the driver treat `sslmode` like every other PostgreSQL program. */
function setTls(query: URLSearchParams, caFile: string | undefined, place: Place): void {
  const mode = modeOf(query.get('sslmode'), caFile !== undefined || query.has('sslrootcert'), place.at('sslmode'));
  if (caFile !== undefined) {
    query.set('sslrootcert', isAbsolute(caFile) ? caFile : `${process.cwd()}/${caFile}`);
    query.set('sslmode', mode === 'verify-ca' ? mode : 'verify-full');
  } else if (mode === 'prefer' && query.has('sslrootcert')) query.set('sslmode', 'require');
  // Without that the driver takes most modes for `verify-full`, and warns.
  if (query.has('sslmode') && !query.has('uselibpqcompat')) query.set('uselibpqcompat', 'true');
}

function modeOf(found: string | null, hasAuthority: boolean, place: Place): SslMode | undefined {
  if (found === null) return undefined;
  const mode = sslModes.find((one) => one === found);
  if (mode === undefined) return place.expected(`one of ${sslModes.join(', ')}`, found);
  if (mode === 'disable' && hasAuthority) place.refuse('expected an encrypting mode for the file of an authority, found disable');
  if (mode === 'verify-ca' && !hasAuthority)
    place.refuse('expected the file of an authority (caFile, DB_CA_FILE, sslrootcert) with verify-ca');
  return mode;
}
