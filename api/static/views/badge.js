/** Shows how the page is connected, and the seconds until it tries again. */

import { h, write } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { announce } from "../lib/say.js";
import { TRANSPORT } from "../lib/words.js";

export function badge() {
  /** @type {any} */
  let state = { status: "connecting", transport: "websocket" };
  let was = "";
  const words = h("span");
  const element = h("span.badge", { dataset: { state: "connecting" } }, h("span.badge-dot", { "aria-hidden": "true" }), words);
  draw();
  return {
    element,
    set(next) {
      state = next;
      draw();
    },
    /** Call each second while something counts down. */
    tick() {
      if (state.status === "waiting") draw();
    },
  };

  function draw() {
    const [tone, text] = describe(state);
    element.dataset.state = tone;
    write(words, text);
    element.title = state.status === "live" ? TRANSPORT[state.transport] : "";
    if (tone !== was && (tone === "offline" || was === "offline")) {
      announce(tone === "offline" ? t`Connection lost. It is tried again.` : text);
    }
    was = tone === "connecting" && was === "offline" ? was : tone;
  }
}

function describe({ status, transport, reachable, retryAt }) {
  switch (status) {
    case "live":
      return [transport === "polling" ? "polling" : "live", t`Live`];
    case "waiting": {
      const seconds = Math.max(1, Math.ceil((retryAt - Date.now()) / 1000));
      return reachable
        ? ["connecting", t`Reconnecting in ${seconds} s`]
        : ["offline", t`Offline – retrying in ${seconds} s`];
    }
    case "ended":
      return ["ended", t`Up to date`];
    case "refused":
      return ["offline", t`Not connected`];
    case "stopped":
      return ["ended", t`Not following`];
    default:
      return ["connecting", t`Connecting…`];
  }
}
