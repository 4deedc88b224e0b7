/**
 * Who is signed in. Mostly the browser is, by a cookie that no script can read. A token that was
 * pasted instead lives in this tab's session storage and in headers, never in an address.
 */

const KEY = "roadmap.token";

export function token() {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** Keep a token in this tab; tell whether the browser does. */
export function signIn(value) {
  try {
    sessionStorage.setItem(KEY, value);
    return true;
  } catch {
    return false;
  }
}

export function signOut() {
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // there was none, then
  }
}

/** Return what the token says of its bearer; the server checks it, here it only chooses words. */
export function claims() {
  const part = token()?.split(".")[1];
  if (!part) return null;
  try {
    const bytes = Uint8Array.from(atob(part.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}

/** Whether pages for admins are worth a link. */
export function maybeAdmin() {
  const known = claims();
  return token() === null || known?.role === "admin";
}
