import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { manPage } from '../../../src/cli/man-page.ts';
import { MILA, MILA_SYNC, wholeProgram } from '../../../src/cli/programs.ts';
import { isPresent } from '../../support/shells.ts';

it.each([MILA, MILA_SYNC])(
  'the manual page of $name has every command and option of its help',
  async (source) => {
    const page = manPage(await wholeProgram(source), '1.2.3');
    const program = await wholeProgram(source);
    for (const command of program.commands) {
      expect(page).toContain(`\n.SS "${source.name.replace('-', '\\-')} ${command.name()}`);
      for (const { long } of command.options) expect(page).toContain(long?.replaceAll('-', '\\-'));
    }
    expect(page).toContain('Example:');
    expect(page).not.toMatch(/undefined|\[object/);
  },
);

it.skipIf(!isPresent('groff', '--version'))('groff has no fault to find in the manual pages', async () => {
  for (const source of [MILA, MILA_SYNC]) {
    const page = manPage(await wholeProgram(source), '1.2.3');
    const { stdout, stderr, status } = spawnSync('groff', ['-man', '-Tutf8', '-ww'], {
      input: page,
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('output the version number');
  }
});
