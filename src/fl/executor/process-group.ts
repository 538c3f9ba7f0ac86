import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What the system tells of a process: fields of /proc/PID/stat after the name. Source: proc_pid_stat(5). */
const FIELD = { state: 0, group: 2, startedAt: 19 } as const;

async function statOf(pid: string): Promise<readonly string[] | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    // No procfs (macOS), or no such process.
    return undefined;
  }
}

/**
 * When a process began, as the system words it; undefined when it does not run or nobody can tell.
 * A process id alone is given again; together with its start it names one process.
 */
export async function startOf(pid: number): Promise<string | undefined> {
  const stat = await statOf(String(pid));
  if (stat !== undefined) return stat[FIELD.startedAt];
  const { stdout } = await run('ps', ['-o', 'lstart=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
  return stdout.trim() || undefined;
}

/** Which start of this machine it is: ids of processes begin anew with each. Undefined where nobody can tell. */
export async function bootOf(): Promise<string | undefined> {
  const text = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return text.trim() || undefined;
}

/** The processes of a group that still run; one that only waits to be reaped does not. */
export async function groupMembers(group: number): Promise<readonly number[]> {
  const names = await readdir('/proc').catch(() => []);
  const pids = names.filter((name) => /^\d+$/.test(name));
  if (pids.length === 0) return groupMembersByPs(group);
  const stats = await Promise.all(pids.map(async (pid) => ({ pid: Number(pid), stat: await statOf(pid) })));
  return stats
    .filter(({ stat }) => stat?.[FIELD.group] === String(group) && !/^[ZX]/.test(stat[FIELD.state] ?? ''))
    .map(({ pid }) => pid);
}

async function groupMembersByPs(group: number): Promise<readonly number[]> {
  const { stdout } = await run('ps', ['-A', '-o', 'pid=,pgid=,stat=']).catch(() => ({ stdout: '' }));
  return stdout.split('\n').flatMap((line) => {
    const [pid, pgid, state = ''] = line.trim().split(/\s+/);
    return Number(pgid) === group && !state.startsWith('Z') ? [Number(pid)] : [];
  });
}
