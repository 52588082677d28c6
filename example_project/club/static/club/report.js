// Puts the report into the page when its job has finished, or could not be followed.
async function showReport() {
  const page = await (await fetch(location)).text();
  const main = new DOMParser().parseFromString(page, "text/html").querySelector("main");
  // What the visitor was told is told once, and was told this page.
  main.prepend(...document.querySelectorAll("main > .note"));
  document.querySelector("main").replaceWith(main);
}

document.addEventListener("bgtasks:finished", showReport);
document.addEventListener("bgtasks:gone", () => location.reload());
