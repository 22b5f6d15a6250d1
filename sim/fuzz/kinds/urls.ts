import type { Kind, Material } from '../attempt.ts';
import type { Draw } from '../draw.ts';
import type { Request } from '../request.ts';
import { toBytes } from '../request.ts';
import { asked, send } from './ask.ts';
import { methods, strangeNames, strangeParts, strangeValues } from './url-parts.ts';

/** Strange targets, and methods that a route does not have. */
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
      // A plain read is accepted, as is a method that happens to be right.
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
