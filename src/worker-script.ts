/**
 * The script that a thread starts: `NAME.js` in the built program; from sources, `NAME-from-source.mjs`, which brings a
 * loader of TypeScript along.
 *
 * `base` is the caller's own `import.meta.url`.
 */
export function workerScript(base: string, name: string): URL {
  return new URL(base.endsWith('.ts') ? `./${name}-from-source.mjs` : `./${name}.js`, base);
}
