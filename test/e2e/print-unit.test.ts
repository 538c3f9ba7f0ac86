import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startProgram } from '../support/programs.ts';

const BOX = {
  box_configuration_path: 'key.json',
  shared_dir_name: 'kmol folder',
  save_path: 'jwt/test_run',
  group_name: 'kmol group',
};
const SERVER = {
  server_type: 'mila.services.servers.BoxServer',
  server_manager_type: 'mila.services.server_manager.BoxServicer',
  box_configuration: BOX,
  task_configuration_file: 'task.json',
  aggregator_type: 'mila.aggregators.PlainTorchAggregator',
  rounds_count: 1,
  minimum_clients: 1,
};
const CLIENT = {
  name: 'site_a',
  client_type: 'mila.services.clients.BoxClient',
  box_configuration: BOX,
  executor_type: 'mila_sync.executors.Mnist2NN',
};

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'print-unit-'));
  await writeFile(join(folder, 'server.json'), JSON.stringify(SERVER));
  await writeFile(join(folder, 'client.json'), JSON.stringify(CLIENT));
  await writeFile(join(folder, 'task.json'), '{}');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it.each([
  ['server', 'server.json', 'mila-sync-server.service'],
  ['client', 'client.json', 'mila-sync-site_a.service'],
])(
  'mila %s prints a unit that comes after its mount, unless it has one of its own or a plain folder',
  async (command, file, mount) => {
    const unitOf = async (...words: readonly string[]) => {
      const program = startProgram('mila', [command, join(folder, file), '--print-unit', ...words]);
      expect(await program.ended).toBe(0);
      return program.stdout();
    };
    const [unit = '', withMount, inFolder] = await Promise.all([
      unitOf(),
      unitOf('--mount'),
      unitOf('--dir', folder),
    ]);
    expect(unit).toContain(`\nAfter=network-online.target ${mount}\n`);
    expect(unit).toMatch(new RegExp(`\nExecStart=.* ${command} .*${file}\n`));
    expect(unit).not.toContain('--print-unit');
    expect(withMount).toContain('\nAfter=network-online.target\n');
    expect(inFolder).toContain('\nAfter=network-online.target\n');
  },
  // Six starts of whole programs.
  90_000,
);
