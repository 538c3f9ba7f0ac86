import { describe, expect, it } from 'vitest';
import { MILA_COMMANDS } from '../../../src/cli/mila-commands.ts';
import { MILA_SYNC_COMMANDS } from '../../../src/cli/mila-sync-commands.ts';
import { listed, outlineOf } from '../../../src/cli/outline.ts';
import { commandsFor, createProgram } from '../../../src/cli/program.ts';

describe.each([
  ['mila-sync', MILA_SYNC_COMMANDS],
  ['mila', MILA_COMMANDS],
])('%s', (program, sources) => {
  it('finds each command under the names it is listed with, and under no other', async () => {
    for (const { names, load } of sources)
      expect((await load()).map((command) => command.name())).toEqual(names);
  });

  it('loads the named command alone, and all of them where none is named', async () => {
    const all = sources.flatMap(({ names }) => names);
    const names = async (...words: string[]) =>
      (await commandsFor(['node', program, ...words], sources)).map((command) => command.name());
    expect(await names()).toEqual(all);
    expect(await names('--help')).toEqual(all);
    expect(await names('no-such-command')).toEqual(all);
    const first = sources[0];
    expect(await names(first?.names[0] ?? '', '--help')).toEqual(first?.names);
    expect(await names('help', first?.names[0] ?? '')).toEqual(first?.names);
    expect(await names('--', first?.names[0] ?? '')).toEqual(first?.names);
  });

  it('shows the same overview from an outline as from the commands themselves', async () => {
    const whole = (await Promise.all(sources.map(({ load }) => load()))).flat();
    const outline = JSON.parse(JSON.stringify(outlineOf(whole)));
    const overview = createProgram(program, 'words', listed(outline)).helpInformation();
    expect(overview).toBe(createProgram(program, 'words', whole).helpInformation());
  });
});
