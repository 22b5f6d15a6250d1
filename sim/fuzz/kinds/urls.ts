import type { Kind, Material } from '../attempt.ts';
import type { Draw } from '../draw.ts';
import type { Request } from '../request.ts';
import { toBytes } from '../request.ts';
import { asked, send } from './ask.ts';

const strangeParts = [
  ...[
    '%2e%2e%2f%2e%2e%2fetc%2fpasswd',
    '..%2f..%2f..',
    '%2F',
    '%5c',
    '%00',
    '%zz',
    '%',
    '%e0%a4',
    '%ff%fe',
    '%u0041',
    '+',
    '%20',
    '%0d%0aX:%20y',
  ],
  ...[
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'null',
    'undefined',
    'NaN',
    '-1',
    '0',
    '1e3',
    '99999999999999999999',
    '*',
    ':id',
  ],
  ...[
    'x'.repeat(513),
    'x'.repeat(4_608),
    'x'.repeat(4_609),
    '%61'.repeat(512),
    '%ed%a0%80',
    '%F0%9F%91%A9',
    "'%20OR%201=1--",
    '{id}',
    ';a=b',
    '|',
    '%7f',
    '.',
    '..',
  ],
];
const strangeValues = [
  ...[
    '',
    '%00',
    '%zz',
    '-1',
    '0',
    '1.5',
    '101',
    '1e2',
    '99999999999999999999',
    'x'.repeat(8_000),
    '__proto__',
    '%ff',
    '[object Object]',
    'null',
    ' ',
    '%F0%9F',
  ],
  ...['2022-02-30T00:00:00Z', '0000-01-01T00:00:00Z', '9999-12-31T23:59:60Z', '+', "'--", '10%00', '%2B10', '０１', 'asc,desc', 'true'],
];
const strangeNames = [
  'limit',
  'cursor',
  'sort',
  'order',
  'page',
  '__proto__',
  'constructor',
  'limit[]',
  'limit[0]',
  'a[b][c]',
  '',
  '%00',
  'toString',
  'from',
  'to',
  'until',
];
const methods = [
  'DELETE',
  'PUT',
  'PATCH',
  'OPTIONS',
  'HEAD',
  'GET',
  'POST',
  'PROPFIND',
  'QUERY',
  'SEARCH',
  'LOCK',
  'PURGE',
  'M-SEARCH',
  'SOURCE',
];

/** Targets that are strange, and methods that a route does not have. */
export const urlKinds: readonly Kind[] = [
  { name: 'query parameters', weight: 6, make: ({ draw, valid }) => toTarget({ draw, valid }, `${pathOf(valid.request)}?${query(draw)}`) },
  {
    name: 'cursors',
    weight: 8,
    suits: (route) => route.query.includes('cursor'),
    make({ draw, valid }) {
      const limit = draw.chance(0.5) ? '&limit=1' : '';
      return toTarget({ draw, valid }, `${pathOf(valid.request)}?cursor=${cursor(draw)}${limit}`);
    },
  },
  {
    name: 'path parameters',
    weight: 6,
    suits: ({ path }) => path.includes('{'),
    make({ draw, valid }) {
      const part = draw.pick(strangeParts);
      const parts = [...valid.route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const broken = draw.pick(parts);
      const target = valid.route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
        name === broken ? part : (valid.parameters[name] ?? ''),
      );
      return toTarget({ draw, valid }, target);
    },
  },
  { name: 'near paths', weight: 3, make: ({ draw, valid }) => toTarget({ draw, valid }, nearPath(draw, pathOf(valid.request))) },
  {
    name: 'wrong methods',
    weight: 4,
    make({ draw, valid }) {
      const request = { ...valid.request, method: draw.pick(methods) };
      // Whoever asks to be looked at only, or to have the right method by chance, is let in.
      return { steps: [{ write: toBytes(request) }], asked: [asked(valid, request)], expects: 'answers' };
    },
  },
];

function toTarget({ valid }: Pick<Material, 'draw' | 'valid'>, target: string) {
  return send(valid, { target });
}

function pathOf({ target }: Request): string {
  return target.split('?', 1)[0] ?? '';
}

function query(draw: Draw): string {
  const pairs = Array.from({ length: draw.pick([1, 1, 2, 3]) }, () => `${draw.pick(strangeNames)}=${draw.pick(strangeValues)}`);
  const odd = ['&&&&', '?', '=', '#', 'limit=1&limit=2', 'limit=1&'.repeat(1_500), `${'a=1&'.repeat(2_000)}`, '%26', 'cursor=a&cursor=b'];
  return draw.chance(0.2) ? draw.pick(odd) : pairs.join('&');
}

/** Words that are no cursor, or the cursor of another list. */
function cursor(draw: Draw): string {
  const values: readonly unknown[] = [
    ...[
      ['id', 'asc', 'x', 'y'],
      ['speed', 'desc', 1e308, 'y'],
      ['tokens', 'desc', 1, 'x'],
      ['version', 'asc', 2 ** 53, 'x'],
    ],
    ...[
      ['sent', 'x', 'y'],
      ['pending', '\u0000', 'y'],
      ['failed', 'z', 'y'],
      ['x'],
      [''],
      ['x', 'y'],
      [1],
      [-1],
      [1.5],
      [2 ** 53],
      [-(2 ** 70)],
    ],
    ...[
      [],
      {},
      null,
      1,
      'x',
      [null],
      [[]],
      [{}],
      [true],
      ['\ud800'],
      ['id', 'asc', 1, 'x'],
      ['__proto__', 'asc', 'x', 'y'],
      ['x'.repeat(5_000)],
    ],
  ];
  if (draw.chance(0.2)) return draw.pick(['', '%00', 'x', '====', '!!', 'W10', 'e30', '%ff', 'x'.repeat(10_000), 'WzFlOTk5XQ', 'Wy0wXQ']);
  return Buffer.from(JSON.stringify(draw.pick(values))).toString('base64url');
}

function nearPath(draw: Draw, path: string): string {
  const at = draw.integer(1, path.length);
  return draw.pick([
    ...[
      `${path}/`,
      `${path}//`,
      `/${path}`,
      `${path}/x`,
      path.slice(0, -1) || '/x',
      path.toUpperCase(),
      `${path}%20`,
      `${path}%2f`,
      `${path};a=b`,
    ],
    ...[
      `${path}.json`,
      `/.${path}`,
      `/x/..${path}`,
      `${path}/../..`,
      `/%2e%2e${path}`,
      `${path.slice(0, at)}%00${path.slice(at)}`,
      `${path}#x`,
    ],
    ...[
      '/docs/static/%2e%2e%2f%2e%2e%2fpackage.json',
      '/docs/static/../../../package.json',
      '/docs/static/',
      '/docs/%2e%2e/%2e%2e/etc/passwd',
    ],
    ...[
      '/docs/static/..%5c..%5cpackage.json',
      '/.env',
      '/favicon.ico',
      '/%',
      '/%ff',
      '//',
      '/\\',
      `/${'a/'.repeat(3_000)}`,
      `/${'x'.repeat(7_000)}`,
    ],
    ...[
      '/docs/static/%00',
      '/docs/json',
      '/docs/yaml',
      '/docs/static/swagger-ui.css%00.html',
      '/docs/static/index.html?x',
      '/__proto__',
      '/constructor',
    ],
  ]);
}
