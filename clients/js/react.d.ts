/** React's view of a task. Needs React 18 or newer. */

import type { ApiError, ConnectionState, RoadmapClient, Task, TaskEvent } from "./dist/roadmap-client.js";

export interface FollowedTask {
  /** The task as it is now; null until it is read. Its status and progress follow the events. */
  task: Task | null;
  /** Every committed event so far, in order, each once. */
  events: readonly TaskEvent[];
  /** The last of them. */
  event: TaskEvent | null;
  /** What the last event says, for people. */
  message: string;
  /** How it is connected; null before the first try. */
  connection: ConnectionState | null;
  /** The server refused: not signed in (401), not there (404). Nothing is tried again. */
  error: ApiError | null;
  /** Look again at once, also after the end (the task was retried) or an error (there is another token). */
  resume(): void;
}

/**
 * Follow a task while the component is mounted. Give the same client each time (a module's constant
 * or `useMemo`); a null id follows nothing.
 */
export function useRoadmapTask(client: RoadmapClient, taskId: string | null | undefined): FollowedTask;
