import { request } from 'node:http';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { errnoOf, messageOf } from '../../../errors.ts';
import type { HttpProxy } from './proxy.ts';
import type { HostPort } from './target.ts';

/** How long the other side may take to show what it is. Units: milliseconds. */
export const PROBE_TIMEOUT_MS = 5_000;

/** A connection, or why there is none. */
export type Route = { readonly socket: Socket } | { readonly fault: string };

const placeText = ({ host, port }: HostPort): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

function faultText({ host, port }: HostPort, error: unknown): string {
  const code = errnoOf(error);
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return `no name server knows the host ${host} (grpc_configuration.target)`;
  if (code === 'ECONNREFUSED')
    return `nothing listens at ${placeText({ host, port })} yet (connection refused)`;
  // Several addresses that all failed come as one error without words.
  const first = error instanceof AggregateError ? error.errors[0] : error;
  if (first !== error) return faultText({ host, port }, first);
  return messageOf(error);
}

function direct(place: HostPort): Promise<Route> {
  return new Promise((resolve) => {
    const socket = connect({ ...place, timeout: PROBE_TIMEOUT_MS });
    socket.on('error', (error) => resolve({ fault: faultText(place, error) }));
    socket.once('timeout', () => {
      socket.destroy();
      resolve({ fault: `nothing answers at ${placeText(place)}` });
    });
    socket.once('connect', () => {
      socket.setTimeout(0);
      resolve({ socket });
    });
  });
}

function through(proxy: HttpProxy, place: HostPort): Promise<Route> {
  const path = placeText(place);
  const login =
    proxy.login === null
      ? {}
      : { 'proxy-authorization': `Basic ${Buffer.from(proxy.login).toString('base64')}` };
  return new Promise((resolve) => {
    const options = { ...proxy.place, method: 'CONNECT', path, headers: { host: path, ...login } };
    const asked = request({ ...options, timeout: PROBE_TIMEOUT_MS });
    asked.once('connect', (response, socket, head) => {
      const { statusCode, statusMessage } = response;
      if (statusCode === 200) {
        if (head.length > 0) socket.unshift(head);
        socket.on('error', () => {});
        resolve({ socket: socket as Socket });
        return;
      }
      socket.destroy();
      resolve({ fault: `it answers ${statusCode} ${(statusMessage ?? '').slice(0, 60)}`.trim() });
    });
    asked.once('response', ({ statusCode }) => {
      asked.destroy();
      resolve({ fault: `it answers ${statusCode}` });
    });
    asked.once('timeout', () => {
      asked.destroy();
      resolve({ fault: 'it does not answer' });
    });
    asked.on('error', (error) => resolve({ fault: faultText(proxy.place, error) }));
    asked.end();
  });
}

/** Reach a place as grpc-js does. Guarantees: resolves within a few seconds. */
export function openRoute(place: HostPort, proxy: HttpProxy | undefined): Promise<Route> {
  return proxy === undefined ? direct(place) : through(proxy, place);
}
