import type { ComponentChildren } from 'preact';
import { get, type Page, pathOf } from '../lib/api.ts';
import { ageText, countOf, countText } from '../lib/format.ts';
import { type Loaded, useLoaded } from '../lib/load.ts';
import { figures } from '../lib/pipelines.ts';
import { hrefOf } from '../lib/router.ts';
import { commandLine } from '../lib/shell.ts';
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

/** The keys of all pipelines that wait for a person. */
export function ParkedView() {
  const names = useStore(figures).pipelines.flatMap(({ name, parked }) => (parked > 0 ? [name] : []));
  const keys = useLoaded((signal) => ofEach<ListedKey>(names, 'keys', { status: 'parked', limit: perPipeline }, signal), [names.join()]);
  return (
    <HeldKeys
      title="Parked keys"
      text="One of a parked key’s events failed for good, so later events wait. Resume the key to retry; no other key is delayed."
      glyph="parked"
      of={keys}
      empty="No key is parked. A key is parked when one of its events fails for good, or when an operator parks it."
      heads={[['Waiting events', 'right']]}
      status="parked"
    >
      {({ pending }) => <td class="right">{countText(pending)}</td>}
    </HeldKeys>
  );
}

/** The keys of all pipelines that wait for a missing number. */
export function GapsView() {
  const names = useStore(figures).pipelines.flatMap(({ name, gaps }) => (gaps > 0 ? [name] : []));
  const gaps = useLoaded((signal) => ofEach<Gap>(names, 'gaps', { limit: perPipeline }, signal), [names.join()]);
  const now = Date.now();
  return (
    <HeldKeys
      title="Gaps"
      text="A number has not arrived, so later events of its key wait. Send it, or open the key and skip the gap."
      glyph="gap"
      of={gaps}
      empty="No number is missing. Pipelines whose events carry numbers wait here when one has not arrived."
      heads={['Missing', ['Waiting events', 'right narrow-hidden'], ['Age', 'right']]}
      status="waiting"
    >
      {({ next, first, pending, since }) => (
        <>
          <td>{first - 1 === next ? `number ${next}` : `numbers ${next} to ${first - 1}`}</td>
          <td class="right narrow-hidden">{countText(pending)}</td>
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
  /** The heads of the columns after the key and its pipeline. */
  readonly heads: readonly ColumnHead[];
  /** The status by which the command finds the keys. */
  readonly status: string;
  /** The cells in those columns. */
  readonly children: (item: Item) => ComponentChildren;
}

/** The keys of all pipelines that cannot continue, with what holds each of them. */
function HeldKeys<Item extends { readonly key: string }>(props: HeldKeysProps<Item>) {
  const { title, text, glyph, of, empty, heads, status, children } = props;
  return (
    <>
      <Head title={title} text={text}>
        <Clock />
      </Head>
      <Panel title="Keys" note={of.value && noteOf(of.value)}>
        <Answer of={of}>
          {({ items, further }) =>
            items.length === 0 ? (
              <p class="empty">{empty}</p>
            ) : (
              <>
                <Table
                  heads={['Key', ['Pipeline', 'narrow-hidden'], ...heads]}
                  items={items}
                  row={(item) => (
                    <tr key={`${item.pipeline} ${item.key}`} data-row>
                      <th scope="row">
                        <KeyLink pipeline={item.pipeline} name={item.key} glyph={glyph} />
                        <span class="narrow-only">{item.pipeline}</span>
                      </th>
                      <td class="narrow-hidden">
                        <a class="link" href={hrefOf(['pipelines', item.pipeline])}>
                          {item.pipeline}
                        </a>
                      </td>
                      {children(item)}
                    </tr>
                  )}
                />
                {further.length > 0 && (
                  <footer class="more-of">
                    Only the first {perPipeline} keys of each pipeline are shown. See all keys of{' '}
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
      <Command line={commandLine('millrace keys', { options: { status }, operands: ['NAME'] })} />
    </>
  );
}

function noteOf({ items, further }: Found<unknown>): string {
  if (items.length === 0) return '';
  const pipelines = new Set(items.map(({ pipeline }) => pipeline)).size;
  return `${countOf(items.length, 'key')}${further.length > 0 ? ' shown' : ''}, ${countOf(pipelines, 'pipeline')}`;
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
