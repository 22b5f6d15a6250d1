import { type Concern, needsPerson } from './concerns.ts';
import { escaped } from './escaped.ts';

/** Returns the first panel of the home page: everything that waits for a person, or one quiet line while nothing does. */
export function concernsPanel(concerns: readonly Concern[]): string {
  if (concerns.length === 0) return '<p class="calm">Nothing waits for you.</p>';
  const title = concerns.some(needsPerson) ? 'Waits for you' : 'Goes on by itself';
  return `<section class="concerns"><h2>${title}</h2><ul>${concerns.map(itemOf).join('\n')}</ul></section>`;
}

function itemOf({ kind, where, what, why, link }: Concern): string {
  const glyph = `<svg class="glyph" viewBox="0 0 12 12" aria-hidden="true">${glyphs[kind]}</svg>`;
  return `<li class="${kind.replace(' ', '-')}">${glyph}<a href="${escaped(link)}">${escaped(what)}</a><code>${escaped(where)}</code><span>${escaped(why)}</span></li>`;
}

/** Shape and word come before colour: each kind has a form of its own. */
const glyphs: Readonly<Record<Concern['kind'], string>> = {
  loop: '<path d="M10.5 6a4.5 4.5 0 1 1-1.6-3.4M10.5 1v2.5H8" class="line"/>',
  paused: '<path d="M4 1.5v9M8 1.5v9" class="line"/><circle cx="6" cy="6" r="5.5" class="line"/>',
  parked: '<rect x="1" y="1" width="10" height="10" rx="1"/>',
  'dead letter': '<path d="M2 2l8 8M10 2l-8 8" class="line"/>',
  stopped: '<path d="M4 1.5v9M8 1.5v9" class="line"/>',
  failed: '<path d="M6 1l5 10H1z"/>',
  circuit: '<path d="M6 1a5 5 0 0 1 0 10z"/><circle cx="6" cy="6" r="5" class="line"/>',
  gap: '<path d="M1 6h3M8 6h3" class="line"/>',
  source: '<path d="M1 6h6M4.5 3.5L7 6 4.5 8.5M10 1.5v9" class="line"/>',
  leftover: '<path d="M4 1.5H2v9h2M8 1.5h2v9H8" class="line"/>',
};
