// Shows what happens in the two accounts, as it happens. It only reads.
import { showDecisions } from "./decisions.js";
import { showLedger } from "./ledger.js";
import { byId } from "./list.js";
import { showMailbox } from "./mailbox.js";
import "./user.js";
import { listUsers } from "./users.js";

const connection = byId("connection");

function showConnection(state, text) {
  if (connection.dataset.state === state) return; // the browser tries again every few seconds; the text is read out once
  connection.dataset.state = state;
  connection.textContent = text;
}

let events;

function open() {
  events = new EventSource("/events");
  events.addEventListener("open", () => showConnection("live", "Live"));
  events.addEventListener("error", lose);
  events.addEventListener("message", (event) => {
    const { ledger, ledgerCount, messages, decisions } = JSON.parse(event.data);
    showLedger(ledger, ledgerCount);
    showMailbox(messages);
    showDecisions(decisions);
  });
}

// lose is called again at each attempt that fails.
function lose() {
  if (connection.dataset.state === "live" && events.readyState === EventSource.CONNECTING) showConnection("trying", "Connection lost. Trying again …");
  else showConnection("lost", "The rehearsal has ended, or cannot be reached. If you start it again, open the address that it prints.");
}

// A browser has six connections to a host for all its tabs, so a hidden tab uses none.
function connectWhileVisible() {
  events?.close();
  if (document.hidden) showConnection("resting", "Paused");
  else open();
}

document.addEventListener("visibilitychange", connectWhileVisible);
connectWhileVisible();

listUsers();
