// node follow.mjs ADDRESS TOKEN: asks for a roadmap and follows it to its end.
import { RoadmapClient, TERMINAL_EVENTS } from "roadmap-client";

const [baseUrl, token] = process.argv.slice(2);
const client = new RoadmapClient({ baseUrl, token });
const task = await client.createTask({ goal: "Learn chess", review: false });
const seqs = [];
const last = await new Promise((resolve, reject) => {
  const watch = client.watch(task.task_id, {
    onEvent: (event) => {
      seqs.push(event.seq);
      if (!TERMINAL_EVENTS.has(event.type)) return;
      watch.stop();
      resolve(event.type);
    },
    onError: reject,
  });
});
console.log(JSON.stringify({ seqs, last }));
