// Of all declarations that the compiler wrote, keeps those that the library's own refer to.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, resolve } from 'node:path';

/** What a declaration refers to, between quotation marks. */
const SPECIFIER = /(?<=\b(?:from|import\()\s*['"])[^'"]+/gu;
const ENDING = '.d.ts';

/** Names of declarations as another project's compiler finds them: beside a module, not beside its source. */
const asInstalled = (specifier) =>
  specifier.startsWith('.') ? specifier.replace(/\.ts$/u, '.js') : specifier;

/** Every declaration that the given ones need, with what they need of other packages. */
function closureOf(entries) {
  const found = new Set();
  const foreign = new Set();
  const visit = (path) => {
    if (found.has(path)) return;
    found.add(path);
    for (const [specifier] of readFileSync(path, 'utf8').matchAll(SPECIFIER))
      if (specifier.startsWith('.')) visit(resolve(dirname(path), specifier.replace(/\.ts$/u, ENDING)));
      else foreign.add(specifier);
  };
  for (const entry of entries) visit(entry);
  return { found, foreign };
}

/** Errors: when a declaration needs types that an installation does not bring. */
export function keepLibraryTypes(dist, dependencies) {
  const library = join(dist, 'library');
  const entries = readdirSync(library).filter((name) => name.endsWith(ENDING));
  const { found, foreign } = closureOf(entries.map((name) => join(library, name)));
  const strangers = [...foreign].filter((name) => !isBuiltin(name) && !(name in dependencies));
  if (strangers.length > 0) throw new Error(`the library's types need ${strangers.join(', ')}`);
  for (const name of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
    const path = join(dist, name);
    if (!path.endsWith(ENDING)) continue;
    if (found.has(path)) writeFileSync(path, readFileSync(path, 'utf8').replaceAll(SPECIFIER, asInstalled));
    else rmSync(path);
  }
}
