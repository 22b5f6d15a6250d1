import { defineConfig } from 'vite';

/**
 * Configuration of the operator's page: `npm run page` builds it into `page/dist`, and the server serves it from there, flat, below
 * `/page/`.
 */
export default defineConfig({
  root: import.meta.dirname,
  base: '/page/',
  publicDir: false,
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: { outDir: 'dist', emptyOutDir: true, assetsDir: '', target: 'es2022', modulePreload: false, assetsInlineLimit: 0 },
});
