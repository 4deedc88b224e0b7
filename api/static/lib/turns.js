/** Much to do, in turns: between them the page draws itself and answers. */

const TURN_MS = 40;

/**
 * Do something for each of many things: for the first of them at once, for the rest in turns.
 *
 * @param {any[]} things
 * @param {(thing: any) => void} does
 * @param {number} first
 * @returns {Promise<void>} When all is done.
 */
export async function inTurns(things, does, first) {
  things.slice(0, first).forEach(does);
  for (let at = first, until = 0; at < things.length; at += 1) {
    if (performance.now() > until) {
      await pause();
      until = performance.now() + TURN_MS;
    }
    does(things[at]);
  }
}

/** Let everything else have a turn; a timer would be slowed down where it is set again and again. */
function pause() {
  const { port1, port2 } = new MessageChannel();
  return /** @type {Promise<void>} */ (new Promise((resolve) => {
    port1.onmessage = () => resolve();
    port2.postMessage(null);
  }));
}
