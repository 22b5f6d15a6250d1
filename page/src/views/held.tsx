import { get, type Page, pathOf } from '../lib/api.ts';
import { ageText, countOf } from '../lib/format.ts';
import { useLoaded } from '../lib/load.ts';
import { figures } from '../lib/pipelines.ts';
import { hrefOf } from '../lib/router.ts';
import { useStore } from '../lib/store.ts';
import type { ListedKey } from '../lib/types.ts';
import { Clock } from '../parts/clock.tsx';
import { Glyph } from '../parts/glyph.tsx';
import { Answer, Command, Head, Panel } from '../parts/panel.tsx';

const perPipeline = 50;

interface Gap {
  readonly key: string;
  readonly next: number;
  readonly first: number;
  readonly pending: number;
  readonly since: string;
}

/** Keys that wait for a person, in every pipeline. */
export function ParkedView() {
  const names = useStore(figures).pipelines.flatMap(({ name, parked }) => (parked > 0 ? [name] : []));
  const keys = useLoaded((signal) => ofEach<ListedKey>(names, 'keys', { status: 'parked', limit: perPipeline }, signal), [names.join()]);
  return (
    <>
      <Head
        title="Parked keys"
        text="An event of theirs was given up, so what comes after it waits. Resume tries it again; no other key is delayed."
      >
        <Clock />
      </Head>
      <Panel title="Parked">
        <Answer of={keys}>
          {(found) =>
            found.length === 0 ? (
              <p class="empty">No key is parked.</p>
            ) : (
              <table>
                <thead>
                  <tr>
                    <th scope="col">Key</th>
                    <th scope="col">Pipeline</th>
                    <th scope="col" class="right">
                      Waits behind it
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {found.map(({ pipeline, key, pending }) => (
                    <tr key={`${pipeline} ${key}`} data-row>
                      <th scope="row">
                        <span class="state">
                          <Glyph name="parked" />
                          <a class="link mono" href={hrefOf(['pipelines', pipeline, 'keys', key])}>
                            {key}
                          </a>
                        </span>
                      </th>
                      <td>{pipeline}</td>
                      <td class="right">{countOf(Math.max(0, pending - 1), 'event')}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )
          }
        </Answer>
      </Panel>
      <Command line="millrace keys NAME --status parked" />
    </>
  );
}

/** Keys that wait for a number, in every pipeline. */
export function GapsView() {
  const names = useStore(figures).pipelines.flatMap(({ name, gaps }) => (gaps > 0 ? [name] : []));
  const gaps = useLoaded((signal) => ofEach<Gap>(names, 'gaps', { limit: perPipeline }, signal), [names.join()]);
  const now = Date.now();
  return (
    <>
      <Head title="Gaps" text="A number has not arrived, so what comes after it waits. Bring it in, or skip it from the page of the key.">
        <Clock />
      </Head>
      <Panel title="Missing numbers">
        <Answer of={gaps}>
          {(found) =>
            found.length === 0 ? (
              <p class="empty">No number is missing.</p>
            ) : (
              <div class="scroll">
                <table>
                  <thead>
                    <tr>
                      <th scope="col">Key</th>
                      <th scope="col">Pipeline</th>
                      <th scope="col">Missing</th>
                      <th scope="col" class="right">
                        Held
                      </th>
                      <th scope="col" class="right">
                        For
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    {found.map(({ pipeline, key, next, first, pending, since }) => (
                      <tr key={`${pipeline} ${key}`} data-row>
                        <th scope="row">
                          <span class="state">
                            <Glyph name="gap" />
                            <a class="link mono" href={hrefOf(['pipelines', pipeline, 'keys', key])}>
                              {key}
                            </a>
                          </span>
                        </th>
                        <td>{pipeline}</td>
                        <td>{first - 1 === next ? `number ${next}` : `numbers ${next} to ${first - 1}`}</td>
                        <td class="right">{countOf(pending, 'event')}</td>
                        <td class="right nowrap">{ageText(since, now)}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            )
          }
        </Answer>
      </Panel>
      <Command line="millrace keys NAME --status waiting" />
    </>
  );
}

type Query = Readonly<Record<string, string | number>>;

async function ofEach<Item>(names: readonly string[], list: string, query: Query, signal: AbortSignal) {
  const pages = await Promise.all(
    names.map(async (pipeline) => {
      const { items } = await get<Page<Item>>(`${pathOf('pipelines', pipeline)}/${list}`, query, signal);
      return items.map((item) => ({ ...item, pipeline }));
    }),
  );
  return pages.flat();
}
