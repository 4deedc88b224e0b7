/** Dragging rows by their grips, with a mouse, a pen or a finger; the arrows beside it do the same. */

const EDGE = 80;
const SPEED = 12;

/**
 * @param {any} root Contains `[data-list]` elements with `[data-row]` rows, each with a `.grip`.
 * @param {(move: {row: string, list: string, before: string|null}) => void} dropped
 */
export function dragging(root, dropped) {
  root.addEventListener("pointerdown", (event) => {
    const grip = /** @type {Element} */ (event.target).closest(".grip");
    const row = grip?.closest("[data-row]");
    if (!row || event.button !== 0) return;
    event.preventDefault();
    follow(grip, row, event);
  });

  function follow(grip, row, { pointerId, clientY }) {
    const stop = new AbortController();
    const { signal } = stop;
    let target = null;
    let y = clientY;
    let scrolling = 0;
    grip.setPointerCapture(pointerId);
    row.classList.add("is-dragged");
    grip.addEventListener("pointermove", (event) => {
      y = event.clientY;
      mark(placeAt(event.clientX, y));
      if (!scrolling) scroll();
    }, { signal });
    grip.addEventListener("pointerup", () => end(target), { signal });
    grip.addEventListener("pointercancel", () => end(null), { signal });
    addEventListener("keydown", (event) => event.key === "Escape" && end(null), { signal });

    function scroll() {
      const by = y < EDGE ? -SPEED : y > innerHeight - EDGE ? SPEED : 0;
      scrolling = by ? requestAnimationFrame(scroll) : 0;
      if (by) scrollBy({ top: by, behavior: "instant" });
    }

    function end(place) {
      stop.abort();
      cancelAnimationFrame(scrolling);
      mark(null);
      row.classList.remove("is-dragged");
      if (place && place.before !== row.dataset.row) dropped({ row: row.dataset.row, ...place });
    }

    function mark(place) {
      target = place;
      root.querySelectorAll(".is-drop-before, .is-drop-end").forEach((each) => each.classList.remove("is-drop-before", "is-drop-end"));
      if (!place) return;
      const before = place.before && root.querySelector(`[data-row="${CSS.escape(place.before)}"]`);
      if (before) before.classList.add("is-drop-before");
      else root.querySelector(`[data-list="${CSS.escape(place.list)}"]`)?.classList.add("is-drop-end");
    }
  }

  function placeAt(x, y) {
    const under = document.elementFromPoint(x, y);
    /** @type {HTMLElement|null|undefined} */
    const list = under?.closest("[data-list]") ?? under?.closest(".module")?.querySelector("[data-list]");
    if (!list || !root.contains(list)) return null;
    const rows = [.../** @type {NodeListOf<HTMLElement>} */ (list.querySelectorAll(":scope > [data-row]"))];
    const before = rows.find((each) => {
      const { top, height } = each.getBoundingClientRect();
      return y < top + height / 2;
    });
    return { list: list.dataset.list, before: before?.dataset.row ?? null };
  }
}
