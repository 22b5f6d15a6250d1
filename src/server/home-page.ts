import type { PipelineCounts } from '../engine/counts.ts';
import { figureEntries } from '../engine/metric-names.ts';
import { version } from '../version.ts';
import { type Concern, needsPerson } from './concerns.ts';
import { concernsPanel } from './concerns-panel.ts';
import type { System } from './declared-system.ts';
import { escaped } from './escaped.ts';
import { homeStyle } from './home-style.ts';

export interface ServedRoute {
  readonly method: string;
  readonly url: string;
  /** The system that it belongs to, or `operator` or `server`. */
  readonly tag: string | undefined;
  readonly summary: string;
}

export interface HomePage {
  readonly systems: readonly System[];
  readonly routes: readonly ServedRoute[];
  readonly counts: Readonly<Record<string, PipelineCounts>>;
  readonly concerns: readonly Concern[];
  /** Why the mill is not healthy; undefined when it is. */
  readonly fault: string | undefined;
}

/** The page as HTML. Whatever comes from outside of this file is escaped. */
export function homePage({ systems, routes, counts, concerns, fault }: HomePage): string {
  const tagged = (tag: string) => routes.filter((route) => route.tag === tag);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Millrace</title>
<link rel="icon" href="data:image/svg+xml,${encodeURIComponent(wheel('#0b7285'))}">
<style>${homeStyle}</style>
</head>
<body>
<header>
<div class="mark">${wheel('currentColor')}</div>
<div><h1>Millrace <small>${escaped(version)}</small></h1><p>Durable, ordered event processing</p></div>
${health(fault, concerns)}
</header>
<nav><a href="/docs">API docs</a><a href="/metrics">Metrics</a><a href="/health">Health</a><a href="/fleet">Fleet</a><a href="/dead-letters">Dead letters</a></nav>
<main>
${concernsPanel(concerns)}
${pipelines(counts)}
${systems.map((system) => section(system.title, system.description, tagged(system.name))).join('\n')}
${section('Every pipeline', 'The same for each of them: take events in, look at a key, redrive what was given up.', tagged('operator'))}
</main>
</body>
</html>
`;
}

/** Green says that nobody is needed. */
function health(fault: string | undefined, concerns: HomePage['concerns']): string {
  if (fault !== undefined) return `<p class="health fault">${escaped(fault)}</p>`;
  return concerns.some(needsPerson) ? '<p class="health waiting">running; something waits for you</p>' : '<p class="health">running</p>';
}

/** The columns of the table of pipelines. What lies there now outlives a restart. */
const columns = figureEntries.flatMap(([figure, { column, isPressing = false }]) =>
  column === undefined ? [] : [{ name: column, figure, isPressing }],
);

function pipelines(counts: HomePage['counts']): string {
  const rows = Object.entries(counts).map(([name, count]) => {
    const cells = columns.map((column) => {
      const figure = Number(count[column.figure]);
      const pressing = column.isPressing && figure > 0 ? ' class="pressing"' : '';
      return `<td data-column="${column.name}"${pressing}>${escaped(figure.toLocaleString('en'))}</td>`;
    });
    return `<tr><th scope="row">${escaped(name)}</th>${cells.join('')}</tr>`;
  });
  const head = columns.map(({ name }) => `<th scope="col">${name}</th>`).join('');
  return `<section><h2>Pipelines</h2><p>Waiting, parked keys and dead letters are what the store holds now. The other figures count since this server started.</p>
<table class="counts"><thead><tr><th scope="col">Pipeline</th>${head}</tr></thead><tbody>${rows.join('')}</tbody></table></section>`;
}

function section(title: string, description: string, routes: readonly ServedRoute[]): string {
  const items = routes.map((route) => {
    const path = `<code>${escaped(route.url)}</code>`;
    const linked = route.method === 'GET' && !route.url.includes(':') ? `<a href="${escaped(route.url)}">${path}</a>` : path;
    const method = `<span class="method ${escaped(route.method.toLowerCase())}">${escaped(route.method)}</span>`;
    return `<li>${method}${linked}<span>${escaped(route.summary)}</span></li>`;
  });
  const list = items.length > 0 ? `<ul class="routes">${items.join('\n')}</ul>` : '';
  return `<section><h2>${escaped(title)}</h2><p>${escaped(description)}</p>${list}</section>`;
}

/** A mill wheel over its race. */
function wheel(colour: string): string {
  const spokes = [0, 45, 90, 135].map((angle) => `<path d="M16 2.5v23" transform="rotate(${angle} 16 14)"/>`).join('');
  const water = '<path d="M1 29c3-2.4 5-2.4 7.5 0s4.5 2.4 7.5 0 4.5-2.4 7.5 0 4.5 2.4 7.5 0"/>';
  const strokes = `fill="none" stroke="${colour}" stroke-width="2" stroke-linecap="round"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" ${strokes}><circle cx="16" cy="14" r="8.5"/>${spokes}${water}</svg>`;
}
