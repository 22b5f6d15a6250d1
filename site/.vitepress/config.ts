import { defineConfig } from 'vitepress';

const page = (text: string, name: string) => ({ text, link: `/docs/${name}` });

export default defineConfig({
  title: 'Millrace',
  description: 'A durable, ordered event-processing engine for TypeScript',
  srcDir: 'pages',
  outDir: 'dist',
  cleanUrls: true,
  rewrites: { 'README.md': 'index.md' },
  // Source files and folders of the checkout are not pages of the site.
  ignoreDeadLinks: [/\.(?:ts|js|json|sh|yml)$/, /LICENSE$/, /\/$/],
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [page('Start', 'start'), page('Reference', 'reference'), { text: 'Changelog', link: '/CHANGELOG' }],
    sidebar: [
      {
        text: 'Learn',
        items: [
          page('Start in five minutes', 'start'),
          page('Concepts', 'concepts'),
          page('Promises', 'promises'),
          page('Features', 'features'),
          page('Testing', 'testing'),
          page('Changes over time', 'changes'),
          page('Operations', 'operations'),
          page('Looking and acting', 'operator'),
          page('Containers', 'containers'),
          page('From one process to a fleet', 'fleet'),
          page('Errors', 'errors'),
          page('Coming from another tool', 'coming-from'),
          page('When not to use it', 'when-not-to-use'),
        ],
      },
      {
        text: 'Programs',
        items: [
          page('Reference', 'reference'),
          page('Embedding', 'embedding'),
          page('Serving', 'serving'),
          page('Tables', 'tables'),
          page('Declarations', 'declarations'),
          page('Webhooks', 'webhooks'),
          page('Inbox', 'inbox'),
          page('NATS JetStream', 'nats'),
          page('Kafka', 'brokers'),
          page('Order by number', 'numbers'),
          page('Schedules', 'schedules'),
        ],
      },
      {
        text: 'Operating',
        items: [
          page('PostgreSQL and fleets', 'postgres'),
          page('MySQL and MariaDB', 'mysql'),
          page('Limits', 'limits'),
          page('Metrics', 'metrics'),
          page('Logs and traces', 'tracing'),
          page('Upgrading', 'upgrading'),
          { text: 'Security', link: '/SECURITY' },
        ],
      },
      { text: 'Judging', items: [page('Reliability', 'reliability'), page('Performance', 'performance')] },
    ],
  },
});
