import type { ComponentChildren } from 'preact';
import { get, type Page, pathOf } from '../lib/api.ts';
import { ageText, countOf } from '../lib/format.ts';
import { type Loaded, useLoaded } from '../lib/load.ts';
import { figures } from '../lib/pipelines.ts';
import { hrefOf } from '../lib/router.ts';
import { useStore } from '../lib/store.ts';
import type { ListedKey } from '../lib/types.ts';
import { Clock } from '../parts/clock.tsx';
import type { GlyphName } from '../parts/glyph.tsx';
import { Answer, Command, Head, Panel } from '../parts/panel.tsx';
import { type ColumnHead, KeyLink, Table } from '../parts/table.tsx';

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
    <HeldKeys
      title="Parked keys"
      text="An event of theirs was given up, so what comes after it waits. Resume tries it again; no other key is delayed."
      glyph="parked"
      of={keys}
      empty="No key is parked."
      heads={[['Waits behind it', 'right']]}
      status="parked"
    >
      {({ pending }) => <td class="right">{countOf(Math.max(0, pending - 1), 'event')}</td>}
    </HeldKeys>
  );
}

/** Keys that wait for a number, in every pipeline. */
export function GapsView() {
  const names = useStore(figures).pipelines.flatMap(({ name, gaps }) => (gaps > 0 ? [name] : []));
  const gaps = useLoaded((signal) => ofEach<Gap>(names, 'gaps', { limit: perPipeline }, signal), [names.join()]);
  const now = Date.now();
  return (
    <HeldKeys
      title="Gaps"
      text="A number has not arrived, so what comes after it waits. Bring it in, or skip it from the page of the key."
      glyph="gap"
      of={gaps}
      empty="No number is missing."
      heads={['Missing', ['Held', 'right'], ['For', 'right']]}
      status="waiting"
    >
      {({ next, first, pending, since }) => (
        <>
          <td>{first - 1 === next ? `number ${next}` : `numbers ${next} to ${first - 1}`}</td>
          <td class="right">{countOf(pending, 'event')}</td>
          <td class="right nowrap">{ageText(since, now)}</td>
        </>
      )}
    </HeldKeys>
  );
}

type OfPipeline<Item> = Item & { readonly pipeline: string };

interface Found<Item> {
  readonly items: readonly OfPipeline<Item>[];
  /** Pipelines that have more keys than are shown. */
  readonly further: readonly string[];
}

interface HeldKeysProps<Item> {
  readonly title: string;
  readonly text: string;
  readonly glyph: GlyphName;
  readonly of: Loaded<Found<Item>>;
  readonly empty: string;
  /** The columns after the key and its pipeline. */
  readonly heads: readonly ColumnHead[];
  /** The status by which the command finds them. */
  readonly status: string;
  /** The cells in those columns. */
  readonly children: (item: Item) => ComponentChildren;
}

/** Blocked keys of all pipelines, each with its pipeline and what it waits for. */
function HeldKeys<Item extends { readonly key: string }>(props: HeldKeysProps<Item>) {
  const { title, text, glyph, of, empty, heads, status, children } = props;
  return (
    <>
      <Head title={title} text={text}>
        <Clock />
      </Head>
      <Panel title={title}>
        <Answer of={of}>
          {({ items, further }) =>
            items.length === 0 ? (
              <p class="empty">{empty}</p>
            ) : (
              <>
                <Table
                  heads={['Key', 'Pipeline', ...heads]}
                  items={items}
                  row={(item) => (
                    <tr key={`${item.pipeline} ${item.key}`} data-row>
                      <th scope="row">
                        <KeyLink pipeline={item.pipeline} name={item.key} glyph={glyph} />
                      </th>
                      <td>{item.pipeline}</td>
                      {children(item)}
                    </tr>
                  )}
                />
                {further.length > 0 && (
                  <footer class="more-of">
                    Of each pipeline the first {perPipeline} are shown. All of{' '}
                    {further.map((name, at) => (
                      <>
                        {at > 0 && ', '}
                        <a class="link" href={hrefOf(['pipelines', name], { status })}>
                          {name}
                        </a>
                      </>
                    ))}
                  </footer>
                )}
              </>
            )
          }
        </Answer>
      </Panel>
      <Command line={`millrace keys NAME --status ${status}`} />
    </>
  );
}

type Query = Readonly<Record<string, string | number>>;

async function ofEach<Item>(names: readonly string[], list: string, query: Query, signal: AbortSignal): Promise<Found<Item>> {
  const pages = await Promise.all(
    names.map(async (pipeline) => ({
      pipeline,
      page: await get<Page<Item>>(`${pathOf('pipelines', pipeline)}/${list}`, query, signal),
    })),
  );
  return {
    items: pages.flatMap(({ pipeline, page }) => page.items.map((item) => ({ ...item, pipeline }))),
    further: pages.flatMap(({ pipeline, page }) => (page.nextCursor === undefined ? [] : [pipeline])),
  };
}
