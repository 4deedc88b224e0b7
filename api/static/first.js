// Stands in the page itself and runs before the first paint: the theme that was chosen does not flash, and what the page is about
// is asked for while its modules are still on their way.
(() => {
  const root = document.documentElement;
  const { page, base } = root.dataset;
  const stored = (store, key) => {
    try {
      return globalThis[store].getItem(key);
    } catch {
      return null; // the browser forbids storage here
    }
  };
  const theme = stored("localStorage", "theme");
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;

  // a phone that never had the fonts gets the words first, in its own: fonts would share a slow line with them. It fetches them
  // for the pages to come, once this one has all that it needs; nothing moves on it
  if (stored("localStorage", "fonts") === null && matchMedia("(width < 48rem)").matches) {
    root.dataset.fonts = "own";
    addEventListener("load", () => setTimeout(fetchFonts, 5000));
  }

  // the page's modules did not come, as while a server is started again: the page is loaded anew as soon as they do
  const again = /** @type {any} */ (performance.getEntriesByType("navigation")[0])?.type === "reload";
  addEventListener("error", ({ target }) => target instanceof HTMLScriptElement && target.type === "module" && awaitModule(target.src, again ? 5000 : 1000), true);

  const [one, two] = location.pathname.match(/[0-9a-f]{8}-[0-9a-f-]{27}/gi) ?? [];
  const asks = {
    task: [`/tasks/${one}`, `/tasks/${one}/events?after=0&limit=500`],
    review: [`/tasks/${one}`, `/tasks/${one}/review`],
    roadmap: [`/roadmaps/${one}`, `/roadmaps/${one}/progress`],
    concept: [`/roadmaps/${one}/concepts/${two}`, `/roadmaps/${one}`, `/roadmaps/${one}/progress`],
  };
  /** What of an answer is asked for next. */
  const then = {
    task: [`/tasks/${one}`, ({ roadmap_id: id }) => id && `/roadmaps/${id}`],
    roadmap: [`/roadmaps/${one}`, ({ task_id: id }) => `/tasks/${id}`],
  };
  const token = stored("sessionStorage", "roadmap.token");
  const early = (globalThis.early = new Map());
  (asks[page] ?? []).forEach(ask);

  function awaitModule(address, wait) {
    const words = document.querySelector(".skeleton [role]");
    if (words) words.textContent = "The server does not answer at the moment. The page goes on by itself.";
    setTimeout(async () => {
      const answer = await fetch(address, { cache: "reload" }).catch(() => null);
      if (answer?.ok) location.reload();
      else awaitModule(address, Math.min(2 * wait, 15_000));
    }, wait);
  }

  async function fetchFonts() {
    const links = [...document.querySelectorAll("link")].filter((link) => link.as === "font");
    try {
      await Promise.all(links.map(({ href }) => fetch(href, { priority: "low" })));
      localStorage.setItem("fonts", "fetched");
    } catch {
      // then the next page does without them, too
    }
  }

  function ask(path) {
    if (early.has(`/api/v1${path}`)) return; // the page was quicker: an answer that nobody awaits grows old
    const answer = fetch(`${base}/api/v1${path}`, {
      headers: { Accept: "application/json", ...(token && { Authorization: `Bearer ${token}` }) },
      cache: "no-store", credentials: "same-origin", referrerPolicy: "no-referrer",
    });
    early.set(`/api/v1${path}`, answer);
    answer.then(async (response) => {
      const [after, next] = then[page] ?? [];
      if (path !== after || !response.ok) return;
      const more = next(await response.clone().json());
      if (more) ask(more);
    }).catch(() => early.delete(`/api/v1${path}`)); // it is asked for once more, and fails where it shows
  }
})();
