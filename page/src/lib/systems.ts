/** The systems that come with Millrace have their own views, where their pipelines are served. */
const known = [
  { name: 'rockets', title: 'Rockets' },
  { name: 'accounts', title: 'Accounts' },
  { name: 'messages', title: 'Messages' },
  { name: 'events', title: 'Events' },
  { name: 'workers', title: 'Workers' },
] as const;

export type SystemView = (typeof known)[number];

export function systemViews(pipelines: readonly string[]): readonly SystemView[] {
  return known.filter(({ name }) => pipelines.includes(name));
}
