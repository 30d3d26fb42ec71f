// The ledger: one row per record that is shown.
import { byId, count, follow, write, writeUser } from "./list.js";

export function showLedger(records, all) {
  showRecords(records);
  count(rows, all);
  byId("ledger-more").hidden = all <= records.length;
  byId("ledger-more").textContent = `and ${all - records.length} more, which have not changed lately`;
}

const rows = byId("ledger").tBodies[0];

const showRecords = follow(rows, byId("ledger-row"), byId("ledger-empty"), (record) => record.stagingSub, (row, record) => {
  row.dataset.sub = record.stagingSub;
  row.dataset.state = record.state;
  writeUser(row, record.email);
  write(row, ".state", record.state);
  write(row, ".error", record.error);
  write(row, ".via", record.via);
  write(row, ".rows", `${record.rows.toLocaleString("en")} ${record.rows === 1 ? "row" : "rows"}`);
  writeId(row, ".staging", record.stagingSub);
  writeId(row, ".production", record.productionSub);
});

function writeId(row, selector, id) {
  write(row, selector, id ? `${id.slice(0, 6)}…` : "not yet", id);
}
