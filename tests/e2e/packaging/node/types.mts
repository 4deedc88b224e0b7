// tsc --noEmit types.mts: a program as users write it, checked against the packed declarations.
import {
  RoadmapClient, TERMINAL_EVENTS, type ConceptPage, type ContentDelta, type ContentKind,
  type EventType, type InboxPage, type Notification, type Progress, type Roadmap, type Status,
  type Step, type Task, type TaskEvent, type TaskRequest,
} from "roadmap-client";
import { useRoadmapTask, type FollowedTask } from "roadmap-client/react";

const client = new RoadmapClient({ baseUrl: "http://127.0.0.1:8000", token: "t" });
const request: TaskRequest = { goal: "Learn chess", preferences: { level: "beginner" } };
const task: Task = await client.createTask(request, { idempotencyKey: "k" });
const status: Status = task.status;
const step: Step | undefined = task.error?.step;
const kinds: string[] = task.failed_contents.map((content) => content.kind);
const shown = (roadmap: Roadmap): ContentKind[] => roadmap.kinds.map((kind) => kind.name);
const links: (string | null)[] = ["self", "events"].map((name) => task.links[name]);
const said = (event: TaskEvent): [EventType, number, Progress, string] =>
  [event.type, event.seq, event.progress, event.data.concept_title];
const piece = (delta: ContentDelta): string => delta.data.text + delta.data.offset.toFixed();
const inbox = (page: InboxPage): Notification[] => page.notifications.filter((n) => !n.read_at);
const titles = (roadmap: Roadmap): string[] =>
  roadmap.stages.flatMap((s) => s.modules.flatMap((m) => m.concepts.map((c) => c.title)));
const markdown = (page: ConceptPage): string => page.tutorial?.markdown ?? page.title;

client.watch(task.task_id, {
  onEvent: (event) => TERMINAL_EVENTS.has(event.type) && console.log(said(event)),
  onDelta: piece,
  onError: (error) => console.log(error.problem.detail, error.problem.errors?.[0]?.field),
});
client.watchInbox({ onSnapshot: inbox });
const followed: FollowedTask = useRoadmapTask(client, task.task_id);
console.log(status, step, kinds, shown, links, titles, markdown, followed.task?.line?.reason);
// @ts-expect-error there is no such field, which tells that the types are those of the package
console.log(task.colour);
