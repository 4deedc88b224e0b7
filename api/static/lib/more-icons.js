/** Icons of what is changed, folded or drawn larger: a page that is only read does without them. */

import { addIcons } from "./dom.js";

export const moreIcons = () => addIcons({
  up: "M12 19V5M6 11l6-6 6 6",
  down: "M12 5v14M6 13l6 6 6-6",
  pencil: "M4 20h4L19 9l-4-4L4 16v4zM13 7l4 4",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  undo: "M9 7 4 12l5 5M4 12h11a5 5 0 0 1 0 10h-2",
  chevron: "M9 6l6 6-6 6",
  redo: "M15 7l5 5-5 5M20 12H9a5 5 0 0 0 0 10h2",
  grip: "M9 6h.01M15 6h.01M9 12h.01M15 12h.01M9 18h.01M15 18h.01",
  comment: "M4 5h16v11H10l-5 4v-4H4z",
});
