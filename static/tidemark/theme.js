// Applies the chosen theme before the first paint, and says that scripts run. Light unless the reader chose dark here.
document.documentElement.classList.add("js");
try {
  if (localStorage.getItem("theme") === "dark") document.documentElement.dataset.theme = "dark";
} catch {
  // Storage is switched off in this browser: the light theme stays.
}
