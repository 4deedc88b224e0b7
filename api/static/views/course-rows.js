/** What the page of a roadmap does with the rows of its outline: it shows some of them, and the focus goes from one to the next. */

/** @param {{whole: Promise<void>, rows: Map<string, any>, stages: any[]}} outline As `course` returns it. */
export function courseRows({ whole, rows, stages }) {
  let sought = null;
  whole.then(() => sought && find(sought)); // those that were drawn since
  return { find, step, focused };

  /** Show only what was found, each with what was found of it; everything for null. Return how many there are. */
  function find(hits) {
    sought = hits;
    for (const [id, { element }] of rows) {
      element.hidden = hits !== null && !hits.has(id);
      element.querySelector(".found")?.remove();
      element.append(...[hits?.get(id)].filter(Boolean));
    }
    for (const stage of stages) {
      for (const module of stage.modules) module.element.hidden = module.concepts.every((each) => rows.get(each.concept_id)?.element.hidden);
      stage.element.hidden = stage.modules.every((module) => module.element.hidden);
    }
    return hits?.size ?? rows.size;
  }

  /** Move the focus by so many concepts that are shown. */
  function step(by) {
    const shown = [...rows.values()].filter(({ element }) => !element.hidden);
    const at = shown.findIndex(({ element }) => element.contains(document.activeElement));
    const next = shown[Math.max(0, Math.min(shown.length - 1, at < 0 ? 0 : at + by))];
    next?.link.focus();
  }

  /** The concept whose row has the focus, if one has. */
  function focused() {
    return [...rows.values()].find(({ element }) => element.contains(document.activeElement))?.concept;
  }
}

