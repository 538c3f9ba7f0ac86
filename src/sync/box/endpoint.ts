/** Segments that name one item: numbers, the long names of upload sessions, and the keys of download addresses. */
const ID = /^(?:\d+|[0-9A-Fa-f]{8,}|[\w-]{20,})$/;

/** What the ledger calls a call: the method and the path with ids replaced, such as "GET /2.0/folders/:id/items". */
export function endpointOf(method: string, url: URL): string {
  // The upload host has "/api" before the version.
  const path = url.pathname.replace(/^\/api(?=\/\d)/, '');
  const segments = path.split('/').map((segment, index) => (index > 1 && ID.test(segment) ? ':id' : segment));
  return `${method} ${segments.join('/')}`;
}
