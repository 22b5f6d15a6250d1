import { describeKind } from '../describe-found.ts';
import { checkOptions, explicit, type OptionTable } from '../pipeline/check-options.ts';
import {
  aFunction,
  arrayOf,
  either,
  expect,
  integerFrom,
  isPlainObject,
  oneOf,
  synchronous,
  wholeDuration,
} from '../pipeline/expectations.ts';
import { Place } from '../pipeline/place.ts';
import type { CircuitOptions } from './circuit.ts';
import type { HttpOptions } from './http-options.ts';

const circuit: OptionTable<CircuitOptions> = {
  failures: integerFrom(1),
  resetAfter: wholeDuration,
  resetAfterMax: wholeDuration,
};

/** Options that may hold a secret are described by their kind alone. */
const httpOptions: OptionTable<HttpOptions> = {
  url: explicit(checkUrl),
  method: oneOf('POST', 'PUT'),
  headers: unshown('an object of headers, such as { authorization: … }', isPlainObject),
  body: synchronous('(call) => call.body'),
  secret: explicit(checkSecret),
  judge: aFunction(),
  redirects: integerFrom(0),
  allow: arrayOf(
    'addresses or ranges',
    expect('a text such as 10.1.0.0/16', (value) => typeof value === 'string'),
  ),
  circuit: either(false, 'false or an object of options (failures, resetAfter, resetAfterMax)', circuit),
  lookup: aFunction(),
};

/** Checks the options of `http(…)`. Throws `MILL_INVALID_DECLARATION`, never quoting a possible secret. */
export function checkHttpOptions(options: unknown): void {
  const place = new Place('http', 'MILL_INVALID_DECLARATION');
  if (typeof options === 'string') place.refuse('expected an object of options, such as { url }, found a text');
  checkOptions(options, httpOptions, place);
}

/** An undefined `url` is most likely an unset variable, and would turn every delivery into a dead letter. */
function checkUrl(url: unknown, place: Place): void {
  if (typeof url === 'string') return;
  const advice = url === undefined ? '. Is an environment variable unset? If each delivery has its own url, leave the option out.' : '';
  place.refuse(`expected an http or https URL as text, found ${describeKind(url)}${advice}`);
}

/** A missing secret is most likely an unset variable. Calls must not go out unsigned because of it. */
function checkSecret(secret: unknown, place: Place): void {
  if (Array.isArray(secret) && secret.length > 0) {
    for (const [at, one] of secret.entries()) checkOneSecret(one, place.at(at));
  } else checkOneSecret(secret, place);
}

function checkOneSecret(secret: unknown, place: Place): void {
  if (typeof secret === 'string' && secret !== '') return;
  const found = Array.isArray(secret) && secret.length === 0 ? 'an empty array' : describeKind(secret);
  place.refuse(`expected a secret to sign with, found ${found}. Is an environment variable unset? To send unsigned, leave the option out.`);
}

function unshown(expectation: string, isRight: (value: unknown) => boolean) {
  return (value: unknown, place: Place): void => {
    if (!isRight(value)) place.refuse(`expected ${expectation}, found ${describeKind(value)}`);
  };
}
