// A list that follows the server's events. Each event is the whole snapshot, and only what differs is changed, so that
// selection and focus stay.

export const byId = (id) => document.getElementById(id);

const markedFor = 4000;

// follow returns a function that updates a list. keyOf identifies an item; fill writes it into its copy of the template.
export function follow(list, template, empty, keyOf, fill) {
  const nodes = new Map();
  let first = true;
  return (items) => {
    const wanted = new Map(items.map((item) => [keyOf(item), item]));
    for (const [key, node] of nodes) {
      if (wanted.has(key)) continue;
      node.remove();
      nodes.delete(key);
    }
    let next = list.firstElementChild;
    for (const [key, item] of wanted) {
      const node = nodes.get(key) ?? template.content.firstElementChild.cloneNode(true);
      nodes.set(key, node);
      const before = node.textContent;
      fill(node, item);
      if (!first && node.textContent !== before) mark(node);
      if (node === next) next = next.nextElementSibling;
      else list.insertBefore(node, next);
    }
    empty.hidden = items.length > 0;
    count(list, items.length);
    first = false;
  };
}

function mark(node) {
  node.classList.add("new");
  setTimeout(() => node.classList.remove("new"), markedFor);
}

// write does not touch a text that is already right, since it may be selected.
export function write(node, selector, text, title) {
  const part = node.querySelector(selector);
  if (part.textContent !== String(text)) part.textContent = text;
  if (title !== undefined) part.title = title;
}

// count shows in the heading how many there are, since a list may have to be scrolled.
export function count(list, n) {
  list.closest(".panel").querySelector(".count").textContent = n || "";
}

let marked = "";

// writeUser shows whose item it is, in all lists alike. The emails of users whom nobody knows are not in the log.
export function writeUser(node, email) {
  node.dataset.email = email.toLowerCase();
  write(node, ".email", email || "unknown user", email);
  showMark(node);
}

// markUser marks all items of one user.
export function markUser(email) {
  marked = email.toLowerCase();
  document.querySelectorAll("[data-email]").forEach(showMark);
}

const showMark = (node) => node.classList.toggle("same", marked !== "" && node.dataset.email === marked);

export function writeTime(node, rfc3339) {
  const part = node.querySelector("time");
  part.dateTime = rfc3339;
  write(node, "time", new Date(rfc3339).toLocaleTimeString([], { hourCycle: "h23" }));
}
