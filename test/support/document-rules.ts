import type { PlaceKind } from './reader-places.ts';

/** A program that is started before the one that is tried, and stopped after it. */
export interface Companion {
  readonly text: string;
  /** It is waited for until it has said this. */
  readonly says: string;
}

/** A command that ends by itself. */
interface Ends {
  readonly how: 'ends';
  readonly place: PlaceKind;
  /** Files and folders that it must have made, and filled. */
  readonly leaves?: readonly string[];
  /** What must stand in its standard output. */
  readonly tells?: RegExp;
}

/** A command that goes on until it is interrupted, once it has said a word. */
interface Watched {
  readonly how: 'watched';
  readonly place: PlaceKind;
  readonly says: string;
  readonly beside?: readonly Companion[];
  readonly leaves?: readonly string[];
}

/** How a command is tried here. */
export type TriedRule = Ends | Watched;

/** A command that another test runs. */
export interface ElsewhereRule {
  readonly how: 'elsewhere';
  readonly file: string;
}

/** How a document's command is tried. */
export type DocumentRule = TriedRule | ElsewhereRule;

const PACKAGE: ElsewhereRule = { how: 'elsewhere', file: 'scripts/try-package.mjs' };
const SERVER_WAITS = 'waiting for participants';
const CLIENT_WAITS = 'waiting for a run';
const REPLAYED = 'again/federation/first_run/run/cfg.json';
const VERSION = /^\d+\.\d+\.\d+\n$/;

const watched = (place: PlaceKind, says: string, more: Partial<Watched> = {}): Watched => ({
  how: 'watched',
  place,
  says,
  ...more,
});
const ends = (place: PlaceKind, ...leaves: readonly string[]): Ends => ({ how: 'ends', place, leaves });
const tells = (place: PlaceKind, words: RegExp): Ends => ({ how: 'ends', place, tells: words });
const mountOf = (file: string): Companion => ({ text: `mila-sync mount ${file}`, says: 'ready' });

/** How each command of the documents is tried, by document and by what is typed. */
export const DOCUMENT_RULES: Readonly<Record<string, Readonly<Record<string, DocumentRule>>>> = {
  'README.md': {
    'mila init trial --emulator --participants site_a,site_b,site_c --program pytorch': ends(
      'nothing',
      'trial/server.json',
      'trial/site_c.json',
      'trial/train.py',
    ),
    'mila up trial': PACKAGE,
    'mila init federation --no-emulator --transport box --participants site_a,site_b --program pytorch': ends(
      'nothing',
      'federation/server.json',
      'federation/site_b.json',
      'federation/task.json',
    ),
    'mila-sync setup server.json --participant site_a --participant site_b --dry-run': tells(
      'new-box',
      /8 to make/,
    ),
    'mila-sync setup server.json --participant site_a --participant site_b': tells('new-box', /8 made/),
    'mila-sync doctor server.json': tells('federation', /in order/),
    'mila server server.json --mount': watched('federation', SERVER_WAITS),
    'mila client site_a.json --mount': watched('federation', CLIENT_WAITS),
  },
  'docs/configuration.md': {
    'mila config check server.json': ends('federation'),
    'mila config show server.json': tells('federation', /rounds_count/),
    'mila config schema server': tells('nothing', /draft\/2020-12/),
  },
  'docs/emulator.md': {
    'mila-sync emulator --port 8080 --write-config emulator-key.json': watched('nothing', 'ready', {
      leaves: ['emulator-key.json'],
    }),
  },
  'docs/federation.md': {
    'mila server server.json': watched('federation', SERVER_WAITS, { beside: [mountOf('server.json')] }),
    'mila client site_a.json': watched('federation', CLIENT_WAITS, {
      // The server's mount makes the folder that a site's mount waits for.
      beside: [mountOf('server.json'), mountOf('site_a.json')],
    }),
    'mila server server.json --dir /srv/shared': watched('federation', SERVER_WAITS),
  },
  'docs/grpc.md': {
    'mila certificates -o certificates --host server.example.org --client site_a --client site_b': ends(
      'nothing',
      'certificates/root.crt',
      'certificates/server.key',
      'certificates/site_b.crt',
    ),
    'mila server server.json --metrics-port 9100': watched('grpc', SERVER_WAITS),
    'mila client site_a.json': watched('grpc', 'taking part', {
      beside: [{ text: 'mila server server.json', says: SERVER_WAITS }],
    }),
    'mila demo --transport grpc': { how: 'elsewhere', file: 'test/e2e/demo.test.ts' },
  },
  'docs/inspect.md': {
    'mila-sync inspect RUN_DIR': tells('federation', /site_a/),
    'mila-sync inspect RUN_DIR --json': tells('federation', /^\{.*"ending":/s),
    'mila-sync inspect RUN_DIR --html report.html': ends('federation', 'report.html'),
    'mila-sync inspect RUN_DIR --watch': watched('federation', 'site_a'),
    'mila-sync inspect RUN_DIR --serve': watched('federation', 'http://127.0.0.1:'),
    'mila-sync inspect SAVE_PATH --serve 8090': watched('federation', 'http://127.0.0.1:'),
  },
  'docs/install.md': {
    'mila --version': tells('nothing', VERSION),
    'mila demo --rounds 1': PACKAGE,
    'npx mila-sync --version': tells('project', VERSION),
    'mila-sync mount server.json --print-unit > ~/.config/systemd/user/mila-sync-server.service': ends(
      'federation',
      'home/.config/systemd/user/mila-sync-server.service',
    ),
    'mila server server.json --print-unit > ~/.config/systemd/user/mila-server.service': ends(
      'federation',
      'home/.config/systemd/user/mila-server.service',
    ),
  },
  'docs/recording.md': {
    'mila-sync mount server.json --record session.jsonl.gz': watched('federation', 'ready', {
      leaves: ['session.jsonl.gz', 'session.jsonl.gz.contents'],
    }),
    'mila-sync replay session.jsonl.gz --dir /tmp/again': ends('recording', REPLAYED),
    'mila-sync replay session.jsonl.gz --dir /tmp/again --speed 60': ends('recording', REPLAYED),
    'mila-sync replay session.jsonl.gz --dir /tmp/again --step': watched('recording', 'Enter: go on'),
    'mila-sync replay session.jsonl.gz --dir /tmp/again --until +90': ends('recording', REPLAYED),
    'mila-sync replay session.jsonl.gz --into http://127.0.0.1:8080': tells('recording', /changes played/),
  },
  'docs/tracking.md': {
    'mila-sync export RUN_DIR --tensorboard logs': tells(
      'federation',
      /^logs\/finished_run\/events\.out\.tfevents/,
    ),
    'mila-sync export RUN_DIR --csv numbers.csv': ends('federation', 'numbers.csv'),
    'mila-sync export RUN_DIR --csv numbers.csv --json': tells('federation', /"csv":"numbers.csv"/),
  },
  'docs/training-program.md': {
    'mila init trial --transport dir --participants site_a,site_b --program pytorch': ends(
      'nothing',
      'trial/train.py',
    ),
    'mila up trial': PACKAGE,
    'mila checkpoint show /tmp/out/model.pt': tells('federation', /float32/),
    'mila checkpoint verify /tmp/out/model.pt': ends('federation'),
    'mila aggregate --output /tmp/aggregate.pt /tmp/out/model.pt /tmp/out/model.pt': ends(
      'federation',
      'aggregate.pt',
    ),
    'mila config check site_a.json': ends('federation'),
  },
  'examples/README.md': {
    'mila up trial': PACKAGE,
  },
};
