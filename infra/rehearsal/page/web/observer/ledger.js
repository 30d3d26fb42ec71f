// The ledger: one row per person on the way, as far as they are shown.
import { byId, follow, write } from "./list.js";

export function showLedger(lines, count) {
  showLines(lines);
  byId("ledger-more").hidden = count <= lines.length;
  byId("ledger-more").textContent = `and ${count - lines.length} more, which have not changed lately`;
}

const showLines = follow(byId("ledger").tBodies[0], byId("ledger-row"), byId("ledger-empty"), (line) => line.stagingSub, (row, line) => {
  row.dataset.sub = line.stagingSub;
  row.dataset.state = line.state;
  write(row, ".email", line.email, line.email);
  write(row, ".state", line.state);
  write(row, ".error", line.error);
  write(row, ".via", line.via);
  write(row, ".rows", line.rows);
  writeId(row, ".staging", line.stagingSub);
  writeId(row, ".production", line.productionSub);
});

function writeId(row, selector, id) {
  write(row, selector, id ? `${id.slice(0, 6)}…` : "not yet", id);
}
