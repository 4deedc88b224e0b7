// node hook.mjs ADDRESS TOKEN: renders a component that follows a task, until the task has ended.
import { createElement } from "react";
import { act, create } from "react-test-renderer";
import { RoadmapClient } from "roadmap-client";
import { useRoadmapTask } from "roadmap-client/react";

globalThis.IS_REACT_ACT_ENVIRONMENT = true;
console.error = () => {}; // the renderer says that it is deprecated
const [baseUrl, token] = process.argv.slice(2);
const client = new RoadmapClient({ baseUrl, token });
let told;

function Progress({ taskId }) {
  told = useRoadmapTask(client, taskId);
  if (!told.task) return "nothing yet";
  return `${told.task.status} ${told.task.progress.percent} %: ${told.message}`;
}

async function until(condition, renderer) {
  const end = Date.now() + 60_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`never: ${condition} ${JSON.stringify(told)}`);
    await act(() => new Promise((resolve) => setTimeout(resolve, 20)));
  }
  return renderer.toJSON();
}

async function mounted(taskId) {
  let renderer;
  await act(async () => {
    renderer = create(createElement(Progress, { taskId }));
  });
  return renderer;
}

const { task_id: taskId } = await client.createTask({ goal: "Learn chess", review: false });
const idle = await mounted(null);
const server = idle.toJSON();
await act(async () => idle.unmount());
let renderer = await mounted(taskId);
await until(() => told.events.length > 3, renderer);
const before = told.events.length;
await act(async () => renderer.update(createElement(Progress, { taskId })));
if (told.events.length < before) throw new Error("a new render forgot events");
const rendered = await until(() => told.connection?.status === "ended", renderer);
const { task, events } = told;
await act(async () => renderer.unmount());
renderer = await mounted("00000000-0000-7000-8000-000000000000");
await until(() => told.error, renderer);
const missing = told.error.status;
await act(async () => renderer.unmount());
const again = await client.createTask({ goal: "Learn SQL", review: false });
renderer = await mounted(again.task_id);
await until(() => told.events.some(({ type }) => type === "content_started"), renderer);
const path = `/api/v1/tasks/${again.task_id}`;
await client.http.request(`${path}/cancel`, { method: "POST" });
await until(() => told.connection?.status === "ended" && told.task.finished_at, renderer);
await client.http.request(`${path}/retry`, { method: "POST" });
await act(async () => told.resume());
await until(() => told.task.attempt === 2, renderer);
const retried = told.task.finished_at ?? told.task.status;
await act(async () => renderer.unmount());
console.log(JSON.stringify({
  status: task.status, percent: task.progress.percent, seqs: events.map(({ seq }) => seq),
  rendered, missing, server, retried,
}));
