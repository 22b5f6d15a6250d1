import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { durationText, preciseText } from '../lib/format.ts';
import { isEffect, type LaneBox, type Layout, lanesTop, layOut, type Placed, withoutCollisions } from './layout.ts';
import type { Item } from './model.ts';
import { elasticScale, linearScale, type Scale } from './scale.ts';
import { Shape } from './shapes.tsx';

const left = 124;
const right = 24;

interface PictureProps {
  readonly items: readonly Item[];
  /** The end of the picture. */
  readonly now: number;
  readonly title: string;
  readonly isLinear: boolean;
  readonly chosen: string | undefined;
  readonly choose: (id: string) => void;
}

const laneNames: Readonly<Record<LaneBox['lane'], string>> = {
  operator: 'Operator',
  events: 'Events',
  turns: 'Turns',
  timers: 'Timers',
  deliveries: 'Deliveries',
  sends: 'Sends',
};

/** Draws the history: lanes from the top, time from the left. The story tells all of it in words. */
export function Picture({ items, now, title, isLinear, chosen, choose }: PictureProps) {
  const holder = useRef<HTMLElement>(null);
  const [width, setWidth] = useState(960);
  const [opened, setOpened] = useState<ReadonlySet<number>>(new Set());
  const stretch = useRef<{ readonly width: number; readonly value: number }>(undefined);
  useEffect(() => {
    const element = holder.current;
    if (element === null) return;
    const sized = new ResizeObserver(() => setWidth(Math.max(560, element.clientWidth)));
    sized.observe(element);
    return () => sized.disconnect();
  }, []);
  const scale = useMemo(() => {
    const options = {
      left,
      room: width - left - right,
      stretch: stretch.current?.width === width ? stretch.current.value : undefined,
      opened,
    };
    return isLinear ? linearScale(items, now, options) : elasticScale(items, now, options);
  }, [items, now, width, isLinear, opened]);
  if (!isLinear && items.length > 1) stretch.current = { width, value: scale.stretch };
  const layout = useMemo(() => layOut(items, scale), [items, scale]);
  const total = Math.max(width, scale.width + right);
  const height = layout.height + 24;
  const press = (event: KeyboardEvent) => {
    const next = stepFrom(layout.placed, chosen, event.key);
    if (next === undefined) return;
    event.preventDefault();
    choose(next);
  };
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls is reached by the keyboard
    <section class="scroll timeline" ref={holder} tabIndex={0} aria-label="Timeline: arrows step through it" onKeyDown={press}>
      <svg width={total} height={height} viewBox={`0 0 ${total} ${height}`} role="img" aria-label={title}>
        <Patterns />
        <TrueTime items={items} now={now} scale={scale} width={total - right} />
        <Folds scale={scale} height={layout.height} open={(from) => setOpened((before) => new Set([...before, from]))} />
        <Axis items={items} scale={scale} />
        <Lanes boxes={layout.boxes} width={total} bottom={layout.height} />
        <Connections layout={layout} scale={scale} now={now} chosen={chosen} />
        {layout.placed.map((one) => (
          <Shape key={one.item.id} placed={one} isChosen={one.item.id === chosen} choose={choose} />
        ))}
        <Labels placed={layout.placed} chosen={chosen} />
        <path class="now" d={`M${scale.x(now)} ${lanesTop - 6}V${layout.height}`} />
      </svg>
    </section>
  );
}

function Patterns() {
  return (
    <defs>
      <pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <path d="M0 0v6" class="hatch-line" />
      </pattern>
    </defs>
  );
}

