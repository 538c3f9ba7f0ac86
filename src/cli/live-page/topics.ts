import { join } from 'node:path';
import type { Clock } from '../../clock.ts';
import { runPageParts } from '../../fl/report/run-page.ts';
import { runListParts } from '../../fl/report/runs-page.ts';
import { isRunFolderName } from '../../fl/round/run-folder.ts';
import { type Look, watchRun } from '../look-at-run.ts';
import type { Watcher } from '../watch-loop.ts';
import { LiveTopic, type Rendering } from './live-topic.ts';
import { runNamesIn, watchRuns } from './run-list.ts';

export interface TopicsOptions {
  /** The folder of one run, or of several. */
  readonly folder: string;
  readonly kind: 'run' | 'runs';
  readonly checkpoints: 'none' | 'index' | 'whole';
  readonly clock: Clock;
  /** A name that no other topic has. */
  readonly newLife: () => string;
}

/** A page's place below the token: its topic, and the way to the list of runs. */
export interface Found {
  readonly topic: LiveTopic;
  readonly up: string | null;
}

/** How often an open run's durations are told anew. Units: milliseconds. */
const REFRESH_MS = 15_000;

function renderingOf({ inspection, finalModel, problem }: Look): Rendering {
  const facts = problem === null ? [] : [['index of the mount', problem] as const];
  return () => runPageParts({ inspection, finalModel, accuracy: null, facts, isServed: true });
}

/** The runs of a folder; none where it is out of reach, which its own page tells. */
const namesIn = (folder: string) => runNamesIn(folder).catch((): readonly string[] => []);

/** The pages of one server: each is watched from its first reader on, until its last one is gone. */
export class Topics {
  readonly #options: TopicsOptions;
  readonly #topics = new Map<string, LiveTopic>();

  constructor(options: TopicsOptions) {
    this.#options = options;
  }

  /** The page at a place: '' for the first one, 'runs/NAME/' for a run of a list; undefined where there is none. */
  async at(place: string): Promise<Found | undefined> {
    const { folder, kind } = this.#options;
    if (place === '')
      return { topic: this.#topic('', (watcher) => this.#watch(kind, folder, watcher)), up: null };
    const name = /^runs\/([^/]+)\/$/.exec(place)?.[1] ?? '';
    // Names of runs are digits, dashes and underscores: nothing in an address that has to be decoded is one.
    if (kind === 'run' || !isRunFolderName(name) || !(await namesIn(folder)).includes(name)) return undefined;
    const topic = this.#topic(name, (watcher) => this.#watch('run', join(folder, name), watcher));
    return { topic, up: '../../' };
  }

  /** End every page. */
  close(): void {
    for (const topic of this.#topics.values()) topic.close();
    this.#topics.clear();
  }

  #watch(kind: 'run' | 'runs', folder: string, watcher: Watcher<Rendering>): Promise<void> {
    const { checkpoints } = this.#options;
    if (kind === 'runs')
      return watchRuns(folder, { ...watcher, onLook: (list) => watcher.onLook(() => runListParts(list)) });
    return watchRun(folder, {
      ...watcher,
      checkpoints,
      pastEnd: true,
      refreshMs: REFRESH_MS,
      onLook: (look) => watcher.onLook(renderingOf(look)),
    });
  }

  #topic(key: string, watch: (watcher: Watcher<Rendering>) => Promise<void>): LiveTopic {
    const known = this.#topics.get(key);
    if (known !== undefined) return known;
    const { clock, newLife } = this.#options;
    const topic = new LiveTopic({ clock, life: newLife(), watch, onIdle: () => this.#topics.delete(key) });
    this.#topics.set(key, topic);
    return topic;
  }
}
