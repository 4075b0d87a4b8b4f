// This runs before the page is drawn, so that a page in the dark theme does not flash. It is no module for that reason.
"use strict";
try {
  const chosen = localStorage.getItem("sallyport.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch { /* the browser denies the storage */ }
