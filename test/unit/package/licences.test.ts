import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

interface Brought {
  readonly name: string;
  readonly licence?: string;
}

/** What the script that writes the list of licences knows; it is no TypeScript, and packing runs it as it is. */
function asked(question: string): unknown {
  const url = new URL('../../../scripts/licences.mjs', import.meta.url);
  const program = `const it = await import(${JSON.stringify(url.href)}); console.log(JSON.stringify(${question}))`;
  return JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', program], {
      cwd: fileURLToPath(new URL('../../../', import.meta.url)),
      encoding: 'utf8',
    }),
  );
}

it('every package that an installation brings has a licence that allows it', () => {
  const brought = asked('it.installedPackages()') as readonly Brought[];
  expect(brought.length).toBeGreaterThan(50);
  const named = brought.map(({ name }) => name);
  expect(named).toEqual(expect.arrayContaining(['better-sqlite3', 'box-node-sdk', 'commander']));
  expect(asked('it.installedPackages().filter(({ licence }) => !it.isAllowed(licence))')).toEqual([]);
});

it('every package whose code the build may take in has one, too', () => {
  const brought = asked('it.buildInputs()') as readonly Brought[];
  expect(brought.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['echarts', 'zrender', '@tensorflow/tfjs-core', 'zod']),
  );
  expect(asked('it.buildInputs().filter(({ licence }) => !it.isAllowed(licence))')).toEqual([]);
});

it('a licence that nobody looked at is not allowed, nor is none', () => {
  expect(
    asked(
      "['GPL-3.0', undefined, 'MIT OR GPL-3.0', '(MIT AND Zlib)', 'MIT'].map((each) => it.isAllowed(each))",
    ),
  ).toEqual([false, false, true, false, true]);
});
