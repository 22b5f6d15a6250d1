import { validateHeaderName, validateHeaderValue } from 'node:http';
import { describeFound } from '../describe-found.ts';
import { invalid } from '../pipeline/check.ts';

/** Headers that describe the message itself, which callers may not set. */
const reserved =
  /^(connection|content-length|content-type|expect|idempotency-key|keep-alive|te|trailer|traceparent|transfer-encoding|upgrade|user-agent|webhook-.*)$/;

/** Returns the caller's headers under lower-case names. Throws `MILL_INVALID_DECLARATION`, naming the header but never its value. */
export function resolveHeaders(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const entries = Object.entries(headers).map(([name, value]): [string, string] => [checkedName(name), checkedValue(name, value)]);
  return Object.fromEntries(entries);
}

/** Returns a URL's credentials as a header: `https://name:password@host`. */
export function credentialsOf({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '' && password === '') return {};
  const pair = `${decode(username)}:${decode(password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A stray % stands for itself.
    return text;
  }
}

function checkedName(name: string): string {
  const lower = name.toLowerCase();
  if (reserved.test(lower)) invalid(`http: headers: the transport sets this header itself: ${lower}`);
  return accepts(() => validateHeaderName(name)) ? lower : invalid(`http: headers: expected header names, found ${describeFound(name)}`);
}

function checkedValue(name: string, value: string): string {
  if (isUnset(name, value)) {
    return invalid(
      `http: headers: expected a value for ${name}, found none. Is an environment variable unset? To send no such header, leave it out.`,
    );
  }
  if (typeof value === 'string' && accepts(() => validateHeaderValue(name, value))) return value;
  return invalid(`http: headers: expected a valid header value for ${name}, found one that is not shown`);
}

/** Returns whether a value is, or was built from, an unset variable: `Bearer ${undefined}`. Empty credentials count too. */
function isUnset(name: string, value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (typeof value !== 'string') return false;
  return /(^|[\s=:])undefined$/.test(value) || (credentials.test(name) && /^((basic|bearer|token)\s*)?$/i.test(value));
}

const credentials = /^(proxy-)?authorization$|^cookie$|(^|-)(api-?key|auth-?key|token|secret)$/i;

function accepts(validate: () => void): boolean {
  try {
    validate();
    return true;
  } catch {
    return false;
  }
}