/** Draws true time, fanned out to the picture below. */
function TrueTime({
  items,
  now,
  scale,
  width,
}: {
  readonly items: readonly Item[];
  readonly now: number;
  readonly scale: Scale;
  readonly width: number;
}) {
  const from = Math.min(...items.map(({ at }) => at), now);
  const span = Math.max(1, now - from);
  const x = (at: number) => left + ((at - from) / span) * (width - left);
  const marks = [...new Set(items.map(({ at }) => Math.round(x(at))))];
  return (
    <g>
      <text class="quiet" x="16" y="17">
        {durationText(span)}
      </text>
      <rect class="true-time" x={left} y="8" width={width - left} height="9" rx="2" />
      {scale.folds.map((fold) => (
        <path key={fold.from} class="fan" d={`M${x(fold.from)} 18H${x(fold.to)}L${fold.x + fold.width} 44H${fold.x}z`} />
      ))}
      {marks.map((mark) => (
        <rect key={mark} class="true-mark" x={mark} y="6" width="2" height="13" />
      ))}
    </g>
  );
}

function Folds({ scale, height, open }: { readonly scale: Scale; readonly height: number; readonly open: (from: number) => void }) {
  const captions = scale.folds.map(({ from, to, x, width }) => {
    const text = durationText(to - from);
    return { from, text, x: x + width / 2 - text.length * 3, y: 0, isChosen: false };
  });
  const shown = new Set(withoutCollisions(captions).map(({ from }) => from));
  return (
    <g>
      {scale.folds.map(({ from, to, x, width }) => (
        // biome-ignore lint/a11y/noStaticElementInteractions: opening a fold shows nothing that the story does not say
        <g key={from} class="fold-box" onClick={() => open(from)}>
          <title>Folded: nothing ran for {durationText(to - from)}. A click opens it.</title>
          <rect class="fold" x={x} y="44" width={width} height={height - 44} />
          <path class="fold-edge" d={`M${x} 44V${height}M${x + width} 44V${height}`} />
          {shown.has(from) && (
            <text class="quiet" x={x + width / 2} y={height + 15} text-anchor="middle">
              {durationText(to - from)}
            </text>
          )}
        </g>
      ))}
    </g>
  );
}

const timeWidth = 84;

/** Labels times where something begins after a while, room permitting. */
function Axis({ items, scale }: { readonly items: readonly Item[]; readonly scale: Scale }) {
  const times: { readonly at: number; readonly x: number }[] = [];
  for (const { at } of items.toSorted((a, b) => a.at - b.at)) {
    const x = scale.x(at);
    if (times.every((time) => Math.abs(time.x - x) > timeWidth)) times.push({ at, x });
  }
  return (
    <g>
      <text class="quiet" x="16" y="60">
        UTC
      </text>
      {times.map(({ at, x }) => (
        <g key={at}>
          <text class="time" x={x} y="60">
            {preciseText(at)}
          </text>
          <path class="tick" d={`M${x} 65v6`} />
        </g>
      ))}
    </g>
  );
}

function Lanes({ boxes, width, bottom }: { readonly boxes: readonly LaneBox[]; readonly width: number; readonly bottom: number }) {
  return (
    <g>
      {boxes.map(({ lane, top, rows }) => (
        <g key={lane}>
          <path class="lane" d={`M0 ${top}H${width}`} />
          <text class="lane-name" x="16" y={top + 18}>
            {laneNames[lane]}
          </text>
          {rows.map(({ name, y }) => (
            <text key={name} class="quiet" x={left - 14} y={y + 4} text-anchor="end">
              {name.length > 14 ? `${name.slice(0, 13)}…` : name}
            </text>
          ))}
        </g>
      ))}
      <path class="lane" d={`M0 ${bottom}H${width}`} />
    </g>
  );
}

interface ConnectionsProps {
  readonly layout: Layout;
  readonly scale: Scale;
  readonly now: number;
  readonly chosen: string | undefined;
}

