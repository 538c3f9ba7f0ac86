import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { basename } from 'node:path';

/** Processes that the system does not show, and those that end meanwhile, tell nothing. */
function quietly<Result>(look: () => Result): Result | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

const ACCESS_MODE = 0o3;
const OCTAL = 8;

/** Whether a descriptor may write. Source: proc(5), fdinfo: `flags` are those of open(2), octal. */
function mayWrite(pid: string, descriptor: string): boolean {
  const info = quietly(() => readFileSync(`/proc/${pid}/fdinfo/${descriptor}`, 'latin1')) ?? '';
  const flags = /^flags:\s*([0-7]+)/m.exec(info)?.[1];
  return flags !== undefined && (Number.parseInt(flags, OCTAL) & ACCESS_MODE) !== 0;
}

/** What names a file on this machine, also where a container knows it under another path. */
function keyOf(path: string): string | undefined {
  const stats = quietly(() => statSync(path, { bigint: true }));
  return stats === undefined ? undefined : `${stats.dev}:${stats.ino}`;
}

function nameOf(pid: string): string {
  const command = quietly(() => readFileSync(`/proc/${pid}/comm`, 'utf8'))?.trim();
  return `process ${pid}${command === undefined ? '' : ` (${command})`}`;
}

/**
 * Which of these files somebody holds open for writing, and who.
 *
 * Guarantees: never wrong about a file that it names; a process of another user, or on another machine, is not seen.
 * Empty where the system has no procfs. Costs a look at each descriptor of each process: milliseconds.
 */
export function writersOf(paths: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const wanted = new Map<string, string>();
  for (const path of paths) {
    const key = keyOf(path);
    if (key !== undefined) wanted.set(key, path);
  }
  const names = new Set(paths.map((path) => basename(path)));
  for (const { pid, descriptor } of descriptorsNamed(names)) {
    const path = wanted.get(keyOf(`/proc/${pid}/fd/${descriptor}`) ?? '');
    if (path !== undefined && mayWrite(pid, descriptor)) found.set(path, nameOf(pid));
  }
  return found;
}

/** The descriptors of other processes that are of files of these names: the name says cheaply that most are not. */
function* descriptorsNamed(names: ReadonlySet<string>) {
  const own = String(process.pid);
  for (const pid of quietly(() => readdirSync('/proc')) ?? []) {
    if (!/^\d+$/.test(pid) || pid === own) continue;
    for (const descriptor of quietly(() => readdirSync(`/proc/${pid}/fd`)) ?? []) {
      const target = quietly(() => readlinkSync(`/proc/${pid}/fd/${descriptor}`));
      if (target !== undefined && names.has(basename(target))) yield { pid, descriptor };
    }
  }
}

/** True where the system tells which files are open. */
export function canTellWriters(): boolean {
  return quietly(() => readdirSync('/proc/self/fd')) !== undefined;
}
