// Password fields: shown and hidden by a toggle, and checked against the pool's rules as they are typed.
import { announce, byId } from "./view.js";
import { missing, noneMissing } from "./words.js";

// toggle returns a function that hides the password again.
export function toggle(button, field) {
  const set = (shown) => {
    field.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", shown);
  };
  button.addEventListener("click", () => set(field.type === "password"));
  // It is hidden before it is sent: browsers remember the value of a text field.
  field.form.addEventListener("submit", () => set(false));
  return () => set(false);
}

// Cognito counts basic Latin letters, and these as symbols ("Adding user pool password requirements").
const symbol = /[\^$*.[\]{}()?"!@#%&/\\,><':;|_~`=+\- ]/;

// By the name that the pool's password policy has for each rule.
const meets = {
  MinimumLength: (password) => [...password].length >= policy.MinimumLength,
  RequireUppercase: (password) => /[A-Z]/.test(password),
  RequireLowercase: (password) => /[a-z]/.test(password),
  RequireNumbers: (password) => /[0-9]/.test(password),
  RequireSymbols: (password) => symbol.test(password),
};

const rules = [...byId("reset-rules").children];
let policy = {};

// setRules shows the pool's rules.
export function setRules(poolPolicy) {
  policy = poolPolicy;
  byId("reset-length").textContent = policy.MinimumLength;
  for (const rule of rules) rule.hidden = !policy[rule.dataset.rule];
}

// check marks each rule as met or not, and returns the texts of those that are not.
export function check(password) {
  const required = rules.filter((rule) => !rule.hidden);
  for (const rule of required) {
    const met = meets[rule.dataset.rule](password);
    rule.dataset.met = met;
    rule.querySelector(".mark").textContent = met ? "met: " : "";
  }
  return required.filter((rule) => rule.dataset.met === "false").map((rule) => rule.querySelector(".rule").textContent);
}

// checkAsTyped tells a screen reader when the user pauses typing, not at each character.
export function checkAsTyped(field) {
  field.addEventListener("input", () => {
    const unmet = check(field.value);
    announce(unmet.length ? missing(unmet) : noneMissing, 800);
  });
}
