/** The style of the home page: one column, both colour schemes, and tables that become lists on a narrow screen. */
export const homeStyle = `
:root {
  color-scheme: light dark;
  --ground: light-dark(#f6f8f7, #0f1517);
  --raised: light-dark(#ffffff, #161e21);
  --line: light-dark(#dde4e2, #263136);
  --text: light-dark(#1b2528, #dfe7e6);
  --quiet: light-dark(#5b6b6e, #8fa1a3);
  --water: light-dark(#0b7285, #4cc3d4);
  --good: light-dark(#2b7a3f, #6fcf87);
  --bad: light-dark(#b42318, #ff8f80);
  --person: light-dark(#6a3db4, #c0a3f7);
  --patience: light-dark(#875200, #e3aa50);
}
* { box-sizing: border-box; margin: 0; }
body { background: var(--ground); color: var(--text); font: 16px/1.5 system-ui, sans-serif; padding: clamp(1rem, 4vw, 3rem); }
body > * { max-width: 60rem; margin-inline: auto; }
header { display: flex; align-items: center; gap: 1rem; flex-wrap: wrap; }
.mark { width: 3.5rem; height: 3.5rem; color: var(--water); }
h1 { font-size: 1.75rem; line-height: 1.2; letter-spacing: -0.02em; }
h1 small { font-size: 0.875rem; font-weight: 400; color: var(--quiet); letter-spacing: 0; }
header p, section > p { color: var(--quiet); }
header .health {
  margin-left: auto;
  padding: 0.2rem 0.75rem;
  border: 1px solid currentColor;
  border-radius: 2rem;
  font-size: 0.875rem;
  color: var(--good);
}
header .health::before { content: "●"; margin-right: 0.4rem; }
header .health.fault { color: var(--bad); }
header .health.waiting { color: var(--person); }
header .health.waiting::before { content: "■"; }
.calm { color: var(--quiet); margin-bottom: 1rem; }
.concerns { box-shadow: inset 4px 0 var(--person); }
.concerns ul {
  list-style: none;
  padding: 0;
  margin-top: 0.5rem;
  display: grid;
  grid-template-columns: 0.75rem auto auto minmax(0, 1fr);
  column-gap: 1rem;
}
.concerns li {
  display: grid;
  grid-column: 1 / -1;
  grid-template-columns: subgrid;
  align-items: baseline;
  padding-block: 0.5rem;
  border-top: 1px solid var(--line);
}
.concerns li:first-child { border-top: 0; }
.concerns li > a { color: inherit; font-weight: 600; font-variant-numeric: tabular-nums; }
.concerns li > span { color: var(--quiet); font-size: 0.9375rem; overflow-wrap: anywhere; }
.concerns :is(.loop, .paused, .parked, .stopped, .leftover) :is(.glyph, .glyph + a) { color: var(--person); }
.concerns .dead-letter > a, .concerns .failed > a, .concerns .dead-letter .glyph, .concerns .failed .glyph { color: var(--bad); }
.concerns .circuit > a, .concerns .circuit .glyph { color: var(--patience); }
.glyph { width: 0.75rem; height: 0.75rem; fill: currentColor; }
.glyph .line { fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; }
nav { display: flex; flex-wrap: wrap; gap: 0.5rem; margin-block: 1.5rem; }
nav a { padding: 0.4rem 0.9rem; background: var(--raised); border: 1px solid var(--line); border-radius: 0.5rem; text-decoration: none; }
a { color: var(--water); text-underline-offset: 0.2em; }
a:hover { text-decoration: underline; }
a:focus-visible { outline: 2px solid var(--water); outline-offset: 2px; }
section {
  background: var(--raised);
  border: 1px solid var(--line);
  border-radius: 0.75rem;
  padding: clamp(1rem, 3vw, 1.5rem);
  margin-bottom: 1rem;
}
h2 { font-size: 1.125rem; letter-spacing: -0.01em; }
code { font: 0.875rem/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
.routes { list-style: none; padding: 0; margin-top: 0.75rem; }
.routes li {
  display: grid;
  grid-template-columns: 4rem minmax(0, 1fr) minmax(0, 1fr);
  gap: 0.75rem;
  align-items: baseline;
  padding-block: 0.45rem;
  border-top: 1px solid var(--line);
}
.routes li > :last-child { color: var(--quiet); font-size: 0.9375rem; }
.method { font: 600 0.75rem/1.5 ui-monospace, monospace; color: var(--quiet); }
.method.post { color: var(--water); }
.counts { width: 100%; border-collapse: collapse; margin-top: 0.75rem; font-variant-numeric: tabular-nums; }
.counts th, .counts td { padding: 0.45rem 0; border-top: 1px solid var(--line); text-align: right; }
.counts thead th { border: 0; font-weight: 400; font-size: 0.875rem; color: var(--quiet); }
.counts th:first-child { text-align: left; }
.counts .pressing { color: var(--bad); font-weight: 600; }
.counts .pressing[data-column="Parked keys"] { color: var(--person); }
@media (max-width: 40rem) {
  .routes li { grid-template-columns: 3.25rem minmax(0, 1fr); gap: 0 0.75rem; }
  .routes li > :last-child { grid-column: 2; }
  .concerns ul { grid-template-columns: 0.75rem minmax(0, 1fr) auto; column-gap: 0.75rem; }
  .concerns li > code { justify-self: end; }
  .concerns li > :last-child { grid-column: 2 / -1; }
  .counts thead { display: none; }
  .counts, .counts tbody, .counts tr, .counts th, .counts td { display: block; }
  .counts tr { border-top: 1px solid var(--line); padding-block: 0.5rem; }
  .counts th, .counts td { border: 0; padding: 0.1rem 0; }
  .counts td { display: flex; justify-content: space-between; }
  .counts td::before { content: attr(data-column); color: var(--quiet); font-weight: 400; }
}
`;
