/** A small sign-in: a one-time address signs the browser in, or a token is pasted here. */

import { call, inWords } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { signIn, signOut } from "../lib/session.js";

let open = null;

/** Ask for a token, once; the page is loaded anew with it. */
export function askForToken() {
  if (open) return;
  const field = h("input", {
    id: "token", type: "password", autocomplete: "off", required: true, spellcheck: false,
    "aria-describedby": "token-help",
  });
  const problem = h("p.field-error", { role: "alert" });
  const form = h("form", { method: "dialog", onsubmit: submit },
    h("h2", { id: "signin-title" }, t`Sign in`),
    h("p", { id: "token-help" }, t`This server asks who you are. On its own machine, run ${h("code", {}, "roadmap open")} and open the address that it prints. Elsewhere, paste the token that its operator gave you; it stays in this tab only.`),
    h("label", { htmlFor: "token" }, t`Token`), field, problem,
    h("button.button.is-primary", { type: "submit" }, t`Sign in`));
  open = h("dialog.dialog", { "aria-labelledby": "signin-title", oncancel: (event) => event.preventDefault(), onclose: closed }, form);
  document.body.append(open);
  open.showModal();

  /** Browsers let a second Escape close it all the same: whatever is refused next asks again. */
  function closed() {
    open.remove();
    open = null;
  }

  async function submit(event) {
    event.preventDefault();
    problem.textContent = "";
    // as it stands in a header, or in a file of settings
    if (!signIn(field.value.trim().replace(/^bearer\s+|["']/gi, ""))) {
      problem.textContent = t`This browser lets the page keep nothing, not even the token: allow cookies and site data for this address.`;
      return;
    }
    try {
      await call("/notifications/unread-count");
      location.reload();
    } catch (error) {
      signOut();
      problem.textContent = error.status === 401 ? t`This token is not valid here, or has expired.` : inWords(error);
      field.select();
    }
  }
}
