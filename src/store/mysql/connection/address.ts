import { readFileSync } from 'node:fs';
import { MillraceError, messageOf } from '../../../errors.ts';
import type { Place } from '../../../pipeline/place.ts';
import { parsedUrl, refuseUnknown } from '../../sql/connection/database-url.ts';

/** The validated address of a database. */
export interface Address {
  /** For messages: without user, password and parameters. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** The path of a socket, instead of host and port. */
  readonly socket: string | undefined;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string;
  readonly tls: Tls | undefined;
}

/** The encryption of a connection. */
export interface Tls {
  /** Verification of the server: none, a certificate from an authority, or one that also names the host. */
  readonly checks: 'nothing' | 'authority' | 'host';
  readonly caFile: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
}

/**
 * The values of `sslmode`, from no checks to the most. The driver cannot fall back to an unencrypted connection: `prefer` requires
 * encryption.
 */
const modes = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;

type Mode = (typeof modes)[number];

/** MySQL's own names for the parameters and the modes. PostgreSQL's names work as well, so that `DB_SSLMODE` means the same for both. */
const namesOfMysql = { sslmode: 'ssl-mode', sslrootcert: 'ssl-ca', sslcert: 'ssl-cert', sslkey: 'ssl-key' } as const;
const modesOfMysql: Readonly<Record<string, Mode>> = {
  DISABLED: 'disable',
  PREFERRED: 'prefer',
  REQUIRED: 'require',
  VERIFY_CA: 'verify-ca',
  VERIFY_IDENTITY: 'verify-full',
};

/** Parameters that an address may have. */
const parameters: readonly string[] = [...Object.values(namesOfMysql), ...Object.keys(namesOfMysql), 'socket'];

/** Parameters of other programs, and their equivalents here. */
const elsewhere: Readonly<Record<string, string>> = {
  ssl: 'ssl-mode',
  sslMode: 'ssl-mode',
  tls: 'ssl-mode',
  sslaccept: 'ssl-mode',
  'ssl-verify-server-cert': 'ssl-mode',
  socketPath: 'socket',
  connection_limit: 'the option maxConnections (DB_MAX_OPEN_CONNS)',
  connectionLimit: 'the option maxConnections (DB_MAX_OPEN_CONNS)',
  connect_timeout: 'the option connectTimeoutMs (DB_CONNECT_TIMEOUT)',
  connectTimeout: 'the option connectTimeoutMs (DB_CONNECT_TIMEOUT)',
};

const defaultPort = 3_306;

/**
 * Checks the address of a database. Parameters that would have no effect are refused: a connection meant to be encrypted must not be in the
 * clear because of a typing error.
 *
 * @param caFile certificates of authorities, given separately from the address
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
  const caFile = beside ?? parameterOf(query, 'sslrootcert', place);
  const [certFile, keyFile] = [parameterOf(query, 'sslcert', place), parameterOf(query, 'sslkey', place)];
  const mode = modeOf(parameterOf(query, 'sslmode', place), caFile, place.at('sslmode'));
  if (mode === 'disable') {
    if (certFile === undefined && keyFile === undefined) return undefined;
    return place.at('sslmode').refuse('expected an encrypting mode for a certificate, found none');
  }
  return { checks: checksOf(mode, { caFile, isBeside: beside !== undefined }), caFile, certFile, keyFile };
}

/** An authority's file is there to be used, whatever else is configured. */
function checksOf(mode: Mode, { caFile, isBeside }: { readonly caFile: string | undefined; readonly isBeside: boolean }): Tls['checks'] {
  if (mode === 'verify-full' || (isBeside && mode !== 'verify-ca')) return 'host';
  return caFile === undefined ? 'nothing' : 'authority';
}

/** Returns an address's value under one name or the other. */
function parameterOf(query: URLSearchParams, name: keyof typeof namesOfMysql, place: Place): string | undefined {
  const other = namesOfMysql[name];
  if (query.has(name) && query.has(other)) place.refuse(`expected ${other} or ${name} in an address, found both`);
  return query.get(other) ?? query.get(name) ?? undefined;
}

function modeOf(found: string | undefined, caFile: string | undefined, place: Place): Mode {
  if (found === undefined) return caFile === undefined ? 'disable' : 'verify-full';
  const mode = modesOfMysql[found.toUpperCase()] ?? modes.find((one) => one === found);
  if (mode === undefined) return place.expected(`one of ${Object.keys(modesOfMysql).join(', ')}, or ${modes.join(', ')}`, found);
  if (mode === 'disable' && caFile !== undefined) place.refuse('expected an encrypting mode for the file of an authority, found disable');
  if (mode === 'verify-ca' && caFile === undefined)
    place.refuse('expected the file of an authority (caFile, DB_CA_FILE, ssl-ca) with verify-ca');
  return mode;
}

/** Returns the contents of a file named in an address. Throws `MILL_INVALID_CONFIGURATION` if it cannot be read. */
export function fileOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new MillraceError('MILL_INVALID_CONFIGURATION', `${path}: cannot be used: ${messageOf(cause)}`, { cause });
  }
}
