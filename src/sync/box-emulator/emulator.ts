import { randomBytes, randomUUID } from 'node:crypto';
import { type Clock, systemClock } from '../../clock.ts';
import { type Logger, silentLogger } from '../../logger.ts';
import { type Random, randomBelow, seededRandom, systemRandom } from '../../random.ts';
import { Access } from './access/access.ts';
import { type Application, ApplicationRegistry, fullGrant, generateAppKey } from './auth/application.ts';
import type { Addresses, Box } from './box.ts';
import { BoxClock } from './box-clock.ts';
import { DownloadLinks } from './content/download-links.ts';
import { Faults } from './control/faults.ts';
import { Statistics } from './control/statistics.ts';
import { EventFeed } from './events/event-feed.ts';
import { LongPolls } from './events/long-polls.ts';
import { Dispatcher } from './http/dispatcher.ts';
import { type Listener, listen } from './http/listener.ts';
import { RateLimits } from './http/rate-limits.ts';
import { BlockedSubtrees } from './operations/blocked-subtrees.ts';
import { Reservations } from './operations/reservations.ts';
import { allRoutes } from './routes/all-routes.ts';
import type { SettingValues } from './setting-values.ts';
import { Settings } from './settings.ts';
import { openStore } from './store/store.ts';

/** How the emulator is to run; every setting may be changed later at `/_emulator/settings`. */
export interface EmulatorOptions extends Partial<SettingValues> {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** 0 (default) takes any free port. */
  readonly port?: number;
  /** The second origin's port, from which downloads, session uploads and the long poll are served; 0 (default) takes any. */
  readonly edgePort?: number;
  /** Where everything is kept; absent: in a temporary folder that goes away on close. */
  readonly dataDir?: string;
  /** Whether `/_emulator/` answers. Default true. */
  readonly control?: boolean;
  /** Makes all ids, those of tokens and events too, and faults by probability, reproducible. */
  readonly seed?: number;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
}

/** Box's JWT configuration file, with the addresses of this emulator. */
export interface BoxKeyFile {
  readonly boxAppSettings: {
    readonly clientID: string;
    readonly clientSecret: string;
    readonly appAuth: {
      readonly publicKeyID: string;
      readonly privateKey: string;
      readonly passphrase: string;
    };
  };
  readonly enterpriseID: string;
  readonly baseUrls: { readonly api: string; readonly upload: string; readonly oauth2: string };
}

/** An emulator that answers. */
export interface RunningEmulator {
  /** The API's base address, without a trailing slash. */
  readonly url: string;
  readonly configuration: BoxKeyFile;
  readonly enterpriseId: string;
  readonly adminUserId: string;
  readonly serviceAccountId: string;
  /** Stop, and release everything. Idempotent. */
  close(): Promise<void>;
}

/**
 * Start a Box of one enterprise with an administrator, one authorised app and its service account.
 *
 * Guarantees: with `dataDir` everything that was answered survives the process, however it ends.
 * Errors: ConfigError for options out of range or an address that is taken; CorruptError for foreign data.
 */
