import type { Markup } from './html.ts';

/**
 * What keeps a served page fresh: it takes parts from the server's events and changes only what differs, so that the
 * reader's place, focus, selection and opened details stay.
 *
 * Guarantees: speaks with nothing but its own server; markup runs no script, because the page's policy forbids it.
 */
export const LIVE_SCRIPT: Markup = {
  markup: `
'use strict';
(() => {
  const state = document.getElementById('live-state');
  const looked = document.getElementById('live-looked');
  // Longer than any pause between two words of a living server.
  const SILENCE_MS = 25000;
  const RETRY_MS = 3000;
  let source, heardMs = Date.now(), lostMs = null;

  const time = (ms) => new Date(ms).toISOString().slice(0, 19).replace('T', ' ') + ' UTC';
  const say = (word, kind) => {
    if (state.textContent !== word) state.textContent = word;
    state.dataset.kind = kind;
  };
  const lose = () => {
    lostMs ??= heardMs;
    say('Disconnected since ' + time(lostMs), 'lost');
  };
  const hear = () => {
    heardMs = Date.now();
    lostMs = null;
    say('Live', 'live');
  };

  const syncAttributes = (from, to) => {
    for (const { name } of [...from.attributes])
      if (name !== 'open' && !to.hasAttribute(name)) from.removeAttribute(name);
    for (const { name, value } of to.attributes)
      if (name !== 'open' && from.getAttribute(name) !== value) from.setAttribute(name, value);
  };
  const morph = (from, to) => {
    if (from.nodeType === Node.ELEMENT_NODE) syncAttributes(from, to);
    else if (from.nodeValue !== to.nodeValue) from.nodeValue = to.nodeValue;
    morphChildren(from, to);
  };
  const morphChildren = (from, to) => {
    const wanted = [...to.childNodes];
    wanted.forEach((node, index) => {
      const old = from.childNodes[index];
      if (old === undefined) from.append(node);
      else if (old.nodeType !== node.nodeType || old.nodeName !== node.nodeName) old.replaceWith(node);
      else morph(old, node);
    });
    while (from.childNodes.length > wanted.length) from.lastChild.remove();
  };
  const update = ({ parts, lookedAt }) => {
    const place = { left: scrollX, top: scrollY };
    for (const { id, html } of parts) {
      const part = document.querySelector('[data-part="' + CSS.escape(id) + '"]');
      const template = document.createElement('template');
      template.innerHTML = html;
      if (part !== null) morphChildren(part, template.content);
    }
    if (scrollY !== place.top && document.body.scrollHeight > place.top + innerHeight) scrollTo(place);
    looked.textContent = time(lookedAt);
  };

  const connect = () => {
    source = new EventSource('events');
    source.addEventListener('open', hear);
    source.addEventListener('error', lose);
    source.addEventListener('parts', ({ data }) => { hear(); update(JSON.parse(data)); });
    source.addEventListener('looked', ({ data }) => { hear(); looked.textContent = time(JSON.parse(data).lookedAt); });
  };
  setInterval(() => {
    if (Date.now() - heardMs > SILENCE_MS) lose();
    // A browser gives up where the answer is no stream of events: another server may stand there later.
    if (source.readyState === EventSource.CLOSED) connect();
  }, RETRY_MS);
  connect();
})();
`,
};
