import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { builtProgram, type Started, startProgram } from '../support/programs.ts';

interface Ended {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** A new administrator's whole way, with the programs as they are shipped. */
describe('from nothing to a mount', () => {
  let folder: string;
  let emulator: Started;
  let url: string;

  const run = async (...args: readonly string[]): Promise<Ended> => {
    const started = startProgram('mila-sync', args, { environment: { NO_PROXY: '127.0.0.1' } });
    const code = await started.ended;
    return { code, stdout: started.stdout(), stderr: started.stderr() };
  };
  const file = (name: string) => join(folder, name);

  beforeAll(async () => {
    builtProgram('mila-sync');
    folder = await mkdtemp(join(tmpdir(), 'administrator-'));
    emulator = startProgram('mila-sync', ['emulator', '--json', '--write-config', file('box-key.json')]);
    await eventually(() => expect(emulator.stdout()).toContain('"event":"ready"'));
    url = (JSON.parse(emulator.stdout()) as { url: string }).url;
    const box = {
      box_configuration_path: file('box-key.json'),
      shared_dir_name: 'kmol folder',
      save_path: 'jwt/test_run',
      group_name: 'kmol group',
      mount_path: file('mount'),
    };
    const server = {
      server_type: 'mila.services.servers.BoxServer',
      box_configuration: box,
      task_configuration_file: 'task.json',
    };
    const client = { name: 'site_a', client_type: 'mila.services.clients.BoxClient', box_configuration: box };
    await writeFile(file('server.json'), JSON.stringify(server));
    await writeFile(file('client.json'), JSON.stringify(client));
    const own = { ...client, name: 'site_own', box_configuration: { ...box, account: 'service_account' } };
    await writeFile(file('own.json'), JSON.stringify(own));
  });
  afterAll(async () => {
    emulator.process.kill('SIGTERM');
    await emulator.ended;
    await rm(folder, { recursive: true });
  });

  it('leads through the steps, each command naming the next', async () => {
    const first = await run('doctor', file('server.json'));
    expect(first).toMatchObject({ code: 3, stderr: '' });
    expect(first.stdout).toContain('FAILED    The group exists');
    expect(first.stdout).toContain('"mila-sync setup"');
    for (const line of first.stdout.split('\n'))
      expect(line.length <= 80 || /^\s+https:\S+$/.test(line)).toBe(true);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what must not be there.
    expect(first.stdout).not.toMatch(/\u001b/);

    const planned = await run('setup', file('server.json'), '--dry-run', '--participant', 'site_a');
    expect(planned).toMatchObject({ code: 0, stderr: '' });
    expect(planned.stdout).toContain('6 to make. Nothing was changed');

    const made = await run('setup', file('server.json'), '--participant', 'site_a', '--json');
    expect(made.code).toBe(0);
    const { actions } = JSON.parse(made.stdout) as { actions: { state: string }[] };
    expect(actions.map(({ state }) => state)).toEqual(Array.from({ length: 6 }, () => 'made'));
    const again = await run('setup', file('server.json'), '--participant', 'site_a');
    expect(again.stdout).toContain('Nothing to make. Check the whole with: mila-sync doctor');

    const checked = await run('doctor', file('server.json'), '--json');
    expect(checked).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(checked.stdout)).toMatchObject({ ok: true, side: 'server', failed: 0, blocking: 0 });
    expect((await run('doctor', file('client.json'))).stdout).toContain('is in order.');

    const mounted = await run('mount', file('server.json'), '--once');
    expect(mounted.code).toBe(0);
    expect(mounted.stdout).toContain(`ready ${file('mount')}/kmol folder/jwt/test_run`);

    const own = await run('mount', file('own.json'), '--once', '--dir', file('own-mount'));
    expect(own.code).toBe(0);
    const stats = await (await fetch(`${url}/_emulator/stats`)).text();
    expect(stats).toContain('mila-sync app');
    expect(stats).not.toContain('site_own');
  }, 150_000);

  it('says what a script may rely on with its exit code', async () => {
    const server = JSON.parse(await readFile(file('server.json'), 'utf8')) as {
      box_configuration: Record<string, unknown>;
    };
    const change = async (name: string, box: Record<string, unknown>) => {
      const box_configuration = { ...server.box_configuration, ...box };
      await writeFile(file(name), JSON.stringify({ ...server, box_configuration }));
      return file(name);
    };
    const nowhere = { api: 'http://127.0.0.1:9', upload: 'http://127.0.0.1:9', oauth2: 'http://127.0.0.1:9' };
    const codes = await Promise.all(
      [
        ['doctor', await change('far.json', { base_urls: nowhere })],
        ['doctor', await change('keyless.json', { box_configuration_path: 'no.json' })],
        ['setup', await change('groupless.json', { group_name: undefined })],
        ['doctor', file('nothing.json')],
        ['setup', file('server.json'), '--participant', 'a/b'],
      ].map(async (args) => (await run(...args)).code),
    );
    expect(codes).toEqual([5, 3, 2, 2, 2]);
    await fetch(`${url}/_emulator/app`, { method: 'POST', body: '{"authorised":false}' });
    const refused = await run('setup', file('server.json'));
    expect(refused.code).toBe(3);
    expect(refused.stdout).toContain('An administrator has authorised the app');
    expect(refused.stdout).toContain('Nothing was made');
    await fetch(`${url}/_emulator/app`, { method: 'POST', body: '{"authorised":true}' });
  }, 150_000);

  it('cleans up when it is interrupted in the middle of a trial', async () => {
    const match = { method: 'POST', path: '/2.0/files/content' };
    const fault = { match, action: { kind: 'stall' } };
    await fetch(`${url}/_emulator/faults`, { method: 'POST', body: JSON.stringify(fault) });
    const tree = async () => (await fetch(`${url}/_emulator/tree`)).text();
    const before = await tree();
    const running = startProgram('mila-sync', ['doctor', file('server.json')]);
    await eventually(() => expect(running.stdout()).toContain('The group may write'), 20_000);
    await eventually(async () => expect(await tree()).toContain('mila-sync check'), 20_000);
    running.process.kill('SIGINT');
    expect(await running.ended).toBe(130);
    expect(running.stderr()).toContain('interrupted');
    await fetch(`${url}/_emulator/faults`, { method: 'DELETE' });
    expect(await tree()).toBe(before);
  }, 150_000);
});
