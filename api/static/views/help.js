/** What helps on every page: its keys, and the language of the interface. Fetched when it is asked for. */

import { h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";

/** @param {{commands: () => any[], keyCap: (keys: string) => any, languages: () => any}} page What the page knows. */
export function openHelp({ commands, keyCap, languages }) {
  const dialog = h("dialog.dialog.keys-dialog", { "aria-labelledby": "keys-title", onclose: () => dialog.remove() },
    h("h2", { id: "keys-title" }, t`Keys`),
    h("dl.keys", {}, commands().map(({ keys, words }) => h("div", {}, h("dt", {}, keyCap(keys)), h("dd", {}, words)))),
    h("p.field", {}, h("label", {}, t`Language of these pages`, languages())),
    h("form", { method: "dialog" }, h("button.button.is-primary", { type: "submit" }, t`Close`)));
  document.body.append(dialog);
  dialog.showModal();
}
