// Comfort, not function: every page works without this file. Menus, appearance, copy buttons, trouble with htmx.
(() => {
  const root = document.documentElement;
  const trouble = (hidden) => { document.getElementById("op-trouble").hidden = hidden; };
  const $ = (selector) => document.querySelectorAll(selector);
  const closeMenus = (keep) => $("details.op-menu[open]").forEach((menu) => { if (menu !== keep) menu.open = false; });

  document.addEventListener("click", (event) => {
    const theme = event.target.closest("[data-theme-set]");
    if (theme) {
      event.preventDefault();
      const value = theme.dataset.themeSet;
      const secure = location.protocol === "https:" ? ";secure" : "";
      document.cookie = `op-theme=${value};path=/;max-age=31536000;samesite=lax${secure}`;
      const dark = value === "auto" ? matchMedia("(prefers-color-scheme: dark)").matches : value === "dark";
      root.dataset.bsTheme = dark ? "dark" : "light";
      $("[data-theme-set]").forEach((button) => button.setAttribute("aria-pressed", String(button === theme)));
      const menu = theme.closest("details");
      menu.open = false;
      menu.querySelector("summary").focus();
    }
    closeMenus(event.target.closest("details.op-menu"));

    const copy = event.target.closest("[data-copy]");
    if (copy) {
      navigator.clipboard.writeText(copy.dataset.copy).then(() => {
        const [word, done] = [copy.querySelector("[data-copy-word]"), copy.querySelector("[data-copy-done]")];
        word.hidden = !(done.hidden = false);
        setTimeout(() => { done.hidden = !(word.hidden = false); }, 2000);
      });
    }
    if (event.target.closest("[data-trouble-close]")) trouble(true);
    if (event.target.closest("[data-trouble-retry]")) location.reload();
  });

  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.querySelector("details.op-menu[open]");
    if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
  });

  const ready = (scope) => {
    if (!navigator.clipboard) return;
    scope.querySelectorAll("[data-copy][hidden]").forEach((button) => { button.hidden = false; });
  };
  ready(document);
  const errors = document.getElementById("errors");
  if (errors) errors.focus();

  document.addEventListener("htmx:afterSwap", (event) => ready(event.target));
  document.addEventListener("htmx:afterRequest", (event) => { if (event.detail.successful) trouble(true); });
  ["htmx:responseError", "htmx:sendError", "htmx:timeout"].forEach((name) => document.addEventListener(name, () => trouble(false)));
  // A session that has ended answers a fragment's request with the sign-in page: go there instead of drawing it inside.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const from = event.detail.xhr && event.detail.xhr.responseURL;
    const signIn = document.body.dataset.signIn;
    if (from && signIn && new URL(from).pathname === signIn) { event.detail.shouldSwap = false; location.reload(); }
  });
})();
