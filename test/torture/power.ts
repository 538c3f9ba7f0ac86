import type { Random } from '../../src/random.ts';
import type { BoxHosts } from './box-hosts.ts';
import type { Site } from './site.ts';

/** What can befall a mount, as `--powers` names it. */
export const POWERS = ['kills', 'holds', 'overtakes', 'swaps', 'unmounts', 'hosts', 'clocks'] as const;
export type PowerName = (typeof POWERS)[number];

/** What a power acts on. */
export interface Stage {
  readonly hosts: BoxHosts;
  /** The longest that a power may last: a share of the whole. Units: milliseconds. */
  readonly lastsMaxMs: number;
  /** Report what a mount did wrong while a power was at work. */
  readonly fault: (text: string) => void;
}

/** Something that befalls a site: everything that chance decides is decided. */
export interface Befall {
  readonly what: string;
  /** Do it, and undo it. */
  run(): Promise<void>;
}

/** One kind of thing that happens to real machines. */
export interface Power {
  readonly name: PowerName;
  readonly weight: number;
  /** What no two powers may have in hand at a time, of one site or of all. */
  readonly takes: 'process' | 'disk' | 'clock' | 'network';
  /** Undefined when it cannot befall this site. */
  draw(site: Site, random: Random): Befall | undefined;
}
