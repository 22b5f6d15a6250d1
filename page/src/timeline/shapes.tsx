import type { JSX } from 'preact';
import type { Placed } from './layout.ts';

interface ShapeProps {
  readonly placed: Placed;
  readonly isChosen: boolean;
  readonly choose: (id: string) => void;
}

/** The shape of an item. A click chooses it; for the keyboard the whole picture is one stop. */
export function Shape({ placed, isChosen, choose }: ShapeProps) {
  const { item } = placed;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the picture takes arrows, and the story has a button for each item
    <g class={`item ${isChosen ? 'chosen' : ''}`} onClick={() => choose(item.id)}>
      <title>{item.text}</title>
      {isChosen && <rect class="halo" x={placed.x - 6} y={placed.y - 10} width={placed.right - placed.x + 12} height="20" rx="4" />}
      {shapeOf(placed)}
    </g>
  );
}

function shapeOf({ item, x, right, y }: Placed): JSX.Element {
  const width = right - x;
  switch (item.kind) {
    case 'accepted':
      return <path class="event" d={`M${x} ${y - 4}l4 4-4 4-4-4z`} />;
    case 'turn':
    case 'outcome':
      return item.isGood === false ? (
        <Failed x={x} y={y} width={width} />
      ) : (
        <rect class="good" x={x} y={y - 5} width={width} height="10" rx="2" />
      );
    case 'call':
      return <Call x={x} y={y} width={width} isGood={item.isGood !== false} text={item.label} />;
    case 'parked':
      return <rect class="parked" x={x - 4} y={y - 5} width="10" height="10" rx="1.5" />;
    case 'timer set':
    case 'delivery asked':
      return <circle class="node" cx={x} cy={y} r="3" />;
    case 'timer due':
      return (
        <g>
          <circle class="due" cx={x} cy={y} r="4.5" />
          <path class="due-hand" d={`M${x} ${y - 2.6}v2.6h2`} />
        </g>
      );
    case 'timer cancelled':
    case 'withdrawn':
      return <path class="cancel" d={`M${x - 4} ${y - 4}l8 8m0-8l-8 8`} />;
    case 'sent':
      return <path class="send" d={`M${x} ${y}h10m-4-3.5 4 3.5-4 3.5`} />;
    case 'operator':
      return <path class="flag" d={`M${x} ${y + 8}v-16h11l-2.5 4 2.5 4h-11`} />;
    case 'other':
      return <circle class="node" cx={x} cy={y} r="3" />;
  }
}

function Failed({ x, y, width }: { readonly x: number; readonly y: number; readonly width: number }) {
  const middle = x + width / 2;
  return (
    <g>
      <rect class="bad" x={x} y={y - 5} width={width} height="10" rx="2" />
      <path class="cross" d={`M${middle - 2.5} ${y - 2.5}l5 5m0-5l-5 5`} />
    </g>
  );
}

function Call({
  x,
  y,
  width,
  isGood,
  text,
}: {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly isGood: boolean;
  readonly text: string;
}) {
  const short = text.length * 6.5 > width - 4 ? '' : text;
  return (
    <g>
      <rect class={isGood ? 'good' : 'bad'} x={x} y={y - 7} width={width} height="14" rx="2" />
      <text class={`code ${isGood ? 'on-water' : 'red'}`} x={x + width / 2} y={y + 3.5} text-anchor="middle">
        {short}
      </text>
    </g>
  );
}