export async function startEmulator(options: EmulatorOptions = {}): Promise<RunningEmulator> {
  const { host = '127.0.0.1', port = 0, edgePort = 0, dataDir, control = true, seed } = options;
  const { clock = systemClock(), logger = silentLogger } = options;
  const random = options.random ?? (seed === undefined ? systemRandom() : seededRandom(seed));
  const settings = settingsFrom(options);
  const boxClock = new BoxClock(clock, settings);
  // Of its own, so that faults by probability strike alike whether the store is new or not.
  const idRandom = seed === undefined ? systemRandom() : seededRandom(seed);
  const store = await openStore(dataDir, idRandom);
  const closers: (() => Promise<void> | void)[] = [() => store.close()];
  const close = once(async () => {
    for (const each of closers.reverse()) await each();
  });
  try {
    const application =
      ApplicationRegistry.load(store.meta) ??
      (await firstApplication({ store, clock: boxClock, settings, random: idRandom }));
    const faults = new Faults(random);
    const tamper = (type: string, userId: number) => faults.tamper(type, store.users.get(userId));
    const feed = new EventFeed({ store, clock: boxClock, settings, random, tamper });
    const polls = new LongPolls({ store, clock: boxClock, settings, feed, random });
    closers.push(() => {
      polls.close();
      feed.close();
    });
    let addresses: Addresses = { api: '', edge: '' };
    const box: Box = {
      store,
      settings,
      clock: boxClock,
      random,
      logger,
      application,
      access: new Access(store, boxClock),
      feed,
      polls,
      faults,
      links: new DownloadLinks(random, boxClock),
      blocked: new BlockedSubtrees(),
      reservations: new Reservations(),
      statistics: new Statistics(),
      limits: new RateLimits(boxClock, settings),
      addresses: () => addresses,
    };
    const dispatcher = new Dispatcher(box, allRoutes(box), control);
    const open = async (wanted: number): Promise<Listener> => {
      const listener = await listen(
        host,
        wanted,
        (request, response) => void dispatcher.handle(request, response),
      );
      closers.push(() => listener.close());
      return listener;
    };
    const [api, edge] = [await open(port), await open(edgePort)];
    const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
    addresses = { api: `http://${name}:${api.port}`, edge: `http://${name}:${edge.port}` };
    feed.publishDue();
    store.tokens.prune(boxClock.now());
    return describe(application.current, addresses.api, close);
  } catch (error) {
    await close();
    throw error;
  }
}

function settingsFrom(options: EmulatorOptions): Settings {
  const { host, port, edgePort, dataDir, control, seed, clock, random, logger, ...values } = options;
  return new Settings(values);
}

function once(action: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= action();
    return done;
  };
}

function describe(app: Application, url: string, close: () => Promise<void>): RunningEmulator {
  return {
    url,
    configuration: {
      boxAppSettings: {
        clientID: app.clientId,
        clientSecret: app.clientSecret,
        appAuth: { publicKeyID: app.publicKeyId, privateKey: app.privateKeyPem, passphrase: app.passphrase },
      },
      enterpriseID: String(app.enterpriseId),
      baseUrls: { api: url, upload: `${url}/api`, oauth2: `${url}/api/oauth2` },
    },
    enterpriseId: String(app.enterpriseId),
    adminUserId: String(app.adminUserId),
    serviceAccountId: String(app.serviceAccountId),
    close,
  };
}

/** The enterprise as a new one looks: an administrator, an app that he authorised, and its service account. */
async function firstApplication({
  store,
  clock,
  settings,
  random,
}: Pick<Box, 'store' | 'clock' | 'settings' | 'random'>): Promise<ApplicationRegistry> {
  const key = await generateAppKey();
  return store.transaction(() => {
    const now = clock.now();
    const spaceAmount = settings.values.userSpaceBytes;
    const admin = store.users.insert({
      kind: 'managed',
      role: 'admin',
      name: 'Administrator',
      login: 'admin@emulator.example',
      spaceAmount,
      now,
    });
    const service = store.users.insert({
      kind: 'service',
      name: 'mila-sync app',
      login: `AutomationUser_${randomUUID().slice(0, 8)}_${randomBytes(5).toString('hex')}@boxdevedition.com`,
      spaceAmount,
      now,
    });
    return ApplicationRegistry.create(store.meta, {
      ...key,
      clientId: randomBytes(16).toString('hex'),
      clientSecret: randomBytes(16).toString('hex'),
      keyRevoked: false,
      enabled: true,
      enterpriseId: 900_000_000 + randomBelow(random, 100_000_000),
      adminUserId: admin.id,
      serviceAccountId: service.id,
      configured: fullGrant(),
      authorised: fullGrant(),
    });
  });
}
