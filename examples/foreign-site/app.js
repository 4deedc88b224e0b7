// The API must list this page's origin in ROADMAP_CORS_ORIGINS.

const form = document.querySelector("form");
const state = document.getElementById("state");
const bar = document.getElementById("bar");
const log = document.getElementById("log");
const given = new URLSearchParams(location.search).get("api");
if (given) form.elements.api.value = given;

let watch = null;

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  watch?.stop();
  log.replaceChildren();
  const { api, token, goal } = Object.fromEntries(new FormData(form));
  try {
    // the module comes from the API itself, so that both always fit together
    const { RoadmapClient } = await import(new URL("/static/roadmap-client.js", api).href);
    const client = new RoadmapClient({ baseUrl: api, token: token || null });
    const task = await client.createTask({ goal, review: false });
    watch = client.watch(task.task_id, {
      onEvent: ({ seq, message, progress }) => {
        bar.max = progress.total || 1;
        bar.value = progress.done;
        const line = document.createElement("li");
        line.value = seq;
        line.textContent = message; // texts of a language model: never as HTML
        log.append(line);
      },
      onState: ({ status, transport }) => {
        state.textContent = transport ? `${status} by ${transport}` : status;
      },
      onError: (error) => {
        state.textContent = error.message;
      },
    });
  } catch (error) {
    state.textContent = `${error.message} Is this page's origin in ROADMAP_CORS_ORIGINS?`;
  }
});
