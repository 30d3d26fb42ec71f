// The functions' decisions, as they happen, and how much of Cognito's limit each took.
import { byId, follow, write, writeTime } from "./list.js";

const limit = 5000; // ms that Cognito waits for a trigger

// Cognito waits for sources such as UserMigration_Authentication. It does not wait for a background move, and the log of a
// reset email has no duration.
const isAwaited = (d) => d.source.includes("_");

function took(d) {
  if (isAwaited(d)) return `${d.ms} of ${limit} ms`;
  return d.ms > 0 ? `${d.ms} ms in the background` : "";
}

const keyOf = (d) => [d.time, d.function, d.decision, d.source, d.ms].join(" ");

export const showDecisions = follow(byId("decisions"), byId("decision"), byId("decisions-empty"), keyOf, (item, d) => {
  item.dataset.decision = d.decision;
  writeTime(item, d.time);
  write(item, ".user", d.user || "unknown user");
  write(item, ".function", d.function);
  write(item, ".decision", d.decision);
  write(item, ".reason", d.reason);
  write(item, ".source", d.source);
  write(item, ".took", took(d));
  item.querySelector(".bar").hidden = !isAwaited(d);
  item.querySelector(".bar").style.setProperty("--share", Math.min(1, d.ms / limit));
});
