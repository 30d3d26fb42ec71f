// The functions' decisions, as they happen, and how much of Cognito's limit each took.
import { byId, follow, write, writeTime, writeUser } from "./list.js";

const limit = 5000; // ms that Cognito waits for a trigger

// Cognito waits for sources such as UserMigration_Authentication. It does not wait for a background move, and the log of a
// reset email has no duration.
const isAwaited = (d) => d.source.includes("_");

function took(d) {
  if (isAwaited(d)) return `${d.durationMs} of ${limit} ms`;
  return d.durationMs > 0 ? `${d.durationMs} ms in the background` : "";
}

// What a decision means to the user. Others, such as continued, are on their way.
const results = {
  good: ["import", "import-for-reset", "moved", "already-moved", "account-update"],
  bad: ["unchanged", "rejected", "error", "deferred", "incomplete", "interrupted", "continuation-failed"],
};
const resultOf = (decision) => Object.keys(results).find((result) => results[result].includes(decision)) ?? "";

const keyOf = (d) => [d.time, d.function, d.decision, d.source, d.durationMs].join(" ");

export const showDecisions = follow(byId("decisions"), byId("decision"), byId("decisions-empty"), keyOf, (item, d) => {
  item.dataset.result = resultOf(d.decision);
  writeTime(item, d.time);
  writeUser(item, d.email);
  write(item, ".function", d.function);
  write(item, ".state", d.decision);
  write(item, ".reason", d.reason || d.error);
  write(item, ".source", d.source || d.msg);
  write(item, ".took", took(d));
  item.querySelector(".bar").hidden = !isAwaited(d);
  item.querySelector(".bar").style.setProperty("--share", Math.min(1, d.durationMs / limit));
});
