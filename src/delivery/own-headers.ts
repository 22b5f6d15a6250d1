import { validateHeaderName, validateHeaderValue } from 'node:http';
import { invalid } from '../pipeline/check.ts';

/** Headers that say how and what is sent, which is not the caller's to say. */
const reserved =
  /^(connection|content-length|content-type|expect|idempotency-key|keep-alive|te|trailer|traceparent|transfer-encoding|upgrade|user-agent|webhook-.*)$/;

/** The caller's headers by names in lower case. Throws `MILL_INVALID_DECLARATION` that names the header, never with its value. */
export function resolveHeaders(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const entries = Object.entries(headers).map(([name, value]): [string, string] => [checkedName(name), checkedValue(name, value)]);
  return Object.fromEntries(entries);
}

/** The credentials of a URL as a header: `https://name:password@host`. */
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
  if (reserved.test(lower)) invalid(`http: headers: expected none that the transport sets itself, found ${lower}`);
  return accepts(() => validateHeaderName(name))
    ? lower
    : invalid(`http: headers: expected names of headers, found ${JSON.stringify(name)}`);
}

function checkedValue(name: string, value: string): string {
  if (typeof value === 'string' && accepts(() => validateHeaderValue(name, value))) return value;
  return invalid(`http: headers: expected a value that a header can have for ${name}, found one that is not shown`);
}

function accepts(validate: () => void): boolean {
  try {
    validate();
    return true;
  } catch {
    return false;
  }
}
