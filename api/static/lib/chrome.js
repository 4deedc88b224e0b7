/** What all pages share: navigation, theme, inbox, account, and what a page that fails shows. */

import { bell } from "../views/bell.js";
import { askForToken } from "../views/signin.js";
import { call, get, inWords, noticeRefusal, onUnauthenticated } from "./api.js";
import { fill, h, icon, to } from "./dom.js";
import { claims, maybeAdmin, signOut, token } from "./session.js";

const main = document.getElementById("main");

/**
 * Put the page together and run it.
 *
 * @param {(main: HTMLElement) => Promise<void>} page Draws into `main`; what it throws is shown.
 */
export async function start(page) {
  onUnauthenticated(askForToken);
  fill(document.getElementById("nav"), links());
  fill(document.getElementById("tools"), themeToggle(), bell(), account());
  try {
    await page(main);
  } catch (error) {
    noticeRefusal(error);
    showFailure(error);
  }
}

/** Return the ids in the address: `/tasks/{0}/…`, `/roadmaps/{0}/concepts/{1}`. */
export function idsInAddress() {
  return location.pathname.match(/[0-9a-f]{8}-[0-9a-f-]{27}/gi) ?? [];
}

export function title(text) {
  document.title = `${text} · Roadmaps`;
}

function links() {
  const wanted = [["/", "Home"]];
  if (maybeAdmin()) wanted.push(["/operations", "Operations"]);
  return wanted.map(([href, text]) =>
    h("a", { href, "aria-current": location.pathname === to(href) ? "page" : null }, text));
}

function showFailure(error) {
  const gone = error.status === 404;
  title(gone ? "Not found" : "Not available");
  fill(main, h("section.failure", {},
    h("h1", {}, gone ? "There is nothing here" : error.status === 401 ? "Please sign in" : "This cannot be shown now"),
    h("p", {}, gone ? "It was removed, or it belongs to somebody else." : inWords(error)),
    h("p.actions", {},
      gone || h("button.button.is-primary", { type: "button", onclick: () => location.reload() }, "Try again"),
      h("a.button", { href: "/" }, "Home"))));
}

function themeToggle() {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const button = h("button.icon-button", { type: "button", onclick: flip });
  system.addEventListener("change", draw);
  addEventListener("storage", (event) => {
    if (event.key !== "theme") return;
    if (event.newValue) root.dataset.theme = event.newValue;
    else delete root.dataset.theme;
    draw();
  });
  draw();
  return button;

  function flip() {
    const wanted = isDark() ? "light" : "dark";
    root.dataset.theme = wanted;
    try {
      localStorage.setItem("theme", wanted);
    } catch {
      // it holds for this page only, then
    }
    draw();
  }

  function draw() {
    const label = isDark() ? "Use light colours" : "Use dark colours";
    fill(button, icon(isDark() ? "sun" : "moon"));
    button.setAttribute("aria-label", label);
    button.title = label;
  }
}

function account() {
  const place = h("span.account", {});
  if (token()) {
    fill(place, leaving(claims()?.sub, "Forget the token in this tab", async () => signOut()));
  } else {
    get("/session").then(({ user_id: user, signed_in_by: by }) => {
      if (by !== "cookie") return;
      fill(place, leaving(user, "Sign this browser out", () => call("/session", { method: "DELETE" })));
    }, () => {}); // not signed in: the sign-in is shown by whoever noticed
  }
  return place;
}

function leaving(user, explanation, leave) {
  return h("button.link", {
    type: "button",
    title: explanation,
    onclick: async () => {
      await leave().catch(noticeRefusal);
      location.assign(to("/"));
    },
  }, `Sign out ${user ?? ""}`.trim());
}
