/**
 * What a federation costs at Box while nothing happens but heartbeats: one server's mount and three clients', each
 * client writing a heartbeat every 60 seconds, a third of a minute after the one before it.
 * Run: npx tsx bench/quiet-hour.ts [--minutes 60]
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { writeFileAtomically } from '../src/atomic-file.ts';
import { Administrator } from '../src/cli/demo/administrator.ts';
import { startEmulator } from '../src/sync/box-emulator/emulator.ts';
import { startMount } from './mount-process.ts';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '60' } } });
const HEARTBEAT_MS = 60_000;
const CLIENTS = ['site_a', 'site_b', 'site_c'];

const folder = await mkdtemp(join(tmpdir(), 'mila-quiet-'));
const emulator = await startEmulator({});
try {
  const administrator = new Administrator(emulator.url);
  await administrator.prepare({ groupName: 'group', folderName: 'shared' });
  await writeFile(join(folder, 'box.json'), JSON.stringify(emulator.configuration), { mode: 0o600 });
  const server = await startMount(folder, { name: 'server' });
  const run = join(folder, 'm-server', 'shared', 'runs', '2026-01-16_19-11');
  for (const name of ['authentications', 'heartbeats', 'rounds/round_1'])
    await mkdir(join(run, name), { recursive: true });
  await writeFileAtomically(join(run, 'cfg.json'), '{}');
  const mounts = [server];
  for (const name of CLIENTS) mounts.push(await startMount(folder, { name }));
  const started = Date.now();
  const before = await administrator.apiCalls();
  const beat = (name: string) =>
    writeFileAtomically(
      join(folder, `m-${name}`, 'shared', 'runs', '2026-01-16_19-11', 'heartbeats', `${name}_heartbeat.txt`),
      String(Date.now() / 1000),
    );
  const cpuBefore = mounts.map((mount) => mount.cpuSeconds());
  const end = started + Number(values.minutes) * 60_000;
  const apartMs = HEARTBEAT_MS / CLIENTS.length;
  for (let beats = 0; started + beats * apartMs < end; beats += 1) {
    const dueMs = started + beats * apartMs;
    await pause(Math.max(0, dueMs - Date.now()));
    await beat(CLIENTS[beats % CLIENTS.length] ?? '');
  }
  await pause(Math.max(0, end - Date.now()));
  const after = await administrator.apiCalls();
  const hours = (Date.now() - started) / 3_600_000;
  const cpu = mounts.map((mount, index) => (mount.cpuSeconds() - (cpuBefore[index] ?? 0)) / (hours * 3600));
  process.stdout.write(
    `${JSON.stringify(
      {
        minutes: Number(values.minutes),
        calls: after.total - before.total,
        callsPerHour: Math.round((after.total - before.total) / hours),
        byUser: after.byUser,
        byEndpoint: after.byEndpoint,
        cpuShare: cpu.map((share) => Number(share.toFixed(4))),
        rssMib: mounts.map((mount) => mount.rssMib()),
      },
      null,
      2,
    )}\n`,
  );
  for (const mount of mounts) await mount.stop();
} finally {
  await emulator.close();
  await rm(folder, { recursive: true, force: true });
}
