/**
 * What an installation of the packed program costs: bytes on the way, bytes on the disk with everything it brings, and
 * how long the overview takes to appear, beside a Node that does nothing. Wants a registry of packages. Words: a package
 * that was packed already.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BenchContext, type Figure, isMet, median } from './figure.ts';

const SCRIPT = fileURLToPath(new URL('../scripts/try-package.mjs', import.meta.url));
/** Starts are short, and the first one reads from the disk. */
const STARTS = 9;
const INSTALLED_MAX_MB = 130;
const TARBALL_MAX_MB = 16;
/** Of what a Node that does nothing takes. */
const START_MAX_RATIO = 3;

interface Sizes {
  readonly package: string;
  readonly tarball_mb: number;
  readonly package_mb: number;
  readonly installed_mb: number;
}

function secondsOf(args: readonly string[]): number {
  const startedMs = performance.now();
  execFileSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  return (performance.now() - startedMs) / 1000;
}

/** Install, and measure. */
export async function measure({ folder, words, report: tell, note }: BenchContext): Promise<void> {
  // These are limits and no goals: nothing of another program's speed or of the machine excuses a miss.
  const report = (figure: Figure) => {
    tell(figure);
    if (isMet(figure) !== false) return;
    note(`${figure.what} is beyond its limit`);
    process.exitCode = 1;
  };
  const tarball = words[0] === undefined ? [] : ['--tarball', words[0]];
  const { stdout, status } = spawnSync(process.execPath, [SCRIPT, '--sizes', folder, ...tarball], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`the package cannot be installed: ${stdout}`);
  if (stdout.startsWith('skipped')) return note(stdout.trim());
  const sizes = JSON.parse(stdout) as Sizes;
  const size = (what: string, value: number, atMost?: number) =>
    report({
      what,
      value,
      unit: 'MB',
      ...(atMost === undefined ? {} : { goal: { of: 'value' as const, atMost } }),
    });
  size('install: the package, packed', sizes.tarball_mb, TARBALL_MAX_MB);
  size('install: the package, unpacked', sizes.package_mb);
  size('install: with everything it brings', sizes.installed_mb, INSTALLED_MAX_MB);
  for (const program of ['mila', 'mila-sync']) {
    const overview = [join(sizes.package, 'dist', 'cli', `${program}.js`), '--help'];
    const runs = Array.from({ length: STARTS }, () => [secondsOf(overview), secondsOf(['-e', '0'])] as const);
    report({
      what: `install: ${program} --help`,
      value: median(runs.map(([own]) => own)),
      unit: 's',
      rival: { name: 'node -e 0', value: median(runs.map(([, idle]) => idle)) },
      goal: { of: 'ratio', atMost: START_MAX_RATIO },
    });
  }
}
