import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { messageOf } from '../../errors.ts';
import { renderLivePage } from '../../fl/report/live-page.ts';
import { LIVE_POLICY } from '../../fl/report/page-policy.ts';
import { LOOPBACK, listenOnLoopback } from '../loopback.ts';
import { admit, newToken } from './admission.ts';
import { Topics, type TopicsOptions } from './topics.ts';

interface LiveServerOptions extends TopicsOptions {
  /** 0 for any free one. */
  readonly port: number;
  readonly randomBytes: (count: number) => Buffer;
  /** Told what fails while it serves; the serving goes on. */
  readonly onFailure: (error: unknown) => void;
}

/** A served page. */
export interface LiveServer {
  /** With the token; whoever has it sees the page. */
  readonly url: string;
  close(): Promise<void>;
}

/** On every answer: nothing is kept, nothing is told to other sites, nobody else may use it. */
const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': LIVE_POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;
/** A browser opens six at most; several people may look from one machine. */
const CONNECTIONS_MAX = 200;
const EVENTS = 'events';

function sayText(response: ServerResponse, status: number, words: string): void {
  response.writeHead(status, { ...HEADERS, 'content-type': 'text/plain; charset=utf-8' }).end(`${words}\n`);
}

async function answer(request: IncomingMessage, response: ServerResponse, topics: Topics, place: string) {
  const isStream = place === EVENTS || place.endsWith(`/${EVENTS}`);
  const found = await topics.at(isStream ? place.slice(0, -EVENTS.length) : place);
  if (found === undefined) return sayText(response, 404, 'no such page');
  if (isStream) {
    response.writeHead(200, { ...HEADERS, 'content-type': 'text/event-stream' });
    return request.method === 'HEAD'
      ? void response.end()
      : found.topic.join(response, header(request, 'last-event-id'));
  }
  const page = await found.topic.page();
  if ('trouble' in page) return sayText(response, 503, page.trouble);
  response.writeHead(200, { ...HEADERS, 'content-type': 'text/html; charset=utf-8' });
  response.end(renderLivePage({ ...page, up: found.up }));
}

function header({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}

/**
 * Serve a page about a run, or about the runs of a folder, to this machine.
 *
 * Guarantees: reads only; listens on the loopback address only; answers only who knows the token that this call made.
 * Errors: StateError 'port-taken'.
 */
export async function serveLivePage(options: LiveServerOptions): Promise<LiveServer> {
  const topics = new Topics(options);
  const token = newToken(options.randomBytes);
  const server = createServer();
  server.maxConnections = CONNECTIONS_MAX;
  const port = await listenOnLoopback(server, options.port, '--serve');
  server.on('error', options.onFailure);
  server.on('request', (request, response) => {
    const { method, url, headers } = request;
    const admission = admit({ method, url, host: headers.host }, { token, port });
    if (admission.kind === 'refused') return sayText(response, admission.status, admission.words);
    if (admission.kind === 'moved')
      return void response.writeHead(308, { ...HEADERS, location: admission.location }).end();
    answer(request, response, topics, admission.place).catch((error: unknown) => {
      options.onFailure(error);
      if (response.headersSent) response.destroy();
      else sayText(response, 500, messageOf(error));
    });
  });
  return {
    url: `http://${LOOPBACK}:${port}/${token}/`,
    close: () => {
      topics.close();
      return new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}
