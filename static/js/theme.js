// Blocking, in <head>: chooses light or dark before the first paint. The choice is a cookie that the server reads too.
(() => {
  const chosen = (document.cookie.match(/(?:^|; )op-theme=(light|dark)/) || [])[1];
  const dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.bsTheme = dark ? "dark" : "light";
})();