/** Draws the connections between items: commits, causes, waits, pauses between attempts, and parks. */
function Connections({ layout, scale, now, chosen }: ConnectionsProps) {
  const byId = new Map(layout.placed.map((one) => [one.item.id, one]));
  const chosenItem = chosen === undefined ? undefined : byId.get(chosen)?.item;
  const turns = layout.boxes.find(({ lane }) => lane === 'turns');
  return (
    <g>
      {turns !== undefined && parksOf(layout.placed, now).map((park) => <Park key={park.from} park={park} box={turns} scale={scale} />)}
      {layout.placed.map((turn) => {
        const ys = layout.placed.flatMap(({ item, y }) => (isEffect(item) && item.causedBy === turn.item.id ? [y] : []));
        if (ys.length === 0) return null;
        const isChosen = turn.item.commit !== null && turn.item.commit === chosenItem?.commit;
        return <path key={turn.item.id} class={`commit ${isChosen ? 'chosen' : ''}`} d={`M${turn.right} ${turn.y}V${Math.max(...ys)}`} />;
      })}
      {layout.placed.map((one) => {
        const cause = one.item.causedBy === null ? undefined : byId.get(one.item.causedBy);
        return cause === undefined || !isDrawn(cause, one) ? null : (
          <Cause key={one.item.id} from={cause} to={one} isChosen={one.item.id === chosen} />
        );
      })}
      {pausesOf(layout.placed).map(([from, to]) => (
        <g key={to.item.id}>
          <path class="pause" d={`M${from.right} ${from.y}H${to.x}V${to.y}`} />
          <text class="quiet" x={to.x - 5} y={to.y + 4} text-anchor="end">
            {to.x - from.right > 34 ? durationText(to.item.at - from.item.end) : ''}
          </text>
        </g>
      ))}
    </g>
  );
}

/** A commit or a stair already connects its items, which need no other line. */
function isDrawn(cause: Placed, { item }: Placed): boolean {
  if (cause.item.commit !== null && cause.item.commit === item.commit) return false;
  return item.kind !== 'call' || (item.attempt ?? 1) === 1;
}

function Cause({ from, to, isChosen }: { readonly from: Placed; readonly to: Placed; readonly isChosen: boolean }) {
  const name = isChosen ? 'chosen' : '';
  if (from.lane === 'events') {
    const isLong = to.item.at - from.item.at > 1_000;
    return <path class={`cause ${isLong ? 'held' : ''} ${name}`} d={`M${from.x + 4} ${from.y}H${to.x}V${to.y}`} />;
  }
  if (from.lane === 'operator') return <path class={`cause did ${name}`} d={`M${from.x} ${from.y + 8}V${to.y}H${to.x}`} />;
  if (from.lane === to.lane && from.y === to.y) return <path class={`cause flat ${name}`} d={`M${from.right} ${from.y}H${to.x}`} />;
  return (
    <path class={`cause back ${name}`} d={`M${from.right} ${from.y}C${from.right + 20} ${from.y} ${to.x - 20} ${to.y} ${to.x} ${to.y}`} />
  );
}

/** Attempts on the same stair: each begins after a pause. */
function pausesOf(placed: readonly Placed[]): readonly (readonly [Placed, Placed])[] {
  const groups = new Map<string, Placed>();
  const pauses: (readonly [Placed, Placed])[] = [];
  for (const one of placed.toSorted((a, b) => a.item.at - b.item.at)) {
    const { kind, name, isGood, details } = one.item;
    if (kind === 'parked') groups.delete('turn');
    if (kind !== 'turn' && kind !== 'call') continue;
    const group = kind === 'turn' ? 'turn' : `${name} ${String(details.delivery ?? '')}`;
    const before = groups.get(group);
    if (before !== undefined && one.y > before.y) pauses.push([before, one]);
    if (isGood === false) groups.set(group, one);
    else groups.delete(group);
  }
  return pauses;
}

interface ParkTime {
  readonly from: number;
  readonly to: number;
  readonly reason: string | undefined;
  readonly isOver: boolean;
}

