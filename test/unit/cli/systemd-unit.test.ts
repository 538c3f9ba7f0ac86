import { expect, it } from 'vitest';
import { unitText } from '../../../src/cli/systemd-unit.ts';

it('the unit starts a mount again after whatever passes by itself, such as another’s lock or a full disk', () => {
  const unit = unitText({ description: 'd', workingDirectory: '/w', command: ['node'] });
  expect(unit).toContain('\nRestart=on-failure\n');
  expect(unit).toContain('\nRestartPreventExitStatus=2 3\n');
});
