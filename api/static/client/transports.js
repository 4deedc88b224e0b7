/**
 * Three ways to receive messages, one shape: each is a function that opens, calls `opened` once
 * the server has taken it, `received` with each message, and settles when it is over. It resolves
 * when the server ended it in order, rejects when it broke, and ends at once when `signal` aborts.
 */

import { ApiError } from "./http.js";

const OPEN_MS = 10_000;
/** Heartbeats of the server come every 15 s; after three missing ones a stream is dead. */
const SILENT_MS = 50_000;
const LONG_POLL_S = 25;

/**
 * Receive by WebSocket. A browser cannot send headers there, so a token is exchanged for a ticket
 * first: short-lived, good for this stream only. The token itself never stands in an address.
 */
export function webSocket({ http, WebSocket, path, after, ticketFor }) {
  return async ({ signal, opened, received }) => {
    const query = new URLSearchParams(after());
    if (await http.getToken()) {
      const answer = await http.request("/api/v1/stream-tickets", {
        method: "POST", body: ticketFor, signal,
      });
      query.set("ticket", answer.data.ticket);
    }
    const address = `${http.address(path, { ws: true })}?${query}`;
    await new Promise((resolve, reject) => {
      if (signal.aborted) return resolve();
      const socket = new WebSocket(address);
      const timer = setTimeout(() => socket.close(), OPEN_MS);
      const leave = () => {
        socket.close(1000);
        settle(resolve);
      };
      const settle = (how, value) => {
        clearTimeout(timer);
        signal.removeEventListener("abort", leave);
        socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
        how(value);
      };
      signal.addEventListener("abort", leave, { once: true });
      socket.onopen = () => {
        clearTimeout(timer);
        opened();
      };
      socket.onmessage = (message) => received(JSON.parse(message.data));
      socket.onerror = () => {}; // `close` follows and tells the code
      socket.onclose = ({ code, reason }) => {
        if (code === 1000) settle(resolve);
        else settle(reject, new Error(`WebSocket closed: ${code} ${reason}`.trim()));
      };
    });
  };
}

/** Receive server-sent events by fetch: unlike EventSource it sends headers and sees statuses. */
export function serverSentEvents({ http, path, after }) {
  return async ({ signal, opened, received }) => {
    const own = new AbortController();
    const leave = () => own.abort();
    signal.addEventListener("abort", leave, { once: true });
    let timer = setTimeout(leave, OPEN_MS);
    try {
      const response = await http.open(`${path}?${new URLSearchParams(after())}`, {
        headers: { Accept: "text/event-stream" }, signal: own.signal,
      });
      if (response.status === 204) return; // everything was seen
      if (!response.ok) throw new ApiError(response.status, await response.json().catch(() => ({})));
      const parser = sseParser(received);
      const decoder = new TextDecoder();
      const reader = response.body.getReader();
      for (let stands = false; ; ) {
        const { done, value } = await reader.read();
        if (done) return;
        if (!stands) opened(); // a proxy may pass headers alone
        stands = true;
        clearTimeout(timer);
        timer = setTimeout(leave, SILENT_MS);
        parser(decoder.decode(value, { stream: true }));
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", leave);
      own.abort();
    }
  };
}

/** Return a function that takes pieces of a stream and calls back with each event's JSON. */
export function sseParser(received) {
  let rest = "";
  let data = [];
  return (piece) => {
    const lines = (rest + piece).split(/\r\n|\n|\r/);
    rest = lines.pop();
    for (const line of lines) {
      if (line === "") {
        if (data.length) received(JSON.parse(data.join("\n")));
        data = [];
      } else if (line.startsWith("data:")) {
        data.push(line.slice(line[5] === " " ? 6 : 5));
      }
    }
  };
}

/**
 * Receive by asking. `ask` returns the new messages and whether that was all there will be; it is
 * given the seconds it may wait for the first one.
 */
export function polling({ ask, pauseMs = 0 }) {
  return async ({ signal, opened, received }) => {
    let first = true;
    while (!signal.aborted) {
      try {
        const { messages, over } = await ask({ waitS: first ? 0 : LONG_POLL_S, signal });
        if (signal.aborted) return;
        if (first) opened();
        first = false;
        messages.forEach(received);
        if (over) return;
      } catch (error) {
        if (signal.aborted) return;
        throw error;
      }
      if (pauseMs && !signal.aborted) await pause(pauseMs, signal);
    }
  };
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}
