/** Reads anew what events only point to. */

import { noticeRefusal } from "./api.js";
import { isAway } from "./presence.js";

const AGAIN_MS = 2_000;

/**
 * Return what to call when something changed. One reading at a time: of two at once the older answer may come last.
 * What is asked for meanwhile is read once more afterwards; what failed is read again, for perhaps no event comes
 * for hours that would have it read.
 *
 * @param {() => Promise<void>} read
 */
export function settling(read) {
  let wanted = false;
  let running = null;
  return settle;

  function settle() {
    wanted = true;
    return (running ??= readAll().finally(() => (running = null)));
  }

  async function readAll() {
    while (wanted) {
      wanted = false;
      await read().catch(failed);
    }
  }

  async function failed(error) {
    noticeRefusal(error);
    if (error.status === 401 || error.status === 404) return;
    if (await isAway()) addEventListener("online", settle, { once: true });
    else setTimeout(settle, AGAIN_MS);
  }
}
