import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { faces } from '../faces.ts';
import { checkout } from '../program.ts';

/** An example in a doc comment. */
export interface Example {
  /** `src/engine/mill.ts:73` */
  readonly place: string;
  readonly file: string;
  readonly text: string;
}

/** Returns the examples in the doc comments of the source. */
export function examples(): readonly Example[] {
  return globSync(['src/**/*.ts', 'systems/**/*.ts'], { cwd: checkout })
    .toSorted()
    .flatMap((file) => {
      const source = readFileSync(join(checkout, file), 'utf8');
      return Array.from(source.matchAll(/^( *\* )```ts\n(.*?)\n\1```$/gms), ({ index, 1: margin = '', 2: body = '' }) => {
        const line = source.slice(0, index).split('\n').length;
        const text = body
          .split('\n')
          .map((one) => one.slice(margin.length))
          .join('\n');
        return { place: `${file}:${line}`, file, text };
      });
    });
}

/**
 * Turns an example into a module. Examples leave imports out: their names come from their own file, from Millrace, or from
 * `example-world.ts`, which declares the things that examples mention. A fragment of an object is wrapped in one.
 */
export async function moduleOf({ file, text }: Example): Promise<string> {
  const own = pathToFileURL(join(checkout, file)).href;
  const world = join(checkout, 'test/snippets/example-world.ts');
  const exportsOf = async (url: string) => Object.keys(await import(url));
  const ofFaces = await Promise.all(
    faces.map(async ({ specifier, source }) => [specifier, await exportsOf(pathToFileURL(join(checkout, source)).href)] as const),
  );
  const sources: readonly (readonly [from: string, names: readonly string[]])[] = [
    ['node:fs/promises', ['mkdtemp', 'rm']],
    ['node:os', ['tmpdir']],
    ['node:path', ['join']],
    ...ofFaces,
    [join(checkout, file), await exportsOf(own)],
    [world, Array.from(readFileSync(world, 'utf8').matchAll(/^export declare (?:const|function) (\w+)/gm), ([, name = '']) => name)],
  ];
  const declared = new Set(Array.from(text.matchAll(/\b(?:const|function) (\w+)/g), ([, name]) => name));
  const imports: string[] = ["import * as z from 'zod';", "import assert from 'node:assert/strict';"];
  const taken = new Set<string | undefined>(declared);
  for (const [from, names] of sources) {
    // A name after one dot is a property; three dots spread a name.
    const used = names.filter(
      (name) => name !== 'default' && !taken.has(name) && new RegExp(`(?<!(?<!\\.\\.)\\.|[\\w'])${name}\\b`).test(text),
    );
    for (const name of used) taken.add(name);
    if (used.length > 0) imports.push(`import { ${used.join(', ')} } from ${JSON.stringify(from)};`);
  }
  const isPartOfObject = /^\w+: /.test(text);
  return `${imports.join('\n')}\n\n${isPartOfObject ? `({\n${text}\n});` : text}\nexport {};\n`;
}
