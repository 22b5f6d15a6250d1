import { describeFound } from '../../../describe-found.ts';
import { nearestName } from '../../../pipeline/nearest-name.ts';
import type { Place } from '../../../pipeline/place.ts';

/** The beginning of a database's URL, as checked and as people write it. */
interface UrlForm {
  readonly scheme: RegExp;
  readonly form: string;
}

/** Parses the URL of a database. Refuses one of another form, and one whose password would be partly mistaken for something else. */
export function parsedUrl(found: unknown, { scheme, form }: UrlForm, place: Place): URL {
  if (typeof found !== 'string' || !scheme.test(found)) place.expected(`a URL ${form}…`, typeof found === 'string' ? masked(found) : found);
  // A stray % stands for itself.
  const text = found.replace(/%(?![0-9a-f]{2})/gi, '%25');
  if (isMistaken(text)) place.refuse('expected a URL with /, ? and # of a user or password written %2F, %3F and %23, found others');
  if (!URL.canParse(text)) place.expected(`a URL ${form}USER@HOST/NAME`, masked(found));
  const url = new URL(text);
  checkCoding(url, place);
  return url;
}

/** Returns whether part of the password would be mistaken for something else, and shown. */
function isMistaken(text: string): boolean {
  const [, authority = '', rest = ''] = /^[a-z]+:\/\/([^/?#]*)(.*)$/is.exec(text) ?? [];
  if (rest.includes('#')) return true;
  return rest.includes('@') && !authority.includes('@') && !/[?&](?:user|password)=/.test(rest);
}

function checkCoding({ username, password, pathname }: URL, place: Place): void {
  for (const [part, text] of Object.entries({ user: username, password, 'name of the database': pathname })) {
    try {
      decodeURIComponent(text);
    } catch {
      place.refuse(`expected a URL with each literal % written %25, found an invalid % in its ${part}`);
    }
  }
}

/** The parameters that an address may have, and the equivalents of other programs' parameters. */
interface KnownParameters {
  readonly parameters: readonly string[];
  readonly elsewhere: Readonly<Record<string, string>>;
}

/** Refuses a parameter that would have no effect. */
export function refuseUnknown(name: string, { parameters, elsewhere }: KnownParameters, place: Place): never {
  const near = elsewhere[name] ?? nearestName(name, parameters);
  const meant = near === undefined ? `the parameters of an address are ${parameters.join(', ')}` : `did you mean ${near}?`;
  return place.refuse(`${/^[\w-]{1,40}$/.test(name) ? name : describeFound(name)} is not a parameter of an address; ${meant}`);
}

/** Masks a possible password in an invalid URL. */
function masked(text: string): string {
  return text.replace(/\/\/.*@/s, '//').replace(/[?#].*$/s, '');
}
