// Applies the chosen theme before the first paint. Light unless the reader chose dark on this device.
try {
  if (localStorage.getItem("theme") === "dark") document.documentElement.dataset.theme = "dark";
} catch {
  // Storage is switched off in this browser: the light theme stays.
}
