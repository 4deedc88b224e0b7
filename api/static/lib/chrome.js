/** What all pages share: navigation, theme, inbox, account, and what a page that fails shows. */

import { bell } from "../views/bell.js";
import { call, complain, get, inWords, noticeRefusal, onUnauthenticated } from "./api.js";
import { forgetDrafts } from "./drafts.js";
import { fill, h, icon, iconButton, to } from "./dom.js";
import { LANGUAGES, choose, language, t } from "./i18n.js";
import { commands, concepts, keyCap, listen } from "./keys.js";
import { summoned } from "./later.js";
import { settle } from "./place.js";
import { isAway } from "./presence.js";
import { claims, maybeAdmin, signOut, token } from "./session.js";
import { cut } from "./words.js";

const main = document.getElementById("main");
const favicon = /** @type {HTMLLinkElement|null} */ (document.querySelector("link[rel=icon]"));
const TONES = { busy: "icon-busy.svg", ask: "icon-ask.svg", bad: "icon-bad.svg", good: "icon-good.svg" };

/**
 * Put the page together and run it.
 *
 * @param {(main: HTMLElement) => Promise<void>} page Draws into `main`; what it throws before it has
 *   drawn is shown instead of it, what it throws later beside it.
 */
export async function start(page) {
  onUnauthenticated(summoned("signin", ({ askForToken }) => askForToken()));
  document.documentElement.lang = language;
  fill(document.getElementById("nav"), links());
  const help = summoned("help", ({ openHelp }) => openHelp({ commands, keyCap, languages }));
  fill(document.getElementById("tools"), iconButton("help", t`Keys and language`, help), themeToggle(), bell());
  foot();
  listen(summoned("palette", ({ openPalette }) => openPalette({ get, commands, concepts, keyCap })), help);
  await null; // the page's own module is read to its end before it is run
  try {
    await page(main);
  } catch (error) {
    noticeRefusal(error);
    if (main.querySelector(":scope > .loading, :scope > .skeleton")) return broken(error);
    complain(error);
  }
  settle();
}

/** Return the ids in the address: `/tasks/{0}/…`, `/roadmaps/{0}/concepts/{1}`. */
export function idsInAddress() {
  return location.pathname.match(/[0-9a-f]{8}-[0-9a-f-]{27}/gi) ?? [];
}

/** Name the tab; its icon tells the state of what it shows. */
export function title(text, tone = "") {
  document.title = `${cut(text)} · Roadmaps`;
  if (!favicon) return;
  const address = favicon.href.replace(/[^/]+$/, TONES[tone] ?? "icon.svg");
  if (favicon.href !== address) favicon.href = address;
}

function links() {
  const wanted = [["/", t`Home`], ["/reviews", t`Reviews`]];
  if (maybeAdmin()) wanted.push(["/operations", t`Operations`]);
  return wanted.map(([href, text]) =>
    h("a", { href, "aria-current": location.pathname === to(href) ? "page" : null }, text));
}

/** The page has not come up: it is loaded anew when the server is back, at the place where one was. */
async function broken(error) {
  if (!(await isAway())) return showFailure(error);
  addEventListener("online", async () => (await isAway()) || location.reload());
}

function showFailure(error) {
  const gone = error.status === 404;
  const barred = error.status === 403;
  const heading = barred ? t`Not for this account` : gone ? t`There is nothing here` : error.status === 401 ? t`Please sign in` : t`This cannot be shown now`;
  title(heading);
  fill(main, h("section.failure", {},
    h("h1", {}, heading),
    h("p", {}, gone ? t`It was removed, or it belongs to somebody else.` : barred ? t`This page is for admins. Sign out below, then sign in as an admin.` : inWords(error)),
    h("p.actions", {},
      !gone && !barred && h("button.button.is-primary", { type: "button", onclick: () => location.reload() }, t`Try again`),
      h("a.button", { href: "/" }, t`Home`))));
}

/** The foot in the interface's language, and the choice of it. */
function foot() {
  const place = document.getElementById("foot-tools");
  if (!place) return;
  fill(place, languages(), account());
  if (language === "en") return;
  const loading = main.querySelector(".skeleton [role]");
  if (loading) loading.textContent = t`Loading…`;
  document.getElementById("foot-note").textContent = t`Texts are written by a program: a language model, or the offline sample author. Check what matters.`;
  document.querySelector(".skip").textContent = t`Skip to content`;
}

function languages() {
  const select = h("select", {
    "aria-label": t`Language of these pages`,
    onchange: () => {
      choose(select.value);
      location.reload();
    },
  }, Object.entries(LANGUAGES).map(([code, name]) => h("option", { value: code, selected: code === language, lang: code }, name)));
  return select;
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
    const label = isDark() ? t`Use light colours` : t`Use dark colours`;
    fill(button, icon(isDark() ? "sun" : "moon"));
    button.setAttribute("aria-label", label);
    button.title = label;
  }
}

function account() {
  const place = h("span.account", {});
  if (token()) {
    fill(place, leaving(claims()?.sub, t`Forget the token in this tab`, async () => signOut()));
  } else {
    get("/session").then(({ user_id: user, signed_in_by: by }) => {
      if (by !== "cookie") return;
      fill(place, leaving(user, t`Sign this browser out`, () => call("/session", { method: "DELETE" })));
    }, () => {}); // not signed in: the sign-in is shown by whoever noticed
  }
  return place;
}

function leaving(user, explanation, leave) {
  return h("button.link", {
    type: "button",
    title: explanation,
    onclick: async () => {
      try {
        await leave();
      } catch (error) {
        noticeRefusal(error);
        if (error.status !== 401) return complain(error); // still signed in
      }
      forgetDrafts();
      location.assign(to("/"));
    },
  }, user ? t`Sign out (${user})` : t`Sign out`);
}
