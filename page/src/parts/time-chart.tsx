import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Act } from '../lib/acts.ts';
import { useStore } from '../lib/store.ts';
import { theme } from '../lib/theme.ts';

type Values = readonly (number | null)[];

/** One line, or one set of bars, of a chart. */
export interface Series {
  readonly name: string;
  readonly values: Values;
  readonly form: 'main' | 'second' | 'third' | 'bar-amber' | 'bar-red';
}

interface TimeChartProps {
  readonly title: string;
  readonly unit: string;
  /** End times of the points, in milliseconds since the epoch. */
  readonly at: readonly number[];
  readonly spanMs: number;
  readonly series: readonly Series[];
  /** The scale reaches at least this far. */
  readonly floor: number;
  readonly format: (value: number | null) => string;
  /** Drawn as lines through the chart. */
  readonly acts: readonly Act[];
}

const height = 148;
const colours = {
  main: '--series-1',
  second: '--series-2',
  third: '--series-5',
  'bar-amber': '--series-3',
  'bar-red': '--series-4',
} as const;

/** A chart over time. All charts of a view share one crosshair; the title names the series with their values there, or now. */
export function TimeChart({ title, unit, at, spanMs, series, floor, format, acts }: TimeChartProps) {
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const [index, setIndex] = useState<number | null>(null);
  const [isTable, setIsTable] = useState(false);
  const shade = useStore(theme);
  const forms = series.map(({ name, form }) => `${name} ${form}`).join();
  const points = useMemo(() => pointsOf(at, series), [at, series]);
  const shape = useRef({ floor, spanMs, acts });
  shape.current = { floor, spanMs, acts };
  const latest = useRef(points);
  latest.current = points;
  useEffect(() => {
    const element = holder.current;
    if (element === null) return;
    const made = new uPlot(
      optionsOf(element.clientWidth, series, () => shape.current, setIndex),
      latest.current,
      element,
    );
    plot.current = made;
    const sized = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    sized.observe(element);
    return () => {
      sized.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, [forms, shade]);
  // A redraw alone would not adjust the scales to new points.
  useEffect(() => plot.current?.setData(points), [points, acts.length]);
  const shown = index ?? at.length - 1;
  return (
    <figure class="chart">
      <figcaption>
        <h2>{title}</h2>
        {series.map(({ name, values, form }) => (
          <span key={name}>
            <i class={`key-line ${form}`} />
            {name} <b>{format(values[shown] ?? null)}</b>
          </span>
        ))}
        <span class="quiet">{unit}</span>
        <button type="button" class="button plain small" aria-pressed={isTable} onClick={() => setIsTable(!isTable)}>
          {isTable ? 'Chart' : 'Table'}
        </button>
      </figcaption>
      <div class="plot" ref={holder} hidden={isTable} role="img" aria-label={sentenceOf(title, unit, series, format)} />
      {isTable && <ChartTable at={at} series={series} format={format} />}
    </figure>
  );
}

function sentenceOf(title: string, unit: string, series: readonly Series[], format: TimeChartProps['format']): string {
  const parts = series.map(({ name, values }) => {
    const known = values.filter((value) => value !== null);
    if (known.length === 0) return `${name} has no value yet`;
    return `${name} from ${format(Math.min(...known))} to ${format(Math.max(...known))}, now ${format(values.at(-1) ?? null)}`;
  });
  return `${title}, ${unit}: ${parts.join('; ')}`;
}

const tableRows = 12;

function ChartTable({ at, series, format }: Pick<TimeChartProps, 'at' | 'series' | 'format'>) {
  const from = Math.max(0, at.length - tableRows);
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">UTC</th>
          {series.map(({ name }) => (
            <th key={name} scope="col" class="right">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {at.slice(from).map((moment, row) => (
          <tr key={moment}>
            <th scope="row">{timeText(moment)}</th>
            {series.map(({ name, values }) => (
              <td key={name} class="right">
                {format(values[from + row] ?? null)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const bars = uPlot.paths.bars?.({ size: [0.7, 6] });
const barsPath = bars === undefined ? {} : { paths: bars };

function timeText(at: number): string {
  return new Date(at).toISOString().slice(11, 19);
}

function pointsOf(at: readonly number[], series: readonly Series[]): uPlot.AlignedData {
  return [at.map((moment) => moment / 1000), ...series.map(({ values }) => [...values])];
}

function optionsOf(
  width: number,
  series: readonly Series[],
  shape: () => Pick<TimeChartProps, 'floor' | 'spanMs' | 'acts'>,
  pointed: (index: number | null) => void,
): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(name);
  const axis = { stroke: colour('--chart-axis'), font: `11px ${style.getPropertyValue('--font-ui')}`, ticks: { show: false } };
  const grid = { stroke: colour('--chart-grid'), width: 1 };
  return {
    width,
    height,
    legend: { show: false },
    cursor: { sync: { key: 'view' }, y: false, points: { size: 6 }, drag: { x: false, y: false } },
    hooks: {
      setCursor: [(plot) => pointed(plot.cursor.idx ?? null)],
      draw: [(plot) => drawActs(plot, shape().acts, colour('--chart-act'))],
    },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
    scales: {
      x: { range: (_plot, _min, max) => [max - shape().spanMs / 1000, max] },
      y: { range: (_plot, _min, max) => [0, Math.max(shape().floor, (max ?? 0) * 1.15)] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        values: (_plot, splits) => splits.map((seconds) => timeText(seconds * 1000).slice(0, 5)),
        size: 26,
      },
      { ...axis, grid, size: 44, space: 36 },
    ],
    series: [
      {},
      ...series.map(({ form }): uPlot.Series => {
        const stroke = colour(colours[form]);
        if (form === 'bar-amber' || form === 'bar-red') {
          return { stroke, fill: stroke, width: 0, ...barsPath, points: { show: false } };
        }
        return {
          stroke,
          width: form === 'main' ? 1.5 : 1,
          points: { show: false },
          ...(form === 'main' && { fill: colour('--chart-area') }),
          ...(form === 'third' && { dash: [4, 2] }),
        };
      }),
    ],
  };
}

/** Draws a line for each act in the window. */
function drawActs(plot: uPlot, acts: readonly Act[], colour: string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.lineWidth = devicePixelRatio;
  ctx.beginPath();
  for (const { at } of acts) {
    const x = Math.round(plot.valToPos(at / 1000, 'x', true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
  }
  ctx.stroke();
  ctx.restore();
}
