/** What one is learning, on the home page: how far one is, and where one goes on. One request for all. */

import { get, noticeRefusal } from "../lib/api.js";
import { h, icon, said, slot } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { ON } from "../lib/place.js";
import { andSkipped } from "../lib/words.js";

const MOST = 3;

export function learningList() {
  const list = slot(h("ul.task-list"));
  const element = h("section.learning-list", { "aria-labelledby": "learning-title", hidden: true },
    h("h2", { id: "learning-title" }, t`You are learning`), list.element);
  let filtered = false;
  let some = false;
  return { element, read, hide };

  async function read() {
    try {
      const { roadmaps } = await get(`/learning?limit=${MOST}`);
      some = roadmaps.length > 0;
      list.show(roadmaps, () => roadmaps.map(row));
      hide(filtered);
    } catch (error) {
      noticeRefusal(error); // the list of tasks says what is wrong
    }
  }

  function hide(is) {
    filtered = is;
    element.hidden = is || !some;
  }
}

function row({ roadmap_id: id, title, language, done, skipped, total, next }) {
  return h("li.learning-row", {},
    h("div", {}, said("a", title, { href: `/roadmaps/${id}`, lang: language || null }),
      h("span.quiet", {}, t`${done} of ${total} done` + andSkipped(skipped))),
    h("a.button", { href: `/roadmaps/${id}/concepts/${next.concept_id}${ON}` },
      h("span", {}, t`Go on: ${said("bdi", next.title, { lang: language || null })}`), icon("arrow")));
}
