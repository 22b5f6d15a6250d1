/**
 * Returns which of the two formats of `GET /metrics` an `Accept` header prefers, by RFC 9110, section 12.5.1: each format has the quality
 * of the most specific matching range. JSON if both are equally welcome, and if neither is: a readable answer is better than none.
 */
export function preferredFormat(accept: string | undefined): 'json' | 'prometheus' {
  if (accept === undefined) return 'json';
  const ranges = accept.split(',').map(toRange);
  const quality = (type: string) => qualityOf(type, ranges);
  return Math.max(quality('text/plain'), quality('application/openmetrics-text')) > quality('application/json') ? 'prometheus' : 'json';
}

interface Range {
  readonly type: string;
  readonly quality: number;
}

function toRange(text: string): Range {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith('q='));
  const quality = weight === undefined ? 1 : Number(weight.slice(2));
  return { type, quality: quality >= 0 && quality <= 1 ? quality : 0 };
}

function qualityOf(type: string, ranges: readonly Range[]): number {
  for (const pattern of [type, `${type.slice(0, type.indexOf('/'))}/*`, '*/*']) {
    const named = ranges.filter((range) => range.type === pattern);
    if (named.length > 0) return Math.max(...named.map((range) => range.quality));
  }
  return 0;
}