/** Returns the times when a key was parked: from that moment to an operator's action, or to its next turn. */
function parksOf(placed: readonly Placed[], now: number): readonly ParkTime[] {
  const items = placed.map(({ item }) => item).toSorted((a, b) => a.at - b.at);
  return items.flatMap((item, at) => {
    if (item.kind !== 'parked') return [];
    const later = items.slice(at + 1);
    const next = later.find(({ kind, at: moment }) => moment > item.at && (kind === 'turn' || kind === 'operator'));
    return [{ from: item.at, to: next?.at ?? now, reason: item.reason, isOver: next !== undefined }];
  });
}

function Park({
  park: { from, to, reason, isOver },
  box,
  scale,
}: {
  readonly park: ParkTime;
  readonly box: LaneBox;
  readonly scale: Scale;
}) {
  const x = scale.x(from);
  const width = scale.x(to) - x;
  const y = box.top + 1;
  const height = box.height - 2;
  const text = isOver ? `Parked for ${durationText(to - from)}` : `Parked since ${durationText(to - from)}`;
  return (
    <g class="park">
      <title>{`${text}${reason === undefined ? '' : `: ${reason}`}`}</title>
      <rect x={x} y={y} width={width} height={height} />
      <path d={`M${x} ${y}v${height}${isOver ? `M${x + width} ${y}v${height}` : ''}`} />
      {width > 150 && (
        <>
          <rect class="park-label" x={x + width / 2 - 74} y={y + height / 2 - 11} width="148" height="22" rx="4" />
          <text class="park-text" x={x + width / 2} y={y + height / 2 + 4} text-anchor="middle">
            {text}
          </text>
        </>
      )}
    </g>
  );
}

/** Distance of a label from its shape. */
const labelGap: Readonly<Partial<Record<Item['kind'], number>>> = { sent: 14, 'timer cancelled': 9, operator: 15, 'timer due': 9 };

function Labels({ placed, chosen }: { readonly placed: readonly Placed[]; readonly chosen: string | undefined }) {
  const labels = placed.flatMap(({ item, x, right: end, y, lane }) => {
    if (item.label === '' || lane === 'turns') return [];
    const isBar = item.kind === 'call';
    return [
      {
        id: item.id,
        kind: item.kind,
        x: isBar ? x : end + (labelGap[item.kind] ?? 4),
        y: isBar ? y : lane === 'events' ? y - 5 : y + 4,
        text: item.label,
        isChosen: item.id === chosen,
        isBar,
      },
    ];
  });
  return (
    <g>
      {withoutCollisions(labels.filter(({ isBar }) => !isBar)).map(({ id, x, y, text, kind }) => (
        <text key={id} class={`label ${kind === 'operator' ? 'did' : ''}`} x={x} y={y}>
          {text}
        </text>
      ))}
    </g>
  );
}

/** Returns the neighbour of the chosen item: in time, or in the lane above or below. */
function stepFrom(placed: readonly Placed[], chosen: string | undefined, key: string): string | undefined {
  const sorted = placed.toSorted((a, b) => a.item.at - b.item.at);
  const at = sorted.findIndex(({ item }) => item.id === chosen);
  const here = sorted[at];
  if (key === 'ArrowRight') return sorted[Math.min(at + 1, sorted.length - 1)]?.item.id;
  if (key === 'ArrowLeft') return sorted[at < 0 ? sorted.length - 1 : Math.max(0, at - 1)]?.item.id;
  if (here === undefined || (key !== 'ArrowUp' && key !== 'ArrowDown')) return undefined;
  const others = sorted.filter(({ y, lane }) => lane !== here.lane && (key === 'ArrowUp' ? y < here.y : y > here.y));
  const nearest = others.toSorted(
    (a, b) => Math.abs(a.y - here.y) - Math.abs(b.y - here.y) || Math.abs(a.x - here.x) - Math.abs(b.x - here.x),
  );
  const lane = nearest[0]?.lane;
  return nearest.filter((one) => one.lane === lane).toSorted((a, b) => Math.abs(a.x - here.x) - Math.abs(b.x - here.x))[0]?.item.id;
}
