// Password fields: shown and hidden by a toggle, and checked against the pool's rules as they are typed.
import { aside, byId } from "./view.js";

// toggle returns what hides the password again.
export function toggle(button, field) {
  const set = (shown) => {
    field.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", shown);
  };
  button.addEventListener("click", () => set(field.type === "password"));
  // Sent hidden: browsers remember what stood in a field of text.
  field.form.addEventListener("submit", () => set(false));
  return () => set(false);
}

// Cognito counts basic Latin letters, and these as symbols ("Adding user pool password requirements").
const symbol = /[\^$*.[\]{}()?"!@#%&/\\,><':;|_~`=+\- ]/;

const meets = {
  length: (password) => [...password].length >= policy.minimumLength,
  uppercase: (password) => /[A-Z]/.test(password),
  lowercase: (password) => /[a-z]/.test(password),
  digits: (password) => /[0-9]/.test(password),
  symbols: (password) => symbol.test(password),
};

const rules = [...byId("reset-rules").children];
let policy = {};

// setRules shows the rules that the pool has.
export function setRules(poolPolicy) {
  policy = poolPolicy;
  byId("reset-length").textContent = policy.minimumLength;
  for (const rule of rules) rule.hidden = rule.dataset.rule !== "length" && !policy[rule.dataset.rule];
}

// check marks each rule as met or not, and returns in words those that are not.
export function check(password) {
  const asked = rules.filter((rule) => !rule.hidden);
  for (const rule of asked) {
    const met = meets[rule.dataset.rule](password);
    rule.dataset.met = met;
    rule.querySelector(".mark").textContent = met ? "met: " : "";
  }
  return asked.filter((rule) => rule.dataset.met === "false").map((rule) => rule.querySelector(".rule").textContent);
}

// checkAsTyped tells a screen reader when the typing rests, not at each letter.
export function checkAsTyped(field) {
  field.addEventListener("input", () => {
    const missing = check(field.value);
    aside(missing.length ? `Still missing: ${missing.join(", ")}` : "The password meets all rules", 800);
  });
}
