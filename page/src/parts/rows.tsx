import type { RefObject, VNode } from 'preact';
import { useEffect, useLayoutEffect, useReducer, useRef } from 'preact/hooks';

/** Rows per chunk. A chunk is a `tbody`, which is in the document either as a whole or not at all. */
const chunkSize = 25;
/** A list with at most this many rows is in the document as a whole. */
export const wholeMax = 2 * chunkSize;
/** Rows are drawn up to this far outside the window, in pixels. */
const marginPx = 700;
/** The assumed height of a row until one has been measured, in pixels. */
const likelyRowPx = 33;

interface RowsProps<Item> {
  readonly items: readonly Item[];
  /** The number of columns. */
  readonly columns: number;
  readonly row: (item: Item) => VNode;
}

/**
 * The rows of a table. Only the rows near the window are in the document, and those around the focus, so that the keyboard reaches every
 * row. Empty space as high as the other rows takes their place.
 */
export function Rows<Item>({ items, columns, row }: RowsProps<Item>) {
  const bodies = useRef(new Map<number, HTMLTableSectionElement>());
  const heights = useRef(new Map<number, number>());
  const top = useRef<HTMLTableSectionElement>(null);
  const [, draw] = useReducer((count: number, _: undefined) => count + 1, 0);
  const count = Math.ceil(items.length / chunkSize);
  const sizeOf = (chunk: number) => Math.min(chunkSize, items.length - chunk * chunkSize);
  const known = [...heights.current].reduce((sum, [chunk, height]) => sum + height / Math.max(1, sizeOf(chunk)), 0);
  const rowPx = heights.current.size === 0 ? likelyRowPx : known / heights.current.size;
  const heightOf = (chunk: number) => heights.current.get(chunk) ?? sizeOf(chunk) * rowPx;
  const shown = items.length <= wholeMax ? range(0, count) : chunksInSight(top, count, heightOf, bodies.current);
  const drawn = useRef('');
  drawn.current = shown.join();
  useLayoutEffect(() => {
    for (const [chunk, body] of bodies.current) {
      heights.current.set(chunk, body.getBoundingClientRect().height);
      // The first row holds the column heads.
      for (const [at, element] of [...body.rows].entries()) element.ariaRowIndex = String(chunk * chunkSize + at + 2);
    }
  });
  useEffect(() => {
    if (items.length <= wholeMax) return;
    let frame = 0;
    const look = () => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => {
        if (chunksInSight(top, count, heightOf, bodies.current).join() !== drawn.current) draw(undefined);
      });
    };
    look();
    addEventListener('scroll', look, { passive: true });
    addEventListener('resize', look);
    addEventListener('focusin', look);
    return () => {
      cancelAnimationFrame(frame);
      removeEventListener('scroll', look);
      removeEventListener('resize', look);
      removeEventListener('focusin', look);
    };
  });
  const parts: VNode[] = [];
  let next = 0;
  const spaceUpTo = (chunk: number) => {
    if (chunk === next) return;
    const height = range(next, chunk).reduce((sum, one) => sum + heightOf(one), 0);
    parts.push(<Space key={`before ${chunk}`} height={height} columns={columns} />);
  };
  for (const chunk of shown) {
    spaceUpTo(chunk);
    const from = chunk * chunkSize;
    parts.push(
      <tbody
        key={chunk}
        ref={(element) => {
          if (element === null) bodies.current.delete(chunk);
          else bodies.current.set(chunk, element);
        }}
      >
        {items.slice(from, from + chunkSize).map(row)}
      </tbody>,
    );
    next = chunk + 1;
  }
  spaceUpTo(count);
  return (
    <>
      <tbody ref={top} />
      {parts}
    </>
  );
}

function Space({ height, columns }: { readonly height: number; readonly columns: number }) {
  return (
    <tbody class="space" aria-hidden="true">
      <tr>
        <td colSpan={columns} style={{ height: `${height}px` }} />
      </tr>
    </tbody>
  );
}

/** Returns the chunks near the window or the focus, in order. */
function chunksInSight(
  top: RefObject<HTMLElement | null>,
  count: number,
  heightOf: (chunk: number) => number,
  bodies: ReadonlyMap<number, HTMLElement>,
): readonly number[] {
  const found = new Set<number>();
  let from = top.current?.getBoundingClientRect().top ?? 0;
  for (let chunk = 0; chunk < count && from < innerHeight + marginPx; chunk += 1) {
    const to = from + heightOf(chunk);
    if (to > -marginPx) found.add(chunk);
    from = to;
  }
  for (const [chunk, body] of bodies) {
    if (!body.contains(document.activeElement)) continue;
    for (const one of [chunk - 1, chunk, chunk + 1]) if (one >= 0 && one < count) found.add(one);
  }
  return [...found].toSorted((a, b) => a - b);
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from }, (_, at) => from + at);
}
